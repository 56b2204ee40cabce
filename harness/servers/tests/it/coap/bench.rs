//! A server and a client by hand: every datagram of the client is written in the test, so that nothing is tried again that
//! a test does not want tried again.

use dfota_clock::Clock;
use dfota_core::coap::{BlockOption, BlockSize, CoapCode, CoapMessage, option};
use dfota_core::event::Request;
use dfota_core::fault::CoapFaults;
use dfota_core::seed::Seed;
use dfota_servers::OfferPath;
use dfota_servers::coap::{CoapEvent, CoapOffer, CoapServer};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// As long as a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs.
pub(crate) struct Bench {
    pub server: CoapServer,
    events: Receiver<CoapEvent>,
    _runtime: Runtime,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Clock::system())
    }

    pub(crate) fn with(clock: Clock) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let _within = runtime.enter();
        let (tell, events) = channel();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = CoapServer::bind(listen, clock, Seed(1), move |event| {
            let _ = tell.send(event);
        });
        let server = server.expect("a free port");
        drop(_within);
        Self {
            server,
            events,
            _runtime: runtime,
        }
    }

    pub(crate) fn offer(&self, package: &[u8], faults: CoapFaults) -> CoapOffer {
        let base = format!("coap://{}", self.server.addr());
        let package = package.to_vec().into();
        self.server
            .offer(&base, OfferPath::Unguessable("p.delta"), package, faults, Seed(7))
            .expect("a sound offer")
    }

    pub(crate) fn client(&self) -> Client {
        Client::of(self.server.addr())
    }

    /// The next thing that happens and is of the wanted kind.
    pub(crate) fn wait_for<T>(&self, what: &str, mut wanted: impl FnMut(CoapEvent) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                Err(_) => panic!("{what} did not come within {PATIENCE:?}"),
            }
        }
    }

    pub(crate) fn report(&self) -> Request {
        self.wait_for("a report", |event| match event {
            CoapEvent::Request(request) => Some(request),
            _ => None,
        })
    }

    /// Everything that has happened by now.
    pub(crate) fn so_far(&self) -> Vec<CoapEvent> {
        self.events.try_iter().collect()
    }
}

/// A client without any protocol of its own.
pub(crate) struct Client {
    pub socket: UdpSocket,
    next_id: u16,
}

impl Client {
    pub(crate) fn of(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(server).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self { socket, next_id: 1 }
    }

    /// Sends a confirmable request; gives its id.
    pub(crate) fn send(&mut self, draft: &CoapMessage) -> u16 {
        let mut bytes = draft.encode();
        self.next_id += 1;
        bytes[2..4].copy_from_slice(&self.next_id.to_be_bytes());
        self.socket.send(&bytes).expect("a socket");
        self.next_id
    }

    pub(crate) fn receive(&self) -> CoapMessage {
        let mut buffer = [0; 2048];
        let len = self.socket.recv(&mut buffer).expect("an answer");
        CoapMessage::decode(&buffer[..len]).expect("a sound answer")
    }

    pub(crate) fn ask(&mut self, draft: &CoapMessage) -> CoapMessage {
        let id = self.send(draft);
        let answer = self.receive();
        assert_eq!(answer.id(), id);
        answer
    }

    /// Whether nothing comes. A ping goes behind it: what is answered in order has been answered by then.
    pub(crate) fn hears_nothing_before_a_pong(&self) {
        self.socket.send(&[0x40, 0, 0xFF, 0xFE]).expect("a socket");
        assert_eq!(self.receive().encode(), [0x70, 0, 0xFF, 0xFE]);
    }

    /// Downloads from block `number` on.
    pub(crate) fn download(&mut self, path: &str, number: u32, size: BlockSize) -> Vec<u8> {
        let mut package = vec![];
        let mut block = BlockOption::new(number, size);
        loop {
            let answer = self.ask(&get(path, block));
            assert_eq!(answer.code(), CoapCode::CONTENT);
            package.extend_from_slice(answer.payload());
            let given = answer.block(option::BLOCK2).expect("a block").expect("a block");
            if !given.more {
                return package;
            }
            block = BlockOption::new(given.number + 1, given.size);
        }
    }
}

pub(crate) fn get(path: &str, block: BlockOption) -> CoapMessage {
    CoapMessage::request(CoapCode::GET, path).with_block(option::BLOCK2, block)
}

/// A package in which every byte tells where it stands.
pub(crate) fn package(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}

pub(crate) fn size(bytes: u64) -> BlockSize {
    BlockSize::from_bytes(bytes).expect("a size")
}
