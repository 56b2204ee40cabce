//! What comes from the network and means no good. Each datagram gets the protocol's answer or silence, and the server lives
//! on.

use crate::coap::bench::{Bench, Client, get, package, size};
use dfota_clock::Clock;
use dfota_core::coap::{BlockOption, CoapCode, CoapMessage, option};
use dfota_core::fault::CoapFaults;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;
use rstest::rstest;

/// A datagram, and the answer's bytes; none for silence.
#[rstest]
#[case::empty(b"", b"")]
#[case::cut_off(b"\x40\x01\x12", b"")]
#[case::tls(b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x7a\x01\0\0\x6e", b"")]
#[case::http(b"GET / HTTP/1.1\r\n\r\n", b"\x70\x00\x54\x20")]
#[case::option_cut_off(b"\x40\x01\x12\x34\xb9a", b"\x70\x00\x12\x34")]
#[case::marker_alone(b"\x40\x01\x12\x34\xff", b"\x70\x00\x12\x34")]
#[case::ping(b"\x40\x00\x12\x34", b"\x70\x00\x12\x34")]
#[case::method_nobody_knows(
    b"\x40\x1f\x12\x34\xb2rd",
    b"\x60\x85\x12\x34\xffPOST /rd registers, POST and DELETE /rd/ID update and end it"
)]
#[case::path_nobody_knows(b"\x40\x01\x12\x34\xb1x", b"\x60\x84\x12\x34")]
#[case::dots(b"\x40\x01\x12\x34\xb2..\x02..\x03etc", b"\x60\x84\x12\x34")]
#[case::no_endpoint(b"\x40\x02\x12\x34\xb2rd", b"\x60\x80\x12\x34\xff`ep` is missing")]
#[case::block_size_7(
    b"\x40\x02\x12\x34\xb2rd\xd1\x03\x07",
    b"\x60\x80\x12\x34\xffblock size 7 is reserved"
)]
#[case::critical(
    b"\x40\x01\x12\x34\x91a",
    b"\x60\x82\x12\x34\xffoption 9 is critical and not understood here"
)]
fn met_with(#[case] datagram: &[u8], #[case] answer: &[u8]) {
    let bench = Bench::new();
    let client = bench.client();
    client.socket.send(datagram).expect("a socket");
    if answer.is_empty() {
        client.hears_nothing_before_a_pong();
    } else {
        let heard = client.receive().encode();
        assert_eq!(heard, answer, "{}", heard.escape_ascii());
    }
}

#[test]
fn blocks_beyond_the_end_and_requests_that_are_too_long() {
    let bench = Bench::new();
    let offer = bench.offer(&package(100), CoapFaults::default());
    let mut client = bench.client();
    for number in [7, 4096, (1 << 20) - 1] {
        let block = BlockOption::new(number, size(16));
        assert_eq!(
            client.ask(&get(offer.path(), block)).code(),
            CoapCode::BAD_REQUEST,
            "{number}"
        );
    }
    let long = CoapMessage::request(CoapCode::POST, "rd")
        .with(option::URI_QUERY, b"ep=a")
        .with_payload(vec![b' '; 60_000]);
    assert_eq!(client.ask(&long).code(), CoapCode::TOO_LARGE);
    assert_eq!(client.download(offer.path(), 0, size(16)), package(100));
}

#[test]
fn noise_harms_nobody() {
    let bench = Bench::new();
    let offer = bench.offer(&package(5000), CoapFaults::default());
    let noise = Client::of(bench.server.addr());
    let mut rng = Rng::new(Seed(3), "noise");
    let mut client = bench.client();
    for round in 0..20 {
        for _ in 0..200 {
            let len = rng.below(64) as usize;
            let mut bytes: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
            if let Some(first) = bytes.first_mut().filter(|_| round % 2 == 0) {
                *first = *first & 0x33 | 0x40;
            }
            noise.socket.send(&bytes).expect("a socket");
        }
        assert_eq!(client.download(offer.path(), 0, size(512)), package(5000));
    }
}

#[test]
fn a_flood_of_registrations_is_bounded_and_spares_the_one_under_test() {
    let bench = Bench::with(Clock::scaled(40.0)); // so fast that one host's share is beyond what it can send
    bench.server.pin("rig");
    let register = |name: &str| {
        let query = format!("ep={name}");
        CoapMessage::request(CoapCode::POST, "rd")
            .with(option::URI_QUERY, query.as_bytes())
            .with_payload(b"</5/0>".to_vec())
    };
    let mut client = bench.client();
    let created = client.ask(&register("rig"));
    let place: Vec<&str> = created
        .options(option::LOCATION_PATH)
        .map(|part| std::str::from_utf8(part).unwrap())
        .collect();
    let place = place.join("/");
    for n in 0..20_000 {
        assert_eq!(
            client.ask(&register(&format!("flood{n}"))).code(),
            CoapCode::CREATED
        );
    }
    assert_eq!(bench.server.registered(), 16_384);
    assert_eq!(
        client.ask(&CoapMessage::request(CoapCode::POST, &place)).code(),
        CoapCode::CHANGED
    );
    assert!(bench.so_far().len() < 2000, "a flood is told in part");
}

/// A socket on an address of its own, so that it counts as a host of its own.
fn host(number: u8, server: std::net::SocketAddr) -> std::net::UdpSocket {
    let socket = std::net::UdpSocket::bind(std::net::SocketAddr::from(([127, 0, 0, number], 0)))
        .expect("loopback has many addresses");
    socket.connect(server).expect("a socket");
    socket
}

#[test]
fn a_host_that_floods_has_its_share_and_the_module_its_package() {
    let bench = Bench::new();
    let offer = bench.offer(&package(5000), CoapFaults::default());
    let loud = host(7, bench.server.addr());
    let ping = |id: u16| [0x40, 0, (id >> 8) as u8, id as u8];
    let sent = 20_000_u16;
    let mut client = bench.client();
    for id in 0..sent {
        loud.send(&ping(id)).expect("a socket");
        if id % 50 == 0 {
            client.hears_nothing_before_a_pong(); // the server keeps pace: none of them is lost on the way
        }
        if id % 5000 == 0 {
            assert_eq!(client.download(offer.path(), 0, size(512)), package(5000));
        }
    }
    loud.set_nonblocking(true).expect("a socket");
    let mut buffer = [0; 64];
    let answered = std::iter::from_fn(|| loud.recv(&mut buffer).ok()).count();
    assert!(
        (1..usize::from(sent)).contains(&answered),
        "{answered} of {sent} pings were answered"
    );
}

/// The module registers while strangers have used up what all of them together may make of work, before and in its case.
#[rstest]
#[case::pinned(false)]
#[case::driven(true)]
fn a_flood_of_many_hosts_keeps_no_registration_of_the_module_away(#[case] driven: bool) {
    let bench = Bench::with(Clock::scaled(0.01)); // no window ends while the test runs
    let offer = bench.offer(&package(10), CoapFaults::default());
    if driven {
        bench
            .server
            .drive("e", dfota_core::lwm2m::UpdateOptions::new("coap://h/p".into()))
    } else {
        bench.server.pin("e")
    }
    let mut pacer = bench.client();
    pacer.download(offer.path(), 0, size(512)); // so that no share stops it
    for number in 7..11 {
        let loud = host(number, bench.server.addr());
        for id in 0..2_000_u16 {
            loud.send(&[0x40, 0, (id >> 8) as u8, id as u8])
                .expect("a socket");
            if id % 50 == 0 {
                pacer.hears_nothing_before_a_pong();
            }
        }
    }
    let register = |name: &str| {
        let query = format!("ep={name}");
        let draft = CoapMessage::request(CoapCode::POST, "rd").with(option::URI_QUERY, query.as_bytes());
        let socket = host(if name == "e" { 12 } else { 11 }, bench.server.addr());
        let limit = std::time::Duration::from_millis(if name == "e" { 10_000 } else { 300 });
        socket.set_read_timeout(Some(limit)).expect("a socket");
        socket
            .send(&draft.with_payload(b"</5/0>".to_vec()).encode())
            .expect("a socket");
        socket.recv(&mut [0; 512]).is_ok()
    };
    assert!(!register("stranger"), "the shares are used up");
    assert!(register("e"), "the module is answered");
}

#[test]
fn paths_in_the_record_are_bounded() {
    let bench = Bench::new();
    let long = (0..60).fold(CoapMessage::draft(CoapCode::GET), |draft, _| {
        draft.with(option::URI_PATH, &[b'x'; 200])
    });
    assert_eq!(bench.client().ask(&long).code(), CoapCode::NOT_FOUND);
    let report = bench.report();
    assert!(
        report.path.len() < 600 && report.path.ends_with('…'),
        "{}",
        report.path
    );
}

/// Also where it came before anybody waited for it, as from a module that boots while the case begins.
#[rstest]
#[case::awaited(true)]
#[case::not_yet_awaited(false)]
fn a_registration_that_comes_twice_in_a_flood_is_one(#[case] awaited: bool) {
    let bench = Bench::new();
    let offer = bench.offer(&package(10), CoapFaults::default());
    let script = || dfota_core::lwm2m::UpdateOptions::new("coap://h/p".into());
    if awaited {
        bench.server.drive("e", script());
    }
    let client = bench.client();
    let register = CoapMessage::request(CoapCode::POST, "rd")
        .with(option::URI_QUERY, b"ep=e")
        .with_payload(b"</5/0>".to_vec())
        .encode();
    let created = || {
        client.socket.send(&register).expect("a socket");
        std::iter::repeat_with(|| client.receive()).find(|heard| heard.code() == CoapCode::CREATED)
    };
    let first = created();
    if !awaited {
        bench.server.drive("e", script());
    }
    let mut others = bench.client();
    others.download(offer.path(), 0, size(512)); // so that no share stops it
    for _ in 0..5_000 {
        others.ask(&CoapMessage::request(CoapCode::GET, "nothing"));
    }
    assert_eq!(created(), first, "the same answer again, with the same location");
}
