//! The CoAP server: packages for modules that download over CoAP, and a LwM2M server for the dialogue around it, over one
//! UDP socket.
//!
//! Like the HTTP server, it serves no files, only [`CoapOffer`]s at their exact paths, with the faults of a case. Every datagram
//! gets the answer that the protocol has for it, or none; what a peer can make the server remember is bounded.
//!
//! `coaps://` (DTLS with a pre-shared key) is not supported. It would belong into `CoapTask::receive`, between the socket and
//! the engine.

mod engine;
mod event;
mod event_sink;
mod file;
mod host_shares;
mod listing;
mod lossy_link;
mod outgoing;
mod package;

pub use event::CoapEvent;
pub use package::Coap;

use crate::listen::explain;
use crate::offer::{Offer, OfferError, OfferPath, Offers};
use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::fault::CoapFaults;
use dfota_core::lwm2m::UpdateOptions;
use dfota_core::seed::Seed;
use engine::Engine;
use package::OnCoapEvent;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

pub type CoapOffer = Offer<Coap>;

/// Longest datagram that IP can carry.
const DATAGRAM_MAX: usize = 65_536;
/// So many datagrams are taken before timers and commands get their turn.
const BURST: usize = 64;
/// How often resting downloads are looked for, in real time.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The server. It ends when it is dropped.
pub struct CoapServer {
    addr: SocketAddr,
    offers: Arc<Offers<Coap>>,
    on_event: OnCoapEvent,
    registered: Arc<AtomicUsize>,
    commands: UnboundedSender<EngineCommand>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for CoapServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoapServer")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

/// What the server's task is to do with its engine.
type EngineCommand = Box<dyn FnOnce(&mut Engine, Duration) + Send>;

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
        let socket = bind(listen).map_err(|error| explain(&error, "CoAP", listen, "-lunp"))?;
        let addr = socket.local_addr()?;
        let offers = Arc::new(Offers::default());
        let on_event: OnCoapEvent = Arc::new(on_event);
        let registered = Arc::new(AtomicUsize::new(0));
        let (commands, inbox) = unbounded_channel();
        let task = CoapTask {
            socket,
            clock,
            engine: Engine::new(seed, offers.clone(), on_event.clone(), registered.clone()),
        };
        let task = runtime.spawn(task.run(inbox));
        Ok(Self {
            addr,
            offers,
            on_event,
            registered,
            commands,
            task,
        })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Offers a package under the advertised `base`. What the faults leave to chance comes out of `seed`.
    pub fn offer(
        &self,
        base: &str,
        path: OfferPath<'_>,
        package: Bytes,
        faults: CoapFaults,
        seed: Seed,
    ) -> Result<CoapOffer, OfferError> {
        let protocol = Coap::new(&package, seed, self.on_event.clone());
        self.offers.offer(base, path, package, faults, protocol)
    }

    /// Updates the firmware of a client as soon as it registers, or at once where it has; [`CoapEvent::Ended`] is the last
    /// event of it. The client is pinned. A second drive of the same client replaces the first one.
    pub fn drive(&self, endpoint: &str, options: UpdateOptions) {
        let endpoint = endpoint.to_owned();
        self.command(move |engine, now| engine.drive(endpoint, options, now));
    }

    /// Stops driving this client.
    pub fn release(&self, endpoint: &str) {
        let endpoint = endpoint.to_owned();
        self.command(move |engine, _| engine.release(&endpoint));
    }

    /// Never pushes this client out of the registry, however many others register.
    pub fn pin(&self, endpoint: &str) {
        let endpoint = endpoint.to_owned();
        self.command(move |engine, _| engine.pin(&endpoint));
    }

    fn command(&self, command: impl FnOnce(&mut Engine, Duration) + Send + 'static) {
        let _ = self.commands.send(Box::new(command)); // it fails when the runtime ends
    }

    pub fn registered(&self) -> usize {
        self.registered.load(Ordering::Relaxed)
    }

    /// Ends it and waits until the port is free.
    pub async fn close(self) {
        drop(self.commands);
        let _ = self.task.await; // it fails only when the whole runtime ends
    }
}

struct CoapTask {
    socket: UdpSocket,
    clock: Clock,
    engine: Engine,
}

impl CoapTask {
    /// Takes datagrams, commands and the time as they come, until the server is dropped.
    async fn run(mut self, mut commands: UnboundedReceiver<EngineCommand>) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut alarm = Box::pin(tokio::time::sleep(CHECK_INTERVAL));
        loop {
            self.receive(&mut buffer).await;
            self.set_alarm(&mut alarm);
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => command(&mut self.engine, self.clock.now()),
                    None => return,
                },
                _ = self.socket.readable() => {}
                () = &mut alarm => self.engine.on_time(self.clock.now()),
            }
            self.send().await;
        }
    }

    async fn receive(&mut self, buffer: &mut [u8]) {
        for _ in 0..BURST {
            match self.socket.try_recv_from(buffer) {
                Ok((len, peer)) => {
                    self.engine.on_datagram(peer, &buffer[..len], self.clock.now());
                    self.send().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // What the network says of an earlier datagram, such as that its port is closed.
                Err(error) => tracing::debug!(%error, "the CoAP socket"),
            }
        }
    }

    async fn send(&mut self) {
        for datagram in self.engine.take_due(self.clock.now()) {
            let peer = datagram.to;
            if let Err(error) = self.socket.send_to(&datagram.bytes, peer).await {
                tracing::debug!(%error, %peer, "a datagram could not be sent");
            }
        }
    }

    /// Sets the alarm to what is due next.
    fn set_alarm(&self, alarm: &mut Pin<Box<Sleep>>) {
        let check = Instant::now() + CHECK_INTERVAL;
        let due = self.engine.deadline();
        let due = due.map_or(check, |due| self.instant(due).min(check));
        // Reset only where it has gone off or something is due earlier: a timer for every datagram costs too much.
        if !alarm.is_elapsed() && due + Duration::from_millis(1) >= alarm.deadline() {
            return;
        }
        let resting = self.engine.resting_deadline();
        let resting = resting.map_or(due, |resting| self.instant(resting).min(due));
        alarm.as_mut().reset(resting);
    }

    /// When that will be, of the module's time; far off where it is too far.
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
