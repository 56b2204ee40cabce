//! The servers answer at the addresses where they listen. Whether the module reaches them shows only when it downloads.

use super::{RigChecker, fail, ok, skip};
use crate::device::open_rig::AdvertisedServer;
use dfota_core::rig_check::{Check, Probe};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// How long a server on this machine may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two pings: a datagram may be lost, on the loopback too.
const AGAIN: Duration = Duration::from_millis(500);
/// A confirmable empty message, which has to be answered with RST: "CoAP ping" (RFC 7252 §4.3).
const PING: [u8; 4] = [0x40, 0x00, 0x5a, 0x17];
/// Its answer: a reset with the same message id.
const PONG: [u8; 4] = [0x70, 0x00, 0x5a, 0x17];

const ADVICE: &str =
    "another program, a firewall or a changed address is in the way: check `listen` in the rig file";

impl RigChecker<'_> {
    pub(super) fn servers(&mut self) {
        let http = self.rig.servers.http.as_ref();
        self.report(server(Probe::Http, http, |server| server.addr(), get));
        let coap = self.rig.servers.coap.as_ref();
        self.report(server(Probe::Coap, coap, |server| server.addr(), ping));
    }
}

fn server<S>(
    probe: Probe,
    server: Option<&AdvertisedServer<S>>,
    addr: fn(&S) -> SocketAddr,
    ask: fn(SocketAddr) -> io::Result<String>,
) -> Check {
    let Some(AdvertisedServer { server, base }) = server else {
        return skip(probe, format!("the rig file names no `network.{}`", probe.name()));
    };
    let addr = addr(server);
    match ask(reachable(addr)) {
        Ok(said) => ok(
            probe,
            format!(
                "{said} at {addr}, advertised as {base}; only a download shows that the module gets there"
            ),
        ),
        Err(why) => fail(probe, format!("no answer from {addr}: {why}"), ADVICE),
    }
}

/// A server that listens on every address is asked on the loopback.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

/// A path that is not on offer: 404 shows that the server is this program's, or as good as.
fn get(addr: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /rig-check HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    match line.strip_prefix("HTTP/1.1 ") {
        Some(status) if status.starts_with("404") => Ok("answered".into()),
        _ => Err(io::Error::other(format!(
            "it says `{line}`, expected `HTTP/1.1 404`"
        ))),
    }
}

fn ping(addr: SocketAddr) -> io::Result<String> {
    let here: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(here)?;
    socket.connect(addr)?;
    socket.set_read_timeout(Some(AGAIN))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        socket.send(&PING)?;
        let mut answer = [0; 64];
        match socket.recv(&mut answer) {
            Ok(len) if answer[..len] == PONG => return Ok("pinged".into()),
            Ok(_) => return Err(io::Error::other("the answer is not from a CoAP server")),
            Err(why) if Instant::now() >= deadline => return Err(why),
            Err(why) if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(why) => return Err(why),
        }
    }
}
