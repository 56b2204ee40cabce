//! A run on several rigs: its journals are merged, reported, bundled and verified as one. A rig is lost in the middle of a case,
//! which another one runs again.

use crate::evidence::fixture::{look, put};
use dfota_clock::Clock;
use dfota_core::case::{Case, Package};
use dfota_core::event::fleet::{BatchResult, FleetEvent, PartEnd, Taken};
use dfota_core::event::{CaseEnded, Event, FileFacts, Record, RigFacts, RunStarted};
use dfota_core::transport::Via;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::evidence::maker::{EvidenceOptions, make_with_reports};
use dfota_record::evidence::pack::pack;
use dfota_record::history::HistoryRun;
use dfota_record::journal::merge;
use dfota_record::journal::{self, JournalWriter, Nobody, chain};
use dfota_record::report::test_report::{JournalFacts, TestReport};
use dfota_record::report::{ReportOptions, Run};
use dfota_record::retention::find;
use dfota_record::verify::verify;
use rstest::rstest;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The parts, in the order in which they were taken.
const PARTS: [&str; 3] = [
    "rigs/bench-01/smoke-1",
    "rigs/bench-02/smoke-2",
    "rigs/bench-02/smoke-1-2",
];

struct Fleet {
    folder: TempDir,
}

impl Fleet {
    /// The journals, without anything that is made of them.
    fn journals() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        let fleet = Self { folder };
        write(&run.join(PARTS[0]).join("events.jsonl"), lost_part());
        write(
            &run.join(PARTS[1]).join("events.jsonl"),
            part("bench-02", &["c", "d"], "d"),
        );
        write(
            &run.join(PARTS[2]).join("events.jsonl"),
            part("bench-02", &["b"], ""),
        );
        write(&run.join("run.jsonl"), parent(&run));
        fleet
    }

    /// With its reports and its bundle.
    fn reported(masked: bool) -> Self {
        let fleet = Self::journals();
        fleet.report(masked);
        fleet
    }

    fn report(&self, masked: bool) {
        let asked = ReportOptions {
            masked,
            ..ReportOptions::default()
        };
        let ((), made) =
            make_with_reports(&self.run(), &asked, &EvidenceOptions::default(), |_| ()).expect("reports");
        made.expect("evidence");
    }

    fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.run().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    fn write(&self, name: &str, text: &str) {
        put(&self.run().join(name), text.as_bytes());
    }

    /// The transcript of a case.
    fn transcript(&self, id: &str) -> String {
        let case = case(id);
        self.read(&format!(
            "transcripts/{}",
            dfota_record::report::transcript::name(&case)
        ))
    }

    /// Each case: how it ended, where, and what it rests on.
    fn cases(&self) -> Vec<String> {
        let records = journal::read(&self.run(), false).expect("a journal");
        let run = Run::new(&records).expect("a run");
        let case = |case: &dfota_record::report::CaseRun<'_>| {
            let rests: Vec<String> = case
                .evidence
                .iter()
                .map(|seq| match &records[*seq as usize].event {
                    Event::Rx { text, .. } => text.clone(),
                    other => format!("{other:?}"),
                })
                .collect();
            format!(
                "{} {} on {} rests on {rests:?}, lost {}",
                case.case.id,
                case.verdict.name(),
                case.rig.unwrap_or("none"),
                case.lost
                    .iter()
                    .map(|lost| lost.sentence())
                    .collect::<Vec<_>>()
                    .join("; ")
            )
        };
        run.cases.iter().map(case).collect()
    }

    fn faults(&self) -> Vec<String> {
        let faults = merge::faults(&self.run()).expect("journals");
        faults.iter().map(ToString::to_string).collect()
    }

    fn touched(&self) -> Vec<String> {
        look(&self.run()).touched
    }
}

fn write(path: &Path, events: Vec<Event>) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let (journal, writer) =
        JournalWriter::start_at(path, Clock::system(), Box::new(Nobody)).expect("a journal");
    events.into_iter().for_each(|event| journal.post(event));
    drop(journal);
    writer.finish().expect("the journal");
}

fn rig(name: &str) -> RigFacts {
    RigFacts {
        file: facts(name),
        module: "bc66".into(),
        simulated: true,
        speed: 1.0,
        ..RigFacts::default()
    }
}

fn facts(name: &str) -> FileFacts {
    FileFacts {
        name: name.into(),
        path: format!("{name}.yaml"),
        sha256: "00".repeat(32),
        text: format!("{name}: text\n"),
    }
}

fn started(rig: RigFacts, rigs: Vec<RigFacts>) -> Event {
    Event::RunStarted(Box::new(RunStarted {
        // What these verdicts rest on is not in it.
        schema: 1,
        run: "run".into(),
        tool: env!("CARGO_PKG_VERSION").into(),
        rig,
        rigs,
        suites: vec![facts("smoke")],
        packages: vec![package()],
        out: "run".into(),
        folder: "/run".into(),
        ..RunStarted::default()
    }))
}

fn package() -> Package {
    Package {
        name: "a-to-b".into(),
        from: "A".parse().expect("a version"),
        to: "B".parse().expect("a version"),
        bytes: 1,
        sha256: "11".repeat(32),
    }
}

fn case(id: &str) -> Case {
    Case::plain(id, "smoke", package(), Via::Uart)
}

fn planned(id: &str) -> Event {
    Event::CasePlanned {
        case: Box::new(case(id)),
        skip: None,
    }
}

fn begun(id: &str, rig: &str) -> Vec<Event> {
    let started = Event::CaseStarted {
        id: id.into(),
        suite: "smoke".into(),
    };
    let imei = if rig == "bench-01" {
        "867725036031171"
    } else {
        "867725036031189"
    };
    let identity = Event::Identity {
        model: "BC66".into(),
        version: "A".parse().expect("a version"),
        imei: imei.parse().ok(),
    };
    let heard = Event::Rx {
        text: format!("+QIND: \"FOTA\",\"END\",0 of {id} on {rig}"),
        partial: false,
    };
    vec![started, identity, heard]
}

fn ended(id: &str, verdict: Verdict, tries: u32, evidence: &[u64]) -> Event {
    Event::CaseEnded(CaseEnded {
        verdict,
        tries,
        evidence: evidence.to_vec(),
        ..CaseEnded::untried(&case(id), Verdict::Pass)
    })
}

/// The journal of a part, in which one case may fail. Each verdict rests on the line that was heard in it.
fn part(rig_name: &str, ids: &[&str], bad: &str) -> Vec<Event> {
    let mut events = vec![started(rig(rig_name), Vec::new())];
    events.extend(ids.iter().map(|id| planned(id)));
    for id in ids {
        events.extend(begun(id, rig_name));
        let verdict = if *id == bad {
            Verdict::by(Rule::NoResume, "it forgot".into())
        } else {
            Verdict::Pass
        };
        let heard = events.len() as u64 - 1;
        events.push(ended(id, verdict, 1, &[heard]));
    }
    events.push(Event::RunEnded {
        exit: 0,
        interrupted: false,
        safe: true,
    });
    events
}

/// A part that was lost in the middle of its second case.
fn lost_part() -> Vec<Event> {
    let mut events = part("bench-01", &["a", "b"], "");
    events.truncate(events.len() - 2);
    events
}

fn taken(batch: &str, attempt: u32, rig: &str, folder: &str) -> Event {
    Event::Fleet(FleetEvent::Taken(Taken {
        batch: batch.into(),
        attempt,
        rig: rig.into(),
        folder: folder.into(),
    }))
}

fn end(run: &Path, folder: &str, batch: &str, attempt: u32, rig: &str) -> PartEnd {
    let chain = chain::follow_file(&run.join(folder).join("events.jsonl")).expect("a file");
    let chain = chain.expect("a chain");
    PartEnd {
        batch: batch.into(),
        attempt,
        rig: rig.into(),
        lines: chain.lines,
        head: chain.head,
        result: BatchResult::default(),
        left: Vec::new(),
    }
}

fn parent(run: &Path) -> Vec<Event> {
    let mut events = vec![started(
        rig("bench-01, bench-02"),
        vec![rig("bench-01"), rig("bench-02")],
    )];
    events.extend(["a", "b", "c", "d", "e"].map(planned));
    events.extend([
        taken("smoke-1", 1, "bench-01", PARTS[0]),
        taken("smoke-2", 1, "bench-02", PARTS[1]),
        Event::Fleet(FleetEvent::Lost {
            end: end(run, PARTS[0], "smoke-1", 1, "bench-01"),
            why: "its program ended".into(),
            open: Vec::new(),
            unread: Vec::new(),
            parent_ended: false,
        }),
        Event::Fleet(FleetEvent::RigOut {
            rig: "bench-01".into(),
            why: "its program ended".into(),
        }),
        Event::Fleet(FleetEvent::Closed(end(run, PARTS[1], "smoke-2", 1, "bench-02"))),
        taken("smoke-1", 2, "bench-02", PARTS[2]),
        Event::Fleet(FleetEvent::Closed(end(run, PARTS[2], "smoke-1", 2, "bench-02"))),
        ended("e", Verdict::by(Rule::HarnessFailed, "no rig".into()), 0, &[]),
        Event::RunEnded {
            exit: 1,
            interrupted: false,
            safe: true,
        },
    ]);
    events
}

const CASES: [&str; 5] = [
    "a pass on bench-01 rests on [\"+QIND: \\\"FOTA\\\",\\\"END\\\",0 of a on bench-01\"], lost ",
    "b pass on bench-02 rests on [\"+QIND: \\\"FOTA\\\",\\\"END\\\",0 of b on bench-02\"], lost the rig bench-01 was lost in the middle of this case, in attempt 1 at batch smoke-1: its program ended",
    "c pass on bench-02 rests on [\"+QIND: \\\"FOTA\\\",\\\"END\\\",0 of c on bench-02\"], lost ",
    "d fail on bench-02 rests on [\"+QIND: \\\"FOTA\\\",\\\"END\\\",0 of d on bench-02\"], lost ",
    "e error on none rests on [], lost ",
];

#[test]
fn parts_stand_behind_the_record_that_names_them() {
    let fleet = Fleet::reported(false);
    let records = journal::read(&fleet.run(), false).expect("a journal");
    let names: Vec<String> = records
        .iter()
        .map(|record| {
            let value = serde_json::to_value(record).expect("JSON");
            let what = value["what"].as_str().unwrap_or_default();
            format!("{}{what}", value["event"].as_str().expect("a name"))
        })
        .collect();
    let of_case = ["case-started", "identity", "rx", "case-ended"];
    let mut expected = vec!["run-started"];
    expected.extend(["case-planned"; 5]);
    expected.extend(["fleettaken", "run-started"]);
    expected.extend(of_case);
    expected.extend(&of_case[..3]);
    expected.extend(["fleettaken", "run-started"]);
    expected.extend(of_case);
    expected.extend(of_case);
    expected.extend([
        "fleetlost",
        "fleetrig-out",
        "fleetclosed",
        "fleettaken",
        "run-started",
    ]);
    expected.extend(of_case);
    expected.extend(["fleetclosed", "case-ended", "run-ended"]);
    assert_eq!(names, expected);
    let chain = chain::follow_file(&fleet.run().join("events.jsonl")).expect("a file");
    let chain = chain.expect("a chain");
    assert_eq!((chain.lines, chain.ended), (expected.len() as u64, true));
    let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (0..expected.len() as u64).collect::<Vec<_>>());
    // What is read without the file is what stands in it.
    let own: Vec<_> = fleet.read("events.jsonl").lines().map(str::to_owned).collect();
    let read: Vec<_> = records
        .iter()
        .map(|record| serde_json::to_string(record).expect("JSON"))
        .collect();
    assert_eq!(own, read);
}

#[test]
fn each_case_has_one_result_and_its_rig() {
    let fleet = Fleet::journals();
    assert_eq!(fleet.cases(), CASES);
    assert_eq!(fleet.faults(), [""; 0]);
    fleet.report(false);
    assert_eq!(fleet.cases(), CASES);
    let junit = fleet.read("junit.xml");
    for told in [
        "on the rig bench-02",
        "[[PROPERTY|rig=bench-01]]",
        "type=\"rig.rig-lost\"",
        "name=\"rigs\" value=\"bench-01, bench-02\"",
    ] {
        assert!(junit.contains(told), "{told}: {junit}");
    }
    let run: serde_json::Value = serde_json::from_str(&fleet.read("run.json")).expect("JSON");
    let rig = |n: usize| &run["rigs"][n];
    assert_eq!(
        (
            rig(0)["name"].as_str(),
            rig(0)["cases"].as_u64(),
            rig(0)["lost"].as_u64()
        ),
        (Some("bench-01"), Some(1), Some(1))
    );
    assert_eq!(rig(0)["identity"]["imei"], "867725036031171");
    assert_eq!(
        (
            rig(1)["name"].as_str(),
            rig(1)["passed"].as_u64(),
            rig(1)["failed"].as_u64()
        ),
        (Some("bench-02"), Some(2), Some(1))
    );
    assert_eq!(run["cases"][1]["rig"], "bench-02");
    assert_eq!(run["parts"].as_array().map(Vec::len), Some(3));
    assert!(fleet.transcript("b").contains("# on the rig bench-02"));
    let page = fleet.read("report.html");
    for told in [
        "id=\"filter-rig\"",
        "id=\"rigs\"",
        "data-rig=\"bench-02\"",
        "867725036031189",
    ] {
        assert!(page.contains(told), "{told}");
    }
}

#[rstest]
#[case(false)]
#[case(true)]
fn a_folder_and_its_bundle_are_sound(#[case] masked: bool) {
    let fleet = Fleet::reported(masked);
    assert_eq!(fleet.touched(), [""; 0]);
    let bundle = fleet.run().join("evidence.tar.zst");
    let found = verify(&bundle, None).expect("a bundle");
    assert_eq!(found.touched, [""; 0]);
    assert!(found.reports_compared);
    // Made again, it is the same.
    let before = std::fs::read(&bundle).expect("a bundle");
    fleet.report(masked);
    assert!(std::fs::read(&bundle).expect("a bundle") == before);
    let statement = fleet.read("evidence.intoto.json");
    for part in PARTS {
        assert!(
            statement.contains(&format!("{part}/manifest.json")),
            "{statement}"
        );
    }
    assert_eq!(statement.contains("867725036031171"), !masked);
    // Nor a digest of it, which would be undone by ten million tries.
    assert_eq!(statement.contains("\"imei\": \"86772503*******\""), masked);
    let plain = dfota_record::digest::sha256_hex(b"867725036031171");
    assert!(!statement.contains(&plain));
    assert_eq!(fleet.read("report.html").contains("867725036031171"), !masked);
    assert_eq!(fleet.run().join("run.masked.jsonl").exists(), masked);
}

/// Each rig has a module of its own.
#[test]
fn the_test_report_has_the_firmware_of_each_rig() {
    let fleet = Fleet::journals();
    let records = journal::read(&fleet.run(), false).expect("a journal");
    let run = Run::new(&records).expect("a run");
    let facts = JournalFacts {
        file: journal::FILE,
        sha256: String::new(),
        records: records.len(),
    };
    let report = TestReport::new(&run, &records, facts, None).expect("a report");
    let items = report.identification.item;
    for name in ["Firmware, first read", "Firmware, last read"] {
        let item = items.iter().find(|item| item.name == name).expect("an entry");
        assert_eq!(item.value.as_deref(), Some("A on `bench-01`, A on `bench-02`"));
    }
}

/// What somebody decides a month later took no time of the run.
#[test]
fn what_is_decided_after_the_end_takes_no_time() {
    let fleet = Fleet::journals();
    let mut records = journal::read(&fleet.run(), false).expect("a journal");
    let before = Run::new(&records).expect("a run").took_ns;
    let last = records.last().expect("records").clone();
    let month = 30 * 24 * 3_600 * 1_000_000_000;
    for (more, event) in [
        Event::Fleet(FleetEvent::WrittenOff {
            suite: "smoke".into(),
            case: "a".into(),
            note: "it is gone".into(),
        }),
        last.event.clone(),
    ]
    .into_iter()
    .enumerate()
    {
        records.push(Record {
            seq: last.seq + 1 + more as u64,
            mono_ns: last.mono_ns + month,
            event,
            ..last.clone()
        });
    }
    let run = Run::new(&records).expect("a run");
    assert_eq!(run.took_ns, before);
    assert_eq!(run.fleet.written_off.len(), 1);
}

/// One byte of each part, of the parent's journal and of the merged one.
#[rstest]
#[case("rigs/bench-01/smoke-1/events.jsonl", "BC66", 5)]
#[case("rigs/bench-02/smoke-2/events.jsonl", "BC66", 5)]
#[case("rigs/bench-02/smoke-1-2/events.jsonl", "BC66", 4)]
#[case("run.jsonl", "its program", 9)]
#[case("events.jsonl", "BC66", 10)]
fn a_byte_that_was_changed_is_found(#[case] name: &str, #[case] was: &str, #[case] line: usize) {
    let fleet = Fleet::reported(false);
    let text = fleet.read(name);
    let at = text.find(was).expect("it is there");
    assert_eq!(text[..at].lines().count(), line, "the lines above are counted");
    let changed = text.replacen(was, &was.replace(['6', 'g'], "7"), 1);
    fleet.write(name, &changed);
    assert_eq!(fleet.touched(), [format!("{name}: line {line} was changed")]);
    // Without a bundle the chain says so.
    if name != "events.jsonl" {
        for made in ["evidence.tar.zst", "evidence.intoto.json", "events.jsonl"] {
            std::fs::remove_file(fleet.run().join(made)).expect("it is there");
        }
        let touched = fleet.touched();
        assert!(
            touched[0].contains(&format!("line {line} was changed")),
            "{touched:?}"
        );
        assert!(
            touched[0].starts_with(name.trim_end_matches("/events.jsonl")),
            "{touched:?}"
        );
    }
}

#[test]
fn a_part_that_is_missing_is_named() {
    let fleet = Fleet::journals();
    std::fs::remove_file(fleet.run().join(PARTS[1]).join("events.jsonl")).expect("it is there");
    let expected = "rigs/bench-02/smoke-2: its journal is missing; run.jsonl names 12 lines";
    assert_eq!(fleet.faults(), [expected]);
    let cases = fleet.cases();
    assert_eq!((cases[0].as_str(), cases[1].as_str()), (CASES[0], CASES[1]));
    assert_eq!(cases[3], "d not-reached on none rests on [], lost ");
    fleet.report(false);
    assert_eq!(fleet.touched(), [format!("evidence.tar.zst: {expected}")]);
    // Removed after the bundle was made, it is missing beside it.
    let fleet = Fleet::reported(false);
    std::fs::remove_file(fleet.run().join(PARTS[1]).join("events.jsonl")).expect("it is there");
    assert_eq!(
        fleet.touched(),
        ["rigs/bench-02/smoke-2/events.jsonl was removed"]
    );
}

/// A journal that names a place which no part can have is not read as if that part had not been there.
#[rstest]
#[case("rigs/bench 1/smoke-1")]
#[case("rigs/../smoke-1")]
#[case("rigs/Prüfstand/smoke-1")]
#[case("/tmp/smoke-1")]
fn a_part_in_a_place_that_cannot_be_is_told(#[case] place: &str) {
    let fleet = Fleet::journals();
    let mut events = parent(&fleet.run());
    for event in &mut events {
        if let Event::Fleet(FleetEvent::Taken(taken)) = event
            && taken.folder == PARTS[0]
        {
            place.clone_into(&mut taken.folder);
        }
    }
    std::fs::remove_file(fleet.run().join("run.jsonl")).expect("a file");
    write(&fleet.run().join("run.jsonl"), events);
    let why = format!(
        "{place}: its journal could not be read: expected a folder `rigs/RIG/BATCH` within the run folder"
    );
    assert_eq!(fleet.faults(), [why.as_str()]);
    fleet.report(false);
    assert!(
        fleet.touched().iter().any(|told| told.contains(place)),
        "{:?}",
        fleet.touched()
    );
}

#[test]
fn a_part_that_was_torn_is_merged_as_far_as_it_is_whole() {
    let fleet = Fleet::journals();
    let name = "rigs/bench-02/smoke-2/events.jsonl";
    let text = fleet.read(name);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fleet.write(name, &format!("{}{}", lines[..9].concat(), &lines[9][..30]));
    let expected = "rigs/bench-02/smoke-2: its journal has 9 lines, run.jsonl names 12";
    assert_eq!(fleet.faults(), [expected]);
    let cases = fleet.cases();
    assert_eq!(cases[2], CASES[2]);
    assert!(cases[3].starts_with("d inconclusive on bench-02"), "{cases:?}");
    fleet.report(false);
    assert_eq!(fleet.touched(), [format!("evidence.tar.zst: {expected}")]);
}

/// The parent was killed: what there is of its journal and of the parts is read.
#[test]
fn a_parent_that_was_killed() {
    let fleet = Fleet::journals();
    let text = fleet.read("run.jsonl");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fleet.write("run.jsonl", &format!("{}{{\"seq\":9", lines[..8].concat()));
    let cases = fleet.cases();
    assert!(cases[1].starts_with("b inconclusive on bench-01"), "{cases:?}");
    assert_eq!(cases[2..4], CASES[2..4]);
    let found = look(&fleet.run());
    assert_eq!(found.touched, [""; 0]);
    assert!(
        found
            .incomplete
            .is_some_and(|what| what.starts_with("the run never ended"))
    );
    fleet.report(false);
    assert_eq!(fleet.touched(), [""; 0]);
    let found = look(&fleet.run());
    assert!(
        found
            .notes
            .iter()
            .any(|note| note == "`rigs/bench-02/smoke-1-2` is not named by run.jsonl"),
        "{:?}",
        found.notes
    );
}

/// A case that has a result is run again elsewhere: the first result stays.
#[test]
fn a_later_result_does_not_replace_the_first() {
    let fleet = Fleet::journals();
    let name = "rigs/bench-02/smoke-1-2/events.jsonl";
    std::fs::remove_file(fleet.run().join(name)).expect("it is there");
    write(&fleet.run().join(name), part("bench-02", &["d", "b"], ""));
    std::fs::remove_file(fleet.run().join("run.jsonl")).expect("it is there");
    write(&fleet.run().join("run.jsonl"), parent(&fleet.run()));
    assert_eq!(fleet.cases(), CASES);
    fleet.report(false);
    assert!(fleet.transcript("d").contains("no-resume"));
    assert_eq!(fleet.touched(), [""; 0]);
}

#[test]
fn parts_are_packed_and_laid_out_with_the_run() {
    let fleet = Fleet::reported(false);
    let before: Vec<String> = PARTS
        .map(|part| fleet.read(&format!("{part}/events.jsonl")))
        .into();
    pack(&fleet.run()).expect("packed");
    for gone in ["run.jsonl", "events.jsonl", "rigs", "transcripts"] {
        assert!(!fleet.run().join(gone).exists(), "{gone}");
    }
    assert!(journal::is_run(&fleet.run()));
    assert_eq!(fleet.touched(), [""; 0]);
    assert_eq!(fleet.cases(), CASES);
    fleet.report(false);
    let after: Vec<String> = PARTS
        .map(|part| fleet.read(&format!("{part}/events.jsonl")))
        .into();
    assert_eq!(after, before);
    assert_eq!(fleet.touched(), [""; 0]);
}

#[test]
fn a_run_is_removed_with_its_parts() {
    let fleet = Fleet::reported(false);
    let (found, left) = find(fleet.folder.path()).expect("a folder");
    assert_eq!(left, [""; 0]);
    let [run] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (run.rig.as_str(), run.failed, run.spared),
        ("bench-01, bench-02", true, None)
    );
    run.remove().expect("removed");
    assert!(!fleet.run().exists());
}

/// The history knows the board and the module of each case.
#[test]
fn the_history_has_rig_and_module() {
    let fleet = Fleet::journals();
    let records = journal::read(&fleet.run(), false).expect("a journal");
    let run = HistoryRun::from_run(&Run::new(&records).expect("a run")).expect("an entry");
    let places: Vec<String> = run
        .results
        .iter()
        .map(|case| {
            format!(
                "{} {:?} {:?} {}",
                case.case, case.on.rig, case.on.imei, case.tries
            )
        })
        .collect();
    let [one, two] = ["867725036031171", "867725036031189"];
    let expected = [
        format!("a Some(\"bench-01\") Some(\"{one}\") 1"),
        format!("b Some(\"bench-02\") Some(\"{two}\") 2"),
        format!("c Some(\"bench-02\") Some(\"{two}\") 1"),
        format!("d Some(\"bench-02\") Some(\"{two}\") 1"),
        "e None None 1".to_owned(),
    ];
    assert_eq!(places, expected);
}
