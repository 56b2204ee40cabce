//! Helpers of both servers: explains errors of listening, and escapes text from outside for reports.

use std::io;
use std::net::SocketAddr;

/// How much of a path or a header a report shows.
const SHOWN_MAX: usize = 512;

/// An error of listening, with what to do about it. `ss` are the options of the program that names who has the port.
pub fn explain(error: &io::Error, protocol: &str, listen: SocketAddr, ss: &str) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program has the port (`ss {ss} 'sport = :{}'` names it): end it, or choose another port",
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
    let text = format!("can not listen for {protocol} on `{listen}`: {error}; {advice}");
    io::Error::new(error.kind(), text)
}

/// Bytes from outside, escaped and not too long.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = bytes.get(..SHOWN_MAX).unwrap_or(bytes).escape_ascii().to_string();
    if bytes.len() > SHOWN_MAX {
        text + "…"
    } else {
        text
    }
}
