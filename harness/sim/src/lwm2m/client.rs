//! The conversation with the LwM2M server: registration, what the server asks, and notifications (TS10 §5.3 to §5.5).
//!
//! One confirmable request is under way at a time (NSTART is 1, RFC 7252 §4.7); the others wait. Notifications are
//! confirmable (assumed) and always carry the value of the moment they are sent, so one may skip a state.

mod requests;

use super::firmware::ServerAction;
use super::objects::Objects;
use super::path::Path;
use crate::clock::ModuleClock;
use crate::coap::option::{CONTENT_FORMAT, LOCATION_PATH, OBSERVE, URI_PATH, URI_QUERY};
use crate::coap::{CoapCode, Exchange, MessageType, CoapMessage, News, Step};
use crate::durations::{COAP_EXCHANGE_LIFETIME, QUEUE_AWAKE, QUEUE_AWAKE_REAL_MIN};
use crate::random::Random;
use bc66_spec::lwm2m::{REGISTRATION_PATH, VERSION, format, status};
use requests::Incoming;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Messages that are remembered, so that their copies are known. Assumed.
const REMEMBERED_MAX: usize = 256;
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The registration is confirmed, or not.
    Register {
        confirmed: bool,
    },
    /// The registration that was there before the boot stands, or not.
    Resume {
        confirmed: bool,
    },
    /// An update of it that `AT+QLWUPDATE` asked for.
    Update {
        confirmed: bool,
        id: u16,
    },
    Deregister {
        confirmed: bool,
    },
    /// The server wants something done.
    Act(ServerAction),
}

/// State of the registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    None,
    /// It is on its way.
    Registering,
    /// It stands at this path on the server.
    Registered(Vec<String>),
}

impl Status {
    /// The number of `+QLWSTATUS`.
    pub fn number(&self) -> u8 {
        match self {
            Self::None => status::NOT_REGISTERED,
            Self::Registering => status::REGISTERING,
            Self::Registered(_) => status::REGISTERED,
        }
    }
}

/// What `AT+QLWUPDATE` changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationChange {
    /// The lifetime, in seconds.
    Lifetime(u32),
    /// The binding; there is only the one of [`Objects::binding`].
    Binding(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum RequestPurpose {
    Register,
    Resume { location: Vec<String> },
    Update { asked: bool },
    Deregister,
    Notify { token: Vec<u8> },
}

#[derive(Debug)]
enum QueuedRequest {
    Request(CoapMessage, RequestPurpose),
    Notification { token: Vec<u8> },
}

#[derive(Debug)]
struct ObservedResource {
    path: Path,
    token: Vec<u8>,
    accept: Option<u16>,
    told: Vec<u8>,
}

/// The client of one boot.
#[derive(Debug)]
pub struct Client {
    /// State of the registration.
    pub status: Status,
    clock: ModuleClock,
    random: Random,
    deaf: bool,
    /// In queue mode: for how long it listens after a message, and until when.
    queue: Option<(Duration, Instant)>,
    next_id: u16,
    sequence: u32,
    waiting: VecDeque<QueuedRequest>,
    current: Option<(Exchange, u16, RequestPurpose)>,
    observations: Vec<ObservedResource>,
    remembered: VecDeque<(u16, Instant, Option<Vec<u8>>)>,
    incoming: Option<Incoming>,
    datagrams: Vec<Vec<u8>>,
    events: Vec<ClientEvent>,
}

impl Client {
    /// A client that is not registered. A deaf one takes no observations; one in queue mode sleeps between exchanges.
    pub fn new(clock: ModuleClock, mut random: Random, deaf: bool, queue: bool) -> Self {
        let awake = clock.real(QUEUE_AWAKE).max(QUEUE_AWAKE_REAL_MIN);
        Self {
            status: Status::None,
            clock,
            deaf,
            queue: queue.then(|| (awake, Instant::now())),
            next_id: random.bits() as u16,
            sequence: 1 + random.below(1000) as u32,
            random,
            waiting: VecDeque::new(),
            current: None,
            observations: Vec::new(),
            remembered: VecDeque::new(),
            incoming: None,
            datagrams: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.datagrams)
    }

    pub fn take_events(&mut self) -> Vec<ClientEvent> {
        std::mem::take(&mut self.events)
    }

    /// When [`Client::on_due`] is to be called.
    pub fn due(&self) -> Option<Instant> {
        self.current.as_ref().map(|(exchange, ..)| exchange.due())
    }

    /// Forgets everything that the server knows of it: registration, observations, what is under way.
    pub fn forget(&mut self) {
        self.status = Status::None;
        self.waiting.clear();
        self.current = None;
        self.observations.clear();
        self.remembered.clear();
        self.incoming = None;
    }

    /// Registers; a registration that there is is replaced.
    pub fn register(&mut self, endpoint: &str, objects: &Objects) {
        self.forget();
        self.status = Status::Registering;
        let mut request = self.request(CoapCode::POST, &[REGISTRATION_PATH.to_owned()]);
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
        self.waiting
            .push_back(QueuedRequest::Request(request, RequestPurpose::Register));
    }

    /// Goes on with a registration of an earlier boot: an update of it is all that the server hears.
    pub fn resume(&mut self, location: Vec<String>) {
        self.status = Status::Registering;
        let request = self.request(CoapCode::POST, &location);
        self.waiting
            .push_back(QueuedRequest::Request(request, RequestPurpose::Resume { location }));
    }

    /// Updates the registration, with a change or without; its message id, or `None` if none is sent: there is no registration, or
    /// one that nobody typed waits already.
    pub fn update(&mut self, change: Option<RegistrationChange>, asked: bool) -> Option<u16> {
        let Status::Registered(location) = &self.status else {
            return None;
        };
        let own = RequestPurpose::Update { asked: false };
        let waits = |waiting: &QueuedRequest| matches!(waiting, QueuedRequest::Request(_, purpose) if *purpose == own);
        if !asked && self.waiting.iter().any(waits) {
            return None; // a server that triggers one after the other gets one
        }
        let location = location.clone();
        let mut request = self.request(CoapCode::POST, &location);
        match change {
            Some(RegistrationChange::Lifetime(seconds)) => request.push(URI_QUERY, format!("lt={seconds}")),
            Some(RegistrationChange::Binding(binding)) => request.push(URI_QUERY, format!("b={binding}")),
            None => {}
        }
        let id = request.id;
        self.waiting
            .push_back(QueuedRequest::Request(request, RequestPurpose::Update { asked }));
        Some(id)
    }

    /// Ends the registration; false if there is none.
    pub fn deregister(&mut self) -> bool {
        let Status::Registered(location) = &self.status else {
            return false;
        };
        let location = location.clone();
        let request = self.request(CoapCode::DELETE, &location);
        self.waiting
            .push_back(QueuedRequest::Request(request, RequestPurpose::Deregister));
        true
    }

    /// Sends what may be sent now, notifications of changed values among it.
    pub fn pump(&mut self, objects: &Objects, now: Instant) {
        for observation in &self.observations {
            let value = objects.read(observation.path, observation.accept);
            let queued = self.waiting.iter().any(
                |waiting| matches!(waiting, QueuedRequest::Notification { token } if *token == observation.token),
            );
            if !queued && value.is_ok_and(|(_, value)| value != observation.told) {
                let token = observation.token.clone();
                self.waiting.push_back(QueuedRequest::Notification { token });
            }
        }
        while self.current.is_none()
            && let Some(waiting) = self.waiting.pop_front()
        {
            let (message, purpose) = match waiting {
                QueuedRequest::Request(message, purpose) => (message, purpose),
                QueuedRequest::Notification { token } => match self.notification(&token, objects) {
                    Some(message) => (message, RequestPurpose::Notify { token }),
                    None => continue,
                },
            };
            let exchange = Exchange::begin(&message, self.clock, &mut self.random, now);
            self.datagrams.push(exchange.bytes().to_vec());
            self.current = Some((exchange, message.id, purpose));
            self.stay_awake(now);
        }
    }

    fn stay_awake(&mut self, now: Instant) {
        if let Some((awake, until)) = &mut self.queue {
            *until = now + *awake;
        }
    }

    /// Does it hear nothing? Not while it waits for an answer.
    fn is_asleep(&self, now: Instant) -> bool {
        self.current.is_none() && self.queue.is_some_and(|(_, until)| until < now)
    }

    fn notification(&mut self, token: &[u8], objects: &Objects) -> Option<CoapMessage> {
        let id = self.id();
        self.sequence = (self.sequence + 1) & 0xFF_FFFF;
        let observation = self.observations.iter_mut().find(|other| other.token == token)?;
        let (format, payload) = objects.read(observation.path, observation.accept).ok()?;
        observation.told.clone_from(&payload);
        let mut message = CoapMessage::new(MessageType::Confirmable, CoapCode::CONTENT, id, token);
        message.push_uint(OBSERVE, self.sequence);
        message.push_uint(CONTENT_FORMAT, format.into());
        message.payload = payload;
        Some(message)
    }

    /// The time of [`Client::due`] has come.
    pub fn on_due(&mut self, now: Instant) {
        let Some((mut exchange, id, purpose)) = self.current.take() else {
            return;
        };
        match exchange.step(now) {
            Step::Resend => {
                self.datagrams.push(exchange.bytes().to_vec());
                self.current = Some((exchange, id, purpose));
            }
            Step::GiveUp => self.over(id, purpose, None),
        }
    }

    /// The request with this purpose came to its end: with an answer, or without.
    fn over(&mut self, id: u16, purpose: RequestPurpose, answer: Option<&CoapMessage>) {
        let code = answer.map(|answer| answer.code);
        match purpose {
            RequestPurpose::Register => {
                let location = answer
                    .filter(|answer| answer.code == CoapCode::CREATED)
                    .and_then(|answer| answer.texts(LOCATION_PATH))
                    .filter(|location| !location.is_empty());
                let confirmed = location.is_some();
                self.status = location.map_or(Status::None, |location| {
                    Status::Registered(location.into_iter().map(str::to_owned).collect())
                });
                self.events.push(ClientEvent::Register { confirmed });
            }
            RequestPurpose::Resume { location } => {
                let confirmed = code == Some(CoapCode::CHANGED);
                self.status = if confirmed {
                    Status::Registered(location)
                } else {
                    Status::None
                };
                self.events.push(ClientEvent::Resume { confirmed });
            }
            RequestPurpose::Update { asked } => {
                if code == Some(CoapCode::NOT_FOUND) {
                    self.status = Status::None; // the lifetime is over
                    self.observations.clear();
                }
                if asked {
                    let confirmed = code == Some(CoapCode::CHANGED);
                    self.events.push(ClientEvent::Update { confirmed, id });
                }
            }
            RequestPurpose::Deregister => {
                self.status = Status::None;
                self.observations.clear();
                let confirmed = code == Some(CoapCode::DELETED);
                self.events.push(ClientEvent::Deregister { confirmed });
            }
            RequestPurpose::Notify { token } => self.observations.retain(|other| other.token != token),
        }
    }

    /// A datagram has come from the server.
    pub fn on_datagram(&mut self, bytes: &[u8], objects: &mut Objects, now: Instant) {
        if self.is_asleep(now) {
            return;
        }
        self.stay_awake(now);
        let message = match CoapMessage::decode(bytes) {
            Ok(message) => message,
            Err(malformed) => {
                if let Some((MessageType::Confirmable, id)) = malformed.head {
                    self.send(&CoapMessage::empty(MessageType::Reset, id));
                }
                return;
            }
        };
        let expects_memory = matches!(message.kind, MessageType::Confirmable | MessageType::NonConfirmable);
        if expects_memory && message.code != CoapCode::EMPTY && self.is_copy(message.id, now) {
            return;
        }
        let reply = if message.code.is_request() {
            self.on_request(&message, objects)
        } else {
            self.on_other(&message, now)
        };
        let reply = reply.map(|reply| reply.encode());
        self.datagrams.extend(reply.clone());
        if expects_memory && message.code != CoapCode::EMPTY {
            self.remembered.push_back((message.id, now, reply));
        }
    }

    /// Was this message handled before? Then its answer, if it had one, is sent once more (RFC 7252 §4.5).
    fn is_copy(&mut self, id: u16, now: Instant) -> bool {
        let life = self
            .clock
            .real(COAP_EXCHANGE_LIFETIME)
            .max(COAP_EXCHANGE_LIFETIME);
        while self.remembered.len() >= REMEMBERED_MAX
            || self
                .remembered
                .front()
                .is_some_and(|(_, when, _)| now.duration_since(*when) > life)
        {
            self.remembered.pop_front();
        }
        let Some((_, _, reply)) = self.remembered.iter().find(|(other, ..)| *other == id) else {
            return false;
        };
        self.datagrams.extend(reply.clone());
        true
    }

    /// An acknowledgement, a reset, an answer or an empty message.
    fn on_other(&mut self, message: &CoapMessage, now: Instant) -> Option<CoapMessage> {
        let news = match &mut self.current {
            Some((exchange, ..)) => exchange.on_message(message, now),
            None => News::NotMine,
        };
        let is_notification = matches!(&self.current, Some((_, _, RequestPurpose::Notify { .. })));
        let confirmable = message.kind == MessageType::Confirmable;
        match news {
            News::Acknowledged if is_notification => self.current = None,
            News::Acknowledged => {}
            News::Answered | News::Refused => {
                if let Some((_, id, purpose)) = self.current.take() {
                    let answer = (news == News::Answered).then_some(message);
                    self.over(id, purpose, answer);
                }
                if confirmable {
                    return Some(CoapMessage::empty(MessageType::Acknowledgement, message.id));
                }
            }
            News::NotMine if confirmable => return Some(CoapMessage::empty(MessageType::Reset, message.id)),
            News::NotMine => {}
        }
        None
    }

    fn request(&mut self, code: CoapCode, path: &[String]) -> CoapMessage {
        let token = (self.random.bits() as u32).to_be_bytes();
        let mut message = CoapMessage::new(MessageType::Confirmable, code, self.id(), &token);
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

    fn send(&mut self, message: &CoapMessage) {
        self.datagrams.push(message.encode());
    }
}

#[cfg(test)]
mod tests {
    use super::requests::OBSERVATIONS_MAX;
    use super::*;
    use crate::coap::option::ACCEPT;
    use crate::defect::Defects;
    use crate::lwm2m::Firmware;
    use crate::lwm2m::objects::BINDING;
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
        let mut client = Client::new(clock, Random::new(1), false, false);
        client.status = Status::Registered(vec!["rd".to_owned(), "1".to_owned()]);
        (client, objects)
    }

    fn observation(path: [&str; 3], token: u8) -> Vec<u8> {
        let mut request = CoapMessage::new(MessageType::Confirmable, CoapCode::GET, token.into(), &[token]);
        for segment in path {
            request.push(URI_PATH, segment);
        }
        request.push_uint(OBSERVE, 0);
        request.encode()
    }

    /// One at a time is on its way, the newest value counts, and the sequence grows.
    #[test]
    fn notifications_skip_what_is_over() {
        let (mut client, mut objects) = registered();
        let now = Instant::now();
        client.on_datagram(&observation(["5", "0", "5"], 9), &mut objects, now);
        client.take_datagrams();
        let mut notes = Vec::new();
        for result in [7, 9, 4] {
            objects.firmware.result = bc66_spec::lwm2m::UpdateResult::from_raw(result);
            client.pump(&objects, now);
            notes.extend(client.take_datagrams());
        }
        assert_eq!(notes.len(), 1, "the others wait");
        let first = CoapMessage::decode(&notes[0]).expect("sound");
        assert_eq!(
            (first.kind, first.payload.as_slice()),
            (MessageType::Confirmable, &b"7"[..])
        );
        let acknowledgement = CoapMessage::empty(MessageType::Acknowledgement, first.id).encode();
        client.on_datagram(&acknowledgement, &mut objects, now);
        client.pump(&objects, now);
        let second = CoapMessage::decode(&client.take_datagrams()[0]).expect("sound");
        assert_eq!(second.payload, b"4");
        assert!(second.uint(OBSERVE) > first.uint(OBSERVE));
    }

    #[test]
    fn an_observation_that_nobody_acknowledges_ends() {
        let (mut client, mut objects) = registered();
        let mut now = Instant::now();
        client.on_datagram(&observation(["5", "0", "5"], 9), &mut objects, now);
        client.take_datagrams();
        objects.firmware.result = bc66_spec::lwm2m::UpdateResult::InvalidUri;
        client.pump(&objects, now);
        while let Some(due) = client.due() {
            now = due;
            client.on_due(now);
        }
        assert_eq!(client.take_datagrams().len(), 5);
        objects.firmware.result = bc66_spec::lwm2m::UpdateResult::Initial;
        client.pump(&objects, now);
        assert!(client.take_datagrams().is_empty());
    }

    #[test]
    fn a_flood_fills_no_memory() {
        let (mut client, mut objects) = registered();
        let now = Instant::now();
        for n in 0..20_000u16 {
            let mut request = CoapMessage::new(MessageType::Confirmable, CoapCode::GET, n, &n.to_be_bytes());
            for segment in ["3", "0", ["0", "1", "2", "3"][usize::from(n % 4)]] {
                request.push(URI_PATH, segment);
            }
            request.push_uint(OBSERVE, 0);
            request.push_uint(ACCEPT, if n % 3 == 0 { 0 } else { 11_542 });
            client.on_datagram(&request.encode(), &mut objects, now);
            let mut trigger = CoapMessage::new(MessageType::NonConfirmable, CoapCode::POST, 20_000 + n, &[]);
            for segment in ["1", "0", "8"] {
                trigger.push(URI_PATH, segment);
            }
            client.on_datagram(&trigger.encode(), &mut objects, now);
            for event in client.take_events() {
                assert_eq!(event, ClientEvent::Act(ServerAction::UpdateRegistration));
                client.update(None, false);
            }
            client.take_datagrams();
        }
        assert!(client.observations.len() <= OBSERVATIONS_MAX);
        assert!(client.remembered.len() <= REMEMBERED_MAX);
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
            let mut request = CoapMessage::new(MessageType::Confirmable, CoapCode(code), id, &[7]);
            for segment in path {
                request.push(URI_PATH, segment);
            }
            request.options.extend(options);
            request.payload = payload;
            client.on_datagram(&request.encode(), &mut objects, Instant::now());
            let datagrams = client.take_datagrams();
            prop_assert_eq!(datagrams.len(), 1);
            let answer = CoapMessage::decode(&datagrams[0]).expect("sound");
            prop_assert_eq!((answer.kind, answer.id, answer.token), (MessageType::Acknowledgement, id, vec![7]));
            prop_assert!(answer.code.is_answer());
        }
    }
}
