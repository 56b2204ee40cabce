//! What comes from the network and means no good, or no HTTP. The server answers or closes, and lives on.

use crate::http::bench::{Bench, package, request};
use dfota_clock::Clock;
use dfota_core::fault::HttpFaults;
use rstest::rstest;
use std::io::Write as _;
use std::time::Instant;

/// What is sent, `{path}` being that of an offer, and the status; 0 for none.
#[rstest]
#[case("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET {path}/ HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET {path}? HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET {path}?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET /.{path} HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET /x/..{path} HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET %2f{path} HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
#[case("GET http://elsewhere.example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
#[case("GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
#[case("CONNECT elsewhere.example.com:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
#[case("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
#[case("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405)]
#[case("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
#[case("GET / HTTP/1.0\r\n\r\n", 404)]
#[case("GET / HTTP/9.9\r\n\r\n", 400)]
#[case("GET /\r\n\r\n", 400)]
#[case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0)]
#[case("\0\0\0\0\r\n\r\n", 400)]
#[case("\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03", 400)]
#[case("GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400)]
#[case("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400)]
#[case("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400)]
#[case("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400)]
fn a_stranger_gets_nothing(#[case] text: &str, #[case] status: u16) {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let reply = bench.ask(text.replace("{path}", offer.path()));
    assert_eq!((reply.status, reply.body.len()), (status, 0), "{}", reply.head);
    assert_eq!(reply.header("allow").is_some(), status == 405);
    let report = bench.report("the stranger's request");
    assert_eq!((report.ours, report.sent), (false, 0));
    assert_eq!(report.status, Some(status).filter(|status| *status != 0));
    assert_eq!(offer.requests().requests, 0);
    bench.nothing_more();
    assert_eq!(bench.get(&offer, "").body, package(1000));
}

#[test]
fn a_tls_greeting_can_be_told_from_the_report() {
    let bench = Bench::new();
    bench.ask(b"\x16\x03\x01\x02\x00\x01\x00");
    let report = bench.report("the greeting");
    assert_eq!(
        (report.method.as_str(), report.path.as_str()),
        ("", r"\x16\x03\x01\x02\x00\x01\x00")
    );
}

#[test]
fn an_absolute_url_is_served_by_its_path() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let target = format!("http://any.example.com{}", offer.path());
    let reply = bench.ask(request("GET", &target, "Connection: close\r\n"));
    assert_eq!(reply.body, package(1000));
    let report = bench.report("the request");
    assert_eq!((report.path, report.ours), (target, true));
}

#[rstest]
#[case("POST")]
#[case("PUT")]
#[case("DELETE")]
#[case("TRACE")]
fn only_get_and_head_are_allowed(#[case] method: &str) {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let reply = bench.ask(request(method, offer.path(), "Connection: close\r\n"));
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
    let report = bench.report("the request");
    assert_eq!(
        (report.method.as_str(), report.ours, report.sent),
        (method, true, 0)
    );
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let reply = bench.ask(format!(
        "GET {} HTTP/1.0\r\nRange: bytes=990-\r\n\r\n",
        offer.path()
    ));
    assert!(reply.head.starts_with("HTTP/1.0 206 "), "{}", reply.head);
    assert_eq!(reply.body, package(1000)[990..]);
}

#[rstest]
#[case(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)))]
#[case(format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000)))]
#[case(format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(5_000)))]
#[case("x".repeat(1_000_000))]
fn a_head_without_measure_is_turned_away(#[case] text: String) {
    let bench = Bench::new();
    let reply = bench.ask(text);
    assert!((400..500).contains(&reply.status), "{}", reply.head);
    let report = bench.report("the long head");
    assert_eq!((report.ours, report.status), (false, Some(reply.status)));
    assert!(report.path.len() < 1000);
    bench.nothing_more();
}

#[test]
fn a_slow_head_is_given_up() {
    let bench = Bench::with(Clock::scaled(1000.0));
    let mut client = bench.connect();
    let begun = Instant::now();
    client.send("GET / HT");
    assert_eq!(client.rest().head, "");
    assert!(begun.elapsed().as_millis() >= 60);
    let report = bench.report("the head that never ended");
    assert_eq!((report.path.as_str(), report.status), ("GET / HT", None));
    bench.nothing_more();
}

#[test]
fn a_connection_without_a_word_is_no_request() {
    let bench = Bench::new();
    drop(bench.connect());
    let mut client = bench.connect();
    client
        .stream
        .shutdown(std::net::Shutdown::Write)
        .expect("a socket");
    client.rest();
    bench.nothing_more();
}

#[test]
fn the_module_gets_a_seat_while_others_idle() {
    let bench = Bench::with(Clock::scaled(1000.0));
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let idle: Vec<_> = (0..300).map(|_| bench.connect()).collect();
    assert_eq!(bench.get(&offer, "").body, package(1000));
    drop(idle);
}

#[test]
fn a_client_that_reads_nothing_is_given_up() {
    let bench = Bench::with(Clock::scaled(1000.0));
    let offer = bench.offer(&package(40_000_000), HttpFaults::default());
    let mut client = bench.connect();
    client
        .stream
        .write_all(request("GET", offer.path(), "").as_bytes())
        .expect("a socket");
    let report = bench.report("the answer that nobody reads");
    assert!(report.sent > 0 && report.sent < 40_000_000, "{}", report.sent);
    assert_eq!((report.sent, report.wanted), (offer.requests().bytes, 40_000_000));
}

/// A connection from an address of its own, so that it counts as a host of its own, with half a head on it.
fn half_a_head(
    runtime: &tokio::runtime::Runtime,
    host: [u8; 4],
    to: std::net::SocketAddr,
) -> std::net::TcpStream {
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket
            .bind((host, 0).into())
            .expect("loopback has many addresses");
        socket.connect(to).await.expect("the server listens")
    });
    let mut stream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("a socket");
    // The server may have ended it by then.
    let _ = stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n");
    stream
}

#[test]
fn half_heads_of_many_hosts_keep_nobody_out() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let mut asked = bench.connect();
    asked.send(request("GET", offer.path(), ""));
    assert_eq!(asked.head_and(1000).body, package(1000));
    let half: Vec<_> = (0..1500_u32)
        .map(|number| {
            let host = [127, 0, 1 + (number / 200) as u8, 1 + (number % 200) as u8];
            half_a_head(&bench.runtime, host, bench.addr)
        })
        .collect();
    assert_eq!(bench.get(&offer, "").body, package(1000));
    asked.send(request("GET", offer.path(), ""));
    assert_eq!(
        asked.head_and(1000).body,
        package(1000),
        "whoever asked for a package stays"
    );
    let mut oldest = &half[0];
    oldest
        .set_read_timeout(Some(crate::http::bench::LIMIT))
        .expect("a limit above zero");
    let gone = std::io::Read::read(&mut oldest, &mut [0; 1]);
    assert!(
        matches!(gone, Ok(0)) || gone.is_err_and(|why| why.kind() == std::io::ErrorKind::ConnectionReset)
    );
}

#[test]
fn half_heads_of_one_host_leave_the_seats_of_others() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let other = half_a_head(&bench.runtime, [127, 0, 0, 3], bench.addr);
    let greedy: Vec<_> = (0..700)
        .map(|_| half_a_head(&bench.runtime, [127, 0, 0, 2], bench.addr))
        .collect();
    assert_eq!(bench.get(&offer, "").body, package(1000));
    let mut other = crate::http::bench::Client { stream: other };
    other
        .stream
        .set_read_timeout(Some(crate::http::bench::LIMIT))
        .expect("a limit above zero");
    other.send("\r\n");
    assert_eq!(other.rest().status, 404, "it was still heard out");
    drop(greedy);
}

#[test]
fn a_flood_of_strangers_is_written_down_in_part() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    for _ in 0..1200 {
        assert_eq!(bench.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
    }
    assert_eq!(bench.get(&offer, "").body, package(1000));
    let mut strangers = 0;
    while !bench.report("the module's request").ours {
        strangers += 1;
    }
    assert!(
        (1..=1000).contains(&strangers),
        "{strangers} of 1200 were written down"
    );
}
