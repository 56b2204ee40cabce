//! The page's thread: takes records in turns, and serves connections in between.

use super::access::Access;
use super::answer::{Asked, answer, refusal};
use super::site::Site;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::MissedTickBehavior;

/// How often records are taken and readers are told.
const TURN: Duration = Duration::from_millis(250);
/// Connections at once; each open page holds one.
const CONNECTIONS: usize = 256;
/// Connections beyond them that are told so; more are closed without a word.
const REFUSALS: usize = 16;
/// The time that a request's head may take.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// The time that a whole answer may take, but for events.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long an answer waits for what it is made of, and how often it looks.
const READY_LIMIT: Duration = Duration::from_secs(20);
const READY_LOOK: Duration = Duration::from_millis(50);
const HEAD_MAX: usize = 16 * 1024;
/// How long readers may take for the last event.
const LINGER: Duration = Duration::from_millis(500);
/// How long to wait when the system cannot accept, as without free file descriptors.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves until it is told to stop, with what is said to the readers then.
pub(super) fn run(
    listener: std::net::TcpListener,
    access: Access,
    site: impl Site + 'static,
    stopped: oneshot::Receiver<String>,
) {
    dfota_clock::priority::set_background();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.and_then(|runtime| {
        let _within = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let server = PageServer {
            access,
            site: RefCell::new(site),
            slots: Semaphore::new(CONNECTIONS),
            refusals: Semaphore::new(REFUSALS),
        };
        LocalSet::new().block_on(&runtime, serve(Rc::new(server), listener, stopped));
        Ok(())
    });
    if let Err(error) = served {
        tracing::warn!(%error, "the live page has ended");
    }
}

struct PageServer<S> {
    access: Access,
    site: RefCell<S>,
    slots: Semaphore,
    refusals: Semaphore,
}

async fn serve<S: Site + 'static>(
    server: Rc<PageServer<S>>,
    listener: tokio::net::TcpListener,
    mut stopped: oneshot::Receiver<String>,
) {
    let mut turns = tokio::time::interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connections = JoinSet::new();
    let said = loop {
        tokio::select! {
            biased;
            said = &mut stopped => break said.unwrap_or_default(),
            _ = turns.tick() => server.turn().await,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn_local(connect(server.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "the live page cannot accept a connection");
                    tokio::time::sleep(BREATHER).await;
                }
            },
        }
        while connections.try_join_next().is_some() {}
    };
    drop(listener);
    while server.take() {}
    server.site.borrow_mut().end(&said);
    let last = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LINGER, last).await; // who is slower learns it from the end of the connection
}

impl<S: Site> PageServer<S> {
    async fn turn(&self) {
        while self.take() {
            tokio::task::yield_now().await;
        }
        self.site.borrow_mut().tell();
    }

    fn take(&self) -> bool {
        self.site.borrow_mut().take()
    }

    /// Waits until what somebody who may read asks for is known.
    async fn ready<B>(&self, request: &Request<B>) {
        if self.access.admit(request).is_err() {
            return;
        }
        let until = Instant::now() + READY_LIMIT;
        while !self.site.borrow_mut().is_ready(request.uri().path()) && Instant::now() < until {
            tokio::time::sleep(READY_LOOK).await;
        }
    }
}

/// Serves one connection to its end: one request.
async fn connect<S: Site>(server: Rc<PageServer<S>>, stream: TcpStream) {
    let _ = stream.set_nodelay(true); // a matter of speed alone
    let leave = Rc::new(Notify::new());
    let streams = Cell::new(false);
    let slot = server.slots.try_acquire();
    let _refusal = match (&slot, server.refusals.try_acquire()) {
        (Ok(_), _) => None,
        (Err(_), Ok(permit)) => Some(permit),
        (Err(_), Err(_)) => return,
    };
    let (has_slot, server, leaving, streaming) = (slot.is_ok(), &server, &leave, &streams);
    let respond = |request: Request<hyper::body::Incoming>| async move {
        if !has_slot {
            let why = "too many pages are open: close one";
            return Ok::<_, Infallible>(refusal(StatusCode::SERVICE_UNAVAILABLE, why));
        }
        server.ready(&request).await;
        let asked = Asked {
            method: request.method(),
            leave: leaving,
            streams: streaming,
        };
        let site = &mut server.site.borrow_mut();
        Ok(answer(&request, &server.access, |path| site.answer(path, &asked)))
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(respond));
    let too_long = async {
        tokio::time::sleep(ANSWER_LIMIT).await;
        if streams.get() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        _ = connection => {} // whoever asked knows how it ended
        () = leave.notified() => {}
        () = too_long => {}
    }
}
