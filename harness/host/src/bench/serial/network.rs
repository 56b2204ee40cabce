//! A serial port over TCP: found, connected, and for RFC 2217 set up, before its descriptor is read like any other.

use super::telnet::{HELLO, Telnet, set_up};
use super::timespec;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long a host may take to take a connection, and a server to agree on the options.
const CONNECT: Duration = Duration::from_secs(3);
const AGREE: Duration = Duration::from_secs(3);
/// A peer whose machine is gone sends nothing: after this long without a byte it is asked, so often, so many times.
const ALIVE_AFTER: Duration = Duration::from_secs(10);
const ALIVE_EVERY: Duration = Duration::from_secs(5);
const ALIVE_TIMES: u32 = 3;

/// Why there is no port, and what to do about it, as the end of the sentence.
#[derive(Debug, thiserror::Error)]
#[error("{why}{hint}")]
pub struct PortRefused {
    why: String,
    hint: &'static str,
}

impl PortRefused {
    pub fn new(why: impl ToString, hint: &'static str) -> Self {
        let why = why.to_string();
        Self { why, hint }
    }
}

impl From<std::io::Error> for PortRefused {
    fn from(why: std::io::Error) -> Self {
        Self::new(why, "")
    }
}

/// Connects to `HOST:PORT`: each byte goes at once, and a peer that has gone is noticed.
pub fn connect(peer: &str) -> Result<TcpStream, PortRefused> {
    let found = peer.to_socket_addrs().map_err(|why| {
        let hint = "; check the name and the name server, or write an address";
        PortRefused::new(format_args!("the host was not found: {why}"), hint)
    })?;
    let hint = "; write an address in place of the host name";
    let mut last = PortRefused::new("the host has no address", hint);
    for address in found {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                keep_alive(&stream)?;
                return Ok(stream);
            }
            Err(why) => last = refused(&why),
        }
    }
    Err(last)
}

fn refused(why: &std::io::Error) -> PortRefused {
    match why.kind() {
        ErrorKind::ConnectionRefused => PortRefused::new(
            "the host refuses the connection",
            "; is ser2net or a similar server running there, on this port?",
        ),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => PortRefused::new(
            format_args!("the host does not answer within {} s", CONNECT.as_secs()),
            "; check that it is on and that no firewall blocks this port",
        ),
        _ => PortRefused::new(why, ""),
    }
}

fn keep_alive(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, ALIVE_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, ALIVE_EVERY)?;
    sockopt::set_tcp_keepcnt(stream, ALIVE_TIMES)?;
    Ok(())
}

/// Agrees on the options and sets the port to `baud`, 8N1. What the module says meanwhile is dropped, as a device drops what
/// came before it was opened.
pub fn agree(stream: &mut TcpStream, baud: u32) -> Result<Telnet, PortRefused> {
    let lost = |why: std::io::Error| PortRefused::new(format_args!("the connection broke: {why}"), "");
    let mut telnet = Telnet::default();
    stream.write_all(&HELLO).map_err(lost)?;
    let deadline = Instant::now() + AGREE;
    let mut asked = false;
    while telnet.baud().is_none() {
        if telnet.controls() == Some(false) || !readable(stream, deadline) {
            let hint = "; `socket://` reads a port of raw TCP; in ser2net, set the option `rfc2217` of the connection";
            return Err(PortRefused::new("the server does not speak RFC 2217", hint));
        }
        let mut buffer = [0; 512];
        match stream.read(&mut buffer).map_err(lost)? {
            0 => {
                let hint = "; another program may have the port: most servers take one connection";
                return Err(PortRefused::new("the server closed the connection", hint));
            }
            n => telnet.decode(&mut buffer[..n]),
        };
        stream.write_all(&telnet.take_replies()).map_err(lost)?;
        if telnet.controls() == Some(true) && !asked {
            stream.write_all(&set_up(baud)).map_err(lost)?;
            asked = true;
        }
    }
    match telnet.baud() {
        Some(set) if set != baud => Err(PortRefused::new(
            format_args!("the server set {set} baud, expected {baud}"),
            "; its adapter may not have that speed",
        )),
        _ => Ok(telnet),
    }
}

fn readable(stream: &TcpStream, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut fds = [PollFd::new(stream, PollFlags::IN)];
    poll(&mut fds, Some(&timespec(left))).is_ok_and(|ready| ready > 0)
}
