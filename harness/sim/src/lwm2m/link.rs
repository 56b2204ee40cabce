//! The connection to the LwM2M server: resolves its name and receives, in a thread of its own.

use crate::background::Background;
use crate::udp;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

/// Events of a connection.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    Open(Arc<UdpSocket>),
    /// The server's name has no address, or there is no socket.
    Failed(io::Error),
    Datagram(Vec<u8>),
}

pub(crate) fn open_link(
    host: String,
    port: u16,
    mut tell: impl FnMut(LinkEvent) + Send + 'static,
) -> io::Result<Background> {
    Background::start("lwm2m", move |cancellation| {
        let socket = match udp::connect(&host, port) {
            Ok(socket) => Arc::new(socket),
            Err(error) => return tell(LinkEvent::Failed(error)),
        };
        tell(LinkEvent::Open(Arc::clone(&socket)));
        while !cancellation.is_set() {
            if let Some(datagram) = udp::receive(&socket, Duration::MAX) {
                tell(LinkEvent::Datagram(datagram));
            }
        }
    })
}
