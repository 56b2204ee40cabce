//! The test report: what stands in it, from real journals and from altered ones; and the PDF, where that is built.

use crate::lab::Lab;
use dfota_core::event::{Event, Record, TryEnded};
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::report::Run;
use dfota_record::report::test_report::{JournalFacts, ReportItem, TestReport, TooEarly};
use std::sync::LazyLock;

const RIG: &str = "\
rig: lab
module: bc66
simulated: {firmware: BC66NBR01A01, speed: 200}
lab:
  name: Prüfhaus
  address: 1 Example Street
  customer: 'Example & Sons #$@*_<x> 金'
  item: {received: 2026-11-03}
  external: [the operator's network]
";

const CASES: &str = "\
cases:
  - name: clean
    requirements: [REQ-1]
    update: {package: a-to-b, via: uart}
  - name: cut
    matrix: {at: [30%, 60%]}
    requirements: [REQ-1, REQ-2]
    update: {package: a-to-b, via: uart}
    cut: {at: \"updating {at}\", off: 5s}
  - name: later
    requirements: [REQ-3]
    skip: waits for the vendor
    update: {package: a-to-b, via: uart}
  - name: elsewhere
    requirements: [REQ-4]
    update: {package: a-to-b, via: uart}
";

/// One run, for every test here.
static RUN: LazyLock<Lab> = LazyLock::new(|| {
    let lab = Lab::lasting();
    lab.write("rig.yaml", RIG);
    lab.suite(CASES);
    lab.run(&lab.arguments(&["--filter", "!elsewhere"])).ends(0);
    lab
});

fn records() -> Vec<Record> {
    dfota_record::journal::read(&RUN.path("out"), false).expect("the journal of the run")
}

fn issued(records: &[Record], day: Option<&str>) -> Result<TestReport, TooEarly> {
    let run = Run::new(records).expect("a journal");
    let day = day.map(|day| day.parse().expect("a day"));
    let journal = JournalFacts {
        file: "events.jsonl",
        sha256: "00".repeat(32),
        records: records.len(),
    };
    TestReport::new(&run, records, journal, day)
}

fn certificate(records: &[Record]) -> TestReport {
    issued(records, None).expect("a report")
}

fn said<'e>(entries: &'e [ReportItem], name: &str) -> Option<&'e str> {
    let entry = entries
        .iter()
        .find(|entry| entry.name == name)
        .expect("an entry of this name");
    entry.value.as_deref()
}

fn deviations(certificate: &TestReport, kind: &str) -> Vec<String> {
    let found = certificate
        .deviations
        .iter()
        .find(|deviation| deviation.kind == kind);
    found.map_or_else(Vec::new, |deviation| deviation.what.clone())
}

#[test]
fn says_who_what_when_and_with_what() {
    let records = records();
    let report = certificate(&records);
    assert!(report.issue.simulated);
    assert_eq!(
        said(&report.identification.laboratory, "Laboratory"),
        Some("Prüfhaus")
    );
    assert_eq!(
        said(&report.identification.laboratory, "Location of the tests"),
        None
    );
    assert_eq!(
        said(&report.identification.dates, "Receipt of the item"),
        Some("2026-11-03")
    );
    assert_eq!(
        report.issue.issued,
        records.last().map_or("", |record| &record.utc[..10])
    );
    assert_eq!(
        said(&report.identification.dates, "Issue of this report"),
        Some(report.issue.issued.as_str())
    );
    assert_eq!(
        said(&report.identification.item, "Firmware, first read"),
        Some("BC66NBR01A01")
    );
    assert_eq!(
        said(&report.identification.item, "Firmware, last read"),
        Some("BC66NBR01A02")
    );
    assert!(said(&report.identification.item, "Module type").is_some_and(|kind| kind.contains("SIMULATED")));
    let Event::RunStarted(started) = &records[0].event else {
        panic!("the first event of a journal")
    };
    let suite = said(&report.identification.method, "Suite").expect("a suite");
    assert!(suite.contains(&started.suites[0].sha256), "{suite}");
    assert_eq!(report.identification.external, ["the operator's network"]);
    assert_eq!(report.sampling.seed, 7);
    assert_eq!(report.results.len(), 4);
    assert!(
        report.results[1].cuts[0].starts_with("UPDATING"),
        "{:?}",
        report.results[1]
    );
    assert_eq!(report.counts[0], ("pass", 3));
}

#[test]
fn requirements_have_the_verdict_of_their_cases() {
    let mut records = records();
    let verdicts = |report: &TestReport| -> Vec<String> {
        let line = |r: &dfota_record::report::test_report::Requirement| format!("{} {}", r.id, r.verdict);
        report.requirements.iter().map(line).collect()
    };
    assert_eq!(
        verdicts(&certificate(&records)),
        ["REQ-1 pass", "REQ-2 pass", "REQ-3 not tested", "REQ-4 not tested"]
    );
    ended(
        &mut records,
        "cut[at=60%]",
        Verdict::by(Rule::CutLate, "late".into()),
    );
    let report = certificate(&records);
    assert_eq!(verdicts(&report)[..2], ["REQ-1 not decided", "REQ-2 not decided"]);
    assert!(
        report.conclusion[0].contains("1 of 4 cases were not decided"),
        "{:?}",
        report.conclusion
    );
    ended(
        &mut records,
        "clean",
        Verdict::by(Rule::Unresponsive, "dead".into()),
    );
    let report = certificate(&records);
    assert_eq!(verdicts(&report)[..2], ["REQ-1 fail", "REQ-2 not decided"]);
    assert!(
        report.conclusion[0].contains("1 of 4 cases"),
        "{:?}",
        report.conclusion
    );
}

fn ended(records: &mut [Record], id: &str, verdict: Verdict) {
    for record in records {
        if let Event::CaseEnded(ended) = &mut record.event
            && ended.id == id
        {
            ended.verdict = verdict.clone();
        }
    }
}

#[test]
fn whatever_the_suite_does_not_say_is_a_deviation() {
    let mut records = records();
    let report = certificate(&records);
    let overrides = deviations(&report, "Overrides on the command line");
    assert!(
        overrides[0].starts_with("`--filter '!elsewhere'`"),
        "{overrides:?}"
    );
    assert_eq!(overrides.len(), 1);
    assert_eq!(
        deviations(&report, "Cases left out"),
        ["later: waits for the vendor"]
    );
    assert_eq!(report.deviations.len(), 2, "{:?}", report.deviations);

    let ends = |record: &Record| matches!(&record.event, Event::CaseEnded(ended) if ended.id == "clean");
    let at = records.iter().position(ends).expect("the end of the case");
    let tried = TryEnded {
        id: "clean".into(),
        suite: "lab".into(),
        number: 1,
        verdict: Verdict::by(Rule::RigBroken, "the relay stuck".into()),
        outcome: None,
        evidence: Vec::new(),
        again: "an error of the rig".into(),
        took_ns: 1,
        summary: String::new(),
    };
    let event = Event::TryEnded(tried);
    records.insert(
        at,
        Record {
            event,
            ..records[at].clone()
        },
    );
    let given_up = Event::RunEnded {
        exit: 3,
        interrupted: true,
        safe: false,
    };
    records.last_mut().expect("an end").event = given_up;
    let report = certificate(&records);
    let retries = deviations(&report, "Retries");
    assert!(retries[0].contains("the relay stuck"), "{retries:?}");
    assert!(
        retries[1].starts_with("1 of the cases that passed"),
        "{retries:?}"
    );
    assert_eq!(deviations(&report, "End of the run").len(), 2);
    records.pop();
    assert!(deviations(&certificate(&records), "End of the run")[0].contains("killed"));
}

/// It is written down between two cases.
#[test]
fn a_module_that_was_restored_is_a_deviation() {
    let mut records = records();
    let ends = |record: &Record| matches!(&record.event, Event::CaseEnded(ended) if ended.id == "clean");
    let at = records.iter().position(ends).expect("the end of the case") + 1;
    let event = Event::Recovered {
        by: "reflash".into(),
        version: "BC66NBR01A01".parse().expect("a version"),
    };
    let record = records[at].clone();
    records.insert(at, Record { event, ..record });
    assert_eq!(
        deviations(&certificate(&records), "Module restored"),
        ["after clean: by reflash, to BC66NBR01A01"]
    );
}

#[test]
fn limits_are_those_that_the_cases_declare() {
    let mut records = records();
    let limits = |records: &[Record]| {
        let measured = certificate(records).measurements;
        let latency = measured
            .into_iter()
            .find(|measured| measured.name == "cut-latency");
        latency.expect("cuts were made").limits
    };
    assert_eq!(limits(&records), "none declared");
    for record in &mut records {
        if let Event::CasePlanned { case, .. } = &mut record.event {
            case.measures = vec![MeasureLimits {
                measure: Measure::CutLatency,
                min: None,
                max: Some(5_000_000),
            }];
        }
    }
    assert_eq!(limits(&records), "≤ 5 ms");
}

#[test]
fn the_time_of_a_cut_is_as_uncertain_as_the_journal_shows() {
    let mut records = records();
    let mut width = 400_000;
    for record in &mut records {
        match &mut record.event {
            Event::RunStarted(started) => started.rig.latency_ns = Some(20_000_000),
            Event::CutMade(made) => {
                made.commanded_ns = made.due_ns + 100_000;
                made.returned_ns = made.commanded_ns + width;
                width = 1_000_000;
            }
            _ => {}
        }
    }
    let seen = certificate(&records).uncertainty.expect("cuts were made");
    assert_eq!(seen.cuts, 2);
    assert_eq!(
        (seen.times[0].range.min.as_str(), seen.times[2].range.max.as_str()),
        ("0.100", "1.100")
    );
    // 1 ms / 2 / √3 = 0.2887 ms and 20 ms / 2 / √3 = 5.7735 ms; the root of their squares is 5.7807 ms.
    assert_eq!(
        (seen.width.as_str(), seen.carried_out.as_str()),
        ("1.000", "0.289")
    );
    assert_eq!(
        (seen.read.as_deref(), seen.adapter.as_deref()),
        (Some("5.774"), Some("20.000"))
    );
    assert_eq!(
        (seen.combined.as_str(), seen.expanded.as_str()),
        ("5.781", "11.562")
    );
    records.retain(|record| !matches!(record.event, Event::CutMade(_)));
    assert_eq!(certificate(&records).uncertainty, None);
}

#[test]
fn it_cannot_be_issued_before_the_run_was_over() {
    let records = records();
    let early = issued(&records, Some("2020-01-01")).expect_err("too early");
    assert!(early.to_string().contains("2020-01-01"), "{early}");
    let late = issued(&records, Some("2099-12-31")).expect("later is fine");
    assert_eq!(
        (late.issue.issued.as_str(), late.issue.issued_parts),
        ("2099-12-31", [2099, 12, 31])
    );
}

#[test]
fn a_rig_without_a_laboratory_states_nothing_about_it() {
    let mut records = records();
    if let Event::RunStarted(started) = &mut records[0].event {
        started.rig.lab = None;
    }
    let report = certificate(&records);
    assert!(
        report
            .identification
            .laboratory
            .iter()
            .all(|entry| entry.value.is_none() && entry.key.is_some())
    );
    let text = serde_json::to_string(&report).expect("JSON");
    assert!(!text.contains("Prüfhaus"), "{text}");
}

#[cfg(not(feature = "pdf"))]
#[test]
fn without_the_typesetter_it_says_how_to_get_it() {
    let ran = RUN.run(&["report", "out", "--pdf"]).ends(2);
    assert!(
        ran.stderr.contains("cargo build --release --features pdf"),
        "{}",
        ran.stderr
    );
    let ran = RUN.run(&["report", "out", "--issued", "2026-11-30"]).ends(2);
    assert!(ran.stderr.contains("--pdf"), "{}", ran.stderr);
}

#[cfg(feature = "pdf")]
#[test]
fn the_same_journal_gives_the_same_bytes() {
    let ran = RUN
        .run(&["report", "out", "--pdf", "--issued", "2099-12-31"])
        .ends(0);
    assert!(
        ran.stdout.ends_with("             out/report.pdf\n"),
        "{}",
        ran.stdout
    );
    let read = || std::fs::read(RUN.path("out/report.pdf")).expect("the report");
    let first = read();
    std::fs::remove_file(RUN.path("out/report.pdf")).expect("the report");
    RUN.run(&["report", "out", "--pdf", "--issued", "2099-12-31"])
        .ends(0);
    assert!(first == read(), "two reports of one journal differ");
    let has = |words: &[u8]| first.windows(words.len()).any(|window| window == words);
    assert!(first.starts_with(b"%PDF-1.7") && has(b"pdfaid:part>2<") && has(b"pdfaid:conformance>B<"));
    RUN.run(&["report", "out", "--pdf", "--issued", "2020-01-01"])
        .ends(2);

    let told = std::process::Command::new("pdftotext")
        .args(["-raw", "out/report.pdf", "-"])
        .current_dir(RUN.path(""))
        .output();
    let Ok(told) = told else {
        return eprintln!(
            "skipped: `pdftotext` (poppler-utils) is not installed, so the text was not read back"
        );
    };
    let text = String::from_utf8_lossy(&told.stdout);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let items = [
        "Test Report",
        "Prüfhaus",
        "1 Example Street",
        "Example & Sons #$@*_<x> \\u{91d1}",
        "THE MODULE WAS SIMULATED",
        "2099-12-31",
        "2026-11-03",
        "not stated in the rig file",
        "The results relate only to the items tested",
        "Shall not be reproduced except in full",
        "Decision rule",
        "commanded; when the command had",
        "Expanded uncertainty",
        "Person authorising this report",
        "No accreditation is claimed",
        "REQ-2",
        "page 1 of",
        "End of report out",
    ];
    for item in items {
        assert!(text.contains(item), "`{item}` is missing in:\n{text}");
    }
}
