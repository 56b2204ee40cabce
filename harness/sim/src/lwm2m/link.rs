//! The way to the LwM2M server: resolves its name and listens, in a thread of its own.

use crate::udp;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What a link tells the application.
#[derive(Debug)]
pub enum LinkEvent {
    /// Datagrams can be sent.
    Open(Arc<UdpSocket>),
    /// There is no way to this server.
    Failed(io::Error),
    /// A datagram has come.
    Datagram(Vec<u8>),
}

/// A link; dropping it closes it.
#[derive(Debug)]
pub struct ServerLink {
    closed: Arc<AtomicBool>,
}

impl Drop for ServerLink {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

impl ServerLink {
    /// Opens a link. Once closed, it tells nothing any more.
    pub fn open(
        host: String,
        port: u16,
        mut tell: impl FnMut(LinkEvent) + Send + 'static,
    ) -> io::Result<Self> {
        let closed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&closed);
        thread::Builder::new().name("lwm2m".into()).spawn(move || {
            let socket = match udp::connect(&host, port) {
                Ok(socket) => Arc::new(socket),
                Err(error) => return tell(LinkEvent::Failed(error)),
            };
            tell(LinkEvent::Open(Arc::clone(&socket)));
            while !flag.load(Ordering::Relaxed) {
                if let Some(datagram) = udp::receive(&socket, Duration::MAX) {
                    tell(LinkEvent::Datagram(datagram));
                }
            }
        })?;
        Ok(Self { closed })
    }
}
