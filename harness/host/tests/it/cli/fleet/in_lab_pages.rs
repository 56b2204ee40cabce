//! `lab serve`: the pages of a lab, from its server.

use super::cuts;
use super::nats_lab::{LEASE, NatsLab};
use crate::cli::live::client::{Answer, Events, ask, get};
use crate::lab::{Lab, PROGRAM};
use crate::process::{Running, Signal, wait_until};
use crate::report::browser::Browser;
use dfota_hil::run::lab::server::READS;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// An ordinary case, and a claim that takes eight cuts.
const CLAIM: &str = "limits: {settle: 1s, boot: 10s, resume: 15s}
cases:
  - {name: plain, update: {package: a-to-b, via: uart}}
  - name: night
    update: {package: a-to-b, via: uart}
    sweep: {over: [start], cuts: 1, block: 2}
    claim: {brick_rate_below: 20%, confidence: 80%}
";

/// A program that serves the pages.
struct Pages {
    program: Running,
    url: String,
}

impl Pages {
    fn start(lab: &Lab, url: &str, listen: &str, more: &[&str]) -> Self {
        let fixed = ["lab", "serve", "--listen", listen, "--lab", url, "--lease", LEASE];
        let mut program = lab.start(&[&fixed, more].concat());
        program.await_stderr("live: http://");
        program.await_stderr("\n");
        let said = program.stderr();
        let line = said.lines().find_map(|line| line.strip_prefix("live: "));
        let url = line.expect("an address").trim().to_owned();
        Self { program, url }
    }

    fn addr(&self) -> SocketAddr {
        let (_, rest) = self.url.split_once("//").expect("an address");
        let (host, _) = rest.split_once('/').expect("a path");
        let (_, port) = host.rsplit_once(':').expect("a port");
        SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a number")))
    }

    fn get(&self, path: &str) -> Answer {
        get(self.addr(), path)
    }

    /// What a path gives, which has to be there.
    #[track_caller]
    fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    fn lab(&self) -> Value {
        serde_json::from_str(&self.page("/api/lab.json")).expect("JSON")
    }

    fn run(&self, name: &str) -> Value {
        serde_json::from_str(&self.page(&format!("/run/{name}/api/run.json"))).expect("JSON")
    }

    #[track_caller]
    fn await_lab(&self, what: &str, is: impl Fn(&Value) -> bool) {
        let mut last = Value::Null;
        wait_until(what, || {
            last = self.lab();
            is(&last)
        });
    }

    /// Ends as a service does that is stopped.
    #[track_caller]
    fn stop(self) {
        self.program.signal(Signal::TERM);
        self.program.end().ends(0);
    }
}

/// The rig of this name.
fn rig<'j>(lab: &'j Value, name: &str) -> &'j Value {
    let rigs = lab["rigs"].as_array().expect("a list");
    rigs.iter().find(|rig| rig["rig"] == name).unwrap_or(&Value::Null)
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

fn browse(pages: &Pages, path: &str, name: &str) {
    for (kind, size) in [("phone", (390, 844)), ("desk", (1280, 800))] {
        let address = format!("{}{path}", pages.url);
        let Some(mut browser) = Browser::open_url(&address, size, true) else {
            return;
        };
        browser.wait("document.getElementById('link').textContent.includes('live')");
        browser.wait("document.querySelectorAll('article.tile').length === 2");
        assert!(
            browser.value("document.documentElement.scrollWidth").as_u64() <= Some(size.0.into()),
            "{name}-{kind}"
        );
        if let Some(folder) = std::env::var_os("DFOTA_HIL_SCREENSHOTS") {
            let file = std::path::Path::new(&folder).join(format!("{name}-{kind}.png"));
            browser.screenshot(&file);
        }
    }
}

#[test]
fn a_campaign_is_seen_to_its_claim() {
    let mut lab = NatsLab::new();
    let pages = Pages::start(&lab.lab, &lab.url, "127.0.0.1:0", &[]);
    has(
        &pages.page("/"),
        &["No rig is in the lab", "The lab knows no run yet"],
    );
    let events = Events::open(pages.addr());
    lab.agent("a", 40, "");
    lab.agent("b", 40, "");
    pages.await_lab("two idle rigs", |lab| {
        ["a", "b"].iter().all(|name| rig(lab, name)["state"] == "idle")
    });
    lab.lab.suite(CLAIM);
    let running = lab.start(&["--canary", "0"]);
    pages.await_lab("a rig at work", |lab| rig(lab, "a")["state"] == "working");
    let told = events.until(|event| event.data.starts_with("runs\n") && event.data.contains("run/out/"));
    let first: Vec<&str> = told
        .iter()
        .take(3)
        .filter_map(|event| event.data.lines().next())
        .collect();
    assert_eq!(first, ["head", "rigs", "runs"]);
    has(
        &pages.page("/"),
        &["href=\"run/out/\"", "BC66, simulated", "priority 1"],
    );
    wait_until("a verdict on the page of the run", || {
        pages.run("out")["cases"]["pass"].as_u64() > Some(0)
    });
    pages.await_lab("the same on the page of the lab", |lab| {
        lab["runs"][0]["cases"]["pass"].as_u64() > Some(0)
    });
    browse(&pages, "", "lab");
    browse(&pages, "run/out/", "lab-run");
    has(
        &pages.page("/run/out/"),
        &["Back to the lab", "id=\"rig-2\"", "class=\"badge pass\"", "night"],
    );
    let of_run = Events::open_at(pages.addr(), "/run/out/events");
    running.end().ends(0);
    of_run.until(|event| event.data.starts_with("claim\n") && event.data.contains("standing shown"));
    is_the_claim_shown(&pages, "pass");
    nothing_else_is_there(&pages);
    pages.stop();
    // Another one, later: what is on the server is enough.
    let pages = Pages::start(&lab.lab, &lab.url, "127.0.0.1:0", &["--mask"]);
    is_the_claim_shown(&pages, "pass");
    is_masked(&lab.lab, &pages);
    pages.stop();
}

/// The page of the run has what its report has.
#[track_caller]
fn is_the_claim_shown(pages: &Pages, verdict: &str) {
    pages.await_lab("the end of the run", |lab| {
        lab["runs"][0]["state"] == "over" && lab["runs"][0]["exit"] == 0
    });
    let run = pages.run("out");
    assert_eq!(
        (&run["state"], &run["exit"]),
        (&json!("ended"), &json!(0)),
        "{run}"
    );
    let verdicts = run["progress"]["verdicts"].as_array().expect("a list");
    let claim = verdicts.iter().find(|case| case["id"] == "night[claim]");
    assert_eq!(claim.expect("the claim's own case")["verdict"], verdict, "{run}");
    assert_eq!(run["claims"][0]["counted"], run["claims"][0]["needed"], "{run}");
    has(&pages.page("/run/out/"), &["PASSED", "standing shown"]);
    has(&pages.page("/"), &["✓ passed"]);
    has(
        &pages.page("/run/out/case/lab/plain"),
        &["<svg", "class=\"transcript whole\"", "AT+QFOTADL"],
    );
    let cases = pages.lab()["runs"][0]["cases"]["pass"].clone();
    has(
        &pages.page("/metrics"),
        &[
            "dfota_hil_lab_connected 1",
            "dfota_hil_lab_rigs{state=\"idle\"} 2",
            "dfota_hil_lab_runs{state=\"over\"} 1",
            &format!("dfota_hil_cases{{run=\"out\",verdict=\"pass\"}} {cases}"),
            "dfota_hil_bricks{run=\"out\"} 0",
        ],
    );
    has(&pages.page("/run/out/metrics"), &["dfota_hil_run_ended 1"]);
}

#[track_caller]
fn nothing_else_is_there(pages: &Pages) {
    let unknown = pages.get("/run/nothing/");
    assert_eq!(unknown.status, 404, "{unknown:?}");
    has(&unknown.body, &["the lab knows no such run"]);
    for path in [
        "/nothing",
        "/run/",
        "/run/%ff/",
        "/run/out/nothing",
        "/run/out/case/lab/nothing",
        "/api/run.json",
    ] {
        assert_eq!(pages.get(path).status, 404, "{path}");
    }
    let moved = pages.get("/run/out");
    assert_eq!((moved.status, moved.header("location")), (308, Some("/run/out/")));
    let post = "POST /run/out/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(ask(pages.addr(), post).status, 405);
    let evil = "GET /run/out/ HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert_eq!(ask(pages.addr(), evil).status, 421);
}

#[track_caller]
fn is_masked(lab: &Lab, pages: &Pages) {
    let events = lab.events("out");
    let identity = events.iter().find(|event| event["event"] == "identity");
    let imei = identity.expect("an identity")["imei"]
        .as_str()
        .expect("an IMEI")
        .to_owned();
    for path in [
        "/",
        "/api/lab.json",
        "/run/out/",
        "/run/out/api/run.json",
        "/run/out/case/lab/plain",
    ] {
        assert!(!pages.page(path).contains(&imei), "{path}");
    }
    has(&pages.page("/run/out/"), &[&format!("{}*******", &imei[..8])]);
}

#[test]
fn elsewhere_the_pages_of_a_lab_take_the_token() {
    let lab = NatsLab::new();
    let pages = Pages::start(&lab.lab, &lab.url, "0.0.0.0:0", &[]);
    let (_, token) = pages.url.split_once("/?token=").expect("a token");
    for path in [
        "/",
        "/events",
        "/metrics",
        "/api/lab.json",
        "/run/out/",
        "/run/out",
    ] {
        let refused = pages.get(path);
        assert_eq!(refused.status, 401, "{path}: {refused:?}");
        has(&refused.body, &["`?token=`"]);
    }
    assert_eq!(pages.get(&format!("/?token={token}")).status, 200);
    assert_eq!(pages.get(&format!("/run/out/?token={token}")).status, 404);
    let addr = pages.addr().to_string();
    let url = lab.url.clone();
    let second = lab
        .lab
        .run(&["lab", "serve", "--listen", &addr, "--lab", &url])
        .ends(2);
    second.complains(&format!("`--listen {addr}`: can not listen"));
    pages.stop();
}

/// The pages stay, and say that they are old; then they go on.
#[test]
fn the_pages_outlive_the_server() {
    let mut lab = NatsLab::new();
    lab.agent("a", 40, "");
    let pages = Pages::start(&lab.lab, &lab.url, "127.0.0.1:0", &[]);
    cuts(&lab.lab, 6);
    let running = lab.start(&["--canary", "0"]);
    wait_until("a verdict on the page of the run", || {
        pages.get("/run/out/").status == 200 && pages.run("out")["cases"]["pass"].as_u64() > Some(0)
    });
    let listen = lab.kill_server();
    pages.await_lab("the server to be missed", |lab| lab["connected"] == false);
    has(&pages.page("/"), &["The server of the lab is not reached"]);
    assert_eq!(rig(&pages.lab(), "a")["state"], "working", "nobody knows better");
    assert!(
        pages.run("out")["cases"]["pass"].as_u64() > Some(0),
        "it is still shown"
    );
    lab.serve(&listen);
    pages.await_lab("the server", |lab| lab["connected"] == true);
    running.end().ends(0);
    wait_until("every verdict", || pages.run("out")["cases"]["pass"] == 6);
    pages.await_lab("the end of the run", |lab| lab["runs"][0]["state"] == "over");
    // Its agent dies: the lab has no rig any more.
    lab.kill("a");
    pages.await_lab("the rig to be gone", |lab| rig(lab, "a")["state"] == "gone");
    has(&pages.page("/metrics"), &["dfota_hil_lab_rigs{state=\"gone\"} 1"]);
    pages.stop();
}

#[test]
fn the_key_of_a_reader_is_enough() {
    let lab = NatsLab::guarded(&["a"]);
    let at = |more: &[&'static str]| [more, &["--lab", &lab.url, "--lease", LEASE]].concat();
    lab.lab
        .run(&at(&["lab", "list", "--lab-nkey", "runs.nk"]))
        .ends(0);
    super::rig(&lab.lab, "a", 100, "", "");
    let _agent = lab.start_agent_as(PROGRAM.as_ref(), "a", &["--lab-nkey", "a.nk"]);
    let pages = Pages::start(&lab.lab, &lab.url, "127.0.0.1:0", &["--lab-nkey", "reads.nk"]);
    pages.await_lab("an idle rig", |lab| rig(lab, "a")["state"] == "idle");
    cuts(&lab.lab, 2);
    lab.start(&["--lab-nkey", "runs.nk"]).end().ends(0);
    pages.await_lab("the end of the run", |lab| lab["runs"][0]["exit"] == 0);
    assert_eq!(pages.run("out")["cases"]["pass"], 2);
    lab.lab
        .run(&at(&["lab", "show", "out", "--lab-nkey", "reads.nk"]))
        .ends(0)
        .says("2 pass");
    pages.stop();
    let reader = lab.connect(READS, Some("reads.nk"));
    for subject in ["jobs.1.a.out.x", "records.out.=run", "$KV.drained.a"] {
        let stored = reader.store(subject.to_owned(), subject.to_owned(), vec![]);
        assert!(stored.is_err(), "`{subject}` was taken");
    }
}
