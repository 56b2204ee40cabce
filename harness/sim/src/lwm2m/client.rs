//! The conversation with the LwM2M server: registration, what the server asks, and notifications (TS10 §5.3 to §5.5).
//!
//! One confirmable request is under way at a time (NSTART is 1, RFC 7252 §4.7); the others wait. Notifications are
//! confirmable (assumed) and always carry the value of the moment they are sent, so one may skip a state.

mod memory;
mod observations;
mod registration;
mod requests;
#[cfg(test)]
mod tests;

pub(crate) use registration::{Status, UpdatedParameter};

use super::firmware::ServerAction;
use super::objects::Objects;
use crate::clock::ModuleClock;
use crate::coap::option::URI_PATH;
use crate::coap::{Exchange, MessageCode, MessageType, News, RawMessage};
use crate::durations::{COAP_EXCHANGE_LIFETIME, QUEUE_AWAKE, QUEUE_AWAKE_REAL_MIN};
use crate::random::Random;
use memory::MessageMemory;
use observations::Observations;
use registration::RequestPurpose;
use requests::Incoming;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What the application is to print or to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lwm2mEvent {
    /// The end of a registration.
    Register {
        confirmed: bool,
    },
    /// The end of an update that resumes a registration from before the boot.
    Resume {
        confirmed: bool,
    },
    /// The end of an update that `AT+QLWUPDATE` ordered.
    Update {
        confirmed: bool,
        id: u16,
    },
    Deregister {
        confirmed: bool,
    },
    Act(ServerAction),
}

#[derive(Debug)]
enum QueuedRequest {
    Request(RawMessage, RequestPurpose),
    /// Its value is read when it is sent.
    Notification {
        token: Vec<u8>,
    },
}

/// The request that is under way.
#[derive(Debug)]
struct Outstanding {
    exchange: Exchange,
    id: u16,
    purpose: RequestPurpose,
}

/// Queue mode: the client sleeps between exchanges.
#[derive(Debug)]
struct Wakefulness {
    /// How long it listens after a message.
    span: Duration,
    until: Instant,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) status: Status,
    clock: ModuleClock,
    random: Random,
    next_id: u16,
    /// In queue mode.
    wakefulness: Option<Wakefulness>,
    waiting: VecDeque<QueuedRequest>,
    current: Option<Outstanding>,
    /// Nothing if it takes none.
    observations: Option<Observations>,
    memory: MessageMemory,
    incoming: Option<Incoming>,
    datagrams: Vec<Vec<u8>>,
    events: Vec<Lwm2mEvent>,
}

impl Client {
    pub(crate) fn new(clock: ModuleClock, mut random: Random, observable: bool, queue_mode: bool) -> Self {
        let span = clock.real(QUEUE_AWAKE).max(QUEUE_AWAKE_REAL_MIN);
        let life = clock.real(COAP_EXCHANGE_LIFETIME).max(COAP_EXCHANGE_LIFETIME);
        let (next_id, sequence) = (random.bits() as u16, 1 + random.below(1000) as u32);
        Self {
            status: Status::None,
            clock,
            random,
            next_id,
            wakefulness: queue_mode.then(|| Wakefulness {
                span,
                until: Instant::now(),
            }),
            waiting: VecDeque::new(),
            current: None,
            observations: observable.then(|| Observations::new(sequence)),
            memory: MessageMemory::new(life),
            incoming: None,
            datagrams: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.datagrams)
    }

    pub(crate) fn take_events(&mut self) -> Vec<Lwm2mEvent> {
        std::mem::take(&mut self.events)
    }

    /// When [`Client::on_due`] is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.current.as_ref().map(|current| current.exchange.due())
    }

    /// Forgets the registration, the observations and what is under way.
    pub(crate) fn forget(&mut self) {
        self.end_registration();
        self.waiting.clear();
        self.current = None;
        self.memory.clear();
        self.incoming = None;
    }

    fn end_registration(&mut self) {
        self.status = Status::None;
        self.observations.iter_mut().for_each(Observations::clear);
    }

    fn queue(&mut self, request: RawMessage, purpose: RequestPurpose) {
        self.waiting.push_back(QueuedRequest::Request(request, purpose));
    }

    /// Sends what may be sent now; queues notifications of changed values first.
    pub(crate) fn pump(&mut self, objects: &Objects, now: Instant) {
        let changed = self.observations.as_ref().map(|all| all.changed(objects));
        for token in changed.unwrap_or_default() {
            let is_queued = |waiting: &QueuedRequest| matches!(waiting, QueuedRequest::Notification { token: other } if *other == token);
            if !self.waiting.iter().any(is_queued) {
                self.waiting.push_back(QueuedRequest::Notification { token });
            }
        }
        while self.current.is_none()
            && let Some(waiting) = self.waiting.pop_front()
        {
            let (message, purpose) = match waiting {
                QueuedRequest::Request(message, purpose) => (message, purpose),
                QueuedRequest::Notification { token } => {
                    let id = self.id();
                    let observations = self.observations.as_mut();
                    match observations.and_then(|all| all.notification(&token, id, objects)) {
                        Some(message) => (message, RequestPurpose::Notify { token }),
                        None => continue,
                    }
                }
            };
            let exchange = Exchange::begin(&message, self.clock, &mut self.random, now);
            self.datagrams.push(exchange.bytes().to_vec());
            self.current = Some(Outstanding {
                exchange,
                id: message.id,
                purpose,
            });
            self.stay_awake(now);
        }
    }

    fn stay_awake(&mut self, now: Instant) {
        if let Some(Wakefulness { span, until }) = &mut self.wakefulness {
            *until = now + *span;
        }
    }

    /// Is it asleep? Not while it waits for an answer.
    fn is_asleep(&self, now: Instant) -> bool {
        let sleeps = |wakefulness: &Wakefulness| wakefulness.until < now;
        self.current.is_none() && self.wakefulness.as_ref().is_some_and(sleeps)
    }

    /// The time of [`Client::due`] has come.
    pub(crate) fn on_due(&mut self, now: Instant) {
        let Some(current) = &mut self.current else {
            return;
        };
        if current.exchange.resends(now) {
            self.datagrams.push(current.exchange.bytes().to_vec());
        } else {
            self.end_request(None);
        }
    }

    /// A datagram has come from the server.
    pub(crate) fn on_datagram(&mut self, bytes: &[u8], objects: &mut Objects, now: Instant) {
        if self.is_asleep(now) {
            return;
        }
        self.stay_awake(now);
        let message = match RawMessage::decode(bytes) {
            Ok(message) => message,
            Err(malformed) => {
                let reset = |id| RawMessage::empty(MessageType::Reset, id).encode();
                self.datagrams.extend(malformed.to_reset.map(reset));
                return;
            }
        };
        let is_new = matches!(
            message.kind,
            MessageType::Confirmable | MessageType::NonConfirmable
        );
        let is_remembered = is_new && message.code != MessageCode::EMPTY;
        if is_remembered && let Some(answer) = self.memory.find(message.id, now) {
            self.datagrams.extend(answer);
            return;
        }
        let answer = if message.code.is_request() {
            self.on_request(&message, objects)
        } else {
            self.on_other(&message, now)
        };
        let answer = answer.map(|answer| answer.encode());
        self.datagrams.extend(answer.clone());
        if is_remembered {
            self.memory.add(message.id, now, answer);
        }
    }

    /// An acknowledgement, a reset, an answer or an empty message.
    fn on_other(&mut self, message: &RawMessage, now: Instant) -> Option<RawMessage> {
        let news = match &mut self.current {
            Some(current) => current.exchange.on_message(message, now),
            None => News::NotMine,
        };
        let back = match news {
            News::Acknowledged => {
                let notifies =
                    |current: &mut Outstanding| matches!(current.purpose, RequestPurpose::Notify { .. });
                self.current.take_if(notifies); // a notification has no other answer
                return None;
            }
            News::Answered | News::Refused => {
                self.end_request(Some(message).filter(|_| news == News::Answered));
                MessageType::Acknowledgement
            }
            News::NotMine => MessageType::Reset,
        };
        let confirmable = message.kind == MessageType::Confirmable;
        confirmable.then(|| RawMessage::empty(back, message.id))
    }

    fn request(&mut self, code: MessageCode, path: &[String]) -> RawMessage {
        let token = (self.random.bits() as u32).to_be_bytes();
        let mut message = RawMessage::new(MessageType::Confirmable, code, self.id(), &token);
        for segment in path {
            message.push(URI_PATH, segment);
        }
        message
    }

    fn id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }
}
