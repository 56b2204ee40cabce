//! What the page says of rigs that are lost or out, of a run that is paused, and of a claim with open attempts.
//!
//! The records of a run that is over are shown to a page again, in the order in which they were written. So every state in
//! between can be looked at, and nothing has to be caught at the right moment.

use super::Live;
use super::client::get;
use crate::lab::Lab;
use crate::process::{Process, Running, Signal, wait_until};
use dfota_core::event::fleet::{BatchResult, FleetEvent, PartEnd, Taken};
use dfota_core::event::{Event, Record, RigFacts, RunStarted};
use dfota_record::live::LiveRun;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// A claim that takes eight cuts, in blocks of two.
const CLAIM: &str = "limits: {settle: 1s, boot: 10s, resume: 15s}
cases:
  - name: night
    update: {package: a-to-b, via: uart}
    sweep: {over: [start], cuts: 1, block: 2}
    claim: {brick_rate_below: 20%, confidence: 80%}
";

/// Writes `fast.yaml`: another rig, whose module lives faster.
fn fast(lab: &Lab, defects: &str) {
    let text = format!(
        "rig: fast\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: 150, defects: [{defects}]}}\n"
    );
    lab.write("fast.yaml", text);
}

/// A record on its way to the page.
struct Told {
    rig: Option<String>,
    at: UtcDateTime,
    record: Record,
}

/// The records of a journal.
fn records(file: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(file).expect("a journal");
    // A last line may be torn by a kill.
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

/// Every record of a run on several rigs in order; those of the run's own journal come so much later than they were written.
fn told(lab: &Lab, out: &str, late: Duration) -> Vec<Told> {
    let at = |record: &Record| UtcDateTime::parse(&record.utc, &Rfc3339).expect("a time");
    let mut all = Vec::new();
    for record in records(&lab.path(&format!("{out}/run.jsonl"))) {
        if let Event::Fleet(FleetEvent::Taken(taken)) = &record.event {
            let file = lab.path(&format!("{out}/{}/events.jsonl", taken.folder));
            let part = if file.exists() { records(&file) } else { Vec::new() };
            all.extend(part.into_iter().map(|record| Told {
                rig: Some(taken.rig.clone()),
                at: at(&record),
                record,
            }));
        }
        all.push(Told {
            rig: None,
            at: at(&record) + late,
            record,
        });
    }
    all.sort_by_key(|told| told.at);
    all
}

/// What the page says after each record of the run's own journal, as JSON.
fn shown(lab: &Lab, out: &str, masked: bool, late: Duration) -> Vec<Value> {
    let mut run = LiveRun::new(masked);
    let mut all = Vec::new();
    for Told { rig, record, .. } in told(lab, out, late) {
        run.on(rig.as_deref(), &record);
        if rig.is_none() || matches!(record.event, Event::Tallied(_)) {
            let text = run.json(0).expect("JSON");
            all.push(serde_json::from_str(&text).expect("JSON"));
        }
    }
    all
}

/// The rig of this name in what the page says.
fn rig<'j>(shown: &'j Value, name: &str) -> &'j Value {
    let rigs = shown["progress"]["rigs"].as_array().expect("a list");
    rigs.iter().find(|rig| rig["rig"] == name).expect("the rig")
}

/// Checks that the page has come to the numbers of the report, whoever was how late.
#[track_caller]
fn counts_as_the_report(lab: &Lab, out: &str) {
    let report: Value = serde_json::from_str(&lab.read(&format!("{out}/run.json"))).expect("JSON");
    let campaign = &report["campaigns"][0];
    let pool = &campaign["pool"];
    let strata = pool["strata"].as_array().expect("modules");
    let open = |stratum: &Value| stratum["open"].as_array().map_or(0, Vec::len);
    for (masked, late) in [(false, 0), (true, 0), (false, 150), (true, 150)] {
        let last = shown(lab, out, masked, Duration::from_millis(late)).pop();
        let last = last.expect("it was shown");
        let claim = &last["claims"][0];
        let place = format!("masked: {masked}, late: {late} ms");
        assert_eq!(claim["counted"], pool["counted"]["cuts"], "{place}");
        assert_eq!(claim["bricks"], pool["counted"]["bricks"], "{place}");
        assert_eq!(claim["upper"], campaign["bound"], "{place}");
        assert_eq!(claim["lower"], campaign["lower_bound"], "{place}");
        assert_eq!(
            claim["open"],
            json!(strata.iter().map(open).sum::<usize>()),
            "{place}"
        );
        let modules = claim["modules"].as_array().expect("modules");
        assert_eq!(modules.len(), strata.len(), "{place}");
        for (module, stratum) in modules.iter().zip(strata) {
            assert_eq!(module["rig"], stratum["rigs"][0], "{place}");
            assert_eq!(module["counted"], stratum["counted"]["cuts"], "{place}");
            assert_eq!(module["bricks"], stratum["counted"]["bricks"], "{place}");
            assert_eq!(module["open"], json!(open(stratum)), "{place}");
        }
    }
}

/// Kills the worker of this rig.
#[track_caller]
fn kill(running: &Running, rig: &str) {
    let mut found = None;
    wait_until(&format!("the worker of `{rig}`"), || {
        let is = |process: &Process| process.args().windows(2).any(|pair| pair == ["--worker", rig]);
        found = running.children().into_iter().find(is);
        found.is_some()
    });
    found.expect("it was just found").signal(Signal::KILL);
}

/// Waits until `rig` has been given a cut of the claim, and gives its case.
#[track_caller]
fn await_ordered(lab: &Lab, out: &str, rig: &str) -> String {
    let mut case = None;
    wait_until(&format!("a cut of the claim on `{rig}`"), || {
        let text = std::fs::read_to_string(lab.path(&format!("{out}/run.jsonl"))).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<Value> = lines.collect();
        let slots = lines.iter().map(|event| &event["case"]);
        let slots = slots.filter(|case| case["part"]["role"]["cut"]["claim"] != Value::Null);
        let slots: Vec<&Value> = slots.map(|case| &case["id"]).collect();
        let is = |event: &&Value| {
            event["what"] == "ordered" && event["rig"] == rig && slots.contains(&&event["case"])
        };
        case = lines
            .iter()
            .find(is)
            .and_then(|event| event["case"].as_str().map(str::to_owned));
        case.is_some()
    });
    case.expect("it was just found")
}

/// The page says where `lab` was lost, and what that leaves open.
#[track_caller]
fn shows_where_it_stood(live: &Live, case: &str) {
    let json = live.json();
    let lost = &rig(&json, "lab")["lost"];
    assert_eq!(lost["case"], json!(case), "{lost}");
    assert_eq!(lost["cut_ordered"], json!(true), "{lost}");
    assert!(
        lost["batch"].as_str().is_some_and(|batch| !batch.is_empty()),
        "{lost}"
    );
    assert!(
        lost["last_line"].as_str().is_some_and(|line| !line.is_empty()),
        "{lost}"
    );
    let claim = &json["claims"][0];
    assert_eq!(claim["open"], json!(1), "{claim}");
    let standing = claim["standing"].as_str().expect("a text");
    assert!(standing.contains(&format!("`{case}` on `lab`")), "{standing}");
    let page = get(live.addr(), "/").body;
    for part in [
        "its process ended: signal: 9",
        "Lost batch",
        "had been ordered",
        "Open attempts",
    ] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    let metrics = get(live.addr(), "/metrics").body;
    for line in [
        "dfota_hil_rigs{state=\"lost\"} 1",
        "dfota_hil_claim_open_attempts{suite=\"lab\",campaign=\"night\"} 1",
    ] {
        assert!(metrics.contains(line), "no `{line}` in {metrics}");
    }
}

/// A cut that a rig is still at is no open attempt.
#[track_caller]
fn nothing_is_open_before(lab: &Lab) {
    let all = shown(lab, "out", false, Duration::ZERO);
    let before = all
        .iter()
        .take_while(|shown| rig(shown, "lab")["state"] != "lost");
    let before: Vec<&Value> = before.filter_map(|shown| shown["claims"].get(0)).collect();
    assert!(!before.is_empty());
    for claim in before {
        assert_eq!(claim["open"], json!(0), "a rig is still at the cut: {claim}");
    }
}

/// The next run begins with an open attempt and ends with none, also where IMEIs are masked.
#[track_caller]
fn closes_an_attempt(lab: &Lab) {
    for masked in [false, true] {
        let open: Vec<Value> = shown(lab, "next", masked, Duration::ZERO)
            .iter()
            .filter_map(|shown| shown["claims"].get(0))
            .map(|claim| claim["open"].clone())
            .collect();
        assert!(open.contains(&json!(1)), "masked: {masked}, {open:?}");
        assert_eq!(open.last(), Some(&json!(0)), "masked: {masked}");
    }
}

#[test]
fn a_rig_that_is_lost_says_where_it_stood_and_leaves_the_claim_open() {
    let lab = Lab::new();
    lab.suite(CLAIM);
    lab.rig(40, "");
    fast(&lab, "");
    let more = ["--rig", "fast.yaml", "--canary", "0"];
    let live = Live::in_lab(lab, "127.0.0.1:0", &more);
    let case = await_ordered(&live.lab, "out", "lab");
    kill(&live.run, "lab");
    wait_until("the rig to be lost", || {
        rig(&live.json(), "lab")["state"] == "lost"
    });
    shows_where_it_stood(&live, &case);
    let Live { lab, run, .. } = live;
    run.end().ends(3);
    counts_as_the_report(&lab, "out");
    nothing_is_open_before(&lab);

    // The next run hears of the module again, and it takes a delta: the attempt is closed.
    let next = [
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--rig",
        "fast.yaml",
        "--canary",
        "0",
        "--out",
        "next",
        "--seed",
        "7",
    ];
    lab.run(&next).ends(0);
    closes_an_attempt(&lab);
    counts_as_the_report(&lab, "next");
}

#[test]
fn a_brick_pauses_the_run_and_counts_on_its_module() {
    let lab = Lab::new();
    // Each cut of the weak module bricks it.
    let above = "confidence: 80%, over: \"updating 92%..99%\"";
    lab.suite(&CLAIM.replace("confidence: 80%", above));
    lab.rig(40, "");
    fast(&lab, "bricks-above-90");
    let more = ["--rig", "fast.yaml", "--canary", "0"];
    lab.run(&lab.arguments(&more)).ends(1);
    let all = shown(&lab, "out", false, Duration::ZERO);
    let paused = all.iter().find(|shown| shown["progress"]["paused"].is_string());
    let paused = paused.expect("it was paused");
    assert_eq!(paused["state"], "running");
    let last = all.last().expect("it was shown");
    assert_eq!(last["state"], "ended");
    assert_eq!(rig(last, "lab")["state"], "done");
    for batch in last["progress"]["batches"].as_array().expect("a list") {
        assert_ne!(batch["state"], "running", "{batch}");
    }
    counts_as_the_report(&lab, "out");
}

/// A page, and events in the order in which they come.
struct Page {
    run: LiveRun,
    seq: u64,
}

impl Page {
    /// Of a run on these rigs.
    fn new(rigs: &[&str]) -> Self {
        let mut page = Self {
            run: LiveRun::new(false),
            seq: 0,
        };
        let mut started = RunStarted::default();
        for name in rigs {
            let mut rig = RigFacts::default();
            rig.file.name = (*name).to_owned();
            started.rigs.push(rig);
        }
        page.on(None, Event::RunStarted(Box::new(started)));
        for batch in ["lab-1", "lab-2"] {
            page.fleet(FleetEvent::Queued {
                batch: batch.into(),
                suite: "lab".into(),
                cases: vec!["a".into(), "b".into()],
                real_ms: 1_000,
                terms: None,
            });
        }
        page
    }

    fn on(&mut self, rig: Option<&str>, event: Event) {
        let record = Record {
            seq: self.seq,
            mono_ns: self.seq,
            module_ns: self.seq,
            utc: format!("2026-01-01T00:00:{:02}Z", self.seq),
            prev: String::new(),
            event,
        };
        self.seq += 1;
        self.run.on(rig, &record);
    }

    fn fleet(&mut self, event: FleetEvent) {
        self.on(None, Event::Fleet(event));
    }

    /// The rig takes a batch and begins a case of it.
    fn begin(&mut self, rig: &str, batch: &str) {
        self.fleet(FleetEvent::Taken(Taken {
            batch: batch.into(),
            attempt: 1,
            rig: rig.into(),
            folder: format!("rigs/{rig}/{batch}"),
        }));
        self.on(Some(rig), Event::RunStarted(Box::default()));
        let (id, suite) = ("a".into(), "lab".into());
        self.on(Some(rig), Event::CaseStarted { id, suite });
    }

    /// The part has its end.
    fn end_part(&mut self, rig: &str) {
        let (exit, interrupted, safe) = (3, false, true);
        let end = Event::RunEnded {
            exit,
            interrupted,
            safe,
        };
        self.on(Some(rig), end);
    }

    fn lose(&mut self, rig: &str, batch: &str, why: &str) {
        let end = PartEnd {
            batch: batch.into(),
            attempt: 1,
            rig: rig.into(),
            lines: 0,
            head: String::new(),
            result: BatchResult::default(),
            left: Vec::new(),
        };
        let (why, open) = (why.to_owned(), Vec::new());
        self.fleet(FleetEvent::Lost {
            end,
            why: why.clone(),
            open,
            unread: Vec::new(),
            parent_ended: false,
        });
        self.fleet(FleetEvent::RigOut { rig: rig.into(), why });
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.run.json(0).expect("JSON")).expect("JSON")
    }

    fn state(&self, name: &str) -> String {
        rig(&self.json(), name)["state"]
            .as_str()
            .expect("a word")
            .to_owned()
    }
}

#[test]
fn a_dead_module_puts_its_rig_out_and_a_failed_check_quarantines_it() {
    let mut page = Page::new(&["dead", "bad", "gone", "good"]);
    page.begin("dead", "lab-1");
    let cause = "the module is dead since `a`".to_owned();
    page.on(Some("dead"), Event::GivenUp { cause });
    assert_eq!(page.state("dead"), "out", "before the run says so");
    page.end_part("dead");
    page.lose("dead", "lab-1", "the module is dead since `a`");
    page.begin("bad", "lab-1");
    page.end_part("bad");
    page.lose("bad", "lab-1", "the rig did not pass its check");
    page.begin("gone", "lab-1");
    page.lose("gone", "lab-1", "it said nothing for 1m");
    let states = ["dead", "bad", "gone", "good"].map(|rig| page.state(rig));
    assert_eq!(states, ["out", "quarantined", "lost", "waiting"]);
    let shown = page.json();
    assert_eq!(rig(&shown, "gone")["why"], "it said nothing for 1m");
    assert_eq!(rig(&shown, "gone")["lost"]["cut_ordered"], json!(false));
    let html = page.run.page(0).html;
    for part in [
        "! out",
        "! quarantined",
        "! lost",
        "had not been ordered",
        "it said nothing for 1m",
    ] {
        assert!(html.contains(part), "no `{part}` in {html}");
    }
}

/// A rig begins its next batch before the page sees that the run closed the last one: the journal of the run takes its time.
#[test]
fn a_rig_that_is_ahead_of_the_run_stays_at_its_case() {
    let mut page = Page::new(&["lab"]);
    page.begin("lab", "lab-1");
    let closed = page.seq;
    page.seq += 1;
    page.on(Some("lab"), Event::RunStarted(Box::default()));
    let (id, suite) = ("c".into(), "lab".into());
    page.on(Some("lab"), Event::CaseStarted { id, suite });
    page.seq = closed;
    page.fleet(FleetEvent::Closed(PartEnd {
        batch: "lab-1".into(),
        attempt: 1,
        rig: "lab".into(),
        lines: 0,
        head: String::new(),
        result: BatchResult::default(),
        left: Vec::new(),
    }));
    let shown = page.json();
    assert_eq!(rig(&shown, "lab")["case"], "c", "{shown}");
    assert_eq!(rig(&shown, "lab")["state"], "preparing", "{shown}");
}
