//! What happens between a datagram that comes and those that go: files, registrations and updates over one endpoint. It
//! does no I/O: the socket's task gives it bytes and the time, and sends what it finds in [`Engine::take_due`].

use super::OnCoapEvent;
mod drive;

use self::drive::Drive;
use super::event::CoapEvent;
use super::file;
use super::listing;
use super::lossy_link::Way;
use super::place::Place;
use super::shares::Shares;
use crate::shelf::limiter::Limiter;
use crate::shelf::{Shelf, lock};
use dfota_core::coap::{
    CoapCode, CoapMessage, CodeClass, Endpoint, Output, ReceivedPayload, Ticket, Uploads, option,
};
use dfota_core::event::Request;
use dfota_core::lwm2m::registration_interface::{self, PAYLOAD_MAX};
use dfota_core::lwm2m::{RegistrationChange, Registry, UpdateOptions};
use dfota_core::seed::Seed;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How much of a path a report shows.
const SHOWN_MAX: usize = 512;

pub(super) struct Engine {
    endpoint: Endpoint<SocketAddr>,
    registry: Registry<SocketAddr>,
    uploads: Uploads<SocketAddr>,
    drives: Vec<Drive>,
    shelf: Arc<Shelf<Place>>,
    on_event: OnCoapEvent,
    /// How many clients are registered, for whoever asks from outside.
    registered: Arc<AtomicUsize>,
    limiter: Limiter,
    /// Of clients under test: a name can be borrowed, and a client can go mad.
    own: Limiter,
    shares: Shares,
    out: Vec<(SocketAddr, Vec<u8>)>,
    /// Answers that are held back, by the time they go.
    held: BTreeMap<(Duration, u64), (SocketAddr, Vec<u8>)>,
    held_count: u64,
}

/// What a drive needs to speak.
pub(super) struct Post<'a> {
    pub(super) endpoint: &'a mut Endpoint<SocketAddr>,
    on_event: &'a OnCoapEvent,
    own: &'a mut Limiter,
    pub(super) now: Duration,
}

impl Post<'_> {
    /// Tells that something happened. What a verdict may rest on is always told, everything else within bounds.
    pub(super) fn tell(&mut self, event: CoapEvent) {
        if event.fact().is_some() || self.own.admits(self.now) {
            (self.on_event)(event);
        }
    }
}

impl Engine {
    /// An engine for the packages on a shelf.
    pub(super) fn new(
        seed: Seed,
        shelf: Arc<Shelf<Place>>,
        on_event: OnCoapEvent,
        registered: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            endpoint: Endpoint::new(seed),
            registry: Registry::new(seed),
            uploads: Uploads::new(PAYLOAD_MAX),
            drives: Vec::new(),
            shelf,
            on_event,
            registered,
            limiter: Limiter::new("requests and registrations of strangers over CoAP"),
            own: Limiter::new("what the client under test says over CoAP"),
            shares: Shares::default(),
            out: Vec::new(),
            held: BTreeMap::new(),
            held_count: 0,
        }
    }

    /// Drives the update of a client as soon as it registers, or at once where it is registered; never pushes it out.
    pub(super) fn drive(&mut self, endpoint: String, script: UpdateOptions, now: Duration) {
        self.registry.pin(&endpoint);
        self.drives.retain(|drive| drive.endpoint != endpoint);
        self.drives.push(Drive::new(endpoint.clone(), script));
        if let Some(registration) = self.registry.find(&endpoint) {
            self.endpoint.await_peer(registration.peer);
            self.with_drive(&endpoint, now, |drive, post| drive.registered(post));
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

    // Datagrams.

    pub(super) fn on_datagram(&mut self, peer: SocketAddr, bytes: &[u8], now: Duration) {
        let message = match CoapMessage::decode(bytes) {
            Ok(message) => message,
            Err(malformed) => {
                tracing::trace!(%peer, why = malformed.why, "a datagram that is no CoAP message");
                if !self.shares.admits(peer.ip(), now) {
                    return;
                }
                self.endpoint.on_malformed(peer, malformed);
                return self.pump(None, now);
            }
        };
        let asked = (message.class() == CodeClass::Request).then(|| self.shelf.find(&message.path()));
        let place = asked.flatten();
        if place.is_some() {
            self.shares.know(peer.ip());
        } else if self.is_awaited(peer, &message) {
            self.endpoint.await_peer(peer);
        } else if !self.shares.admits(peer.ip(), now) {
            return;
        }
        if let Some(place) = &place
            && !self.lets_in(place, peer, &message)
        {
            return;
        }
        self.endpoint.on_message(peer, message, now);
        self.pump(place.as_ref(), now);
    }

    pub(super) fn on_time(&mut self, now: Duration) {
        self.endpoint.on_time(now);
        while let Some(change) = self.registry.expire(now) {
            self.changed(change, now);
        }
        for place in self.shelf.all() {
            let reports = lock(&place.fetches).rest(&place, now);
            for report in reports {
                (self.on_event)(CoapEvent::Request(report));
            }
        }
        self.pump(None, now);
    }

    /// When [`Self::on_time`] or [`Self::take_due`] has something to do.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let held = self.held.keys().next().map(|(when, _)| *when);
        let drives = self.drives.iter().filter_map(Drive::deadline);
        let parts = [self.endpoint.deadline(), self.registry.deadline(), held];
        parts.into_iter().flatten().chain(drives).min()
    }

    /// When downloads that rest are reported; looked at seldom, for it walks through all of them.
    pub(super) fn rests(&self) -> Option<Duration> {
        let places = self.shelf.all();
        places
            .iter()
            .filter_map(|place| lock(&place.fetches).deadline())
            .min()
    }

    /// The datagrams that go now.
    pub(super) fn take_due(&mut self, now: Duration) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut due = std::mem::take(&mut self.out);
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            due.push(entry.remove());
        }
        due
    }

    /// Does what the endpoint has to do; its answers go through the link of the package that was asked for.
    fn pump(&mut self, place: Option<&Arc<Place>>, now: Duration) {
        self.step_drives(now);
        while let Some(output) = self.endpoint.poll() {
            match output {
                Output::Send { to, bytes } => match place {
                    Some(place) => self.let_out(place, to, bytes, now),
                    None => self.out.push((to, bytes)),
                },
                Output::Request { ticket, message } => self.serve(ticket, &message, place, now),
                Output::Response {
                    from,
                    token,
                    observed,
                    message,
                } => self.with_token(from, token, now, |drive, post| {
                    drive.response((from, token), observed, &message, post);
                }),
                Output::Notification { from, token, message } => {
                    self.with_token(from, token, now, |drive, post| {
                        drive.notification((from, token), &message, post);
                    });
                }
                Output::Failed { to, token, why } => self.with_token(to, token, now, |drive, post| {
                    drive.failed(token, &why.to_string(), post);
                }),
            }
            self.step_drives(now);
        }
    }

    /// Whether this is of a client that is pinned or driven: its registration under whatever address, or, of a driven one,
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
        // From a new address as well, as behind a translator of addresses: nobody else knows the location.
        let updates = |drive: &Drive| {
            registration_interface::path(&self.registry, &drive.endpoint) == Some(message.path())
        };
        let mut drives = self.drives.iter();
        drives.any(|drive| drive.last == Some(peer) || registers(drive) || updates(drive))
    }

    /// Whether a request reaches the server, as far as the faults of the package go.
    fn lets_in(&self, place: &Place, peer: SocketAddr, message: &CoapMessage) -> bool {
        let faults = place.faults();
        if lock(&place.link).copies(Way::In, &faults) == 0 {
            lock(&place.fetches).lost(peer, 0);
            return false;
        }
        if !file::is_stopped(place, message, &faults) {
            return true;
        }
        let share = faults.stop_at.map_or(String::new(), |share| share.to_string());
        let text = format!("stopped at {share}");
        if !lock(&place.fetches).fault(peer, &text) {
            let mut report = blank(peer, message, &place.path);
            (report.ours, report.wanted, report.fault) = (true, place.len(), Some(text));
            (self.on_event)(CoapEvent::Request(report));
        }
        false
    }

    fn let_out(&mut self, place: &Place, to: SocketAddr, bytes: Vec<u8>, now: Duration) {
        let faults = place.faults();
        let copies = lock(&place.link).copies(Way::Out, &faults);
        match copies {
            0 => lock(&place.fetches).lost(to, 1),
            1 => {}
            _ => lock(&place.fetches).doubled(to),
        }
        for _ in 0..copies {
            match faults.delay {
                None => self.out.push((to, bytes.clone())),
                Some(delay) => {
                    self.held_count += 1;
                    self.held
                        .insert((now + delay, self.held_count), (to, bytes.clone()));
                }
            }
        }
    }

    // Requests.

    fn serve(
        &mut self,
        ticket: Ticket<SocketAddr>,
        message: &CoapMessage,
        place: Option<&Arc<Place>>,
        now: Duration,
    ) {
        if let Some(place) = place {
            return self.serve_file(ticket, message, place, now);
        }
        let path = message.path();
        if registration_interface::is_at(&path) {
            return self.serve_registration(ticket, message, now);
        }
        let answer = if path == listing::PATH {
            listing::answer(message)
        } else {
            CoapMessage::draft(CoapCode::NOT_FOUND)
        };
        if self.limiter.admits(now) {
            let mut report = blank(ticket.peer, message, &path);
            report.status = Some(answer.code().number());
            (self.on_event)(CoapEvent::Request(report));
        }
        self.endpoint.respond(ticket, answer, now);
    }

    fn serve_file(
        &mut self,
        ticket: Ticket<SocketAddr>,
        message: &CoapMessage,
        place: &Arc<Place>,
        now: Duration,
    ) {
        let peer = ticket.peer;
        let faults = place.faults();
        let answer = file::answer(place, message, &faults);
        match answer.block {
            Some((block, end)) => self.served(place, peer, (block, end), &answer.faults, now),
            None => {
                let mut report = blank(peer, message, &place.path);
                report.ours = true;
                report.status = Some(answer.message.code().number());
                report.fault = (!answer.faults.is_empty()).then(|| answer.faults.join(", "));
                (self.on_event)(CoapEvent::Request(report));
            }
        }
        self.endpoint.respond(ticket, answer.message, now);
    }

    /// A block goes out.
    fn served(
        &mut self,
        place: &Arc<Place>,
        peer: SocketAddr,
        (block, end): (dfota_core::coap::BlockOption, u64),
        faults: &[String],
        now: Duration,
    ) {
        tracing::trace!(%peer, path = place.path, %block, "a block is served");
        let mut fetches = lock(&place.fetches);
        let mut progress = fetches.serve(place, peer, block, end, now);
        for fault in faults {
            fetches.fault(peer, fault);
            // A report that ends with this very block tells of its faults as well.
            for report in progress
                .reports
                .iter_mut()
                .filter(|report| report.first + report.sent == end)
            {
                let told = report.fault.get_or_insert_default();
                if !told.contains(fault.as_str()) {
                    *told = [told.as_str(), fault]
                        .into_iter()
                        .filter(|text| !text.is_empty())
                        .collect::<Vec<_>>()
                        .join(", ");
                }
            }
        }
        drop(fetches);
        for bytes in progress.acknowledged {
            let path = place.path.clone();
            let len = place.len();
            (self.on_event)(CoapEvent::Acknowledged { path, bytes, len });
        }
        for report in progress.reports {
            (self.on_event)(CoapEvent::Request(report));
        }
        if !block.more {
            let mine = |drive: &&mut Drive| drive.uri.ends_with(&place.path);
            for drive in self.drives.iter_mut().filter(mine) {
                drive.served(&mut Post {
                    endpoint: &mut self.endpoint,
                    on_event: &self.on_event,
                    own: &mut self.own,
                    now,
                });
            }
        }
    }

    fn serve_registration(&mut self, ticket: Ticket<SocketAddr>, message: &CoapMessage, now: Duration) {
        let peer = ticket.peer;
        let (payload, block) = match self.uploads.take(peer, message, now) {
            ReceivedPayload::Answer(answer) => return self.endpoint.respond(ticket, answer, now),
            ReceivedPayload::Whole(payload, block) => (payload, block),
        };
        let handled = registration_interface::handle(&mut self.registry, peer, message, &payload, now);
        let (mut answer, changes) = (handled.message, handled.changes);
        if let Some(block) = block {
            answer = answer.with_block(option::BLOCK1, block);
        }
        if changes.is_empty() && self.limiter.admits(now) {
            let mut report = blank(peer, message, &message.path());
            report.server = "lwm2m".to_owned();
            report.status = Some(answer.code().number());
            (self.on_event)(CoapEvent::Request(report));
        }
        for change in changes {
            self.changed(change, now);
        }
        self.endpoint.respond(ticket, answer, now);
    }

    // Registrations and updates.

    fn changed(&mut self, change: RegistrationChange<SocketAddr>, now: Duration) {
        // First, so that whoever is told of the change sees it in the number.
        self.registered.store(self.registry.len(), Ordering::Relaxed);
        let event = match &change {
            RegistrationChange::Registered { endpoint, before } => {
                self.with_drive(endpoint, now, |drive, post| drive.registered(post));
                self.registry
                    .find(endpoint)
                    .map(|registration| CoapEvent::Registered {
                        endpoint: endpoint.clone(),
                        peer: registration.peer,
                        again: before.is_some(),
                        lifetime: registration.lifetime,
                        binding: registration.binding.clone(),
                    })
            }
            RegistrationChange::Updated { endpoint, moved_from } => {
                let peer = self.registry.find(endpoint).map(|registration| registration.peer);
                if let (Some(from), Some(to)) = (moved_from, peer) {
                    self.endpoint.moved(*from, to);
                }
                let moved = moved_from.is_some();
                self.with_drive(endpoint, now, |drive, post| drive.updated(moved, post));
                peer.map(|peer| CoapEvent::Updated {
                    endpoint: endpoint.clone(),
                    peer,
                    moved,
                })
            }
            RegistrationChange::Deregistered(gone) => {
                self.with_drive(&gone.endpoint, now, |drive, _| drive.last = None);
                Some(gone_how(&gone.endpoint, "de-registered"))
            }
            RegistrationChange::Expired(gone) => Some(gone_how(&gone.endpoint, "expired")),
            RegistrationChange::PushedOut(gone) => Some(gone_how(&gone.endpoint, "pushed out")),
        };
        let endpoint = match &change {
            RegistrationChange::Registered { endpoint, .. }
            | RegistrationChange::Updated { endpoint, .. } => endpoint,
            RegistrationChange::Deregistered(gone)
            | RegistrationChange::Expired(gone)
            | RegistrationChange::PushedOut(gone) => &gone.endpoint,
        };
        self.tell_of(event, endpoint, now);
    }

    /// Tells of a registration; a flood of others is not told in full.
    fn tell_of(&mut self, event: Option<CoapEvent>, endpoint: &str, now: Duration) {
        let wanted = if self.registry.is_pinned(endpoint) {
            self.own.admits(now)
        } else {
            self.limiter.admits(now)
        };
        if let Some(event) = event.filter(|_| wanted) {
            (self.on_event)(event);
        }
    }

    fn step_drives(&mut self, now: Duration) {
        for drive in &mut self.drives {
            let peer = match self.registry.find(&drive.endpoint) {
                Some(registration) => {
                    drive.last = Some(registration.peer);
                    drive.last.filter(|_| registration.listens(now))
                }
                None => drive.last,
            };
            let mut post = Post {
                endpoint: &mut self.endpoint,
                on_event: &self.on_event,
                own: &mut self.own,
                now,
            };
            drive.step(peer, &mut post);
        }
    }

    fn with_drive(&mut self, endpoint: &str, now: Duration, act: impl FnOnce(&mut Drive, &mut Post<'_>)) {
        let mut post = Post {
            endpoint: &mut self.endpoint,
            on_event: &self.on_event,
            own: &mut self.own,
            now,
        };
        if let Some(drive) = self.drives.iter_mut().find(|drive| drive.endpoint == endpoint) {
            act(drive, &mut post);
        }
    }

    /// Acts on the drive of this token; whoever spoke is awake.
    fn with_token(
        &mut self,
        peer: SocketAddr,
        token: dfota_core::coap::CoapToken,
        now: Duration,
        act: impl FnOnce(&mut Drive, &mut Post<'_>),
    ) {
        let Some(drive) = self.drives.iter().find(|drive| drive.has(token)) else {
            tracing::trace!(%peer, ?token, "a response that nobody waits for any more");
            return;
        };
        let endpoint = drive.endpoint.clone();
        self.registry.spoke(&endpoint, now);
        self.with_drive(&endpoint, now, act);
    }
}

fn gone_how(endpoint: &str, how: &'static str) -> CoapEvent {
    CoapEvent::Gone {
        endpoint: endpoint.to_owned(),
        how,
    }
}

/// A report with nothing in it but the request.
fn blank(peer: SocketAddr, message: &CoapMessage, path: &str) -> Request {
    Request {
        server: "coap".to_owned(),
        peer: peer.to_string(),
        method: message.code().to_string(),
        path: shown(path),
        ..Request::default()
    }
}

/// A path as the record may show it. It is ASCII: everything else in it is escaped.
fn shown(path: &str) -> String {
    match path.get(..SHOWN_MAX) {
        Some(start) if path.len() > SHOWN_MAX => format!("{start}…"),
        _ => path.to_owned(),
    }
}
