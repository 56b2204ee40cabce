//! Two endpoints over a network that loses, doubles, delays and reorders, in virtual time; and single datagrams by hand.

use dfota_core::coap::{
    BlockOption, BlockSize, CoapCode, CoapMessage, CoapToken, Endpoint, Failure, MessageType, Output,
    ReceivedPayload, Uploads, option,
};
use dfota_core::percent::Percent;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;
use rstest::rstest;
use std::time::Duration;

const PEER: u8 = 7;

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn endpoint() -> Endpoint<u8> {
    Endpoint::new(Seed(1))
}

fn outputs(endpoint: &mut Endpoint<u8>) -> Vec<Output<u8>> {
    std::iter::from_fn(|| endpoint.poll()).collect()
}

fn sent(endpoint: &mut Endpoint<u8>) -> Vec<CoapMessage> {
    let sent = outputs(endpoint).into_iter().filter_map(|output| match output {
        Output::Send { bytes, .. } => Some(CoapMessage::decode(&bytes).expect("sound bytes")),
        _ => None,
    });
    sent.collect()
}

fn reply(kind: MessageType, code: CoapCode, to: &CoapMessage) -> CoapMessage {
    CoapMessage::new(kind, code, to.id(), to.token())
}

#[test]
fn a_request_is_sent_again_with_doubled_waits_and_then_given_up() {
    let mut endpoint = endpoint();
    let token = endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "5/0/3"), at(0.0));
    let first = sent(&mut endpoint);
    let mut times = vec![];
    let end = loop {
        let now = endpoint.deadline().expect("something to wait for");
        endpoint.on_time(now);
        match outputs(&mut endpoint).as_slice() {
            [Output::Send { bytes, .. }] => {
                assert_eq!(
                    CoapMessage::decode(bytes).as_ref(),
                    Ok(&first[0]),
                    "the same message"
                );
                times.push(now);
            }
            [Output::Failed { to, token: of, why }] => {
                assert_eq!((*to, *of, *why), (PEER, token, Failure::TimedOut));
                break now;
            }
            other => panic!("{other:?}"),
        }
    };
    let wait = times[0];
    assert!((at(2.0)..=at(3.0)).contains(&wait), "{wait:?}");
    assert_eq!(times, [wait, wait * 3, wait * 7, wait * 15]);
    assert_eq!(end, wait * 31);
    assert_eq!(endpoint.deadline(), None);
}

#[test]
fn one_request_at_a_time_goes_to_a_peer() {
    let mut endpoint = endpoint();
    for path in ["5/0/3", "5/0/5"] {
        endpoint.request(PEER, CoapMessage::request(CoapCode::GET, path), at(0.0));
    }
    endpoint.request(PEER + 1, CoapMessage::request(CoapCode::GET, "3/0"), at(0.0));
    let first = sent(&mut endpoint);
    let paths: Vec<String> = first.iter().map(CoapMessage::path).collect();
    assert_eq!(paths, ["/5/0/3", "/3/0"], "another peer waits for nobody");
    endpoint.on_message(
        PEER,
        reply(MessageType::Acknowledgement, CoapCode::CONTENT, &first[0]),
        at(0.1),
    );
    assert_eq!(sent(&mut endpoint)[0].path(), "/5/0/5");
}

#[test]
fn a_response_may_come_apart_from_its_acknowledgement() {
    let mut endpoint = endpoint();
    let token = endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "5/0/3"), at(0.0));
    let request = sent(&mut endpoint).remove(0);
    let ack = CoapMessage::new(
        MessageType::Acknowledgement,
        CoapCode::EMPTY,
        request.id(),
        CoapToken::default(),
    );
    endpoint.on_message(PEER, ack, at(0.1));
    endpoint.on_time(at(60.0));
    assert_eq!(outputs(&mut endpoint), [], "acknowledged: nothing is sent again");
    let response = CoapMessage::new(MessageType::Confirmable, CoapCode::CONTENT, 99, request.token())
        .with_payload(b"1".to_vec());
    for _ in 0..2 {
        endpoint.on_message(PEER, response.clone(), at(61.0));
    }
    let all = outputs(&mut endpoint);
    let acks = all
        .iter()
        .filter(|output| matches!(output, Output::Send { bytes, .. } if bytes == &[0x60, 0, 0, 99]));
    assert_eq!(acks.count(), 2, "both copies are acknowledged");
    let responses = all
        .iter()
        .filter(|output| matches!(output, Output::Response { token: of, .. } if *of == token));
    assert_eq!(responses.count(), 1, "one counts");
}

#[test]
fn a_request_that_comes_twice_is_acted_on_once() {
    let mut endpoint = endpoint();
    let request = CoapMessage::request(CoapCode::POST, "rd");
    let request = CoapMessage::decode(&request.encode()).unwrap();
    endpoint.on_message(PEER, request.clone(), at(0.0));
    let [Output::Request { .. }] = &outputs(&mut endpoint)[..] else {
        panic!("a request");
    };
    endpoint.on_message(PEER, request.clone(), at(0.1));
    assert_eq!(outputs(&mut endpoint), [], "not answered yet");
    endpoint.on_message(PEER + 1, request.clone(), at(0.1));
    let mut theirs = outputs(&mut endpoint);
    let Some(Output::Request { ticket, .. }) = theirs.pop() else {
        panic!("another peer's is another request");
    };
    endpoint.respond(ticket, CoapMessage::draft(CoapCode::CREATED), at(0.2));
    let answer = sent(&mut endpoint);
    endpoint.on_message(PEER + 1, request.clone(), at(0.3));
    assert_eq!(sent(&mut endpoint), answer, "the same answer again");
    endpoint.on_message(PEER + 1, request, at(300.0));
    assert!(
        matches!(outputs(&mut endpoint)[..], [Output::Request { .. }]),
        "after 247 s it is a new one"
    );
}

/// Datagrams and what they are met with.
#[rstest]
#[case::ping(b"\x40\x00\x12\x34", b"\x70\x00\x12\x34")]
#[case::cut_off(b"\x40\x01\x12\x34\xb5a", b"\x70\x00\x12\x34")]
#[case::long_token(b"\x4f\x01\x12\x34aaaaaaaaaaaaaaa", b"\x70\x00\x12\x34")]
#[case::reserved_class(b"\x40\x20\x12\x34", b"\x70\x00\x12\x34")]
#[case::signalling(b"\x40\xe1\x12\x34", b"\x70\x00\x12\x34")]
#[case::response_for_nobody(b"\x40\x45\x12\x34", b"\x70\x00\x12\x34")]
#[case::notification_for_nobody(b"\x51\x45\x12\x34\x01\x61\x05\xff1", b"\x70\x00\x12\x34")]
#[case::critical_option(
    b"\x41\x01\x12\x34\x99\x91a",
    b"\x61\x82\x12\x34\x99\xffoption 9 is critical and not understood here"
)]
#[case::proxy(
    b"\x40\x01\x12\x34\xd1\x16a",
    b"\x60\xa5\x12\x34\xffthis server is not a proxy"
)]
#[case::empty_datagram(b"", b"")]
#[case::another_version(b"\x80\x01\x12\x34", b"")]
#[case::critical_non(b"\x51\x01\x12\x34\x99\x91a", b"")]
#[case::cut_off_non(b"\x50\x01\x12\x34\xb5a", b"")]
#[case::empty_non(b"\x50\x00\x12\x34", b"")]
#[case::ack_for_nobody(b"\x60\x00\x12\x34", b"")]
#[case::piggybacked_for_nobody(b"\x60\x45\x12\x34\xff1", b"")]
#[case::request_as_ack(b"\x60\x01\x12\x34", b"")]
#[case::request_as_rst(b"\x70\x01\x12\x34", b"")]
#[case::rst_for_nobody(b"\x70\x00\x12\x34", b"")]
fn met_with(#[case] datagram: &[u8], #[case] answer: &[u8]) {
    let mut endpoint = endpoint();
    endpoint.on_datagram(PEER, datagram, at(0.0));
    let expected = (!answer.is_empty()).then(|| Output::Send {
        to: PEER,
        bytes: answer.to_vec(),
    });
    assert_eq!(endpoint.poll(), expected);
    assert_eq!(endpoint.poll(), None);
}

#[test]
fn notifications_count_in_their_order_and_end_with_an_rst() {
    let mut endpoint = endpoint();
    let draft = CoapMessage::request(CoapCode::GET, "5/0/3").with_uint(option::OBSERVE, 0);
    let token = endpoint.request(PEER, draft, at(0.0));
    let request = sent(&mut endpoint).remove(0);
    let answer =
        reply(MessageType::Acknowledgement, CoapCode::CONTENT, &request).with_uint(option::OBSERVE, 10);
    endpoint.on_message(PEER, answer, at(0.1));
    assert!(matches!(
        outputs(&mut endpoint)[..],
        [Output::Response { observed: true, .. }]
    ));
    let notify = |id, number, value: &str| {
        CoapMessage::new(MessageType::Confirmable, CoapCode::CONTENT, id, token)
            .with_uint(option::OBSERVE, number)
            .with_payload(value.into())
    };
    let mut values = vec![];
    for (id, number, value) in [(1, 12, "2"), (2, 11, "1"), (1, 12, "2"), (3, 13, "3")] {
        endpoint.on_message(PEER, notify(id, number, value), at(1.0));
        for output in outputs(&mut endpoint) {
            match output {
                Output::Notification { message, .. } => values.push(message.into_payload()),
                Output::Send { bytes, .. } => assert_eq!(bytes, [0x60, 0, 0, id as u8]),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(
        values,
        [b"2", b"3"],
        "older and repeated ones are acknowledged, and left out"
    );
    endpoint.moved(PEER, PEER + 1);
    endpoint.on_message(PEER + 1, notify(4, 14, "0"), at(1.5));
    assert_eq!(outputs(&mut endpoint).len(), 2, "its address may change");
    endpoint.forget(token, at(1.5));
    endpoint.on_message(PEER + 1, notify(5, 15, "1"), at(2.0));
    assert_eq!(
        outputs(&mut endpoint),
        [Output::Send {
            to: PEER + 1,
            bytes: vec![0x70, 0, 0, 5]
        }]
    );
}

#[test]
fn an_rst_fails_a_request_and_lets_the_next_one_go() {
    let mut endpoint = endpoint();
    let token = endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "a"), at(0.0));
    endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "b"), at(0.0));
    let request = sent(&mut endpoint).remove(0);
    endpoint.on_message(
        PEER,
        CoapMessage::new(
            MessageType::Reset,
            CoapCode::EMPTY,
            request.id(),
            CoapToken::default(),
        ),
        at(0.1),
    );
    let all = outputs(&mut endpoint);
    assert_eq!(
        all[0],
        Output::Failed {
            to: PEER,
            token,
            why: Failure::Reset
        }
    );
    assert!(matches!(all[1], Output::Send { .. }));
}

#[test]
fn what_waits_behind_a_forgotten_request_goes_out() {
    let mut endpoint = endpoint();
    let token = endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "a"), at(0.0));
    endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "b"), at(0.0));
    assert_eq!(sent(&mut endpoint)[0].path(), "/a");
    endpoint.forget(token, at(0.1));
    assert_eq!(sent(&mut endpoint)[0].path(), "/b");
}

/// Two endpoints and what is between them.
struct Network {
    ends: [Endpoint<usize>; 2],
    uploads: Uploads<usize>,
    rng: Rng,
    loss: Percent,
    /// When, to whom, what.
    under_way: Vec<(Duration, usize, Vec<u8>)>,
    now: Duration,
    page: Vec<u8>,
    stored: Vec<Vec<u8>>,
}

impl Network {
    fn new(seed: u64, loss: u8) -> Self {
        Self {
            ends: [Endpoint::new(Seed(seed)), Endpoint::new(Seed(seed + 1))],
            uploads: Uploads::new(10_000),
            rng: Rng::new(Seed(seed), "network"),
            loss: Percent::new(loss).expect("a share"),
            under_way: vec![],
            now: Duration::ZERO,
            page: (0..5000_u32).map(|n| (n % 251) as u8).collect(),
            stored: vec![],
        }
    }

    /// Runs until the first end has its response.
    fn run(&mut self) -> Result<CoapMessage, Failure> {
        loop {
            for end in 0..2 {
                while let Some(output) = self.ends[end].poll() {
                    match output {
                        Output::Send { to, bytes } => self.send(to, bytes),
                        Output::Request { ticket, message } => {
                            let answer = self.serve(&message);
                            self.ends[end].respond(ticket, answer, self.now);
                        }
                        Output::Response { message, .. } => return Ok(message),
                        Output::Failed { why, .. } => return Err(why),
                        Output::Notification { .. } => unreachable!("nothing is observed"),
                    }
                }
            }
            self.step();
        }
    }

    fn send(&mut self, to: usize, bytes: Vec<u8>) {
        for _ in 0..1 + usize::from(self.rng.hits(self.loss)) {
            if !self.rng.hits(self.loss) {
                let delay = Duration::from_millis(self.rng.below(900));
                self.under_way.push((self.now + delay, to, bytes.clone()));
            }
        }
    }

    fn step(&mut self) {
        let next = self.under_way.iter().map(|(when, ..)| *when).min();
        let timers = self.ends.iter().filter_map(Endpoint::deadline);
        self.now = timers.chain(next).min().expect("the network rests").max(self.now);
        let now = self.now;
        let (due, rest) = std::mem::take(&mut self.under_way)
            .into_iter()
            .partition(|(when, ..)| *when <= now);
        self.under_way = rest;
        for (_, to, bytes) in due {
            self.ends[to].on_datagram(1 - to, &bytes, now);
        }
        for end in &mut self.ends {
            end.on_time(now);
        }
    }

    fn serve(&mut self, request: &CoapMessage) -> CoapMessage {
        if request.code() == CoapCode::GET {
            let asked = request
                .block(option::BLOCK2)
                .unwrap()
                .unwrap_or(BlockOption::new(0, BlockSize::MEDIUM));
            let Some(block) = asked.within(self.page.len() as u64) else {
                return CoapMessage::draft(CoapCode::BAD_REQUEST);
            };
            let part = block.slice(&self.page).to_vec();
            return CoapMessage::draft(CoapCode::CONTENT)
                .with_block(option::BLOCK2, block)
                .with_payload(part);
        }
        match self.uploads.take(0, request, self.now) {
            ReceivedPayload::Whole(whole, block) => {
                self.stored.push(whole);
                let answer = CoapMessage::draft(CoapCode::CHANGED);
                match block {
                    Some(block) => answer.with_block(option::BLOCK1, block),
                    None => answer,
                }
            }
            ReceivedPayload::Answer(answer) => answer,
        }
    }
}

#[rstest]
#[case::no_loss(0, 1)]
#[case::some_loss(10, 20)]
#[case::much_loss(30, 20)]
fn long_payloads_cross_a_lossy_network_both_ways(#[case] loss: u8, #[case] seeds: u64) {
    let (mut arrived, mut given_up) = (0, 0);
    for seed in 0..seeds {
        let mut network = Network::new(seed, loss);
        network.ends[0].request(1, CoapMessage::request(CoapCode::GET, "page"), network.now);
        match network.run() {
            Ok(response) => {
                assert_eq!(response.payload(), network.page, "seed {seed}");
                arrived += 1;
            }
            Err(why) => {
                assert_eq!(why, Failure::TimedOut, "seed {seed}");
                given_up += 1;
                continue;
            }
        }
        let page = network.page.clone();
        let upload = CoapMessage::request(CoapCode::PUT, "page").with_payload(page.clone());
        network.ends[0].request(1, upload, network.now);
        if let Ok(response) = network.run() {
            assert_eq!(response.code(), CoapCode::CHANGED, "seed {seed}");
            assert_eq!(network.stored, [page], "once, seed {seed}");
        }
    }
    assert!(
        arrived > 0 && (loss > 0 || given_up == 0),
        "{arrived} arrived, {given_up} given up"
    );
}

proptest::proptest! {
    #[test]
    fn no_datagram_is_too_strange(datagrams in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..40), 1..40)) {
        let mut endpoint = endpoint();
        endpoint.request(PEER, CoapMessage::request(CoapCode::GET, "5/0/3").with_uint(option::OBSERVE, 0), at(0.0));
        for (n, mut datagram) in datagrams.into_iter().enumerate() {
            if let Some(first) = datagram.first_mut() {
                *first = *first & 0x33 | 0x40;
            }
            let now = at(n as f64);
            endpoint.on_datagram(PEER, &datagram, now);
            endpoint.on_time(now);
            for output in outputs(&mut endpoint) {
                if let Output::Request { ticket, .. } = output {
                    endpoint.respond(ticket, CoapMessage::draft(CoapCode::NOT_FOUND), now);
                }
            }
            outputs(&mut endpoint);
        }
    }
}
