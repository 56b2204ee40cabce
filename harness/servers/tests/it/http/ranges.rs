//! Ranges, by RFC 9110 section 14, and the head of a sound answer.

use crate::http::bench::{Bench, End, package, request};
use dfota_core::fault::HttpFaults;
use rstest::rstest;

/// Of a package of 1000 bytes: status, `Content-Range`, first byte and how many.
#[rstest]
#[case("", 200, None, 0, 1000)]
#[case("Range: bytes=0-\r\n", 206, Some("bytes 0-999/1000"), 0, 1000)]
#[case("Range: bytes=400-\r\n", 206, Some("bytes 400-999/1000"), 400, 600)]
#[case("Range: bytes=999-\r\n", 206, Some("bytes 999-999/1000"), 999, 1)]
#[case("Range: bytes=0-0\r\n", 206, Some("bytes 0-0/1000"), 0, 1)]
#[case("Range: bytes=10-19\r\n", 206, Some("bytes 10-19/1000"), 10, 10)]
#[case("Range: bytes=990-5000\r\n", 206, Some("bytes 990-999/1000"), 990, 10)]
#[case("Range: bytes=-10\r\n", 206, Some("bytes 990-999/1000"), 990, 10)]
#[case("Range: bytes=-5000\r\n", 206, Some("bytes 0-999/1000"), 0, 1000)]
#[case("range: BYTES=1-2\r\n", 206, Some("bytes 1-2/1000"), 1, 2)]
#[case(
    "Range: bytes=5-99999999999999999999999\r\n",
    206,
    Some("bytes 5-999/1000"),
    5,
    995
)]
#[case("Range: bytes=1000-\r\n", 416, Some("bytes */1000"), 0, 0)]
#[case("Range: bytes=1000-1001\r\n", 416, Some("bytes */1000"), 0, 0)]
#[case("Range: bytes=99999999999999999999999-\r\n", 416, Some("bytes */1000"), 0, 0)]
#[case("Range: bytes=-0\r\n", 416, Some("bytes */1000"), 0, 0)]
#[case("Range: bytes=\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=-\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=9-5\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=a-b\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=+1-2\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=0-1,5-6\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=0-1\r\nRange: bytes=5-6\r\n", 200, None, 0, 1000)]
#[case("Range: bytes 0-1\r\n", 200, None, 0, 1000)]
#[case("Range: lines=0-1\r\n", 200, None, 0, 1000)]
#[case("Range: \u{fc}\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=0-1\r\nIf-Range: \"other\"\r\n", 200, None, 0, 1000)]
#[case("Range: bytes=0-1\r\nIf-Range: W/{etag}\r\n", 200, None, 0, 1000)]
#[case(
    "Range: bytes=0-1\r\nIf-Range: Sat, 01 Aug 2026 10:00:00 GMT\r\n",
    200,
    None,
    0,
    1000
)]
#[case("Range: bytes=0-1\r\nIf-Range: {etag}\r\n", 206, Some("bytes 0-1/1000"), 0, 2)]
fn a_range_is_answered_by_the_rfc(
    #[case] lines: &str,
    #[case] status: u16,
    #[case] content_range: Option<&str>,
    #[case] first: usize,
    #[case] count: usize,
) {
    let bench = Bench::new();
    let package = package(1000);
    let offer = bench.offer(&package, HttpFaults::default());
    let reply = bench.get(&offer, &lines.replace("{etag}", offer.etag()));
    assert_eq!(reply.status, status, "{}", reply.head);
    assert_eq!(reply.header("content-range"), content_range);
    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    assert_eq!(reply.length(), Some(count));
    assert_eq!(reply.body, package[first..first + count]);
    let report = bench.report("the request");
    assert_eq!((report.status, report.first), (Some(status), first as u64));
    assert_eq!((report.sent, report.wanted), (count as u64, count as u64));
    assert_eq!(
        report.range.is_some(),
        lines.contains("ange: ") && !lines.is_empty()
    );
    assert_eq!((report.ours, report.fault), (true, None));
    bench.nothing_more();
}

#[test]
fn a_sound_answer_has_a_tag_and_a_type() {
    let bench = Bench::new();
    let offer = bench.offer(b"delta", HttpFaults::default());
    let reply = bench.get(&offer, "");
    assert_eq!(reply.header("etag"), Some(offer.etag()));
    // SHA-256 of `delta`, its first half.
    assert_eq!(offer.etag(), "\"4f4a9410ffcdf895c4adb880659e9b5c\"");
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(
        (reply.body.as_slice(), reply.end),
        (b"delta".as_slice(), End::Fin)
    );
}

#[test]
fn head_has_the_head_of_get_and_no_byte() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let lines = "Connection: close\r\nRange: bytes=5-\r\n";
    let reply = bench.ask(request("HEAD", offer.path(), lines));
    assert_eq!(
        (reply.status, reply.length(), reply.body.len()),
        (200, Some(1000), 0)
    );
    let report = bench.report("HEAD");
    assert_eq!(
        (report.method.as_str(), report.sent, report.wanted),
        ("HEAD", 0, 0)
    );
}

#[rstest]
#[case("")]
#[case("Range: bytes=-5\r\n")]
fn an_empty_package_is_served(#[case] lines: &str) {
    let bench = Bench::new();
    let offer = bench.offer(b"", HttpFaults::default());
    let reply = bench.get(&offer, lines);
    assert_eq!(
        (reply.status, reply.length(), reply.body.len()),
        (200, Some(0), 0)
    );
}

#[test]
fn requests_share_a_connection() {
    let bench = Bench::new();
    let package = package(300_000);
    let offer = bench.offer(&package, HttpFaults::default());
    let mut client = bench.connect();
    for round in 0..5 {
        client.send(request("GET", offer.path(), ""));
        assert_eq!(client.head_and(package.len()).body, package, "round {round}");
        assert_eq!(bench.report("a round").sent, 300_000);
    }
    assert_eq!(offer.requests().requests, 5);
}

#[test]
fn pipelined_requests_are_reported_one_by_one() {
    let bench = Bench::new();
    let package = package(5000);
    let offer = bench.offer(&package, HttpFaults::default());
    let ask = |range: &str| request("GET", offer.path(), &format!("Range: bytes={range}\r\n"));
    let mut client = bench.connect();
    client.send([ask("0-9"), ask("10-29"), ask("30-4999")].concat());
    for (first, count) in [(0, 10), (10, 20), (30, 4970)] {
        assert_eq!(client.head_and(count).body, package[first..first + count]);
        let report = bench.report("a pipelined request");
        assert_eq!((report.first, report.sent), (first as u64, count as u64));
    }
}
