//! The CoAP server: packages for modules that download over CoAP, and a LwM2M server for the dialogue around it, over one
//! UDP socket.
//!
//! Like the HTTP server it has no files, only [`CoapOffer`]s at their exact paths, and does wrong what a case wants done
//! wrong. Every datagram gets the answer that the protocol has for it, or silence; what a peer can make the server
//! remember is bounded.
//!
//! `coaps://` (DTLS with a pre-shared key) has its place between the socket and the engine, in `Door::keep`: there
//! a datagram would be decrypted before the engine sees it. It is not part of this version.

mod engine;
mod event;
mod file;
mod listing;
mod lossy_link;
mod offer;
mod place;
mod shares;

pub use event::CoapEvent;
pub use offer::CoapOffer;

use crate::shelf::offer_path::{check_base, check_path, unguessable_path};
use crate::shelf::{OfferError, Shelf};
use bc66_spec::lwm2m::{SCHEME, URI_MAX};
use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::fault::CoapFaults;
use dfota_core::lwm2m::UpdateOptions;
use dfota_core::seed::Seed;
use engine::Engine;
use place::Place;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

/// Longest datagram that IP can carry.
const DATAGRAM_MAX: usize = 65_536;
/// So many datagrams are taken before timers and orders get their turn.
const BURST: usize = 64;
/// How often resting downloads are looked for, in real time.
const LOOK_AROUND: Duration = Duration::from_secs(1);

type OnCoapEvent = Arc<dyn Fn(CoapEvent) + Send + Sync>;

/// The server. It ends when it is dropped.
pub struct CoapServer {
    addr: SocketAddr,
    shelf: Arc<Shelf<Place>>,
    on_event: OnCoapEvent,
    registered: Arc<AtomicUsize>,
    orders: UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for CoapServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoapServer")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

/// What the server's task is told to do.
#[derive(Debug)]
enum Order {
    Drive(String, UpdateOptions),
    Release(String),
    Pin(String),
}

impl CoapServer {
    /// Listens, on the current tokio runtime. `on_event` is called in the order in which things happen, before the
    /// datagrams go out that follow; it must neither block nor panic. Ids, tokens, waits and locations come out of `seed`.
    pub fn bind(
        listen: SocketAddr,
        clock: Clock,
        seed: Seed,
        on_event: impl Fn(CoapEvent) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let socket = bind(listen).map_err(|error| teach(listen, &error))?;
        let addr = socket.local_addr()?;
        let shelf = Arc::new(Shelf::default());
        let on_event: OnCoapEvent = Arc::new(on_event);
        let registered = Arc::new(AtomicUsize::new(0));
        let (orders, inbox) = unbounded_channel();
        let door = Door {
            socket,
            clock,
            engine: Engine::new(seed, shelf.clone(), on_event.clone(), registered.clone()),
        };
        let task = runtime.spawn(door.keep(inbox));
        Ok(Self {
            addr,
            shelf,
            on_event,
            registered,
            orders,
            task,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Offers a package at an unguessable path that ends with `name`, under the advertised `base`; the whole URI fits into
    /// `/5/0/1`. What the faults leave to chance comes out of `seed`.
    pub fn offer(
        &self,
        base: &str,
        name: &str,
        package: Bytes,
        faults: CoapFaults,
        seed: Seed,
    ) -> Result<CoapOffer, OfferError> {
        let offer = self.offer_at(base, &unguessable_path(name)?, package, faults, seed)?;
        let length = offer.url().len();
        if length > URI_MAX {
            return Err(OfferError::TooLong {
                length,
                holder: "`/5/0/1`",
                longest: URI_MAX,
                key: "network.coap.advertise",
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
        faults: CoapFaults,
        seed: Seed,
    ) -> Result<CoapOffer, OfferError> {
        check_path(path)?;
        let url = format!("{}{path}", check_base(base, SCHEME)?);
        let to = (self.shelf.clone(), self.on_event.clone());
        CoapOffer::new(to, url, path.to_owned(), package, faults, seed)
    }

    /// Updates the firmware of a client as soon as it registers, or at once where it has; what happens is told, up to
    /// [`CoapEvent::Ended`]. The client is pinned. A second drive of the same client takes the first one's place.
    pub fn drive(&self, endpoint: &str, script: UpdateOptions) {
        let _ = self.orders.send(Order::Drive(endpoint.to_owned(), script)); // it fails when the runtime ends
    }

    /// Drives this client no more.
    pub fn release(&self, endpoint: &str) {
        let _ = self.orders.send(Order::Release(endpoint.to_owned()));
    }

    /// Never pushes this client out of the registry, however many others register.
    pub fn pin(&self, endpoint: &str) {
        let _ = self.orders.send(Order::Pin(endpoint.to_owned()));
    }

    /// How many clients are registered.
    pub fn registered(&self) -> usize {
        self.registered.load(Ordering::Relaxed)
    }

    /// Ends it and waits until the port is free.
    pub async fn close(self) {
        drop(self.orders);
        let _ = self.task.await; // it fails only when the whole runtime ends
    }
}

struct Door {
    socket: UdpSocket,
    clock: Clock,
    engine: Engine,
}

impl Door {
    /// Takes datagrams, orders and the time as they come, until the server is dropped.
    async fn keep(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut alarm = Box::pin(tokio::time::sleep(LOOK_AROUND));
        loop {
            self.take_in(&mut buffer).await;
            self.set(&mut alarm);
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                _ = self.socket.readable() => {}
                () = &mut alarm => self.look_around(),
            }
            self.send_out().await;
        }
    }

    /// Takes what has arrived.
    async fn take_in(&mut self, buffer: &mut [u8]) {
        for _ in 0..BURST {
            match self.socket.try_recv_from(buffer) {
                Ok((len, peer)) => {
                    let now = self.now();
                    self.engine.on_datagram(peer, &buffer[..len], now);
                    self.send_out().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // What the network says of a datagram that was sent before, such as that its port is closed.
                Err(error) => tracing::debug!(%error, "the CoAP socket"),
            }
        }
    }

    async fn send_out(&mut self) {
        for (peer, bytes) in self.engine.take_due(self.now()) {
            if let Err(error) = self.socket.send_to(&bytes, peer).await {
                tracing::debug!(%error, %peer, "a datagram could not be sent");
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Drive(endpoint, script) => {
                let now = self.now();
                self.engine.drive(endpoint, script, now);
            }
            Order::Release(endpoint) => self.engine.release(&endpoint),
            Order::Pin(endpoint) => self.engine.pin(&endpoint),
        }
    }

    fn look_around(&mut self) {
        let now = self.now();
        self.engine.on_time(now);
    }

    /// Sets the alarm to what is due next.
    fn set(&self, alarm: &mut std::pin::Pin<Box<Sleep>>) {
        let rests = || {
            self.engine
                .rests()
                .filter(|due| *due <= self.now() + self.clock.module_time(LOOK_AROUND))
        };
        let look_around = Instant::now() + LOOK_AROUND;
        let due = self.engine.deadline().map(|due| self.instant(due));
        let due = due.map_or(look_around, |due| due.min(look_around));
        // Set back only where something is due earlier: the alarm is not worth a timer for every datagram.
        let late = due + Duration::from_millis(1) < alarm.deadline();
        if alarm.is_elapsed() || late {
            let rest = rests().map(|rest| self.instant(rest));
            alarm.as_mut().reset(rest.map_or(due, |rest| rest.min(due)));
        }
    }

    /// The module's time since the clock started.
    fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.module_ns(self.clock.mono_ns()))
    }

    /// When that will be; far off where it is too far.
    fn instant(&self, module: Duration) -> Instant {
        const FAR: Duration = Duration::from_secs(365 * 86_400);
        let real = self.clock.real(module.min(FAR));
        self.clock.instant_of(real.as_nanos() as u64).into()
    }
}

/// Bytes of datagrams that wait to be read: some tens of milliseconds of an attack, where the kernel allows it.
const RECEIVE_BUFFER: usize = 4 << 20;

fn bind(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(listen)?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// An error of binding, with what to do about it.
fn teach(listen: SocketAddr, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program has the port (`ss -lunp 'sport = :{}'` names it): end it, or choose another port",
            listen.port()
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "this machine has no address `{}` (`ip addr` lists them): `0.0.0.0` means all of them",
            listen.ip()
        ),
        _ => "choose another address".to_owned(),
    };
    let text = format!("can not listen for CoAP on `{listen}`: {error}; {advice}");
    io::Error::new(error.kind(), text)
}
