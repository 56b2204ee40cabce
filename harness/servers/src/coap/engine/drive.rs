//! One client whose firmware is updated: the machine that says what to ask, and the requests that are out.

use super::Post;
use crate::coap::event::CoapEvent;
use crate::shelf::limiter::Limiter;
use bc66_spec::lwm2m::{firmware, format as formats};
use dfota_core::coap::timing::ACK_TIMEOUT;
use dfota_core::coap::{CoapCode, CoapMessage, CoapToken, option};
use dfota_core::lwm2m::value;
use dfota_core::lwm2m::{ClientEvent, FirmwareUpdate, Operation, UpdateOptions};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The formats that values are asked for in: first whatever the client likes best, then those that every client of 1.0
/// knows. Accept is critical, so a client that knows none of them says so with 4.06 or 4.02.
const ACCEPTS: [Option<u16>; 3] = [None, Some(formats::TEXT), Some(formats::TLV)];

/// So often in a row the same value of a resource is told where a client notifies it.
const SAME_TOLD_MAX: u32 = 10;

/// An answer to an order takes no longer, in the module's time: a second for the request, one for the answer, and what a
/// network of this kind adds on a bad day.
const ANSWER: Duration = Duration::from_secs(10);

/// The update of one client.
#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) endpoint: String,
    /// Where the package is.
    pub(crate) uri: String,
    /// Where the client was registered last. A lifetime may be shorter than an update (the application note's example has
    /// 50 s): a client whose registration has expired in the middle is spoken to where it was, until it registers again.
    pub(crate) last: Option<SocketAddr>,
    update: FirmwareUpdate,
    /// The request that is out, and when it went.
    out: Option<(CoapToken, Operation, Duration)>,
    /// Observations, and the resource of each.
    observed: BTreeMap<CoapToken, u16>,
    /// What was notified last of each resource, and how often in a row.
    notified: BTreeMap<u16, (i64, u32)>,
    /// Of what it notifies: a client can go mad.
    notices: Limiter,
    /// The last value of each resource that was notified and not told. It is told before anything rests on it.
    kept_back: BTreeMap<u16, i64>,
    /// Which of [`ACCEPTS`] it is asked for.
    accept: usize,
    told: usize,
    ended: bool,
}

impl Drive {
    /// An update that waits for its client.
    pub(crate) fn new(endpoint: String, script: UpdateOptions) -> Self {
        Self {
            endpoint,
            uri: script.uri.clone(),
            last: None,
            update: FirmwareUpdate::new(script),
            out: None,
            observed: BTreeMap::new(),
            notified: BTreeMap::new(),
            notices: Limiter::new("what the client under test notifies"),
            kept_back: BTreeMap::new(),
            accept: 0,
            told: 0,
            ended: false,
        }
    }

    /// The client has registered: it knows of nothing any more. Its old observations and the request that is out are
    /// forgotten.
    pub(crate) fn registered(&mut self, post: &mut Post<'_>) {
        self.notified.clear();
        let observed = std::mem::take(&mut self.observed).into_keys();
        let out = self.out.take().map(|(token, ..)| token);
        for token in observed.chain(out) {
            post.endpoint.forget(token, post.now);
        }
        self.hear(ClientEvent::Registered, post);
    }

    /// The client has updated its registration, so that it listens now; `moved` where its address has changed. What it is asked
    /// next, the update says.
    pub(crate) fn updated(&mut self, moved: bool, post: &mut Post<'_>) {
        if let Some(ask) = self.asleep(moved, post) {
            self.hear(ClientEvent::Unanswered(ask), post);
        }
        self.hear(ClientEvent::Updated, post);
    }

    /// Takes back what has been out for long, or went to an old address. It may have met a client that was off or asleep, and
    /// would be sent again when that sleeps once more: whether it arrived is not known.
    fn asleep(&mut self, moved: bool, post: &mut Post<'_>) -> Option<Operation> {
        let lost = |(_, ask, sent): &mut (CoapToken, Operation, Duration)| {
            let patience = match ask {
                Operation::Observe(_) | Operation::Read(_) => ACK_TIMEOUT,
                // Not asked twice lightly: its answer may be on its way.
                Operation::Write(_) | Operation::Execute => ANSWER,
            };
            moved || post.now.saturating_sub(*sent) >= patience
        };
        let (token, ask, _) = self.out.take_if(lost)?;
        post.endpoint.forget(token, post.now);
        Some(ask)
    }

    /// The last block of its package was served.
    pub(crate) fn served(&mut self, post: &mut Post<'_>) {
        self.hear(ClientEvent::Served, post);
    }

    /// Asks what there is to ask, if nothing is out. `peer` is where the client listens now.
    pub(crate) fn step(&mut self, peer: Option<SocketAddr>, post: &mut Post<'_>) {
        self.update.on_time(post.now);
        let Some(peer) = peer.filter(|_| self.out.is_none()) else {
            return;
        };
        if let Some(ask) = self.update.next_operation() {
            post.tell(CoapEvent::Asked {
                endpoint: self.endpoint.clone(),
                ask: ask.clone(),
            });
            self.send(peer, ask, post);
        }
    }

    fn send(&mut self, peer: SocketAddr, ask: Operation, post: &mut Post<'_>) {
        let draft = draft(&ask, ACCEPTS[self.accept]);
        let token = post.endpoint.request(peer, draft, post.now);
        self.out = Some((token, ask, post.now));
    }

    /// When [`Self::step`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.update.deadline()
    }

    /// Whether this token is of a request or an observation of this client.
    pub(crate) fn has(&self, token: CoapToken) -> bool {
        self.observed.contains_key(&token) || self.out.as_ref().is_some_and(|(out, ..)| *out == token)
    }

    /// The response to the request that is out.
    pub(crate) fn response(
        &mut self,
        (from, token): (SocketAddr, CoapToken),
        observed: bool,
        message: &CoapMessage,
        post: &mut Post<'_>,
    ) {
        let Some((_, ask, _)) = self.out.take_if(|(out, ..)| *out == token) else {
            return;
        };
        let code = message.code();
        if self.wants_another_format(&ask, message) {
            self.accept += 1;
            post.endpoint.forget(token, post.now);
            return self.send(from, ask, post);
        }
        let heard = match &ask {
            _ if !code.is_success() => ClientEvent::Refused(ask.clone(), code.number()),
            Operation::Observe(resource) | Operation::Read(resource) => {
                if observed {
                    self.observe_anew(token, *resource, post);
                }
                if matches!(ask, Operation::Observe(_)) && value::integer(message, *resource).is_ok() {
                    let (resource, taken) = (*resource, observed);
                    self.hear(ClientEvent::Observed { resource, taken }, post);
                }
                return self.value(*resource, message, Some(ask.clone()), post);
            }
            Operation::Write(_) | Operation::Execute => ClientEvent::Accepted(ask.clone()),
        };
        self.answered(ask, code.to_string(), post);
        self.hear(heard, post);
    }

    /// An observation was taken. One of the same resource from before ends: a client that still has it is told so when it
    /// notifies.
    fn observe_anew(&mut self, token: CoapToken, resource: u16, post: &mut Post<'_>) {
        let old = self.observed.iter().filter(|(_, of)| **of == resource);
        let old: Vec<CoapToken> = old.map(|(token, _)| *token).collect();
        for token in old {
            self.observed.remove(&token);
            post.endpoint.forget(token, post.now);
        }
        self.observed.insert(token, resource);
    }

    /// Whether a value came in a format that is not understood here, or the one that was asked for is not understood there;
    /// and there is another one to try.
    fn wants_another_format(&self, ask: &Operation, message: &CoapMessage) -> bool {
        let (Operation::Observe(resource) | Operation::Read(resource)) = ask else {
            return false;
        };
        let foreign = match message.code() {
            CoapCode::NOT_ACCEPTABLE | CoapCode::BAD_OPTION => self.accept > 0,
            code => code.is_success() && value::integer(message, *resource).is_err(),
        };
        foreign && self.accept + 1 < ACCEPTS.len()
    }

    /// A notification: the client listens now, so a read that met it asleep is asked anew at once.
    pub(crate) fn notification(
        &mut self,
        (from, token): (SocketAddr, CoapToken),
        message: &CoapMessage,
        post: &mut Post<'_>,
    ) {
        let Some(&resource) = self.observed.get(&token) else {
            return;
        };
        match self.asleep(false, post) {
            Some(ask @ (Operation::Observe(_) | Operation::Read(_))) => self.send(from, ask, post),
            Some(order) => self.hear(ClientEvent::Unanswered(order), post),
            None => {}
        }
        if message.code().is_success() {
            self.value(resource, message, None, post);
        } else {
            self.observed.remove(&token); // the client has ended it; reading goes on
        }
    }

    pub(crate) fn failed(&mut self, token: CoapToken, why: &str, post: &mut Post<'_>) {
        if let Some((_, ask, _)) = self.out.take_if(|(out, ..)| *out == token) {
            self.answered(ask.clone(), why.to_owned(), post);
            self.hear(ClientEvent::Unanswered(ask), post);
        }
    }

    /// A value; `ask` is what it answers, where it was asked for.
    fn value(&mut self, resource: u16, message: &CoapMessage, ask: Option<Operation>, post: &mut Post<'_>) {
        match (value::integer(message, resource), ask) {
            (Ok(value), ask) => {
                let notified = ask.is_none();
                if !notified {
                    self.notified.remove(&resource);
                }
                if !notified || self.is_news(resource, value) {
                    if !notified || self.notices.admits(post.now) {
                        self.kept_back.remove(&resource);
                        self.tell_value(resource, value, notified, post);
                    } else {
                        self.kept_back.insert(resource, value);
                    }
                }
                let heard = ClientEvent::Value {
                    resource,
                    value,
                    notified,
                };
                self.hear(heard, post);
            }
            (Err(why), Some(ask)) => {
                self.answered(ask.clone(), why.to_string(), post);
                self.hear(ClientEvent::Unanswered(ask), post);
            }
            (Err(why), None) => tracing::warn!(endpoint = self.endpoint, resource, %why, "a notification"),
        }
    }

    fn tell_value(&self, resource: u16, value: i64, notified: bool, post: &mut Post<'_>) {
        post.tell(CoapEvent::Told {
            endpoint: self.endpoint.clone(),
            resource,
            value,
            notified,
        });
    }

    /// Whether a notification says more than those before it: the same value is told a few times in a row.
    fn is_news(&mut self, resource: u16, value: i64) -> bool {
        let (last, times) = self.notified.entry(resource).or_insert((value, 0));
        *times = if *last == value {
            times.saturating_add(1)
        } else {
            1
        };
        *last = value;
        *times <= SAME_TOLD_MAX
    }

    fn answered(&self, ask: Operation, what: String, post: &mut Post<'_>) {
        let endpoint = self.endpoint.clone();
        post.tell(CoapEvent::Answered { endpoint, ask, what });
    }

    fn hear(&mut self, heard: ClientEvent, post: &mut Post<'_>) {
        self.update.on(heard, post.now);
        let comes = self.update.findings().len() > self.told || self.update.ending().is_some() && !self.ended;
        if comes {
            for (resource, value) in std::mem::take(&mut self.kept_back) {
                self.tell_value(resource, value, true, post);
            }
        }
        for finding in self.update.findings().iter().skip(self.told) {
            self.told += 1;
            post.tell(CoapEvent::Found {
                endpoint: self.endpoint.clone(),
                finding: finding.clone(),
            });
        }
        if let Some(ending) = self.update.ending().filter(|_| !self.ended) {
            self.ended = true;
            post.tell(CoapEvent::Ended {
                endpoint: self.endpoint.clone(),
                ending: ending.clone(),
            });
        }
    }
}

/// The request for it (LwM2M TS 1.0.2 §8.2.5, §8.2.6).
fn draft(ask: &Operation, accept: Option<u16>) -> CoapMessage {
    let resource = |method, resource: u16| CoapMessage::request(method, &format!("5/0/{resource}"));
    let read = |id| {
        let draft = resource(CoapCode::GET, id);
        accept.into_iter().fold(draft, |draft, format| {
            draft.with_uint(option::ACCEPT, format.into())
        })
    };
    match ask {
        Operation::Observe(id) => read(*id).with_uint(option::OBSERVE, 0),
        Operation::Read(id) => read(*id),
        Operation::Write(uri) => resource(CoapCode::PUT, firmware::PACKAGE_URI)
            .with_uint(option::CONTENT_FORMAT, formats::TEXT.into())
            .with_payload(uri.clone().into_bytes()),
        Operation::Execute => resource(CoapCode::POST, firmware::UPDATE),
    }
}
