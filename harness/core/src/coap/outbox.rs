//! Confirmable messages to one peer: one at a time (NSTART is 1), each again and again until it is acknowledged
//! (RFC 7252 §4.2, §4.7).

use super::timing::{ACK_TIMEOUT, ACK_TIMEOUT_MAX, MAX_RETRANSMIT};
use super::token::CoapToken;
use crate::rng::Rng;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

#[derive(Debug)]
pub(super) struct Confirmable {
    pub(super) id: u16,
    pub(super) token: CoapToken,
    pub(super) bytes: Vec<u8>,
}

/// What follows when no acknowledgement came in time.
#[derive(Debug)]
pub(super) enum Retransmission {
    /// Send these bytes again.
    Again(Vec<u8>),
    /// It was never acknowledged.
    GivenUp(CoapToken),
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    out: Option<InFlight>,
    waiting: VecDeque<Confirmable>,
}

#[derive(Debug)]
struct InFlight {
    message: Confirmable,
    due: Duration,
    wait: Duration,
    again: u32,
}

impl Outbox {
    /// Adds a message; gives its bytes if it goes out at once.
    pub(super) fn put(&mut self, message: Confirmable, rng: &mut Rng, now: Duration) -> Option<Vec<u8>> {
        self.waiting.push_back(message);
        self.next(rng, now)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.out.is_some())
    }

    /// The next message, if none is out.
    pub(super) fn next(&mut self, rng: &mut Rng, now: Duration) -> Option<Vec<u8>> {
        if self.out.is_some() {
            return None;
        }
        let message = self.waiting.pop_front()?;
        let bytes = message.bytes.clone();
        let spread = (ACK_TIMEOUT_MAX - ACK_TIMEOUT).as_micros() as u64;
        let wait = ACK_TIMEOUT + Duration::from_micros(rng.below(spread + 1));
        self.out = Some(InFlight {
            message,
            due: now + wait,
            wait,
            again: 0,
        });
        Some(bytes)
    }

    /// The message with this id needs no acknowledgement any more; gives its token.
    pub(super) fn settle(&mut self, id: u16) -> Option<CoapToken> {
        let out = self.out.take_if(|out| out.message.id == id)?;
        Some(out.message.token)
    }

    /// A response came: the request with this token needs no acknowledgement any more, nor to be sent.
    pub(super) fn settle_token(&mut self, token: CoapToken) {
        self.out.take_if(|out| out.message.token == token);
        self.waiting.retain(|message| message.token != token);
    }

    pub(super) fn is_out(&self, id: u16, token: CoapToken) -> bool {
        let out = self.out.as_ref();
        out.is_some_and(|out| out.message.id == id && out.message.token == token)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.out.as_ref().map(|out| out.due)
    }

    pub(super) fn due(&mut self, now: Duration) -> Option<Retransmission> {
        let out = self.out.as_mut().filter(|out| out.due <= now)?;
        if out.again == MAX_RETRANSMIT {
            let token = out.message.token;
            self.out = None;
            return Some(Retransmission::GivenUp(token));
        }
        out.again += 1;
        out.wait *= 2;
        out.due += out.wait;
        Some(Retransmission::Again(out.message.bytes.clone()))
    }
}
