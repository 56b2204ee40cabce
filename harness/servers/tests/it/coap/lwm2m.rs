//! The LwM2M server with a client by hand: the dialogue of the application note, from the registration to the result.

use crate::coap::bench::{Bench, Client};
use dfota_core::coap::{CoapCode, CoapMessage, CoapToken, Endpoint, MessageType, Output, option};
use dfota_core::lwm2m::{GoneWhy, UpdateOptions};
use dfota_core::seed::Seed;
use dfota_servers::coap::CoapEvent;
use rstest::rstest;
use std::time::{Duration, Instant};

/// A client with object 5, on the project's own endpoint.
struct Device {
    client: Client,
    endpoint: Endpoint<()>,
    begun: Instant,
    state: u8,
    result: u8,
    /// Tokens under which state and result are observed, and the number of the last notification.
    observed: [Option<CoapToken>; 2],
    number: u32,
    /// Where it is registered.
    location: Vec<Vec<u8>>,
    /// It tells values in CBOR unless it is asked for another format.
    cbor: bool,
    log: Vec<String>,
}

impl Device {
    fn new(bench: &Bench) -> Self {
        Self {
            client: bench.client(),
            endpoint: Endpoint::new(Seed(9)),
            begun: Instant::now(),
            state: 0,
            result: 0,
            observed: [None; 2],
            number: 1,
            location: vec![],
            cbor: false,
            log: vec![],
        }
    }

    /// One that is told where its package is, and downloads it.
    fn fetching(bench: &Bench, script: UpdateOptions) -> Self {
        bench.server.drive("867725030029312", script);
        let mut device = Self::new(bench);
        device.register();
        device.serve(|device| device.state == 1);
        device.serve(|device| device.log.iter().filter(|line| *line == "GET /5/0/3").count() >= 2);
        device
    }

    fn register(&mut self) {
        let draft = CoapMessage::request(CoapCode::POST, "rd")
            .with_uint(option::CONTENT_FORMAT, 40)
            .with(option::URI_QUERY, b"ep=867725030029312")
            .with(option::URI_QUERY, b"lt=50")
            .with(option::URI_QUERY, b"lwm2m=1.0")
            .with_payload(b"</1/0>,</3/0>,</5/0>".to_vec());
        self.observed = [None; 2];
        self.endpoint.request((), draft, self.begun.elapsed());
    }

    /// Reboots; it has kept its registration and says no more than that it is there.
    fn reboot_and_update(&mut self) {
        self.observed = [None; 2];
        self.endpoint = Endpoint::new(Seed(10));
        let path = self.location.iter();
        let draft = path.fold(CoapMessage::draft(CoapCode::POST), |draft, part| {
            draft.with(option::URI_PATH, part)
        });
        self.endpoint.request((), draft, self.begun.elapsed());
    }

    /// Serves until `done`; what was asked by then is answered.
    fn serve(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        self.client
            .socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        loop {
            assert!(Instant::now() < deadline, "{:?}", self.log);
            let now = self.begun.elapsed();
            self.endpoint.on_time(now);
            while let Some(output) = self.endpoint.poll() {
                match output {
                    Output::Send { bytes, .. } => drop(self.client.socket.send(&bytes)),
                    Output::Request { ticket, message } => {
                        let answer = self.answer(&message);
                        self.endpoint.respond(ticket, answer, now);
                    }
                    Output::Response { message, .. } => {
                        if message.code() == CoapCode::CREATED {
                            let path = message.options(option::LOCATION_PATH);
                            self.location = path.map(<[u8]>::to_vec).collect();
                        }
                        self.log.push(message.code().to_string());
                    }
                    _ => {}
                }
            }
            if done(self) {
                return;
            }
            let mut buffer = [0; 2048];
            if let Ok(len) = self.client.socket.recv(&mut buffer) {
                self.endpoint.on_datagram((), &buffer[..len], now);
            }
        }
    }

    fn answer(&mut self, request: &CoapMessage) -> CoapMessage {
        self.log.push(format!("{} {}", request.code(), request.path()));
        let cbor = self.cbor && request.option(option::ACCEPT).is_none();
        let value = |value: u8| {
            if cbor {
                CoapMessage::draft(CoapCode::CONTENT)
                    .with_uint(option::CONTENT_FORMAT, 60)
                    .with_payload(vec![value])
            } else {
                CoapMessage::diagnostic(CoapCode::CONTENT, &value.to_string())
            }
        };
        match (request.code(), request.path().as_str()) {
            (CoapCode::GET, path @ ("/5/0/3" | "/5/0/5")) => {
                let which = usize::from(path == "/5/0/5");
                let answer = value([self.state, self.result][which]);
                if request.uint(option::OBSERVE) != Some(0) {
                    return answer;
                }
                self.observed[which] = Some(request.token());
                answer.with_uint(option::OBSERVE, 0)
            }
            (CoapCode::PUT, "/5/0/1") => {
                self.log
                    .push(String::from_utf8_lossy(request.payload()).into_owned());
                (self.state, self.result) = (1, 0);
                CoapMessage::draft(CoapCode::CHANGED)
            }
            (CoapCode::POST, "/5/0/2") if self.state == 2 => {
                self.state = 3;
                CoapMessage::draft(CoapCode::CHANGED)
            }
            (CoapCode::POST, "/5/0/2") => CoapMessage::draft(CoapCode::NOT_ALLOWED),
            _ => CoapMessage::draft(CoapCode::NOT_FOUND),
        }
    }

    fn notify(&mut self) {
        let Some(token) = self.observed[0] else { return };
        self.number += 1;
        let notification = CoapMessage::new(
            MessageType::NonConfirmable,
            CoapCode::CONTENT,
            0x4000 + self.number as u16,
            token,
        )
        .with_uint(option::OBSERVE, self.number)
        .with_payload(self.state.to_string().into_bytes());
        self.client.socket.send(&notification.encode()).expect("a socket");
    }
}

#[rstest]
#[case::text(false)]
#[case::cbor_unless_asked_for_text(true)]
fn an_update_from_the_registration_to_the_result(#[case] cbor: bool) {
    let bench = Bench::new();
    bench
        .server
        .drive("867725030029312", UpdateOptions::new("coap://h/p".into()));
    let mut device = Device::new(&bench);
    device.cbor = cbor;
    device.register();
    device.serve(|device| device.state == 1);
    device.serve(|device| device.log.iter().filter(|line| *line == "GET /5/0/3").count() >= 2);
    device.state = 2;
    device.notify();
    device.serve(|device| device.state == 3);
    // It reboots: all that it knew is gone, and it registers again.
    (device.state, device.result) = (0, 1);
    device.register();
    device.serve(|device| device.observed.iter().all(Option::is_some));
    let order = ["2.01", "GET /5/0/3", "GET /5/0/5", "PUT /5/0/1", "coap://h/p"];
    let mut log = device.log.iter();
    for expected in order {
        assert!(log.any(|line| line == expected), "{expected}: {:?}", device.log);
    }
    let mut found = vec![];
    let ending = bench.wait_for("the end", |event| match event {
        CoapEvent::Found { finding, .. } => {
            found.push(finding);
            None
        }
        CoapEvent::Ended { ending, .. } => Some(ending),
        _ => None,
    });
    assert!(ending.is_success() && found.is_empty(), "{ending} {found:?}");
}

/// A client in queue mode that says no more after its reboot than that it is there. Nothing of this waits for the next time at
/// which the server would ask by itself.
#[test]
fn a_client_that_only_updates_its_registration_is_asked_and_observed_at_once() {
    let bench = Bench::new();
    let patient = UpdateOptions {
        poll: Duration::from_secs(3600),
        ..UpdateOptions::new("coap://h/p".into())
    };
    let mut device = Device::fetching(&bench, patient);
    device.state = 2;
    device.notify();
    device.serve(|device| device.state == 3);
    // What was read on the way there is answered before it goes off.
    device.serve(|device| device.log.iter().filter(|line| *line == "GET /5/0/3").count() >= 3);
    (device.state, device.result) = (0, 1);
    device.reboot_and_update();
    device.serve(|device| device.observed.iter().all(Option::is_some));
    let ending = bench.wait_for("the end", |event| match event {
        CoapEvent::Found { finding, .. } => panic!("{finding:?}"),
        CoapEvent::Ended { ending, .. } => Some(ending),
        _ => None,
    });
    assert!(ending.is_success(), "{ending}");
}

#[test]
fn a_registration_is_told_and_expires_in_the_modules_time() {
    let bench = Bench::with(dfota_clock::Clock::scaled(500.0));
    let mut device = Device::new(&bench);
    device.register();
    device.serve(|device| device.log.contains(&"2.01".to_owned()));
    let lifetime = bench.wait_for("the registration", |event| match event {
        CoapEvent::Registered {
            again: false,
            lifetime,
            ..
        } => Some(lifetime),
        _ => None,
    });
    assert_eq!(lifetime, Duration::from_secs(50));
    let why = bench.wait_for("its end", |event| match event {
        CoapEvent::Gone { why, .. } => Some(why),
        _ => None,
    });
    assert_eq!((why, bench.server.registered()), (GoneWhy::Expired, 0));
}

#[test]
fn a_client_behind_a_new_address_is_asked_there() {
    let bench = Bench::new();
    bench.server.drive("e", UpdateOptions::new("coap://h/p".into()));
    let mut old = bench.client();
    old.send(
        &CoapMessage::request(CoapCode::POST, "rd")
            .with(option::URI_QUERY, b"ep=e")
            .with_payload(b"</5/0>".to_vec()),
    );
    let heard = [old.receive(), old.receive()];
    let created = heard
        .iter()
        .find(|message| message.code() == CoapCode::CREATED)
        .expect("2.01");
    let asked = heard
        .iter()
        .find(|message| message.code() == CoapCode::GET)
        .expect("the first request");
    assert_eq!(asked.path(), "/5/0/3");
    let place: Vec<&[u8]> = created.options(option::LOCATION_PATH).collect();
    let update = place
        .iter()
        .fold(CoapMessage::draft(CoapCode::POST), |draft, part| {
            draft.with(option::URI_PATH, part)
        });
    let mut new = bench.client();
    new.send(&update);
    let heard = [new.receive(), new.receive()];
    assert!(heard.iter().any(|message| message.code() == CoapCode::CHANGED));
    assert!(
        heard.iter().any(|message| message.code() == CoapCode::GET),
        "{heard:?}"
    );
    let moved = bench.wait_for("the update", |event| match event {
        CoapEvent::Updated { moved, .. } => Some(moved),
        _ => None,
    });
    assert!(moved);
}

/// What was asked of a client that was off is asked anew, and not with the next try of the old request, which may come when
/// the client sleeps again.
#[test]
fn a_request_that_met_a_sleeper_is_sent_anew_when_the_client_updates() {
    let bench = Bench::with(dfota_clock::Clock::scaled(10.0));
    bench.server.drive("e", UpdateOptions::new("coap://h/p".into()));
    let mut client = bench.client();
    client.send(
        &CoapMessage::request(CoapCode::POST, "rd")
            .with(option::URI_QUERY, b"ep=e")
            .with_payload(b"</5/0>".to_vec()),
    );
    let heard = [client.receive(), client.receive()];
    let of = |code| heard.iter().find(|message| message.code() == code);
    let asked = of(CoapCode::GET).expect("the first request").id();
    let created = of(CoapCode::CREATED).expect("2.01");
    // The second try: two seconds of the module's time have passed, and four will pass until the third.
    assert_eq!(client.receive().id(), asked);
    let place = created.options(option::LOCATION_PATH);
    let update = place.fold(CoapMessage::draft(CoapCode::POST), |draft, part| {
        draft.with(option::URI_PATH, part)
    });
    client.send(&update);
    let heard = [client.receive(), client.receive()];
    assert!(heard.iter().any(|message| message.code() == CoapCode::CHANGED));
    let anew = heard
        .iter()
        .find(|message| message.code() == CoapCode::GET)
        .expect("a request");
    assert!(anew.id() != asked && anew.path() == "/5/0/3", "{heard:?}");
    let observe = anew.uint(option::OBSERVE);
    assert_eq!(observe, Some(0));
}

/// The same where the client has notified: that it has the package, while a read of what it had before is still out. In real
/// time, for two seconds pass from the second try of that read to the third.
#[test]
fn a_read_that_met_a_sleeper_is_sent_anew_when_the_client_notifies() {
    let bench = Bench::new();
    let often = UpdateOptions {
        poll: Duration::from_secs(1),
        ..UpdateOptions::new("coap://h/p".into())
    };
    let mut device = Device::fetching(&bench, often);
    // It sleeps: the next read is not answered.
    let limit = Some(Duration::from_secs(10));
    device.client.socket.set_read_timeout(limit).expect("a socket");
    let mut read = device.client.receive();
    loop {
        let next = device.client.receive();
        if next.code() == CoapCode::GET && next.id() == read.id() {
            break;
        }
        read = next;
    }
    device.state = 2;
    device.notify();
    let anew = device.client.receive();
    assert!(
        anew.id() != read.id() && anew.path() == read.path(),
        "{read:?}, then {anew:?}"
    );
    let now = device.begun.elapsed();
    device.endpoint.on_datagram((), &anew.encode(), now);
    device.serve(|device| device.state == 3);
}

/// A client that notifies without end fills no disk, and what it says at last is told.
#[rstest]
#[case::the_same(false, 20)]
#[case::to_and_fro(true, 1000)]
fn notifications_without_end_are_told_in_part(#[case] to_and_fro: bool, #[case] most: usize) {
    let bench = Bench::new();
    bench
        .server
        .drive("867725030029312", UpdateOptions::new("coap://h/p".into()));
    let mut device = Device::new(&bench);
    device.register();
    device.serve(|device| device.state == 1 && device.observed[0].is_some());
    device
        .client
        .socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    for number in 0..4000 {
        device.state = 1 + u8::from(to_and_fro && number % 2 == 0);
        device.notify();
        if number % 50 == 0 {
            device
                .client
                .socket
                .send(&[0x40, 0, 0xFF, 0xFE])
                .expect("a socket");
            while device.client.receive().encode() != [0x70, 0, 0xFF, 0xFE] {}
        }
    }
    let state = |event: &CoapEvent| match event {
        CoapEvent::Value {
            resource: 3, value, ..
        } => Some(*value),
        _ => None,
    };
    let told = bench.so_far().iter().filter_map(state).count();
    assert!(
        (1..=most).contains(&told),
        "{told} of 4000 notifications were told"
    );
    if to_and_fro {
        // What a verdict rests on is told with the last value before it, however much was left out.
        device.state = 3;
        device.notify();
        device.state = 0;
        device.result = 8;
        device.notify();
        device.reboot_and_update();
        device.serve(|device| device.log.iter().filter(|line| line.contains("/5/0/5")).count() > 1);
        let read = bench.wait_for("the result that was read", |event| match event {
            CoapEvent::Value {
                resource: 5, value, ..
            } => Some(value),
            _ => None,
        });
        assert_eq!(read, 8);
    } else {
        device.state = 2;
        device.notify();
        let last = bench.wait_for("the last notification", |event| state(&event));
        assert_eq!(last, 2);
    }
}
