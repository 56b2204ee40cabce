//! Reports, bundle and check of a run with 10 000 cases: seconds, and the most memory that they took.
//!
//! `cargo bench -p dfota-hil --bench evidence`. Aim for reports and bundle together: 3 s and 300 MB. The journal is made up,
//! each case with what an update over HTTP with a cut writes down.

use dfota_clock::Clock;
use dfota_core::case::{Case, Package};
use dfota_core::event::{CaseEnded, Event, FileFacts, RigFacts, RunStarted, SCHEMA};
use dfota_core::transport::Via;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::evidence::maker::{EvidenceOptions, make_with_reports};
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::journal::{Journal, JournalWriter, Nobody};
use std::time::Instant;

const CASES: u64 = 10_000;
const LINES: u64 = 40;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let run = folder.path();
    let (journal, writer) = JournalWriter::start(run, Clock::system(), Box::new(Nobody)).expect("a journal");
    tell(&journal);
    drop(journal);
    writer.finish().expect("the journal");
    let key = SigningKey::draw().expect("a key");
    let bytes = std::fs::metadata(run.join("events.jsonl"))
        .expect("the journal")
        .len();
    println!("journal: {CASES} cases, {:.0} MB", bytes as f64 / 1e6);
    let wanted = EvidenceOptions {
        key: Some(&key),
        time_stamp: None,
    };
    let began = Instant::now();
    let asked = dfota_record::report::ReportOptions::default();
    let (reports, made) =
        make_with_reports(run, &asked, &wanted, |_| began.elapsed().as_secs_f64()).expect("reports");
    made.expect("evidence");
    let whole = began.elapsed().as_secs_f64();
    let size = std::fs::metadata(run.join("evidence.tar.zst"))
        .expect("a bundle")
        .len();
    println!("reports, and the journal's chain: {reports:.2} s");
    println!("bundle: {:.2} s, {:.0} MB", whole - reports, size as f64 / 1e6);
    println!(
        "together: {whole:.2} s (aim: 3), at most {} MB of memory so far (aim: 300)",
        memory()
    );
    let began = Instant::now();
    let verified = dfota_record::verify::verify(run, Some(&key.public())).expect("a run folder");
    assert_eq!(verified.touched, [""; 0]);
    println!(
        "verify: {:.2} s, at most {} MB of memory",
        began.elapsed().as_secs_f64(),
        memory()
    );
}

/// The most memory that this process had, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024 / 1_000_000
}

fn tell(journal: &Journal) {
    let facts = |name: &str| FileFacts {
        name: name.into(),
        path: format!("{name}.yaml"),
        sha256: "00".repeat(32),
        text: format!("{name}: text\n"),
    };
    journal.post(Event::RunStarted(Box::new(RunStarted {
        schema: SCHEMA,
        run: "run".into(),
        tool: env!("CARGO_PKG_VERSION").into(),
        rig: RigFacts {
            file: facts("rig"),
            module: "bc66".into(),
            simulated: true,
            speed: 1.0,
            ..RigFacts::default()
        },
        suites: vec![facts("suite")],
        packages: vec![case(0).package],
        out: "run".into(),
        folder: "/run".into(),
        ..RunStarted::default()
    })));
    for number in 0..CASES {
        let case = Box::new(case(number));
        journal.post(Event::CasePlanned { case, skip: None });
    }
    for number in 0..CASES {
        let case = case(number);
        journal.post(Event::CaseStarted {
            id: case.id.clone(),
            suite: case.suite.clone(),
        });
        for line in 0..LINES {
            let text = format!("+QIND: \"FOTA\",\"UPDATING\",{}%,1,1", 20 + 2 * line);
            journal.post(Event::Rx { text, partial: false });
        }
        let verdict = match number % 50 {
            0 => Verdict::by(Rule::NoResume, "it forgot the update".into()),
            _ => Verdict::Pass,
        };
        journal.post(Event::CaseEnded(CaseEnded::untried(&case, verdict)));
    }
    journal.post(Event::RunEnded {
        exit: 1,
        interrupted: false,
        safe: true,
    });
}

fn case(number: u64) -> Case {
    let version = |text: &str| text.parse().expect("a version");
    let package = Package {
        name: "a-to-b".into(),
        from: version("A"),
        to: version("B"),
        bytes: 1,
        sha256: "11".repeat(32),
    };
    let id = format!("forced-resume[via=http,run={number}]");
    Case::plain(&id, "suite", package, Via::Http)
}
