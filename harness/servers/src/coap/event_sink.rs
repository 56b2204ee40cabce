//! Passes events on, within limits: neither unknown hosts nor a runaway client may fill the disk.

use super::event::CoapEvent;
use super::package::OnCoapEvent;
use crate::limits::EventLimiter;
use std::time::Duration;

pub(super) struct EventSink {
    on_event: OnCoapEvent,
    unknown_hosts: EventLimiter,
    clients_under_test: EventLimiter,
}

impl EventSink {
    pub(super) fn new(on_event: OnCoapEvent) -> Self {
        Self {
            on_event,
            unknown_hosts: EventLimiter::new("requests and registrations over CoAP of unknown hosts"),
            clients_under_test: EventLimiter::new("what the client under test says over CoAP"),
        }
    }

    /// An event that always counts: it belongs to a package on offer.
    pub(super) fn send(&self, event: CoapEvent) {
        (self.on_event)(event);
    }

    /// An event of a client under test. What a verdict may rest on is never left out.
    pub(super) fn send_own(&mut self, event: CoapEvent, now: Duration) {
        if event.fact().is_some() || self.clients_under_test.admits(now) {
            self.send(event);
        }
    }

    /// An event of any other host.
    pub(super) fn send_of_unknown(&mut self, now: Duration, event: impl FnOnce() -> CoapEvent) {
        if self.unknown_hosts.admits(now) {
            self.send(event());
        }
    }
}
