//! What each rule says, beside the trace that fires it: every sentence is true of what was heard.
//!
//! `sentences.txt` was read line by line. With `BLESS=1` it is written anew, and has to be read again.

use crate::judgement::script::{UPDATING_50, verdict};
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use std::fmt::Write;
use std::path::Path;

/// A script, what runs afterwards, and where a cut was armed.
const TRACES: [(&str, &str, Option<Moment>); 34] = [
    ("uart order start U20 U100 brom rdy", "dead", None),
    ("uart order start U20 cut brom", "dead", Some(UPDATING_50)),
    ("uart order start U20 U100 brom rdy end0", "BC66NBR01A07", None),
    (
        "uart order start U20 U50 cut brom rdy",
        "source",
        Some(UPDATING_50),
    ),
    ("uart order start U20 U100 brom rdy end0", "source", None),
    ("uart order start brom brom rdy end254", "source", None),
    (
        "uart order start U50 cut U20 U45 brom rdy end502",
        "source",
        Some(UPDATING_50),
    ),
    (
        "uart order start U50 cut brom rdy end1",
        "source",
        Some(UPDATING_50),
    ),
    (
        "uart order start U50 cut U20 U100 brom rdy",
        "source",
        Some(UPDATING_50),
    ),
    ("uart order", "source", None),
    (
        "http order hstart D50 cut brom rdy",
        "target",
        Some(Moment::Downloading(Percent::FULL)),
    ),
    ("uart order start U20 U60 over-update cycle", "target", None),
    (
        "uart order start U50 cut over-resume cycle brom rdy",
        "target",
        Some(UPDATING_50),
    ),
    (
        "uart order start U20 U100 brom rdy cycle brom rdy",
        "target",
        None,
    ),
    ("uart order start U20 U100 brom rdy end7", "target", None),
    ("http order hstart hend12", "source", None),
    ("http order hstart D50 over-download", "source", None),
    ("uart refused", "source", None),
    ("uart refused U20 U100 rdy end0", "target", None),
    (
        "uart order start U100 rdy end0 cycle brom start U20 U100 rdy end0",
        "target",
        None,
    ),
    ("http order hstart D50 start U20 U100 rdy end0", "target", None),
    (
        "http order hstart D50 hend12 start U20 U100 rdy end0",
        "target",
        None,
    ),
    ("uart order hstart start U20 U100 rdy end0", "target", None),
    (
        "http order hstart D100 hend0 start U50 cut rdy hstart",
        "source",
        Some(UPDATING_50),
    ),
    (
        "uart order start U100 brom rdy end0 =source cycle brom rdy",
        "target",
        None,
    ),
    ("uart order start U100 brom rdy end0 brom rdy", "target", None),
    ("uart order start U100 brom rdy end0", "unreadable", None),
    (
        "uart order start U100 brom rdy end0 cut over-resume cycle",
        "target",
        Some(Moment::End),
    ),
    ("uart order start U100 gap", "target", None),
    ("http order gap", "source", None),
    ("uart order start U100 brom rdy end0", "target", Some(UPDATING_50)),
    (
        "uart order start U100 brom rdy end0 cut brom rdy",
        "target",
        Some(UPDATING_50),
    ),
    (
        "uart order start U50 cut brom rdy end0",
        "target",
        Some(UPDATING_50),
    ),
    (
        "uart order start U50 cut U20 cut U20 U100 brom rdy end0",
        "target",
        Some(UPDATING_50),
    ),
];

#[test]
fn every_sentence_is_true_of_its_trace() {
    let mut text = String::new();
    for (script, version, cut) in TRACES {
        let verdict = verdict(script, version, cut, |_| {});
        let said = verdict.finding().map_or("pass".to_owned(), |finding| {
            format!("{}: {}", finding.rule, finding.sentence)
        });
        let _ = writeln!(text, "{script} → {version}\n    {said}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/judgement/sentences.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("sentences.txt"), text);
}
