//! The client without a socket.

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
            client.update(UpdatedParameter::Lifetime(50), false);
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
