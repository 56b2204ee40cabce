//! One client whose firmware is updated: the machine that gives the operations, and the requests that are out.

use super::DriveContext;
use super::notices::NoticeFilter;
use crate::coap::event::CoapEvent;
use bc66_spec::lwm2m::{firmware, format as formats};
use dfota_core::coap::timing::ACK_TIMEOUT;
use dfota_core::coap::{CoapCode, CoapMessage, CoapToken, option};
use dfota_core::lwm2m::{ClientEvent, FirmwareUpdate, Operation, UpdateOptions, value};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The formats that values are asked for in: first the one that the client prefers, then those that every client of 1.0
/// knows. Accept is critical, so a client that knows none of them answers with 4.06 or 4.02.
const ACCEPTS: [Option<u16>; 3] = [None, Some(formats::TEXT), Some(formats::TLV)];

/// The answer to a write or execute takes no longer, in the module's time: a second for the request, one for the answer, and
/// what a network of this kind adds on a bad day.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Drive {
    pub(super) endpoint: String,
    /// Where the package is.
    uri: String,
    /// The client's last address. A lifetime may be shorter than an update (the application note's example has 50 s): a
    /// client whose registration has expired meanwhile is asked there until it registers again.
    pub(super) last: Option<SocketAddr>,
    update: FirmwareUpdate,
    out: Option<SentOperation>,
    /// Observations, and the resource of each.
    observed: BTreeMap<CoapToken, u16>,
    notices: NoticeFilter,
    /// Which of [`ACCEPTS`] is asked for.
    accept: usize,
    /// How many findings became events.
    findings: usize,
    ended: bool,
}

#[derive(Debug)]
struct SentOperation {
    token: CoapToken,
    operation: Operation,
    at: Duration,
}

impl Drive {
    /// An update that waits for its client.
    pub(super) fn new(endpoint: String, options: UpdateOptions) -> Self {
        Self {
            endpoint,
            uri: options.uri.clone(),
            last: None,
            update: FirmwareUpdate::new(options),
            out: None,
            observed: BTreeMap::new(),
            notices: NoticeFilter::new(),
            accept: 0,
            findings: 0,
            ended: false,
        }
    }

    /// Whether it updates with the package at this path.
    pub(super) fn loads(&self, path: &str) -> bool {
        self.uri.ends_with(path)
    }

    /// The client has registered and remembers nothing: its observations and the request that is out are forgotten.
    pub(super) fn registered(&mut self, context: &mut DriveContext<'_>) {
        self.notices.registered();
        let observed = std::mem::take(&mut self.observed).into_keys();
        let out = self.out.take().map(|out| out.token);
        for token in observed.chain(out) {
            context.endpoint.forget(token, context.now);
        }
        self.hear(ClientEvent::Registered, context);
    }

    /// The client has updated its registration, so it listens now; `moved` where its address has changed.
    pub(super) fn updated(&mut self, moved: bool, context: &mut DriveContext<'_>) {
        if let Some(operation) = self.take_overdue(moved, context) {
            self.hear(ClientEvent::Unanswered(operation), context);
        }
        self.hear(ClientEvent::Updated, context);
    }

    /// Takes back the request that has been out for long, or went to an old address. The client may have been off or asleep,
    /// and the next retransmission may come when it sleeps again: whether the request arrived is not known.
    fn take_overdue(&mut self, moved: bool, context: &mut DriveContext<'_>) -> Option<Operation> {
        let overdue = |out: &mut SentOperation| {
            let limit = match out.operation {
                Operation::Observe(_) | Operation::Read(_) => ACK_TIMEOUT,
                // Not sent twice lightly: its answer may be on its way.
                Operation::Write(_) | Operation::Execute => ANSWER_LIMIT,
            };
            moved || context.now.saturating_sub(out.at) >= limit
        };
        let out = self.out.take_if(overdue)?;
        context.endpoint.forget(out.token, context.now);
        Some(out.operation)
    }

    /// The last block of its package was served.
    pub(super) fn served(&mut self, context: &mut DriveContext<'_>) {
        self.hear(ClientEvent::Served, context);
    }

    /// Sends the next operation, if none is out. `peer` is where the client listens now.
    pub(super) fn step(&mut self, peer: Option<SocketAddr>, context: &mut DriveContext<'_>) {
        self.update.on_time(context.now);
        let Some(peer) = peer.filter(|_| self.out.is_none()) else {
            return;
        };
        if let Some(operation) = self.update.next_operation() {
            let event = CoapEvent::Asked {
                endpoint: self.endpoint.clone(),
                operation: operation.clone(),
            };
            context.events.send_own(event, context.now);
            self.send(peer, operation, context);
        }
    }

    fn send(&mut self, peer: SocketAddr, operation: Operation, context: &mut DriveContext<'_>) {
        let draft = draft(&operation, ACCEPTS[self.accept]);
        self.out = Some(SentOperation {
            token: context.endpoint.request(peer, draft, context.now),
            operation,
            at: context.now,
        });
    }

    /// When [`Self::step`] has something to do.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.update.deadline()
    }

    /// Whether the token is of a request or an observation of this client.
    pub(super) fn has(&self, token: CoapToken) -> bool {
        self.observed.contains_key(&token) || self.out.as_ref().is_some_and(|out| out.token == token)
    }

    /// Takes what is out, if it has this token.
    fn take_out(&mut self, token: CoapToken) -> Option<Operation> {
        let out = self.out.take_if(|out| out.token == token)?;
        Some(out.operation)
    }

    /// The response to the request that is out.
    pub(super) fn response(
        &mut self,
        from: SocketAddr,
        token: CoapToken,
        observed: bool,
        message: &CoapMessage,
        context: &mut DriveContext<'_>,
    ) {
        let Some(operation) = self.take_out(token) else {
            return;
        };
        let code = message.code();
        if self.wants_another_format(&operation, message) {
            self.accept += 1;
            context.endpoint.forget(token, context.now);
            return self.send(from, operation, context);
        }
        let event = match operation {
            _ if !code.is_success() => ClientEvent::Refused(operation.clone(), code.number()),
            Operation::Observe(resource) | Operation::Read(resource) => {
                if observed {
                    self.observe_anew(token, resource, context);
                }
                if matches!(operation, Operation::Observe(_)) && value::integer(message, resource).is_ok() {
                    let taken = observed;
                    self.hear(ClientEvent::Observed { resource, taken }, context);
                }
                return self.value(resource, message, Some(operation), context);
            }
            Operation::Write(_) | Operation::Execute => ClientEvent::Accepted(operation.clone()),
        };
        self.answered(operation, code.to_string(), context);
        self.hear(event, context);
    }

    /// An observation was taken. An earlier one of the same resource ends: a client that still has it learns so when it
    /// notifies.
    fn observe_anew(&mut self, token: CoapToken, resource: u16, context: &mut DriveContext<'_>) {
        self.observed.retain(|old, of| {
            let stays = *of != resource;
            if !stays {
                context.endpoint.forget(*old, context.now);
            }
            stays
        });
        self.observed.insert(token, resource);
    }

    /// Whether the answer's format is not understood here, or the one that was asked for is not understood there; and there
    /// is another one to try.
    fn wants_another_format(&self, operation: &Operation, message: &CoapMessage) -> bool {
        let (Operation::Observe(resource) | Operation::Read(resource)) = operation else {
            return false;
        };
        let foreign = match message.code() {
            CoapCode::NOT_ACCEPTABLE | CoapCode::BAD_OPTION => self.accept > 0,
            code => code.is_success() && value::integer(message, *resource).is_err(),
        };
        foreign && self.accept + 1 < ACCEPTS.len()
    }

    /// A notification: the client listens now, so a read that met it asleep is sent anew at once.
    pub(super) fn notification(
        &mut self,
        from: SocketAddr,
        token: CoapToken,
        message: &CoapMessage,
        context: &mut DriveContext<'_>,
    ) {
        let Some(&resource) = self.observed.get(&token) else {
            return;
        };
        match self.take_overdue(false, context) {
            Some(read @ (Operation::Observe(_) | Operation::Read(_))) => self.send(from, read, context),
            Some(order) => self.hear(ClientEvent::Unanswered(order), context),
            None => {}
        }
        if message.code().is_success() {
            self.value(resource, message, None, context);
        } else {
            self.observed.remove(&token); // the client has ended it; reading goes on
        }
    }

    pub(super) fn failed(&mut self, token: CoapToken, why: &str, context: &mut DriveContext<'_>) {
        if let Some(operation) = self.take_out(token) {
            self.unanswered(operation, why.to_owned(), context);
        }
    }

    fn unanswered(&mut self, operation: Operation, why: String, context: &mut DriveContext<'_>) {
        self.answered(operation.clone(), why, context);
        self.hear(ClientEvent::Unanswered(operation), context);
    }

    /// A value, read by an operation or notified.
    fn value(
        &mut self,
        resource: u16,
        message: &CoapMessage,
        operation: Option<Operation>,
        context: &mut DriveContext<'_>,
    ) {
        let notified = operation.is_none();
        match (value::integer(message, resource), operation) {
            (Ok(value), _) => {
                if !notified {
                    self.notices.read(resource);
                }
                if !notified || self.notices.admits(resource, value, context.now) {
                    self.send_value(resource, value, notified, context);
                }
                let event = ClientEvent::Value {
                    resource,
                    value,
                    notified,
                };
                self.hear(event, context);
            }
            (Err(why), Some(operation)) => self.unanswered(operation, why.to_string(), context),
            (Err(why), None) => {
                tracing::warn!(endpoint = self.endpoint, resource, %why, "a notification");
            }
        }
    }

    fn send_value(&self, resource: u16, value: i64, notified: bool, context: &mut DriveContext<'_>) {
        let event = CoapEvent::Value {
            endpoint: self.endpoint.clone(),
            resource,
            value,
            notified,
        };
        context.events.send_own(event, context.now);
    }

    fn answered(&self, operation: Operation, answer: String, context: &mut DriveContext<'_>) {
        let event = CoapEvent::Answered {
            endpoint: self.endpoint.clone(),
            operation,
            answer,
        };
        context.events.send_own(event, context.now);
    }

    /// Gives an event to the machine. What it finds or ends with goes out behind the values that it rests on.
    fn hear(&mut self, event: ClientEvent, context: &mut DriveContext<'_>) {
        self.update.on(event, context.now);
        let endpoint = &self.endpoint;
        let findings = self.update.findings()[self.findings..].iter();
        let mut verdicts: Vec<CoapEvent> = findings
            .map(|finding| CoapEvent::Found {
                endpoint: endpoint.clone(),
                finding: finding.clone(),
            })
            .collect();
        self.findings += verdicts.len();
        if let Some(ending) = self.update.ending().filter(|_| !self.ended) {
            self.ended = true;
            verdicts.push(CoapEvent::Ended {
                endpoint: endpoint.clone(),
                ending: ending.clone(),
            });
        }
        if !verdicts.is_empty() {
            for (resource, value) in self.notices.take_left_out() {
                self.send_value(resource, value, true, context);
            }
        }
        for event in verdicts {
            context.events.send_own(event, context.now);
        }
    }
}

/// The request for an operation (LwM2M TS 1.0.2 §8.2.5, §8.2.6).
fn draft(operation: &Operation, accept: Option<u16>) -> CoapMessage {
    let request = |method, resource: u16| CoapMessage::request(method, &format!("5/0/{resource}"));
    let read = |resource| {
        let draft = request(CoapCode::GET, resource);
        match accept {
            Some(format) => draft.with_uint(option::ACCEPT, format.into()),
            None => draft,
        }
    };
    match operation {
        Operation::Observe(resource) => read(*resource).with_uint(option::OBSERVE, 0),
        Operation::Read(resource) => read(*resource),
        Operation::Write(uri) => request(CoapCode::PUT, firmware::PACKAGE_URI)
            .with_uint(option::CONTENT_FORMAT, formats::TEXT.into())
            .with_payload(uri.clone().into_bytes()),
        Operation::Execute => request(CoapCode::POST, firmware::UPDATE),
    }
}
