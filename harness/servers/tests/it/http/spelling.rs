//! Names of header fields as common servers spell them: a client that is small enough compares them letter by letter.

use crate::http::bench::{Bench, package};
use dfota_core::fault::HttpFaults;
use rstest::rstest;

/// What nginx and Apache write, and nothing else may be said by this server.
const SPELLED: [&str; 9] = [
    "Accept-Ranges",
    "Allow",
    "Cache-Control",
    "Connection",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
];

#[rstest]
#[case::whole("GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", 200, &["Content-Length: 1000", "ETag: \"", "Accept-Ranges: bytes", "Content-Type: application/octet-stream", "Cache-Control: ", "Connection: close", "Date: "])]
#[case::part("GET {path} HTTP/1.1\r\nHost: lab\r\nrange: bytes=400-\r\nConnection: close\r\n\r\n", 206, &["Content-Length: 600", "Content-Range: bytes 400-999/1000", "ETag: \""])]
#[case::head("HEAD {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", 200, &["Content-Length: 1000", "ETag: \""])]
#[case::old_client("GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, &["Content-Length: 1000", "Connection: keep-alive"])]
#[case::no_such_part("GET {path} HTTP/1.1\r\nHost: lab\r\nRange: bytes=1000-\r\nConnection: close\r\n\r\n", 416, &["Content-Range: bytes */1000", "Content-Length: 0"])]
#[case::no_such_path("GET /other HTTP/1.1\r\nHost: lab\r\n\r\n", 404, &["Content-Length: 0", "Connection: close", "Date: "])]
#[case::no_such_method("POST {path} HTTP/1.1\r\nHost: lab\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405, &["Allow: GET, HEAD"])]
#[case::garbled("GET\x01 / HTTP/1.1\r\n\r\n", 400, &["Content-Length: 0", "Connection: close", "Date: "])]
// A client that spells names in its own way is not answered in that way.
#[case::odd_client("GET {path} HTTP/1.1\r\nhOST: lab\r\ncONNECTION: close\r\neTaG: \"a\"\r\ndate: now\r\n\r\n", 200, &["ETag: \"", "Date: ", "Connection: close"])]
fn names_are_spelled_as_common_servers_do(
    #[case] request: &str,
    #[case] status: u16,
    #[case] searched: &[&str],
) {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), HttpFaults::default());
    let mut client = bench.connect();
    client.send(request.replace("{path}", offer.path()));
    let reply = client.head_and(0);
    assert_eq!(reply.status, status, "{}", reply.head);
    for text in searched {
        let line = format!("\r\n{text}");
        assert!(reply.head.contains(&line), "no `{text}` in:\n{}", reply.head);
    }
    for line in reply.head.lines().skip(1).filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or(line);
        assert!(SPELLED.contains(&name), "`{name}` in:\n{}", reply.head);
    }
}
