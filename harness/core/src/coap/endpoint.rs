//! One end of CoAP over datagrams, server and client at once: the message layer and the matching of responses to
//! requests, without I/O.
//!
//! Datagrams go in by [`Endpoint::on_datagram`], time by [`Endpoint::on_time`]; [`Endpoint::poll`] gives out what there is
//! to send and what happened, in order. What a peer can make it remember is bounded.

mod receive;

use super::message::CoapMessage;
use super::observe::Freshest;
use super::outbox::{Confirmable, Outbox, Retransmission};
use super::recent::Deduplicator;
use super::token::CoapToken;
use super::transfer::Transfer;
use crate::rng::Rng;
use crate::seed::Seed;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use coap_lite::MessageType;
use core::time::Duration;

/// Messages that may wait for one peer; a request beyond fails at once.
const WAITING_MAX: usize = 64;

/// As many peers are awaited at once.
const AWAITED_MAX: usize = 16;

#[derive(Debug, PartialEq)]
pub enum Output<P> {
    Send {
        to: P,
        bytes: Vec<u8>,
    },
    /// A request came; it is answered by [`Endpoint::respond`].
    Request {
        ticket: Ticket<P>,
        message: CoapMessage,
    },
    /// The response to a request of ours, all its blocks in one.
    Response {
        from: P,
        token: CoapToken,
        observed: bool,
        message: CoapMessage,
    },
    /// A resource that is observed has changed. A message that is no success ends the observation.
    Notification {
        from: P,
        token: CoapToken,
        message: CoapMessage,
    },
    /// A request of ours will have no response.
    Failed {
        to: P,
        token: CoapToken,
        why: Failure,
    },
}

/// Why a request has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came, although it was sent as often as the protocol allows.
    TimedOut,
    Reset,
    /// What came makes no sense.
    Broken(&'static str),
    /// Too many wait for this peer already.
    Crowded,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "no response came",
            Self::Reset => "the peer answered with RST",
            Self::Broken(why) => why,
            Self::Crowded => "too many requests wait for this peer",
        })
    }
}

/// Identifies a request that is to be answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket<P> {
    pub peer: P,
    id: u16,
    token: CoapToken,
    confirmable: bool,
}

/// A request of ours without a response.
#[derive(Debug)]
struct PendingRequest {
    transfer: Transfer,
    /// When it is given up, once it is no more sent again.
    until: Duration,
    /// It began an observation: notifications will follow.
    observed: bool,
}

/// `P` is a peer's address.
#[derive(Debug)]
pub struct Endpoint<P> {
    rng: Rng,
    next_id: u16,
    outboxes: BTreeMap<P, Outbox>,
    pending: BTreeMap<(P, CoapToken), PendingRequest>,
    observed: BTreeMap<(P, CoapToken), Freshest>,
    recent: Deduplicator<P>,
    /// Messages of those in `awaited`, so that a flood of others does not push them out.
    recent_awaited: Deduplicator<P>,
    awaited: VecDeque<P>,
    out: VecDeque<Output<P>>,
}

impl<P: Copy + Ord> Endpoint<P> {
    /// An endpoint whose ids, tokens and waits come out of the seed.
    pub fn new(seed: Seed) -> Self {
        let mut rng = Rng::new(seed, "coap endpoint");
        Self {
            next_id: rng.next_u64() as u16,
            rng,
            outboxes: BTreeMap::new(),
            pending: BTreeMap::new(),
            observed: BTreeMap::new(),
            recent: Deduplicator::new(),
            recent_awaited: Deduplicator::new(),
            awaited: VecDeque::new(),
            out: VecDeque::new(),
        }
    }

    /// What there is to do next.
    pub fn poll(&mut self) -> Option<Output<P>> {
        self.out.pop_front()
    }

    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        let sent = self.outboxes.values().filter_map(Outbox::deadline);
        let waiting = self.pending.values().map(|pending| pending.until);
        sent.chain(waiting).min()
    }

    /// How many requests of ours are out or wait for `peer`.
    pub fn waiting(&self, peer: P) -> usize {
        self.outboxes.get(&peer).map_or(0, Outbox::len)
    }

    /// Remembers the messages of this peer apart from those of others: one that comes twice is acted on once, however many
    /// others send. A few such peers are remembered.
    pub fn await_peer(&mut self, peer: P) {
        if self.awaited.contains(&peer) {
            return;
        }
        if self.awaited.len() == AWAITED_MAX {
            self.awaited.pop_front();
        }
        self.awaited.push_back(peer);
        self.recent.hand_over(peer, &mut self.recent_awaited);
    }

    fn recent_of(&mut self, peer: P) -> &mut Deduplicator<P> {
        if self.awaited.contains(&peer) {
            &mut self.recent_awaited
        } else {
            &mut self.recent
        }
    }

    /// Sends a request, in blocks where its payload is long. Its Observe option, where it has one, begins an observation.
    pub fn request(&mut self, to: P, draft: CoapMessage, now: Duration) -> CoapToken {
        let token = self.new_token();
        if self.waiting(to) >= WAITING_MAX {
            let why = Failure::Crowded;
            self.out.push_back(Output::Failed { to, token, why });
            return token;
        }
        let transfer = Transfer::new(draft);
        let first = transfer.give();
        let pending = PendingRequest {
            transfer,
            until: Duration::MAX, // the outbox has its own end
            observed: false,
        };
        self.pending.insert((to, token), pending);
        self.send_con(to, first, token, now);
        token
    }

    /// Forgets a request or an observation, wherever its peer is by now. The peer learns of the end of an observation from
    /// the answer to its next notification (RFC 7641 §3.6).
    pub fn forget(&mut self, token: CoapToken, now: Duration) {
        self.observed.retain(|(_, of), _| *of != token);
        self.pending.retain(|(_, of), _| *of != token);
        let peers: Vec<P> = self.outboxes.keys().copied().collect();
        for peer in peers {
            if let Some(outbox) = self.outboxes.get_mut(&peer) {
                outbox.settle_token(token);
            }
            self.next(peer, now);
        }
    }

    /// A peer's address has changed: what is observed there counts from the new one on.
    pub fn moved(&mut self, from: P, to: P) {
        let keys = self.observed.keys().copied();
        let keys: Vec<(P, CoapToken)> = keys.filter(|(peer, _)| *peer == from).collect();
        for (_, token) in keys {
            if let Some(freshest) = self.observed.remove(&(from, token)) {
                self.observed.insert((to, token), freshest);
            }
        }
    }

    /// A token that no other request has, of any peer: it identifies the request to the caller.
    fn new_token(&mut self) -> CoapToken {
        loop {
            let bytes = self.rng.next_u64().to_be_bytes();
            let token = CoapToken::new(&bytes[..4]).unwrap_or_default();
            let mut taken = self.pending.keys().chain(self.observed.keys());
            if taken.all(|(_, of)| *of != token) {
                return token;
            }
        }
    }

    fn new_id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    fn send_con(&mut self, to: P, draft: CoapMessage, token: CoapToken, now: Duration) {
        let id = self.new_id();
        let bytes = draft.addressed(MessageType::Confirmable, id, token).encode();
        let message = Confirmable { id, token, bytes };
        let outbox = self.outboxes.entry(to).or_default();
        if let Some(bytes) = outbox.put(message, &mut self.rng, now) {
            self.send(to, bytes);
        }
    }

    /// Sends what waited behind a message that is settled.
    fn next(&mut self, to: P, now: Duration) {
        let Some(outbox) = self.outboxes.get_mut(&to) else {
            return;
        };
        let next = outbox.next(&mut self.rng, now);
        if outbox.len() == 0 {
            self.outboxes.remove(&to);
        }
        if let Some(bytes) = next {
            self.send(to, bytes);
        }
    }

    fn fail(&mut self, to: P, token: CoapToken, why: Failure) {
        if self.pending.remove(&(to, token)).is_some() {
            self.out.push_back(Output::Failed { to, token, why });
        }
    }

    /// Answers a request, with its acknowledgement where it wants one (RFC 7252 §5.2.1).
    pub fn respond(&mut self, ticket: Ticket<P>, draft: CoapMessage, now: Duration) {
        let Ticket { peer, id, token, .. } = ticket;
        let (kind, with) = if ticket.confirmable {
            (MessageType::Acknowledgement, id)
        } else {
            (MessageType::NonConfirmable, self.new_id())
        };
        let bytes = draft.addressed(kind, with, token).encode();
        self.recent_of(peer).answer(peer, id, bytes.clone(), now);
        self.send(peer, bytes);
    }

    fn send(&mut self, to: P, bytes: Vec<u8>) {
        self.out.push_back(Output::Send { to, bytes });
    }

    /// Whether the message came before; then it is answered as before, if it was.
    fn is_repeated(&mut self, peer: P, id: u16, now: Duration) -> bool {
        let Some(answer) = self.recent_of(peer).find(peer, id, now) else {
            return false;
        };
        if let Some(bytes) = answer.map(<[u8]>::to_vec) {
            self.send(peer, bytes);
        }
        true
    }

    /// Sends again what is due, and gives up what is lost.
    pub fn on_time(&mut self, now: Duration) {
        let due = |outbox: &Outbox| outbox.deadline().is_some_and(|deadline| deadline <= now);
        let peers = self.outboxes.iter().filter(|(_, outbox)| due(outbox));
        let peers: Vec<P> = peers.map(|(peer, _)| *peer).collect();
        for to in peers {
            match self.outboxes.get_mut(&to).and_then(|outbox| outbox.due(now)) {
                Some(Retransmission::Again(bytes)) => self.send(to, bytes),
                Some(Retransmission::GivenUp(token)) => {
                    self.fail(to, token, Failure::TimedOut);
                    self.next(to, now);
                }
                None => {}
            }
        }
        let over = self.pending.iter().filter(|(_, pending)| pending.until <= now);
        let over: Vec<(P, CoapToken)> = over.map(|(key, _)| *key).collect();
        for (to, token) in over {
            self.fail(to, token, Failure::TimedOut);
        }
    }
}
