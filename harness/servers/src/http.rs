//! The HTTP package server: serves the packages on offer, wrongly where a case says so, and reports every request.
//!
//! Nothing leads out of it: it has no files, only [`Offer`]s at their exact paths. What is not on offer is 404 and
//! reported as a stranger's. It never trusts the peer: heads are limited in size and time, connections
//! in number, by host and over all, and what a flood of strangers leaves in the record.
//!
//! Where a case has the connection refused, it is accepted and reset at once. To stop listening would look the same to
//! the module but for the moment, yet the harness could not tell a module that was refused from one that never came, and
//! another program could take the port. While any offer refuses, every connection is reset: whom it would ask for is
//! not known before it speaks.
//!
//! Where an answer is dropped, its bytes go out and then an orderly end of the connection. A reset could overtake bytes
//! that the module has not yet read, and "exactly at 50 %" would be wrong by a buffer's length.

mod asked_range;
mod connection;
mod fault_io;
mod offer;
mod package_body;
mod place;
mod plan;
mod seats;
mod spelling;

pub use offer::{Offer, URL_MAX};

use crate::shelf::limiter::Limiter;
use crate::shelf::offer_path::{check_base, unguessable_path};
use crate::shelf::{OfferError, Shelf, lock};
use bytes::Bytes;
use connection::Connection;
use dfota_clock::Clock;
use dfota_core::event::Request;
use dfota_core::fault::HttpFaults;
use place::Place;
use place::ledger::Ledger;
use seats::Seats;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// How long to wait when the system can not accept, as without free file descriptors.
const BREATHER: Duration = Duration::from_millis(50);

type OnRequest = Arc<dyn Fn(Request) + Send + Sync>;

/// The server. It ends with its connections when it is dropped.
#[derive(Debug)]
pub struct PackageServer {
    addr: SocketAddr,
    shelf: Arc<Shelf<Place>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl PackageServer {
    /// Listens, on the current tokio runtime. `on_request` gets every request once, when its answer is over or its
    /// connection broke; a flood of strangers is told in part. It must neither block nor panic.
    pub fn bind(
        listen: SocketAddr,
        clock: Clock,
        on_request: impl Fn(Request) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let listener = bind(listen).map_err(|error| teach(listen, error))?;
        let addr = listener.local_addr()?;
        let shelf = Arc::new(Shelf::default());
        let (stop, stopped) = oneshot::channel();
        let door = Door {
            listener,
            shelf: shelf.clone(),
            clock,
            on_request: bounded(on_request, clock),
        };
        let task = runtime.spawn(door.keep(stopped));
        Ok(Self {
            addr,
            shelf,
            stop,
            task,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Offers a package at an unguessable path that ends with `name`, under the advertised `base`; the whole URL has at
    /// most [`URL_MAX`] characters.
    pub fn offer(
        &self,
        base: &str,
        name: &str,
        package: Bytes,
        faults: HttpFaults,
    ) -> Result<Offer, OfferError> {
        let offer = self.offer_at(base, &unguessable_path(name)?, package, faults)?;
        let length = offer.url().len();
        if length > URL_MAX {
            return Err(OfferError::TooLong {
                length,
                holder: "the module's command",
                longest: URL_MAX,
                key: "network.http.advertise",
                base: base.to_owned(),
            });
        }
        Ok(offer)
    }

    /// Offers a package at a path of the caller's choice, whose length is the caller's business.
    pub fn offer_at(
        &self,
        base: &str,
        path: &str,
        package: Bytes,
        faults: HttpFaults,
    ) -> Result<Offer, OfferError> {
        let url = format!("{}{path}", check_base(base, "http://")?);
        Offer::new(self.shelf.clone(), url, path.to_owned(), package, faults)
    }

    /// Ends it and waits until the port is free and the last connection is gone.
    pub async fn close(self) {
        drop(self.stop);
        let _ = self.task.await; // it fails only when the whole runtime ends
    }
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    shelf: Arc<Shelf<Place>>,
    clock: Clock,
    on_request: OnRequest,
}

impl Door {
    /// Accepts until the server is dropped; then ends every connection.
    async fn keep(self, mut stopped: oneshot::Receiver<()>) {
        let seats = Arc::new(Seats::default());
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = self.admit(&seats, &mut connections) => {}
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        connections.shutdown().await;
    }

    /// Takes one connection in.
    async fn admit(&self, seats: &Arc<Seats>, connections: &mut JoinSet<()>) {
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true); // a matter of speed alone
                let ledger = Ledger::new(peer.to_string(), self.on_request.clone());
                let seat = Arc::new(seats.take(peer.ip()));
                let connection = Connection::new(self.shelf.clone(), self.clock, ledger, seat.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = connection.serve(stream) => {}
                        () = seat.called_away() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the HTTP server can not accept a connection");
                seats.clear_one();
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

/// Tells of every request for a package, and of strangers within bounds. A connection that a case has refused may be
/// anybody's.
fn bounded(on_request: impl Fn(Request) + Send + Sync + 'static, clock: Clock) -> OnRequest {
    let limiter = Mutex::new(Limiter::new("requests of strangers over HTTP"));
    Arc::new(move |request| {
        let own = request.ours && !request.method.is_empty();
        let now = Duration::from_nanos(clock.module_ns(clock.mono_ns()));
        if own || lock(&limiter).admits(now) {
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

/// An error of binding, with what to do about it.
fn teach(listen: SocketAddr, error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program has the port (`ss -ltnp 'sport = :{}'` names it): end it, or choose another port",
            listen.port()
        ),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose one from 1024 on, such as 8080".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => format!(
            "this machine has no address `{}` (`ip addr` lists them): `0.0.0.0` means all of them",
            listen.ip()
        ),
        _ => "choose another address".to_owned(),
    };
    io::Error::new(
        error.kind(),
        format!("can not listen for HTTP on `{listen}`: {error}; {advice}"),
    )
}
