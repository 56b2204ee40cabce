//! Offers: their paths and URLs, what is counted of them, and how they and the server end.

use crate::http::bench::{BASE, Bench, End, LIMIT, counted, package, request};
use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::fault::{HttpFaults, Stall};
use dfota_core::percent::Percent;
use dfota_servers::OfferPath;
use dfota_servers::http::{HttpServer, URL_MAX};
use rstest::rstest;
use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn a_path_can_not_be_guessed() {
    let bench = Bench::new();
    let offers: Vec<_> = (0..100)
        .map(|_| bench.offer(b"p", HttpFaults::default()))
        .collect();
    let paths: HashSet<_> = offers.iter().map(|offer| offer.path()).collect();
    assert_eq!(paths.len(), 100);
    for offer in &offers {
        let token = offer
            .path()
            .strip_prefix('/')
            .and_then(|it| it.strip_suffix("/a-to-b.delta"));
        let token = token.expect("a token and the name");
        assert_eq!(token.len(), 32);
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(offer.url(), format!("{BASE}{}", offer.path()));
    }
}

#[rstest]
#[case("", "")]
#[case("a b/../ü?x=1", "/a-b-..---x-1")]
#[case("..", "")]
#[case(".hidden", "/hidden")]
fn a_name_becomes_plain(#[case] name: &str, #[case] end: &str) {
    let bench = Bench::new();
    let server = bench.server.as_ref().expect("a server");
    let offer = server
        .offer(
            BASE,
            OfferPath::Unguessable(name),
            Bytes::new(),
            HttpFaults::default(),
        )
        .expect("an offer");
    assert_eq!(&offer.path()[33..], end);
}

#[test]
fn a_url_has_at_most_235_characters() {
    let bench = Bench::new();
    let server = bench.server.as_ref().expect("a server");
    let offer = |name: usize| {
        server.offer(
            BASE,
            OfferPath::Unguessable(&"n".repeat(name)),
            Bytes::new(),
            HttpFaults::default(),
        )
    };
    let room = URL_MAX - BASE.len() - 34;
    assert_eq!(offer(room).expect("it fits").url().len(), 235);
    let error = offer(room + 1).expect_err("it does not fit").to_string();
    assert_eq!(
        error,
        "the URL would have 236 characters and the module's command holds 235: shorten `network.http.advertise` \
         (`http://lab.example.com:8080`) or the package's name"
    );
}

#[rstest]
#[case("lab.example.com")]
#[case("https://lab.example.com")]
#[case("http://")]
#[case("http:///x")]
#[case("http://lab.example.com/?a")]
#[case("http://lab example.com")]
#[case("http://läb")]
fn a_bad_base_is_refused(#[case] base: &str) {
    let bench = Bench::new();
    let server = bench.server.as_ref().expect("a server");
    let error = server
        .offer(
            base,
            OfferPath::Unguessable("p"),
            Bytes::new(),
            HttpFaults::default(),
        )
        .expect_err("an error");
    assert!(
        error
            .to_string()
            .starts_with(&format!("`{base}` is not a base URL")),
        "{error}"
    );
}

#[test]
fn a_path_can_be_chosen() {
    let bench = Bench::new();
    let server = bench.server.as_ref().expect("a server");
    let at = |path| {
        server.offer(
            "HTTP://lab/",
            OfferPath::Exact(path),
            Bytes::from_static(b"p"),
            HttpFaults::default(),
        )
    };
    let offer = at("/a-to-b.delta").expect("a path");
    assert_eq!(offer.url(), "HTTP://lab/a-to-b.delta");
    assert_eq!(bench.get(&offer, "").body, b"p");
    let taken = at("/a-to-b.delta").expect_err("it is taken").to_string();
    assert_eq!(taken, "another package is offered at `/a-to-b.delta` already");
    for path in ["", "a", "/..", "/a/../b", "/a b", "/a?b", "/%41", "/ü"] {
        assert!(
            at(path)
                .expect_err(path)
                .to_string()
                .contains("is not a path for a package")
        );
    }
    drop(offer);
    at("/a-to-b.delta").expect("it is free again");
}

#[test]
fn a_withdrawn_offer_is_unknown() {
    let bench = Bench::new();
    let kept = bench.offer(b"kept", HttpFaults::default());
    let offer = bench.offer(b"gone", HttpFaults::default());
    let text = request("GET", offer.path(), "Connection: close\r\n");
    assert_eq!(bench.ask(&text).status, 200);
    assert!(bench.report("the request").ours);
    drop(offer);
    assert_eq!(bench.ask(&text).status, 404);
    assert!(!bench.report("the request after it").ours);
    assert_eq!(bench.get(&kept, "").body, b"kept");
}

fn stalled_at_half() -> HttpFaults {
    HttpFaults {
        stall: Percent::new(50).map(|at| Stall {
            at,
            lasts: Duration::from_secs(3600),
        }),
        ..HttpFaults::default()
    }
}

#[test]
fn a_withdrawal_breaks_the_answer_that_is_under_way() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), stalled_at_half());
    let mut client = bench.connect();
    client.send(request("GET", offer.path(), ""));
    client.head_and(500);
    drop(offer);
    let report = bench.report("the broken answer");
    assert_eq!((report.sent, report.wanted, report.ours), (500, 1000, true));
    assert_eq!(client.rest().end, End::Fin);
}

#[test]
fn a_request_counts_before_it_is_answered() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), stalled_at_half());
    let before = offer.mark();
    assert_eq!(offer.requests_since(before).requests, 0);
    let mut client = bench.connect();
    client.send(request("GET", offer.path(), ""));
    client.head_and(500);
    counted(&offer, 500);
    let served = offer.requests_since(before);
    assert_eq!(
        (served.requests, served.bytes, served.ranges.first()),
        (1, 500, Some(&(0..500)))
    );
    let after = offer.requests_since(offer.mark());
    assert_eq!((after.requests, after.bytes, after.ranges), (0, 0, Vec::new()));
}

/// As many as one host may have waiting at once, and a few less.
#[test]
fn thirty_clients_at_once_get_everything() {
    const CLIENTS: usize = 30;
    let bench = Bench::new();
    let package = package(500_000);
    let offer = bench.offer(&package, HttpFaults::default());
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (bench, offer, package) = (bench.addr, offer.path(), &package);
            scope.spawn(move || {
                let text = request(
                    "GET",
                    offer,
                    &format!("Connection: close\r\nRange: bytes={client}-\r\n"),
                );
                assert_eq!(fetch(bench, &text), package[client..], "client {client}");
            });
        }
    });
    let reports: Vec<_> = (0..CLIENTS).map(|_| bench.report("one of thirty")).collect();
    assert!(
        reports
            .iter()
            .all(|report| report.sent == report.wanted && report.sent + report.first == 500_000)
    );
    let firsts: HashSet<_> = reports.iter().map(|report| report.first).collect();
    assert_eq!(firsts.len(), CLIENTS);
    let served = offer.requests();
    assert_eq!((served.requests, served.bytes), (30, 30 * 500_000 - 29 * 30 / 2));
    bench.nothing_more();
}

/// A body by a connection of its own.
fn fetch(addr: SocketAddr, text: &str) -> Vec<u8> {
    let stream = TcpStream::connect(addr).expect("the server listens");
    let mut client = crate::http::bench::Client { stream };
    client.send(text);
    client.rest().body
}

#[test]
fn closing_the_server_ends_its_connections() {
    let mut bench = Bench::new();
    let offer = bench.offer(&package(1000), stalled_at_half());
    let mut client = bench.connect();
    client.send(request("GET", offer.path(), ""));
    client.head_and(500);
    let server = bench.server.take().expect("a server");
    bench.runtime.block_on(server.close());
    assert_eq!(bench.report("the broken answer").sent, 500);
    client.rest();
    TcpStream::connect(bench.addr).expect_err("nobody listens");
    let begun = Instant::now(); // the runtime forgets a task a moment after its end is known
    while bench.runtime.metrics().num_alive_tasks() > 0 {
        assert!(begun.elapsed() < LIMIT, "{LIMIT:?} passed and tasks are left");
        std::thread::yield_now();
    }
}

#[test]
fn dropping_the_server_ends_its_connections() {
    let mut bench = Bench::new();
    let offer = bench.offer(&package(1000), stalled_at_half());
    let mut client = bench.connect();
    client.send(request("GET", offer.path(), ""));
    client.head_and(500);
    drop(bench.server.take());
    assert_eq!(bench.report("the broken answer").sent, 500);
    client.rest();
}

#[test]
fn an_error_of_binding_teaches() {
    let bench = Bench::new();
    let bind = |addr| HttpServer::bind(addr, Clock::system(), drop);
    let (taken, foreign) = bench.runtime.block_on(async {
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0)); // a network of documentation only
        (
            bind(bench.addr).expect_err("it is taken"),
            bind(foreign).expect_err("it is none of ours"),
        )
    });
    let port = bench.addr.port();
    assert_eq!(
        taken.to_string(),
        format!(
            "can not listen for HTTP on `127.0.0.1:{port}`: Address already in use (os error 98); another program has \
             the port (`ss -ltnp 'sport = :{port}'` names it): end it, or choose another port"
        )
    );
    assert!(
        foreign
            .to_string()
            .contains("this machine has no address `192.0.2.1`"),
        "{foreign}"
    );
    assert!(
        bind(bench.addr)
            .expect_err("no runtime")
            .to_string()
            .contains("runtime")
    );
}
