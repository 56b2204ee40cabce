//! A package server for one test, and a client that is nothing but a socket, so that every byte is the test's own.

use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::event::Request;
use dfota_core::fault::HttpFaults;
use dfota_servers::http::{HttpOffer, HttpServer};
use dfota_servers::{OfferPath, Served};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Longer than anything here takes on the slowest machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The base of every URL.
pub(crate) const BASE: &str = "http://lab.example.com:8080";

/// A server with its reports.
pub(crate) struct Bench {
    pub runtime: Runtime,
    pub server: Option<HttpServer>,
    pub addr: SocketAddr,
    reports: Receiver<Request>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Clock::system())
    }

    pub(crate) fn with(clock: Clock) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (report, reports) = channel();
        let bind = || HttpServer::bind(([127, 0, 0, 1], 0).into(), clock, move |it| drop(report.send(it)));
        let server = runtime.block_on(async { bind() }).expect("a free port");
        Self {
            addr: server.addr(),
            runtime,
            server: Some(server),
            reports,
        }
    }

    pub(crate) fn offer(&self, package: &[u8], faults: HttpFaults) -> HttpOffer {
        let server = self.server.as_ref().expect("a server that was not closed");
        let package = Bytes::copy_from_slice(package);
        server
            .offer(BASE, OfferPath::Unguessable("a-to-b.delta"), package, faults)
            .expect("an offer")
    }

    /// The next report; panics with what was awaited when there is none.
    pub(crate) fn report(&self, awaited: &str) -> Request {
        self.reports
            .recv_timeout(LIMIT)
            .unwrap_or_else(|_| panic!("{LIMIT:?} passed without the report of {awaited}"))
    }

    /// Panics if anything else was reported. A request of its own marks the end of what can still come.
    pub(crate) fn nothing_more(&self) {
        self.ask("GET /the-end HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(self.report("the end").path, "/the-end");
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).expect("the server listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit above zero");
        Client { stream }
    }

    /// Sends this on a connection of its own and reads until the server ends it.
    pub(crate) fn ask(&self, text: impl AsRef<[u8]>) -> Reply {
        let mut client = self.connect();
        client.send(text);
        client.rest()
    }

    /// GET of an offer with more lines of header, each with its line end.
    pub(crate) fn get(&self, offer: &HttpOffer, lines: &str) -> Reply {
        self.ask(request(
            "GET",
            offer.path(),
            &format!("Connection: close\r\n{lines}"),
        ))
    }
}

/// The text of a request.
pub(crate) fn request(method: &str, target: &str, lines: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: lab\r\n{lines}\r\n")
}

/// Waits until so many bytes of an offer are counted: the last ones reach the client a moment earlier.
pub(crate) fn counted(offer: &HttpOffer, bytes: u64) -> Served {
    let begun = Instant::now();
    while offer.requests().bytes < bytes {
        assert!(
            begun.elapsed() < LIMIT,
            "{LIMIT:?} passed until {bytes} bytes were counted"
        );
        std::thread::yield_now();
    }
    offer.requests()
}

/// A connection.
pub(crate) struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) {
        // A server that closes early may do so while this is still being sent.
        let _ = self.stream.write_all(text.as_ref());
    }

    /// Reads exactly so many bytes behind the head; the connection stays.
    pub(crate) fn head_and(&mut self, body: usize) -> Reply {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.byte());
        }
        let start = bytes.len();
        bytes.resize(start + body, 0);
        self.stream.read_exact(&mut bytes[start..]).expect("the body");
        Reply::new(bytes, End::Open)
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).expect("a head");
        byte[0]
    }

    /// Reads until the server ends the connection.
    pub(crate) fn rest(&mut self) -> Reply {
        let mut bytes = Vec::new();
        let end = match self.stream.read_to_end(&mut bytes) {
            Ok(_) => End::Fin,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
            Err(error) => panic!(
                "the server did not end the connection: {error}; it sent {} bytes",
                bytes.len()
            ),
        };
        Reply::new(bytes, end)
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Fin,
    Reset,
}

/// What the server sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    pub end: End,
}

impl Reply {
    fn new(bytes: Vec<u8>, end: End) -> Self {
        let blank = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let start = blank.map_or(bytes.len(), |blank| blank + 4);
        let head = String::from_utf8_lossy(&bytes[..start]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            body: bytes[start..].to_vec(),
            head,
            end,
        }
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| {
            line.split_once(": ")
                .is_some_and(|(it, _)| it.eq_ignore_ascii_case(name))
        };
        let line = self.head.lines().find(|it| line(it))?;
        line.split_once(": ").map(|(_, value)| value)
    }

    pub(crate) fn length(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }
}

/// A package in which every byte tells where it stands.
pub(crate) fn package(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}
