//! The JUnit file and the history of a run with 10,000 cases, out of its journal in memory.
//!
//! `cargo bench -p dfota-hil --bench history`. Each case has what a cut over the UART leaves behind: thirty lines of the
//! dialogue, a cut, four measurements; one in fifty failed.

use dfota_core::case::{Case, Package};
use dfota_core::event::{
    CaseEnded, Event, FileFacts, JunitProfile, Measured, Record, RigFacts, RunStarted, SCHEMA,
};
use dfota_core::measure::Measure;
use dfota_core::outcome::Outcome;
use dfota_core::transport::Via;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::history::run::RigIdentity;
use dfota_record::history::{HistoryRun, HistoryStore, trend};
use dfota_record::report::{Run, junit};
use std::time::Instant;

const CASES: usize = 10_000;
const SUITE: &str = "nightly";

fn main() {
    let records = records();
    println!(
        "{} records of {CASES} cases; peak memory {} MB",
        records.len(),
        peak()
    );
    let run = timed("ordered by case", || Run::new(&records).expect("a run"));
    for (name, profile) in [
        ("strict", JunitProfile::Strict),
        ("extended", JunitProfile::Extended),
    ] {
        let xml = timed(&format!("JUnit, {name}"), || junit::write(&run, profile));
        println!("  {:.1} MB; peak memory {} MB", xml.len() as f64 / 1e6, peak());
    }
    let entry = timed("taken for the history", || {
        HistoryRun::from_run(&run).expect("an entry")
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("history.sqlite");
    for night in 0..trend::RUNS {
        let utc = format!("2026-11-{:02}T00:00:00Z", night + 1);
        let entry = HistoryRun { utc, ..entry.clone() };
        let keep = || {
            HistoryStore::open(&path)
                .expect("a store")
                .insert([&entry])
                .expect("kept")
        };
        match night {
            0 => timed("kept, the first run", keep),
            _ if night == trend::RUNS - 1 => timed("kept, the last of twenty", keep),
            _ => keep(),
        }
    }
    let bytes = std::fs::metadata(&path).expect("the store").len();
    println!("  {:.1} MB for {} runs", bytes as f64 / 1e6, trend::RUNS);
    let cases: Vec<&Case> = run.cases.iter().map(|case| case.case).collect();
    let rig = RigIdentity {
        name: "bench".into(),
        module: "bc66".into(),
        simulated: true,
    };
    let trend = timed("trend of twenty runs", || {
        trend::read(&path, &rig, &cases).expect("a store")
    });
    let trend = serde_json::to_string(&trend).expect("JSON");
    println!(
        "  {:.1} MB in the journal; peak memory {} MB",
        trend.len() as f64 / 1e6,
        peak()
    );
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = work();
    println!("{what}: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    made
}

/// Most memory that this program ever had, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

fn records() -> Vec<Record> {
    let cases: Vec<Case> = (0..CASES).map(case).collect();
    let mut events = vec![started()];
    events.extend(cases.iter().map(|case| Event::CasePlanned {
        case: Box::new(case.clone()),
        skip: None,
    }));
    for (n, case) in cases.iter().enumerate() {
        of_case(&mut events, n, case);
    }
    events.push(Event::RunEnded {
        exit: 1,
        interrupted: false,
        safe: true,
    });
    let record = |(seq, event)| Record {
        seq,
        mono_ns: seq * 1_000_000,
        module_ns: seq * 60_000_000,
        utc: "2026-11-22T14:30:05.123456789Z".into(),
        prev: "0".repeat(64),
        event,
    };
    (0..).zip(events).map(record).collect()
}

fn of_case(events: &mut Vec<Event>, n: usize, case: &Case) {
    events.push(Event::CaseStarted {
        id: case.id.clone(),
        suite: case.suite.clone(),
    });
    for line in 0..30 {
        let text = format!("+QIND: \"FOTA\",\"UPDATING\",{line}%");
        events.push(Event::Rx { text, partial: false });
    }
    for measure in [
        Measure::FirstUrc,
        Measure::TimeToResume,
        Measure::UpdateTime,
        Measure::CutLatency,
    ] {
        events.push(Event::Measured(Measured {
            name: measure.name().into(),
            value: 1000.0 + (n % 997) as f64,
            unit: measure.unit().name().into(),
            min: None,
            limit: None,
        }));
    }
    let verdict = match n % 50 {
        0 => Verdict::by(
            Rule::NoResume,
            "the supply returned and the source version ran on".into(),
        ),
        _ => Verdict::Pass,
    };
    events.push(Event::CaseEnded(CaseEnded {
        id: case.id.clone(),
        suite: case.suite.clone(),
        verdict,
        outcome: Some(Outcome::NewAfterResume),
        evidence: vec![1, 2, 3],
        tries: 1,
        took_ns: 40_000_000,
        summary: "UPDATING 20%..50% · cut at UPDATING 50% · resumed 20%..100% · END,0".into(),
        rerun: format!(
            "dfota-hil run nightly.yaml --rig bench.yaml --seed 7 --filter '=nightly::{}'",
            case.id
        ),
    }));
}

fn case(n: usize) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: "BC66NBR01A01".parse().expect("a version"),
        to: "BC66NBR01A02".parse().expect("a version"),
        bytes: 65_536,
        sha256: "0".repeat(64),
    };
    Case {
        place: "nightly.yaml:12".into(),
        requirements: vec!["TS 103 701 5.9-1-2".into()],
        ..Case::plain(
            &format!("forced-resume[via=uart,at=50%,run={n}]"),
            SUITE,
            package,
            Via::Uart,
        )
    }
}

fn started() -> Event {
    let file = FileFacts {
        name: "bench".into(),
        path: "bench.yaml".into(),
        sha256: "0".repeat(64),
        text: String::new(),
    };
    Event::RunStarted(Box::new(RunStarted {
        schema: SCHEMA,
        rig: RigFacts {
            file: file.clone(),
            module: "bc66".into(),
            simulated: true,
            speed: 60.0,
            ..RigFacts::default()
        },
        suites: vec![file],
        ..RunStarted::default()
    }))
}
