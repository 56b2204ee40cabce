//! Datagrams that go out, at once or after a delay that a case asks for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    ready: Vec<Datagram>,
    /// By the time they go; the number keeps those of the same time in their order.
    held: BTreeMap<(Duration, u64), Datagram>,
    held_count: u64,
}

impl Outgoing {
    pub(super) fn push(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.ready.push(Datagram { to, bytes });
    }

    pub(super) fn hold(&mut self, until: Duration, to: SocketAddr, bytes: Vec<u8>) {
        self.held_count += 1;
        self.held.insert((until, self.held_count), Datagram { to, bytes });
    }

    /// When the next one that is held goes.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.held.keys().next().map(|(until, _)| *until)
    }

    pub(super) fn take_due(&mut self, now: Duration) -> Vec<Datagram> {
        let mut due = std::mem::take(&mut self.ready);
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            due.push(entry.remove());
        }
        due
    }
}
