//! The HTTP package server: serves the packages on offer, wrongly where a case says so, and reports every request.
//!
//! It serves no files, only [`HttpOffer`]s at their exact paths; anything else is 404. It never trusts the peer: heads are
//! limited in size and time, connections in number, by host and over all, and reports of what is not on offer in number.
//!
//! The fault `refuse` accepts a connection and resets it at once. A server that stops listening looks almost the same to the
//! module, but the harness could not tell a refused module from one that never came, and another program could take the port.
//! While any offer refuses, every connection is reset: what it would ask for is not known yet.
//!
//! The fault `drop` ends the connection in order behind the last byte. A reset could overtake bytes that the module has not
//! read yet, and "exactly at 50 %" would be wrong by a buffer's length.

mod answer_plan;
mod body;
mod connection;
mod etag_case;
mod fault_io;
mod package;
mod range;
mod slots;
mod throttle;

pub use package::{Http, URL_MAX};

use crate::limits::EventLimiter;
use crate::listen::explain;
use crate::offer::{Offer, OfferError, OfferPath, Offers};
use crate::sync::lock;
use bytes::Bytes;
use connection::HttpConnection;
use dfota_clock::Clock;
use dfota_core::event::Request;
use dfota_core::fault::HttpFaults;
use package::connection_log::ConnectionLog;
use slots::ConnectionSlots;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

pub type HttpOffer = Offer<Http>;

/// How long to wait when the system cannot accept, as without free file descriptors.
const BREATHER: Duration = Duration::from_millis(50);

type OnRequest = Arc<dyn Fn(Request) + Send + Sync>;

/// The server. It ends with its connections when it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    addr: SocketAddr,
    offers: Arc<Offers<Http>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Listens, on the current tokio runtime. `on_request` gets every request once, when its answer is over or its
    /// connection broke; a flood of requests for what is not on offer
    /// is reported in part. It must neither block nor panic.
    pub fn bind(
        listen: SocketAddr,
        clock: Clock,
        on_request: impl Fn(Request) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let listener = bind(listen).map_err(|error| explain(&error, "HTTP", listen, "-ltnp"))?;
        let addr = listener.local_addr()?;
        let offers = Arc::new(Offers::default());
        let (stop, stopped) = oneshot::channel();
        let acceptor = Acceptor {
            listener,
            offers: offers.clone(),
            clock,
            on_request: bounded(on_request, clock),
        };
        let task = runtime.spawn(acceptor.run(stopped));
        Ok(Self {
            addr,
            offers,
            stop,
            task,
        })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Offers a package under the advertised `base`.
    pub fn offer(
        &self,
        base: &str,
        path: OfferPath<'_>,
        package: Bytes,
        faults: HttpFaults,
    ) -> Result<HttpOffer, OfferError> {
        let protocol = Http::new(&package);
        self.offers.offer(base, path, package, faults, protocol)
    }

    /// Ends it and waits until the port is free and the last connection is gone.
    pub async fn close(self) {
        drop(self.stop);
        let _ = self.task.await; // it fails only when the whole runtime ends
    }
}

struct Acceptor {
    listener: TcpListener,
    offers: Arc<Offers<Http>>,
    clock: Clock,
    on_request: OnRequest,
}

impl Acceptor {
    /// Accepts until the server is dropped; then ends every connection.
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let slots = Arc::new(ConnectionSlots::default());
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = self.admit(&slots, &mut connections) => {}
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        connections.shutdown().await;
    }

    async fn admit(&self, slots: &Arc<ConnectionSlots>, connections: &mut JoinSet<()>) {
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true); // a matter of speed alone
                let slot = Arc::new(slots.take(peer.ip()));
                let connection = HttpConnection {
                    offers: self.offers.clone(),
                    clock: self.clock,
                    log: Arc::new(ConnectionLog::new(peer.to_string(), self.on_request.clone())),
                    slot: slot.clone(),
                };
                connections.spawn(async move {
                    tokio::select! {
                        () = connection.serve(stream) => {}
                        () = slot.called_away() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the HTTP server cannot accept a connection");
                slots.clear_one();
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

/// Reports every request for a package, and all others within bounds: also connections that a case refuses, which may be of
/// any host.
fn bounded(on_request: impl Fn(Request) + Send + Sync + 'static, clock: Clock) -> OnRequest {
    let limiter = Mutex::new(EventLimiter::new("requests over HTTP for what is not on offer"));
    Arc::new(move |request| {
        let own = request.ours && !request.method.is_empty();
        if own || lock(&limiter).admits(clock.now()) {
            on_request(request);
        }
    })
}

/// Connections that wait to be accepted. The standard library's 128 are full at once in an attack, and a module whose SYN is
/// dropped asks again a second later.
const BACKLOG: u32 = 4096;

fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = if listen.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}
