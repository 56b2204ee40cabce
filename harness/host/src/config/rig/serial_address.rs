//! Where a serial port is: a device of this machine, or a port of another one that is reached over the network.

use crate::config::yaml::literal::{InvalidValue, Literal, pattern_schema};
use schemars::Schema;
use std::fmt;
use std::path::PathBuf;

const SOCKET: &str = "socket://";
const RFC2217: &str = "rfc2217://";

/// The place of a serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Device(PathBuf),
    /// A TCP port that passes bytes on as they are: `HOST:PORT`. Speed and parity are the other side's business.
    Socket(String),
    /// A TCP port with control of the serial port by RFC 2217: `HOST:PORT`.
    Rfc2217(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(path) => path.display().fmt(f),
            Self::Socket(peer) => write!(f, "{SOCKET}{peer}"),
            Self::Rfc2217(peer) => write!(f, "{RFC2217}{peer}"),
        }
    }
}

impl Literal for Address {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        if let Some(peer) = text.strip_prefix(SOCKET) {
            host_and_port(text, peer).map(Self::Socket)
        } else if let Some(peer) = text.strip_prefix(RFC2217) {
            host_and_port(text, peer).map(Self::Rfc2217)
        } else if let Some((scheme, _)) = text.split_once("://") {
            Err(InvalidValue::expected("a serial port", &format!("{scheme}://"))
                .help("a port is a device, `socket://HOST:PORT` (raw TCP) or `rfc2217://HOST:PORT`"))
        } else {
            String::read(text).map(|path| Self::Device(PathBuf::from(path)))
        }
    }

    fn schema() -> Schema {
        pattern_schema("((socket|rfc2217)://.+:[0-9]+|[^:].*)")
    }
}

fn host_and_port(text: &str, peer: &str) -> Result<String, InvalidValue> {
    let sound = peer.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let host_is_sound = !host.is_empty() && (bracketed || !host.contains(':'));
        host_is_sound && !host.contains(['/', ' ']) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if sound {
        return Ok(peer.to_owned());
    }
    Err(InvalidValue::expected("a host and a port", text)
        .help("as in `socket://pi.example.com:3001` or `rfc2217://[::1]:3001`"))
}
