//! What happens between a datagram that comes in and those that go out: packages, registrations and updates over one endpoint.
//! It does no I/O: the socket's task gives it bytes and the time, and sends what it finds in [`Engine::take_due`].

mod drive;
mod notices;
mod requests;

use self::drive::Drive;
use super::event::CoapEvent;
use super::event_sink::EventSink;
use super::file;
use super::host_shares::HostShares;
use super::lossy_link::Direction;
use super::outgoing::{Datagram, Outgoing};
use super::package::{Coap, CoapPackage, OnCoapEvent};
use crate::offer::Offers;
use crate::sync::lock;
use dfota_core::coap::{CoapMessage, CoapToken, CodeClass, Endpoint, Output, Uploads, option};
use dfota_core::lwm2m::registration_interface::{self, PAYLOAD_MAX};
use dfota_core::lwm2m::{Registry, UpdateOptions};
use dfota_core::seed::Seed;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

pub(super) struct Engine {
    endpoint: Endpoint<SocketAddr>,
    registry: Registry<SocketAddr>,
    uploads: Uploads<SocketAddr>,
    drives: Vec<Drive>,
    offers: Arc<Offers<Coap>>,
    events: EventSink,
    /// How many clients are registered, readable from outside.
    registered: Arc<AtomicUsize>,
    shares: HostShares,
    outgoing: Outgoing,
}

/// What a drive acts on.
struct DriveContext<'a> {
    endpoint: &'a mut Endpoint<SocketAddr>,
    events: &'a mut EventSink,
    now: Duration,
}

impl Engine {
    pub(super) fn new(
        seed: Seed,
        offers: Arc<Offers<Coap>>,
        on_event: OnCoapEvent,
        registered: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            endpoint: Endpoint::new(seed),
            registry: Registry::new(seed),
            uploads: Uploads::new(PAYLOAD_MAX),
            drives: Vec::new(),
            offers,
            events: EventSink::new(on_event),
            registered,
            shares: HostShares::default(),
            outgoing: Outgoing::default(),
        }
    }

    /// Drives the update of a client as soon as it registers, or at once where it is registered; never pushes it out.
    pub(super) fn drive(&mut self, endpoint: String, options: UpdateOptions, now: Duration) {
        self.registry.pin(&endpoint);
        self.release(&endpoint);
        self.drives.push(Drive::new(endpoint.clone(), options));
        if let Some(registration) = self.registry.find(&endpoint) {
            self.endpoint.await_peer(registration.peer);
            self.with_drive(&endpoint, now, Drive::registered);
        }
        self.pump(None, now);
    }

    pub(super) fn release(&mut self, endpoint: &str) {
        self.drives.retain(|drive| drive.endpoint != endpoint);
    }

    /// Never pushes this client out of the registry.
    pub(super) fn pin(&mut self, endpoint: &str) {
        self.registry.pin(endpoint);
    }

    pub(super) fn on_datagram(&mut self, peer: SocketAddr, bytes: &[u8], now: Duration) {
        let message = match CoapMessage::decode(bytes) {
            Ok(message) => message,
            Err(malformed) => {
                tracing::trace!(%peer, why = malformed.why, "invalid CoAP message");
                if self.shares.admits(peer.ip(), now) {
                    self.endpoint.on_malformed(peer, malformed);
                    self.pump(None, now);
                }
                return;
            }
        };
        let is_request = message.class() == CodeClass::Request;
        let package = is_request.then(|| self.offers.find(&message.path())).flatten();
        if package.is_some() {
            self.shares.know(peer.ip());
        } else if self.is_awaited(peer, &message) {
            self.endpoint.await_peer(peer);
        } else if !self.shares.admits(peer.ip(), now) {
            return;
        }
        if let Some(package) = &package
            && !self.lets_in(package, peer, &message)
        {
            return;
        }
        self.endpoint.on_message(peer, message, now);
        self.pump(package.as_ref(), now);
    }

    pub(super) fn on_time(&mut self, now: Duration) {
        self.endpoint.on_time(now);
        while let Some(change) = self.registry.expire(now) {
            self.changed(change, now);
        }
        for package in self.offers.all() {
            let reports = lock(&package.protocol.downloads).close_resting(&package, now);
            for report in reports {
                self.events.send(CoapEvent::Request(report));
            }
        }
        self.pump(None, now);
    }

    /// When [`Self::on_time`] or [`Self::take_due`] has something to do.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let drives = self.drives.iter().filter_map(Drive::deadline);
        let parts = [
            self.endpoint.deadline(),
            self.registry.deadline(),
            self.outgoing.deadline(),
        ];
        parts.into_iter().flatten().chain(drives).min()
    }

    /// When downloads that rest are reported. It walks through all of them, so it is called seldom.
    pub(super) fn resting_deadline(&self) -> Option<Duration> {
        let packages = self.offers.all();
        let deadlines = packages
            .iter()
            .filter_map(|package| lock(&package.protocol.downloads).deadline());
        deadlines.min()
    }

    pub(super) fn take_due(&mut self, now: Duration) -> Vec<Datagram> {
        self.outgoing.take_due(now)
    }

    /// Does what the endpoint has to do; its answers go through the link of the package that was asked for.
    fn pump(&mut self, package: Option<&Arc<CoapPackage>>, now: Duration) {
        self.step_drives(now);
        while let Some(output) = self.endpoint.poll() {
            match output {
                Output::Send { to, bytes } => match package {
                    Some(package) => self.let_out(package, to, bytes, now),
                    None => self.outgoing.push(to, bytes),
                },
                Output::Request { ticket, message } => self.serve(ticket, &message, package, now),
                Output::Response {
                    from,
                    token,
                    observed,
                    message,
                } => self.with_token(from, token, now, |drive, context| {
                    drive.response(from, token, observed, &message, context);
                }),
                Output::Notification { from, token, message } => {
                    self.with_token(from, token, now, |drive, context| {
                        drive.notification(from, token, &message, context);
                    });
                }
                Output::Failed { to, token, why } => self.with_token(to, token, now, |drive, context| {
                    drive.failed(token, &why.to_string(), context);
                }),
            }
            self.step_drives(now);
        }
    }

    /// Whether this is of a client that is pinned or driven: its registration from any address, or, of a driven one,
    /// anything from where it is.
    fn is_awaited(&self, peer: SocketAddr, message: &CoapMessage) -> bool {
        // The module of the rig may register before its case begins.
        let name = message
            .options(option::URI_QUERY)
            .find_map(|query| std::str::from_utf8(query.strip_prefix(b"ep=")?).ok());
        if name.is_some_and(|name| self.registry.is_pinned(name)) {
            return true;
        }
        let registers = |drive: &Drive| name == Some(drive.endpoint.as_str());
        // From a new address as well, as behind NAT: nobody else knows the location.
        let updates = |drive: &Drive| {
            registration_interface::path(&self.registry, &drive.endpoint) == Some(message.path())
        };
        let mut drives = self.drives.iter();
        drives.any(|drive| drive.last == Some(peer) || registers(drive) || updates(drive))
    }

    /// Whether a request reaches the server, as far as the faults of the package go.
    fn lets_in(&self, package: &CoapPackage, peer: SocketAddr, message: &CoapMessage) -> bool {
        let faults = package.faults();
        if lock(&package.protocol.link).copies(Direction::In, &faults) == 0 {
            lock(&package.protocol.downloads).lost(peer, Direction::In);
            return false;
        }
        let Some(share) = file::stopped_at(package, message, &faults) else {
            return true;
        };
        let text = format!("stopped at {share}");
        if !lock(&package.protocol.downloads).add_faults(peer, std::slice::from_ref(&text)) {
            let mut report = requests::blank_report(peer, message, &package.path);
            (report.ours, report.wanted, report.fault) = (true, package.len(), Some(text));
            self.events.send(CoapEvent::Request(report));
        }
        false
    }

    fn let_out(&mut self, package: &CoapPackage, to: SocketAddr, bytes: Vec<u8>, now: Duration) {
        let faults = package.faults();
        let copies = lock(&package.protocol.link).copies(Direction::Out, &faults);
        match copies {
            0 => lock(&package.protocol.downloads).lost(to, Direction::Out),
            1 => {}
            _ => lock(&package.protocol.downloads).doubled(to),
        }
        for bytes in std::iter::repeat_n(bytes, copies.into()) {
            match faults.delay {
                None => self.outgoing.push(to, bytes),
                Some(delay) => self.outgoing.hold(now + delay, to, bytes),
            }
        }
    }

    // Updates.

    fn step_drives(&mut self, now: Duration) {
        for drive in &mut self.drives {
            let mut listens = true;
            if let Some(registration) = self.registry.find(&drive.endpoint) {
                drive.last = Some(registration.peer);
                listens = registration.listens(now);
            }
            let mut context = DriveContext {
                endpoint: &mut self.endpoint,
                events: &mut self.events,
                now,
            };
            drive.step(drive.last.filter(|_| listens), &mut context);
        }
    }

    fn with_drive(
        &mut self,
        endpoint: &str,
        now: Duration,
        act: impl FnOnce(&mut Drive, &mut DriveContext<'_>),
    ) {
        let mut context = DriveContext {
            endpoint: &mut self.endpoint,
            events: &mut self.events,
            now,
        };
        if let Some(drive) = self.drives.iter_mut().find(|drive| drive.endpoint == endpoint) {
            act(drive, &mut context);
        }
    }

    /// Acts on the drive of this token. Its client has just sent something, so it is awake.
    fn with_token(
        &mut self,
        peer: SocketAddr,
        token: CoapToken,
        now: Duration,
        act: impl FnOnce(&mut Drive, &mut DriveContext<'_>),
    ) {
        let Some(drive) = self.drives.iter().find(|drive| drive.has(token)) else {
            tracing::trace!(%peer, ?token, "a response to no pending request");
            return;
        };
        let endpoint = drive.endpoint.clone();
        self.registry.spoke(&endpoint, now);
        self.with_drive(&endpoint, now, act);
    }
}
