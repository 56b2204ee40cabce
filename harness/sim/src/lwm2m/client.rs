//! The conversation with the LwM2M server: registration, what the server asks, and notifications (TS10 §5.3 to §5.5).
//!
//! One confirmable request is under way at a time (NSTART is 1, RFC 7252 §4.7); the others wait. Notifications are
//! confirmable (assumed) and always carry the value of the moment they are sent, so one may skip a state.

mod memory;
mod observations;
mod requests;

use super::firmware::ServerAction;
use super::objects::Objects;
use crate::clock::ModuleClock;
use crate::coap::option::{CONTENT_FORMAT, LOCATION_PATH, URI_PATH, URI_QUERY};
use crate::coap::{Exchange, MessageCode, MessageType, News, RawMessage};
use crate::durations::{COAP_EXCHANGE_LIFETIME, QUEUE_AWAKE, QUEUE_AWAKE_REAL_MIN};
use crate::random::Random;
use bc66_spec::lwm2m::{REGISTRATION_PATH, VERSION, format, status};
use memory::MessageMemory;
use observations::Observations;
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    None,
    Registering,
    /// It stands at this path on the server.
    Registered(Vec<String>),
}

impl Status {
    /// The number of `+QLWSTATUS`.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::None => status::NOT_REGISTERED,
            Self::Registering => status::REGISTERING,
            Self::Registered(_) => status::REGISTERED,
        }
    }
}

/// What `AT+QLWUPDATE` changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdatedParameter {
    Lifetime(u32),
    /// The binding; there is only the one of [`Objects::binding`].
    Binding(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum RequestPurpose {
    Register,
    Resume {
        location: Vec<String>,
    },
    Update {
        /// By a command.
        ordered: bool,
    },
    Deregister,
    Notify {
        token: Vec<u8>,
    },
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

    /// Registers; replaces an earlier registration.
    pub(crate) fn register(&mut self, endpoint: &str, objects: &Objects) {
        self.forget();
        self.status = Status::Registering;
        let mut request = self.request(MessageCode::POST, &[REGISTRATION_PATH.to_owned()]);
        request.push_uint(CONTENT_FORMAT, format::LINK.into());
        for (name, value) in [
            ("ep", endpoint),
            ("lt", &objects.lifetime.to_string()),
            ("lwm2m", VERSION),
            ("b", objects.binding),
        ] {
            request.push(URI_QUERY, format!("{name}={value}"));
        }
        request.payload = Objects::links().into_bytes();
        self.queue(request, RequestPurpose::Register);
    }

    /// Resumes the registration of an earlier boot with an update of it.
    pub(crate) fn resume(&mut self, location: Vec<String>) {
        self.status = Status::Registering;
        let request = self.request(MessageCode::POST, &location);
        self.queue(request, RequestPurpose::Resume { location });
    }

    /// Updates the registration, by a command or not; the message id. `None` if nothing is sent: there is no registration,
    /// or an update that no command ordered waits already.
    pub(crate) fn update(&mut self, change: Option<UpdatedParameter>, ordered: bool) -> Option<u16> {
        let location = self.location()?;
        let purpose = RequestPurpose::Update { ordered };
        let waits = |waiting: &QueuedRequest| matches!(waiting, QueuedRequest::Request(_, other) if *other == purpose);
        if !ordered && self.waiting.iter().any(waits) {
            return None; // a server that triggers one after the other gets one
        }
        let mut request = self.request(MessageCode::POST, &location);
        match change {
            Some(UpdatedParameter::Lifetime(seconds)) => request.push(URI_QUERY, format!("lt={seconds}")),
            Some(UpdatedParameter::Binding(binding)) => request.push(URI_QUERY, format!("b={binding}")),
            None => {}
        }
        let id = request.id;
        self.queue(request, purpose);
        Some(id)
    }

    /// Ends the registration; `None` if there is none.
    pub(crate) fn deregister(&mut self) -> Option<()> {
        let location = self.location()?;
        let request = self.request(MessageCode::DELETE, &location);
        self.queue(request, RequestPurpose::Deregister);
        Some(())
    }

    fn location(&self) -> Option<Vec<String>> {
        match &self.status {
            Status::Registered(location) => Some(location.clone()),
            Status::None | Status::Registering => None,
        }
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

    /// The request under way is over: with an answer, or without.
    fn end_request(&mut self, answer: Option<&RawMessage>) {
        let Some(Outstanding { id, purpose, .. }) = self.current.take() else {
            return;
        };
        let answered = |code| answer.is_some_and(|answer| answer.code == code);
        match purpose {
            RequestPurpose::Register => {
                let location = answer
                    .filter(|answer| answer.code == MessageCode::CREATED)
                    .and_then(|answer| answer.texts(LOCATION_PATH))
                    .filter(|location| !location.is_empty());
                let confirmed = location.is_some();
                self.status = location.map_or(Status::None, |location| {
                    Status::Registered(location.into_iter().map(str::to_owned).collect())
                });
                self.events.push(Lwm2mEvent::Register { confirmed });
            }
            RequestPurpose::Resume { location } => {
                let confirmed = answered(MessageCode::CHANGED);
                self.status = if confirmed {
                    Status::Registered(location)
                } else {
                    Status::None
                };
                self.events.push(Lwm2mEvent::Resume { confirmed });
            }
            RequestPurpose::Update { ordered } => {
                if answered(MessageCode::NOT_FOUND) {
                    self.end_registration(); // the lifetime is over
                }
                if ordered {
                    let confirmed = answered(MessageCode::CHANGED);
                    self.events.push(Lwm2mEvent::Update { confirmed, id });
                }
            }
            RequestPurpose::Deregister => {
                self.end_registration();
                let confirmed = answered(MessageCode::DELETED);
                self.events.push(Lwm2mEvent::Deregister { confirmed });
            }
            RequestPurpose::Notify { token } => {
                self.observations.iter_mut().for_each(|all| all.cancel(&token));
            }
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

#[cfg(test)]
mod tests {
    use super::memory::REMEMBERED_MAX;
    use super::observations::OBSERVATIONS_MAX;
    use super::*;
    use crate::coap::option::{ACCEPT, OBSERVE};
    use crate::defect::Defects;
    use crate::lwm2m::Firmware;
    use crate::lwm2m::objects::BINDING;
    use bc66_spec::lwm2m::UpdateResult;
    use proptest::prelude::*;

    fn registered() -> (Client, Objects) {
        let objects = Objects {
            lifetime: 50,
            model: "BC66".to_owned(),
            serial: "1".to_owned(),
            firmware: Firmware::new(Defects::default()),
            busy: false,
            binding: BINDING,
        };
        let clock = ModuleClock::new(400.0).expect("a speed");
        let mut client = Client::new(clock, Random::new(1), true, false);
        client.status = Status::Registered(vec!["rd".to_owned(), "1".to_owned()]);
        (client, objects)
    }

    fn request(kind: MessageType, code: MessageCode, id: u16, path: [&str; 3]) -> RawMessage {
        let mut request = RawMessage::new(kind, code, id, &id.to_be_bytes());
        for segment in path {
            request.push(URI_PATH, segment);
        }
        request
    }

    /// An observation of the result of an update; it has been answered.
    fn observe_result(client: &mut Client, objects: &mut Objects, now: Instant) {
        let mut request = request(MessageType::Confirmable, MessageCode::GET, 9, ["5", "0", "5"]);
        request.push_uint(OBSERVE, 0);
        client.on_datagram(&request.encode(), objects, now);
        client.take_datagrams();
    }

    /// One at a time is on its way, the newest value counts, and the sequence grows.
    #[test]
    fn notifications_skip_what_is_over() {
        let (mut client, mut objects) = registered();
        let now = Instant::now();
        observe_result(&mut client, &mut objects, now);
        let mut notes = Vec::new();
        for result in [7, 9, 4] {
            objects.firmware.result = UpdateResult::from_raw(result);
            client.pump(&objects, now);
            notes.extend(client.take_datagrams());
        }
        assert_eq!(notes.len(), 1, "the others wait");
        let first = RawMessage::decode(&notes[0]).expect("sound");
        assert_eq!(
            (first.kind, &first.payload[..]),
            (MessageType::Confirmable, &b"7"[..])
        );
        let acknowledgement = RawMessage::empty(MessageType::Acknowledgement, first.id).encode();
        client.on_datagram(&acknowledgement, &mut objects, now);
        client.pump(&objects, now);
        let second = RawMessage::decode(&client.take_datagrams()[0]).expect("sound");
        assert_eq!(second.payload, b"4");
        assert!(second.uint(OBSERVE) > first.uint(OBSERVE));
    }

    #[test]
    fn an_observation_that_nobody_acknowledges_ends() {
        let (mut client, mut objects) = registered();
        let mut now = Instant::now();
        observe_result(&mut client, &mut objects, now);
        objects.firmware.result = UpdateResult::InvalidUri;
        client.pump(&objects, now);
        while let Some(due) = client.due() {
            now = due;
            client.on_due(now);
        }
        assert_eq!(client.take_datagrams().len(), 5);
        objects.firmware.result = UpdateResult::Initial;
        client.pump(&objects, now);
        assert!(client.take_datagrams().is_empty());
    }

    #[test]
    fn a_flood_fills_no_memory() {
        let (mut client, mut objects) = registered();
        let now = Instant::now();
        for n in 0..20_000u16 {
            let resource = ["0", "1", "2", "3"][usize::from(n % 4)];
            let mut read = request(
                MessageType::Confirmable,
                MessageCode::GET,
                n,
                ["3", "0", resource],
            );
            read.push_uint(OBSERVE, 0);
            read.push_uint(ACCEPT, if n % 3 == 0 { 0 } else { 11_542 });
            client.on_datagram(&read.encode(), &mut objects, now);
            let id = 20_000 + n;
            let trigger = request(
                MessageType::NonConfirmable,
                MessageCode::POST,
                id,
                ["1", "0", "8"],
            );
            client.on_datagram(&trigger.encode(), &mut objects, now);
            for event in client.take_events() {
                assert_eq!(event, Lwm2mEvent::Act(ServerAction::UpdateRegistration));
                client.update(None, false);
            }
            client.take_datagrams();
        }
        assert!(
            client
                .observations
                .is_some_and(|all| all.len() <= OBSERVATIONS_MAX)
        );
        assert!(client.memory.len() <= REMEMBERED_MAX);
        assert_eq!(client.waiting.len(), 1);
    }

    proptest! {
        #[test]
        fn any_datagram_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let (mut client, mut objects) = registered();
            client.on_datagram(&bytes, &mut objects, Instant::now());
            prop_assert!(client.take_datagrams().len() <= 1);
        }

        #[test]
        fn any_request_gets_one_answer(
            code in 1u8..5,
            id in any::<u16>(),
            path in prop::collection::vec(prop::sample::select(vec!["0", "1", "2", "3", "5", "8", "x"]), 0..5),
            options in prop::collection::vec(
                (prop::sample::select(vec![6u16, 12, 15, 17, 23, 27, 60, 999, 1000]), prop::collection::vec(any::<u8>(), 0..5)),
                0..4,
            ),
            payload in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let (mut client, mut objects) = registered();
            let mut request = RawMessage::new(MessageType::Confirmable, MessageCode(code), id, &[7]);
            for segment in path {
                request.push(URI_PATH, segment);
            }
            for (number, value) in options {
                request.push(number, value);
            }
            request.payload = payload;
            client.on_datagram(&request.encode(), &mut objects, Instant::now());
            let datagrams = client.take_datagrams();
            prop_assert_eq!(datagrams.len(), 1);
            let answer = RawMessage::decode(&datagrams[0]).expect("sound");
            prop_assert_eq!((answer.kind, answer.id, answer.token), (MessageType::Acknowledgement, id, vec![7]));
            prop_assert!(answer.code.is_answer());
        }
    }
}
