//! Of a long run not every record is kept while its reports are made: nothing of it shows.

use super::many;
use dfota_core::event::Event;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::report::{Run, html, junit, summary, transcript};
use rstest::rstest;
use std::io::Write;

const CASES: usize = 330;

/// Long cases, and those of a module that never answers, which are over after a few lines.
#[rstest]
fn the_reports_are_those_of_the_whole_journal(#[values(false, true)] silent: bool) {
    let mut records = many(CASES);
    records.retain(|record| !silent || !matches!(record.event, Event::Rx { .. } | Event::Measured(_)));
    let mut n = 0;
    for record in &mut records {
        if let Event::CaseEnded(end) = &mut record.event {
            n += 1;
            if n % 2 == 0 {
                end.verdict = Verdict::Pass;
            }
            // A late one of its kind is an example all the same.
            if n == 301 {
                end.verdict = Verdict::by(Rule::Unresponsive, "it does not answer".into());
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(folder.path().join("events.jsonl")).expect("a file");
    let mut file = std::io::BufWriter::new(file);
    for record in &records {
        serde_json::to_writer(&mut file, record).expect("JSON");
        file.write_all(b"\n").expect("room");
    }
    drop(file);
    dfota_record::report::make(
        folder.path(),
        &dfota_record::report::ReportOptions::default(),
        |_| (),
    )
    .expect("reports");

    let whole = Run::new(&records).expect("a run");
    let made = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    assert!(made("run.json") == summary::write(&whole));
    assert!(made("junit.xml").as_bytes() == junit::write(&whole, dfota_core::event::JunitProfile::default()));
    assert!(made("report.html") == html::write(&whole));
    for case in &whole.cases {
        let name = format!("transcripts/{}", transcript::name(case.case));
        assert!(made(&name) == transcript::write(case), "{name}");
    }
    let kept = dfota_record::report::reading::JournalReading::from_folder(folder.path(), false)
        .expect("a journal")
        .records;
    assert!(
        silent || kept.len() < records.len() * 4 / 5,
        "{} of {} records were kept",
        kept.len(),
        records.len()
    );
}
