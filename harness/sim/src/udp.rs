//! UDP towards one peer. Datagrams may be late or lost: that is not an error here.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// Real time after which a receiver looks again whether it was given up.
const SLICE: Duration = Duration::from_millis(10);
/// Longest datagram that is taken whole: more than CoAP ever needs (RFC 7252 §4.6).
const DATAGRAM_MAX: usize = 2048;

/// A socket of its own that receives from this peer alone; IPv4 is preferred, as the module's address is one.
pub(crate) fn connect(host: &str, port: u16) -> io::Result<UdpSocket> {
    let mut peers: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    peers.sort_by_key(SocketAddr::is_ipv6);
    let peer = peers
        .first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
    let own: SocketAddr = if peer.is_ipv6() {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(own)?;
    socket.connect(peer)?;
    Ok(socket)
}

/// The next datagram, if one comes within `limit` or a short while.
pub(crate) fn receive(socket: &UdpSocket, limit: Duration) -> Option<Vec<u8>> {
    let wait = limit.clamp(Duration::from_micros(100), SLICE);
    socket.set_read_timeout(Some(wait)).ok()?;
    let mut buffer = [0; DATAGRAM_MAX];
    match socket.recv(&mut buffer) {
        Ok(n) => Some(buffer[..n].to_vec()),
        Err(error) => {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                std::thread::sleep(wait); // no socket is bound there: the same as silence
            }
            None
        }
    }
}
