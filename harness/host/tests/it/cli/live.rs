//! `run --live`: the page of a run while it goes on.

pub(super) mod client;
mod looks;
mod readers;
mod states;

use self::client::{Answer, ask, get};
use crate::lab::Lab;
use crate::process::{Running, wait_until};
use serde_json::Value;
use std::net::SocketAddr;

/// Three cases, one of them with a cut.
const CASES: &str = "limits: {boot: 10s, resume: 15s}
cases:
  - {name: plain, update: {package: a-to-b, via: uart}}
  - {name: back, update: {package: b-to-a, via: uart}}
  - {name: cut, update: {package: a-to-b, via: uart}, cut: {at: updating 50%}}
";

/// A run with its page.
pub(crate) struct Live {
    pub(crate) lab: Lab,
    pub(crate) run: Running,
    pub(crate) url: String,
}

impl Live {
    fn start(speed: u32, listen: &str, more: &[&str]) -> Self {
        Self::of_suite(CASES, speed, listen, more)
    }

    fn of_suite(suite: &str, speed: u32, listen: &str, more: &[&str]) -> Self {
        let lab = Lab::new();
        lab.rig(speed, "");
        lab.suite(suite);
        Self::in_lab(lab, listen, more)
    }

    /// Of the suite and the rig that are in a lab.
    fn in_lab(lab: Lab, listen: &str, more: &[&str]) -> Self {
        let args = [&["--live", listen], more].concat();
        let mut run = lab.start(&lab.arguments(&args));
        run.await_stderr("live: http://");
        run.await_stderr("\n");
        let said = run.stderr();
        let line = said.lines().find_map(|line| line.strip_prefix("live: "));
        let url = line.expect("an address").trim().to_owned();
        Self { lab, run, url }
    }

    /// The address, whatever the page listens on.
    fn addr(&self) -> SocketAddr {
        let (_, rest) = self.url.split_once("//").expect("an address");
        let (host, _) = rest.split_once('/').expect("a path");
        let (_, port) = host.rsplit_once(':').expect("a port");
        SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a number")))
    }

    fn json(&self) -> Value {
        let answer = get(self.addr(), "/api/run.json");
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Waits until the page knows of so many verdicts.
    #[track_caller]
    fn await_verdicts(&self, count: usize) {
        wait_until(&format!("{count} verdicts on the page"), || {
            let json = self.json();
            json["progress"]["verdicts"].as_array().expect("a list").len() >= count
        });
    }
}

#[test]
fn a_run_is_seen_while_it_goes_on() {
    let live = Live::start(100, "127.0.0.1:0", &[]);
    assert!(live.url.starts_with("http://127.0.0.1:"), "{}", live.url);
    live.await_verdicts(1);
    let addr = live.addr();
    let page = get(addr, "/");
    assert_eq!(page.status, 200, "{page:?}");
    for part in [
        "SIMULATED",
        "BC66NBR01A0",
        "id=\"rig-1\"",
        "href=\"case/lab/plain\"",
        "<progress",
    ] {
        assert!(page.body.contains(part), "no `{part}` in {}", page.body);
    }
    assert!(
        page.body.contains("<noscript><meta http-equiv=\"refresh\""),
        "without script it is loaded again"
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));

    let json = live.json();
    assert_eq!(json["cases"]["planned"], 3, "{json}");
    assert_eq!(json["progress"]["verdicts"][0]["verdict"], "pass", "{json}");
    assert_eq!(json["progress"]["rigs"][0]["rig"], "lab", "{json}");
    let metrics = get(addr, "/metrics");
    assert!(
        metrics
            .header("content-type")
            .expect("a type")
            .starts_with("text/plain; version=0.0.4")
    );
    for line in [
        "dfota_hil_cases{verdict=\"fail\"} 0",
        "dfota_hil_run_ended 0",
        "dfota_hil_flash_updates{rig=\"lab\"} ",
    ] {
        assert!(metrics.body.contains(line), "no `{line}` in {}", metrics.body);
    }
    every_metric_is_well_formed(&metrics);

    let case = get(addr, "/case/lab/plain");
    for part in [
        "<svg",
        "Timeline of plain",
        "class=\"transcript whole\"",
        "AT+QFOTADL",
        "pass",
    ] {
        assert!(case.body.contains(part), "no `{part}` in {}", case.body);
    }
    let ran = live.run.end().ends(0);
    ran.says("3 cases: 3 passed");
}

/// Each value has a type above it, and labels in quotes.
fn every_metric_is_well_formed(metrics: &Answer) {
    let mut family = "";
    let mut values = 0;
    for line in metrics.body.lines() {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            family = typed.strip_suffix(" gauge").expect("a gauge");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            assert_eq!(name.split('{').next(), Some(family), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            values += 1;
        }
    }
    assert!(values > 15, "{metrics:?}");
}

#[test]
fn only_this_machine_reads_it_and_nobody_writes() {
    let live = Live::start(100, "127.0.0.1:0", &[]);
    let addr = live.addr();
    let host = |name: &str| ask(addr, &format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n"));
    assert_eq!(host("localhost").status, 200);
    let refused = host("evil.example");
    assert_eq!(refused.status, 421, "{refused:?}");
    assert!(refused.body.contains("ask for `localhost`"), "{refused:?}");
    assert_eq!(ask(addr, "GET / HTTP/1.1\r\n\r\n").status, 400);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let refused = ask(
            addr,
            &format!("{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"),
        );
        assert_eq!(
            (refused.status, refused.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
    }
    let head = ask(addr, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for path in [
        "/nothing",
        "/case/lab/nothing",
        "/case/lab",
        "/case/%ff/%ff",
        "/../etc/passwd",
    ] {
        assert_eq!(get(addr, path).status, 404, "{path}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    assert!([414, 431].contains(&ask(addr, &long).status));
    live.run.end().ends(0);
}

#[test]
fn elsewhere_it_takes_the_token() {
    let live = Live::start(100, "0.0.0.0:0", &[]);
    let addr = live.addr();
    let (_, token) = live.url.split_once("/?token=").expect("a token");
    assert_eq!(token.len(), 32, "{token}");
    for path in [
        "/",
        "/api/run.json",
        "/metrics",
        "/events",
        "/case/lab/plain",
        "/nothing",
        "/?token=0",
    ] {
        let refused = get(addr, path);
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.body.contains("`?token=`"), "{refused:?}");
    }
    let first = get(addr, &format!("/?token={token}"));
    assert_eq!(first.status, 200);
    let cookie = first.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let (kept, _) = cookie.split_once(';').expect("a pair");
    let with = |header: &str| {
        ask(
            addr,
            &format!("GET /metrics HTTP/1.1\r\nHost: any\r\n{header}\r\n\r\n"),
        )
        .status
    };
    assert_eq!(with(&format!("Cookie: {kept}")), 200);
    assert_eq!(with(&format!("Authorization: Bearer {token}")), 200);
    assert_eq!(with(&format!("Cookie: {}", kept.replace('=', "=0"))), 401);
    live.run.end().ends(0);
    let journal = std::fs::read_to_string(live.lab.path("out/events.jsonl")).expect("the journal");
    assert!(!journal.contains(token), "the token is in the journal");
}

#[test]
fn a_masked_run_is_masked_here_too() {
    let live = Live::start(100, "127.0.0.1:0", &["--mask"]);
    live.await_verdicts(1);
    let addr = live.addr();
    let events = live.lab.events("out");
    let identity = events.iter().find(|event| event["event"] == "identity");
    let imei = identity.expect("an identity")["imei"]
        .as_str()
        .expect("an IMEI")
        .to_owned();
    let masked = format!("{}*******", &imei[..8]);
    for path in ["/", "/api/run.json", "/metrics", "/case/lab/plain"] {
        let answer = get(addr, path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains(&imei), "{path}: {}", answer.body);
        assert_eq!(answer.body.contains(&masked), path != "/metrics", "{path}");
    }
    let stream = client::Events::open(addr);
    let parts = stream.until(|event| event.name == "ended");
    let all: String = parts.iter().map(|event| event.data.as_str()).collect();
    assert!(all.contains(&masked) && !all.contains(&imei));
    live.run.end().ends(0);
}

#[test]
fn an_address_in_use_is_told_before_anything_is_powered() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    let lab = Lab::new();
    lab.rig(100, "");
    lab.suite(CASES);
    let ran = lab.run(&lab.arguments(&["--live", &addr])).ends(2);
    ran.complains(&format!("`--live {addr}`: can not listen"));
    ran.complains("another program has the port");
    assert!(!lab.path("out").exists(), "a run folder was made");
    let ran = lab.run(&lab.arguments(&["--live", "nonsense"])).ends(2);
    ran.complains("--live");
}
