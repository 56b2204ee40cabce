//! Incoming messages: which exchange each of them completes, and how it is answered.

use super::{Endpoint, Failure, Output, Ticket};
use crate::coap::code::{CoapCode, CodeClass};
use crate::coap::message::{CoapMessage, MalformedMessage};
use crate::coap::observe::Freshest;
use crate::coap::option;
use crate::coap::timing::RESPONSE_WAIT;
use crate::coap::token::CoapToken;
use crate::coap::transfer::TransferStep;
use alloc::vec::Vec;
use coap_lite::MessageType;
use core::time::Duration;

const UNKNOWN_OPTION: Failure = Failure::Broken("the response has a critical option that is unknown");

impl<P: Copy + Ord> Endpoint<P> {
    pub fn on_datagram(&mut self, peer: P, bytes: &[u8], now: Duration) {
        match CoapMessage::decode(bytes) {
            Ok(message) => self.on_message(peer, message, now),
            Err(malformed) => self.on_malformed(peer, malformed),
        }
    }

    /// Takes a datagram that is no message.
    pub fn on_malformed(&mut self, peer: P, malformed: MalformedMessage) {
        if let Some(id) = malformed.reset {
            self.reset(peer, id);
        }
    }

    pub fn on_message(&mut self, peer: P, message: CoapMessage, now: Duration) {
        match (message.class(), message.kind()) {
            (CodeClass::Empty, MessageType::Confirmable)
            | (CodeClass::Reserved, MessageType::Confirmable) => self.reset(peer, message.id()),
            (CodeClass::Empty, MessageType::Acknowledgement) => self.on_ack(peer, message.id(), now),
            (_, MessageType::Reset) => self.on_reset(peer, message.id(), now),
            (CodeClass::Request, MessageType::Confirmable | MessageType::NonConfirmable) => {
                self.on_request(peer, message, now)
            }
            (CodeClass::Response, _) => self.on_response(peer, message, now),
            (CodeClass::Empty, MessageType::NonConfirmable)
            | (CodeClass::Reserved, _)
            | (CodeClass::Request, MessageType::Acknowledgement) => {}
        }
    }

    fn reset(&mut self, to: P, id: u16) {
        self.send(to, empty(MessageType::Reset, id));
    }

    fn on_ack(&mut self, peer: P, id: u16, now: Duration) {
        let token = self.outboxes.get_mut(&peer).and_then(|outbox| outbox.settle(id));
        if let Some(pending) = token.and_then(|token| self.pending.get_mut(&(peer, token))) {
            pending.until = now + RESPONSE_WAIT;
        }
        self.next(peer, now);
    }

    fn on_reset(&mut self, peer: P, id: u16, now: Duration) {
        if let Some(token) = self.outboxes.get_mut(&peer).and_then(|outbox| outbox.settle(id)) {
            self.fail(peer, token, Failure::Reset);
        }
        self.next(peer, now);
    }

    fn on_request(&mut self, peer: P, message: CoapMessage, now: Duration) {
        let id = message.id();
        if self.is_repeated(peer, id, now) {
            return;
        }
        self.recent_of(peer).note(peer, id, None, now);
        let confirmable = message.kind() == MessageType::Confirmable;
        let ticket = Ticket {
            peer,
            id,
            token: message.token(),
            confirmable,
        };
        if let Some(number) = message.unknown_critical() {
            // One that is not confirmable is rejected, in silence (RFC 7252 §5.4.1).
            if confirmable {
                let why = alloc::format!("option {number} is critical and not understood here");
                self.respond(ticket, CoapMessage::diagnostic(CoapCode::BAD_OPTION, &why), now);
            }
            return;
        }
        if message.option(option::PROXY_URI).is_some() || message.option(option::PROXY_SCHEME).is_some() {
            return self.respond(
                ticket,
                CoapMessage::diagnostic(CoapCode::NO_PROXY, "this server is not a proxy"),
                now,
            );
        }
        self.out.push_back(Output::Request { ticket, message });
    }

    fn on_response(&mut self, peer: P, message: CoapMessage, now: Duration) {
        let (id, token) = (message.id(), message.token());
        let key = (peer, token);
        if message.kind() == MessageType::Acknowledgement {
            let outbox = self.outboxes.get(&peer);
            if !outbox.is_some_and(|outbox| outbox.is_out(id, token)) {
                return; // its request is over, or there was none
            }
        } else {
            if self.is_repeated(peer, id, now) {
                return;
            }
            let known = self.pending.contains_key(&key) || self.observed.contains_key(&key);
            if !known || message.unknown_critical().is_some() {
                self.fail(peer, token, UNKNOWN_OPTION);
                return self.reset(peer, id);
            }
            self.confirm(peer, &message, now);
        }
        if self.pending.contains_key(&key) {
            if let Some(outbox) = self.outboxes.get_mut(&peer) {
                outbox.settle_token(token);
            }
            self.answered(peer, token, message, now);
            self.next(peer, now);
        } else {
            self.notified(peer, token, message, now);
        }
    }

    /// Acknowledges a response of its own, and remembers it.
    fn confirm(&mut self, peer: P, message: &CoapMessage, now: Duration) {
        let ack = (message.kind() == MessageType::Confirmable)
            .then(|| empty(MessageType::Acknowledgement, message.id()));
        self.recent_of(peer).note(peer, message.id(), ack.clone(), now);
        if let Some(bytes) = ack {
            self.send(peer, bytes);
        }
    }

    /// A response to a request that waits for one.
    fn answered(&mut self, from: P, token: CoapToken, message: CoapMessage, now: Duration) {
        if message.unknown_critical().is_some() {
            return self.fail(from, token, UNKNOWN_OPTION);
        }
        let Some(pending) = self.pending.get_mut(&(from, token)) else {
            return;
        };
        if let Some(number) = observe_number(&message) {
            pending.observed = true;
            self.observed.insert((from, token), Freshest::new(number, now));
        }
        pending.until = now + RESPONSE_WAIT;
        let observed = pending.observed;
        match pending.transfer.on(message) {
            TransferStep::Ask(next) => self.send_con(from, next, token, now),
            TransferStep::Broken(why) => {
                self.observed.remove(&(from, token));
                self.fail(from, token, Failure::Broken(why));
            }
            TransferStep::Done(message) => {
                self.pending.remove(&(from, token));
                self.out.push_back(Output::Response {
                    from,
                    token,
                    observed,
                    message,
                });
            }
        }
    }

    fn notified(&mut self, from: P, token: CoapToken, message: CoapMessage, now: Duration) {
        let Some(freshest) = self.observed.get_mut(&(from, token)) else {
            return;
        };
        match observe_number(&message) {
            Some(number) if !freshest.renew(number, now) => return,
            Some(_) => {}
            None => {
                self.observed.remove(&(from, token));
            }
        }
        self.out.push_back(Output::Notification { from, token, message });
    }
}

/// The number of a notification, or of the response that begins an observation.
fn observe_number(message: &CoapMessage) -> Option<u32> {
    let number = message.uint(option::OBSERVE);
    number.filter(|_| message.code().is_success())
}

fn empty(kind: MessageType, id: u16) -> Vec<u8> {
    CoapMessage::new(kind, CoapCode::EMPTY, id, CoapToken::default()).encode()
}
