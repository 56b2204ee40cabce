//! Each fault, on the wire and in the report.

use crate::http::bench::{BASE, Bench, End, LIMIT, counted, package, request};
use dfota_clock::Clock;
use dfota_core::fault::{HttpFaults, Stall};
use dfota_core::percent::Percent;
use dfota_servers::OfferPath;
use rstest::rstest;
use std::io::Read as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const LEN: usize = 80_000;

fn percent(value: u8) -> Option<Percent> {
    Some(Percent::new(value).expect("a percentage"))
}

fn stall(at: u8, lasts: Duration) -> Option<Stall> {
    percent(at).map(|at| Stall { at, lasts })
}

/// The share, the range, and what of the package is sent before the connection ends.
#[rstest]
#[case(0, "", 0, 0, "dropped at 0%")]
#[case(1, "", 0, 800, "dropped at 1%")]
#[case(50, "", 0, 40_000, "dropped at 50%")]
#[case(100, "", 0, LEN, "dropped at 100%")]
#[case(50, "Range: bytes=10000-\r\n", 10_000, 30_000, "dropped at 50%")]
#[case(50, "Range: bytes=40000-\r\n", 40_000, 0, "dropped at 50%")]
#[case(50, "Range: bytes=60000-\r\n", 60_000, 0, "dropped at 50%")]
#[case(50, "Range: bytes=0-39999\r\n", 0, 40_000, "dropped at 50%")]
fn a_drop_is_exact(
    #[case] share: u8,
    #[case] lines: &str,
    #[case] first: usize,
    #[case] sent: usize,
    #[case] fault: &str,
) {
    let bench = Bench::new();
    let package = package(LEN);
    let faults = HttpFaults {
        drop: percent(share),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package, faults);
    let reply = bench.ask(request("GET", offer.path(), lines)); // without `Connection: close`
    assert_eq!(reply.end, End::Fin);
    assert_eq!(reply.body, package[first..first + sent]);
    let report = bench.report("the dropped answer");
    assert_eq!((report.first, report.sent), (first as u64, sent as u64));
    assert_eq!(report.wanted, reply.length().expect("a length") as u64);
    assert_eq!(report.fault.as_deref(), Some(fault));
    assert_eq!(offer.requests().bytes, sent as u64);
    bench.nothing_more();
}

#[test]
fn an_answer_that_ends_before_the_drop_is_sound() {
    let bench = Bench::new();
    let faults = HttpFaults {
        drop: percent(50),
        corrupt: percent(60),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let mut client = bench.connect();
    for _ in 0..2 {
        client.send(request("GET", offer.path(), "Range: bytes=0-39998\r\n"));
        assert_eq!(client.head_and(39_999).body, package(LEN)[..39_999]);
        assert_eq!(bench.report("a part").fault, None);
    }
}

#[test]
fn a_sound_try_resumes_at_the_same_url() {
    let bench = Bench::new();
    let package = package(LEN);
    let faults = HttpFaults {
        drop: percent(50),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package, faults);
    let begun = bench.get(&offer, "").body;
    bench.report("the dropped answer");
    offer
        .set_faults(HttpFaults::default())
        .expect("no faults are sound");
    let mark = offer.mark();
    let reply = bench.get(
        &offer,
        &format!("Range: bytes={}-\r\nIf-Range: {}\r\n", begun.len(), offer.etag()),
    );
    assert_eq!(reply.status, 206);
    assert_eq!([begun, reply.body].concat(), package);
    bench.report("the resumed answer");
    assert_eq!(offer.requests_since(mark).ranges.first(), Some(&(40_000..80_000)));
    assert_eq!(offer.requests().ranges, [0..40_000, 40_000..80_000]);
}

#[rstest]
#[case(404)]
#[case(500)]
#[case(503)]
#[case(200)]
fn a_status_comes_without_the_package(#[case] status: u16) {
    let bench = Bench::new();
    let faults = HttpFaults {
        status: Some(status),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let reply = bench.get(&offer, "Range: bytes=5-\r\n");
    assert_eq!(
        (reply.status, reply.length(), reply.body.len()),
        (status, Some(0), 0)
    );
    let report = bench.report("the status");
    assert_eq!((report.status, report.ours, report.sent), (Some(status), true, 0));
    assert_eq!(report.wanted, LEN as u64 - 5);
    assert_eq!(report.fault, Some(format!("answered {status}")));
}

#[test]
fn a_refused_connection_is_reset_and_reported() {
    let bench = Bench::new();
    let refuse = HttpFaults {
        refuse: true,
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), refuse);
    let mut stream = TcpStream::connect(bench.addr).expect("a handshake");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit above zero");
    let end = stream.read(&mut [0]).expect_err("a reset");
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    let report = bench.report("the refused connection");
    assert_eq!(
        (report.status, report.method.as_str(), report.ours),
        (None, "", true)
    );
    assert_eq!(report.fault.as_deref(), Some("refused"));
    assert_eq!(offer.requests().requests, 1);
    offer
        .set_faults(HttpFaults::default())
        .expect("no faults are sound");
    assert_eq!(bench.get(&offer, "").body.len(), LEN);
    assert_eq!(bench.report("the sound try").sent, LEN as u64);
}

#[test]
fn a_connection_from_before_the_refusal_is_reset_too() {
    let bench = Bench::new();
    let offer = bench.offer(&package(100), HttpFaults::default());
    let mut client = bench.connect();
    client.send(request("GET", offer.path(), ""));
    assert_eq!(client.head_and(100).status, 200);
    bench.report("the sound answer");
    let refuse = HttpFaults {
        refuse: true,
        ..HttpFaults::default()
    };
    offer.set_faults(refuse).expect("to refuse is possible");
    client.send(request("GET", offer.path(), ""));
    let reply = client.rest();
    assert_eq!((reply.head.as_str(), reply.end), ("", End::Reset));
    let report = bench.report("the refused request");
    assert_eq!((report.method.as_str(), report.status), ("GET", None));
    assert_eq!((report.ours, report.fault.as_deref()), (true, Some("refused")));
}

/// The share, the range asked for, the status, what is sent, and `Content-Range`.
#[rstest]
#[case(50, "", 200, 0..40_000, None)]
#[case(0, "", 200, 0..0, None)]
#[case(50, "Range: bytes=30000-\r\n", 206, 30_000..40_000, Some("bytes 30000-39999/40000"))]
#[case(50, "Range: bytes=40000-\r\n", 416, 0..0, Some("bytes */40000"))]
fn a_truncated_answer_looks_complete(
    #[case] share: u8,
    #[case] lines: &str,
    #[case] status: u16,
    #[case] sent: std::ops::Range<usize>,
    #[case] content_range: Option<&str>,
) {
    let bench = Bench::new();
    let faults = HttpFaults {
        truncate: percent(share),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let reply = bench.get(&offer, lines);
    assert_eq!((reply.status, reply.length()), (status, Some(sent.len())));
    assert_eq!(reply.header("content-range"), content_range);
    assert_eq!(reply.body, package(LEN)[sent]);
    let report = bench.report("the truncated answer");
    assert_eq!(report.fault, Some(format!("truncated at {share}%")));
    assert!(report.wanted > report.sent);
}

#[rstest]
#[case(0, "", 0)]
#[case(50, "", 40_000)]
#[case(100, "", LEN - 1)]
#[case(50, "Range: bytes=40000-\r\n", 40_000)]
#[case(50, "Range: bytes=39990-40000\r\n", 40_000)]
fn one_byte_is_inverted_wherever_a_range_begins(#[case] share: u8, #[case] lines: &str, #[case] at: usize) {
    let bench = Bench::new();
    let sound = package(LEN);
    let faults = HttpFaults {
        corrupt: percent(share),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&sound, faults);
    let reply = bench.get(&offer, lines);
    let report = bench.report("the corrupted answer");
    let first = report.first as usize;
    let differing: Vec<usize> = (0..reply.body.len())
        .filter(|it| reply.body[*it] != sound[first + it])
        .collect();
    assert_eq!(differing, [at - first]);
    assert_eq!(reply.body[at - first], !sound[at]);
    assert_eq!(report.fault, Some(format!("corrupted byte {at}")));
}

#[rstest]
#[case("GET", "", LEN)]
#[case("GET", "Range: bytes=79000-\r\n", 1000)]
fn a_wrong_length_claims_sixteen_bytes_more(#[case] method: &str, #[case] lines: &str, #[case] sent: usize) {
    let bench = Bench::new();
    let faults = HttpFaults {
        wrong_length: true,
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let reply = bench.ask(request(method, offer.path(), lines));
    assert_eq!(
        (reply.length(), reply.body.len(), reply.end),
        (Some(sent + 16), sent, End::Fin)
    );
    let report = bench.report("the answer with the wrong length");
    assert_eq!((report.sent, report.wanted), (sent as u64, sent as u64));
    assert_eq!(report.fault.as_deref(), Some("claimed 16 bytes too many"));
}

#[test]
fn an_ignored_range_gives_everything() {
    let bench = Bench::new();
    let faults = HttpFaults {
        ignore_range: true,
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    for (lines, wanted, fault) in [
        ("Range: bytes=70000-\r\n", 10_000, Some("ignored the range")),
        ("Range: bytes=90000-\r\n", 0, Some("ignored the range")),
        ("", LEN as u64, None),
    ] {
        let reply = bench.get(&offer, lines);
        assert_eq!((reply.status, reply.body.len()), (200, LEN));
        let report = bench.report("the answer with everything");
        assert_eq!((report.sent, report.wanted), (LEN as u64, wanted));
        assert_eq!(report.fault.as_deref(), fault);
    }
}

/// The share, and how many bytes go before the pause.
#[rstest]
#[case(0, 0)]
#[case(50, 40_000)]
#[case(100, LEN - 1)]
fn a_stall_holds_the_byte_at_its_share_once(#[case] share: u8, #[case] before: usize) {
    let bench = Bench::with(Clock::scaled(100.0));
    let lasts = Duration::from_secs(150);
    let faults = HttpFaults {
        stall: stall(share, lasts),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let mut client = bench.connect();
    let begun = Instant::now();
    client.send(request("GET", offer.path(), "Connection: close\r\n"));
    let reply = client.head_and(before);
    assert_eq!(reply.body, package(LEN)[..before]);
    client.stream.set_nonblocking(true).expect("a socket");
    let held = client.stream.read(&mut [0]).expect_err("the byte is held up");
    assert_eq!(held.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(counted(&offer, before as u64).bytes, before as u64);
    client.stream.set_nonblocking(false).expect("a socket");
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).expect("the rest");
    assert!(begun.elapsed() >= lasts / 100, "{:?}", begun.elapsed());
    assert_eq!(rest, package(LEN)[before..]);
    let report = bench.report("the stalled answer");
    assert_eq!(report.fault, Some(format!("stalled at {share}% for 150s")));
    bench.get(&offer, "");
    assert_eq!(bench.report("the answer after it").fault, None);
}

#[test]
fn a_client_that_leaves_during_a_stall_is_reported_at_once() {
    let bench = Bench::new();
    let faults = HttpFaults {
        stall: stall(50, Duration::MAX),
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let mut client = bench.connect();
    client.send(request("GET", offer.path(), ""));
    client.head_and(LEN / 2);
    drop(client);
    let report = bench.report("the abandoned answer");
    assert_eq!((report.sent, report.wanted), (LEN as u64 / 2, LEN as u64));
    assert_eq!(
        (report.status, offer.requests().bytes),
        (Some(200), LEN as u64 / 2)
    );
}

#[test]
fn a_throttle_keeps_to_the_modules_time() {
    let bench = Bench::with(Clock::scaled(50.0));
    let faults = HttpFaults {
        throttle: Some(4000), // 80,000 bytes: 20 s of the module's time, 400 ms of ours
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let mut client = bench.connect();
    let begun = Instant::now();
    client.send(request("GET", offer.path(), "Connection: close\r\n"));
    client.head_and(0);
    let mut got = Vec::new();
    while got.len() < LEN {
        let mut some = [0; 4096];
        let count = client.stream.read(&mut some).expect("a piece");
        got.extend_from_slice(&some[..count]);
        let due = Duration::from_secs_f64(got.len() as f64 / 4000.0 / 50.0);
        assert!(
            begun.elapsed() >= due,
            "{} bytes after {:?}",
            got.len(),
            begun.elapsed()
        );
    }
    assert_eq!(got, package(LEN));
    let late = begun.elapsed().saturating_sub(Duration::from_millis(400));
    assert!(late < Duration::from_secs(3), "{late:?} late");
    let report = bench.report("the throttled answer");
    assert_eq!(report.fault.as_deref(), Some("throttled to 4000 bytes/s"));
}

#[test]
fn faults_hold_together() {
    let bench = Bench::with(Clock::scaled(100.0));
    let faults = HttpFaults {
        drop: percent(50),
        stall: stall(50, Duration::from_secs(10)),
        throttle: Some(4_000_000),
        corrupt: percent(10),
        wrong_length: true,
        ..HttpFaults::default()
    };
    let offer = bench.offer(&package(LEN), faults);
    let reply = bench.ask(request("GET", offer.path(), ""));
    assert_eq!(
        (reply.length(), reply.body.len(), reply.end),
        (Some(LEN + 16), LEN / 2, End::Fin)
    );
    assert_eq!(reply.body[8000], !package(LEN)[8000]);
    let fault = bench.report("the answer").fault.expect("faults");
    for part in [
        "stalled at 50% for 10s",
        "throttled",
        "claimed 16",
        "dropped at 50%",
        "corrupted byte 8000",
    ] {
        assert!(fault.contains(part), "`{fault}` without `{part}`");
    }
}

#[rstest]
#[case(HttpFaults { status: Some(100), ..HttpFaults::default() }, "100 is not an HTTP status: expected 200 to 599")]
#[case(HttpFaults { status: Some(700), ..HttpFaults::default() }, "700 is not an HTTP status: expected 200 to 599")]
#[case(
    HttpFaults { throttle: Some(0), ..HttpFaults::default() },
    "a throttle of 0 bytes/s would never send a byte: expected at least 1, or use `stall`"
)]
fn an_impossible_fault_is_refused(#[case] faults: HttpFaults, #[case] message: &str) {
    let bench = Bench::new();
    let server = bench.server.as_ref().expect("a server");
    let refused = server
        .offer(
            BASE,
            OfferPath::Unguessable("p"),
            bytes::Bytes::new(),
            faults.clone(),
        )
        .expect_err("an error");
    assert_eq!(refused.to_string(), message);
    let offer = bench.offer(b"p", HttpFaults::default());
    assert_eq!(
        offer.set_faults(faults).expect_err("an error").to_string(),
        message
    );
}
