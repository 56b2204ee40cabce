//! The first line of a journal that was changed, removed or added is named: beside a sound bundle, and by the chain alone.

use crate::evidence::fixture::{BUNDLE, Folder, JOURNAL, look};
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::journal::chain::{Touched, follow, follow_file};
use rstest::rstest;

type Deed = fn(&mut Vec<String>);

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn other(line: &mut String) {
    assert!(line.contains("\"mono_ns\":"), "{line}");
    *line = line.replacen("\"mono_ns\":", "\"mono_ns\":1", 1);
}

#[rstest]
#[case::changed_first(|lines: &mut Vec<String>| other(&mut lines[0]), "line 1 was changed", true)]
#[case::changed(|lines: &mut Vec<String>| other(&mut lines[6]), "line 7 was changed", true)]
#[case::changed_twice(|lines: &mut Vec<String>| { other(&mut lines[6]); other(&mut lines[7]); }, "line 7 was changed", false)]
#[case::changed_last(|lines: &mut Vec<String>| other(lines.last_mut().expect("lines")), "line 16 was changed", false)]
#[case::removed_first(|lines: &mut Vec<String>| drop(lines.remove(0)), "line 1 was removed", true)]
#[case::removed(|lines: &mut Vec<String>| drop(lines.remove(6)), "line 7 was removed", true)]
#[case::removed_some(|lines: &mut Vec<String>| drop(lines.drain(6..9)), "line 7 was removed", true)]
#[case::removed_last(|lines: &mut Vec<String>| drop(lines.pop()), "line 16 was removed", false)]
#[case::cut_off(|lines: &mut Vec<String>| lines.truncate(9), "line 10 was removed", false)]
#[case::doubled(|lines: &mut Vec<String>| lines.insert(6, lines[5].clone()), "line 7 was added", true)]
#[case::added_of_elsewhere(|lines: &mut Vec<String>| lines.insert(6, lines[2].clone()), "line 7 was added", true)]
#[case::added_at_the_end(|lines: &mut Vec<String>| lines.push(lines[2].clone()), "line 17 was added", true)]
#[case::swapped(|lines: &mut Vec<String>| lines.swap(6, 9), "line 7 was changed", false)]
fn named(#[case] deed: Deed, #[case] expected: &str, #[case] chain_is_enough: bool) {
    let folder = Folder::unsigned();
    let mut journal = lines(&folder.read(JOURNAL));
    assert_eq!(journal.len(), 16, "the lines above are counted");
    assert_eq!(
        follow_file(&folder.path(JOURNAL)).expect("a file"),
        follow(text(&journal).as_bytes())
    );
    deed(&mut journal);
    folder.write(JOURNAL, text(&journal).as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some(&*format!("events.jsonl: {expected}"))
    );
    // Without a bundle beside it, the chain says what it can.
    if chain_is_enough {
        let touched = follow(text(&journal).as_bytes()).expect_err(expected);
        assert_eq!(touched.to_string(), expected);
        assert_eq!(follow_file(&folder.path(JOURNAL)).expect("a file"), Err(touched));
        std::fs::remove_file(folder.path(BUNDLE)).expect("it is there");
        assert_eq!(folder.touched(), Some(format!("events.jsonl: {touched}")));
    }
}

/// The bundle of a masked run has another journal than the folder, with as many lines.
#[test]
fn the_end_of_the_journal_of_a_masked_run() {
    let folder = Folder::masked();
    assert_eq!(folder.touched(), None);
    let mut journal = lines(&folder.read(JOURNAL));
    let last = journal.pop().expect("lines");
    folder.write(JOURNAL, text(&journal).as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some("events.jsonl: line 16 and what followed it were removed")
    );
    let mut other_end = last;
    other(&mut other_end);
    journal.push(other_end);
    folder.write(JOURNAL, text(&journal).as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some("events.jsonl is not the journal that events.masked.jsonl was made from")
    );
}

/// A line that was made up carries the right digest and number; the one behind it does not follow any more.
#[test]
fn a_line_that_was_made_up() {
    use sha2::{Digest, Sha256};
    let folder = Folder::unsigned();
    let mut journal = lines(&folder.read(JOURNAL));
    let made_up = journal[6].replacen("\"seq\":6", "\"seq\":7", 1).replacen(
        &serde_json::from_str::<serde_json::Value>(&journal[6]).expect("JSON")["prev"]
            .as_str()
            .expect("a digest")
            .to_owned(),
        &dfota_record::digest::hex(&Sha256::digest(&journal[6])),
        1,
    );
    journal.insert(7, made_up);
    assert_eq!(follow(text(&journal).as_bytes()), Err(Touched::Added(8)));
    folder.write(JOURNAL, text(&journal).as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some("events.jsonl: line 8 was added")
    );
}

/// Somebody who makes the whole chain anew behind a change cannot be told by the chain, but by the bundle.
#[test]
fn a_chain_that_was_made_anew() {
    use sha2::{Digest, Sha256};
    let folder = Folder::unsigned();
    let mut journal = lines(&folder.read(JOURNAL));
    other(&mut journal[9]);
    for at in 10..journal.len() {
        let old = serde_json::from_str::<serde_json::Value>(&journal[at]).expect("JSON")["prev"].clone();
        let new = dfota_record::digest::hex(&Sha256::digest(&journal[at - 1]));
        journal[at] = journal[at].replace(old.as_str().expect("a digest"), &new);
    }
    assert!(follow(text(&journal).as_bytes()).is_ok());
    folder.write(JOURNAL, text(&journal).as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some("events.jsonl: line 10 was changed")
    );
}

#[test]
fn a_journal_without_a_bundle_proves_nothing_about_its_end() {
    let folder = Folder::unsigned();
    std::fs::remove_file(folder.path(BUNDLE)).expect("it is there");
    let touched = folder.touched().expect("a finding");
    assert!(
        touched.starts_with("evidence.tar.zst: it is missing"),
        "{touched}"
    );
    // Nothing that is made with it is there either: it may never have been made, as on a full disk.
    std::fs::remove_file(folder.path("evidence.intoto.json")).expect("it is there");
    let found = look(&folder.run());
    assert_eq!(found.touched, [""; 0]);
    let incomplete = found.incomplete.expect("it is incomplete");
    assert!(
        incomplete.starts_with("the run ended, and there is no evidence.tar.zst"),
        "{incomplete}"
    );
}

/// Killed, or out of disk: nothing was made after the journal, which may stop in the middle of a line or before the first.
#[rstest]
#[case::between_lines(12, "", "after line 12,")]
#[case::in_a_line(12, "{\"seq\":12,\"mono", "in the middle of line 13,")]
#[case::before_the_first(0, "", "before its first line")]
#[case::in_the_first(0, "{\"seq\":0", "before its first line")]
fn a_run_without_an_end_is_incomplete(#[case] whole: usize, #[case] torn: &str, #[case] told: &str) {
    let folder = Folder::unsigned();
    let journal = lines(&folder.read(JOURNAL));
    for name in [BUNDLE, "evidence.intoto.json"] {
        std::fs::remove_file(folder.path(name)).expect("it is there");
    }
    folder.write(JOURNAL, format!("{}{torn}", text(&journal[..whole])).as_bytes());
    let found = look(&folder.run());
    assert_eq!(found.touched, [""; 0]);
    let incomplete = found.incomplete.expect("it is incomplete");
    assert!(incomplete.starts_with("the run never ended"), "{incomplete}");
    assert!(incomplete.contains(told), "{incomplete}");
    // What breaks the chain is touched all the same.
    if whole > 1 {
        folder.write(
            JOURNAL,
            text(&[&journal[..3], &journal[4..whole]].concat()).as_bytes(),
        );
        let found = look(&folder.run());
        assert_eq!(found.touched[0], "events.jsonl: line 4 was removed");
        assert_eq!(found.incomplete, None);
    }
}

/// A bundle that is there and damaged is no bundle that was never made.
#[test]
fn a_damaged_bundle_is_touched() {
    let folder = Folder::unsigned();
    folder.write(BUNDLE, b"");
    let found = look(&folder.run());
    assert!(
        found.touched[0].starts_with("evidence.tar.zst: "),
        "{:?}",
        found.touched
    );
    assert_eq!(found.incomplete, None);
}

/// A run that was killed: its journal stops in the middle of a line, `report` makes what can be made, and that is sound.
#[test]
fn a_run_that_was_killed() {
    let folder = Folder::unsigned();
    let journal = lines(&folder.read(JOURNAL));
    let torn = format!("{}{{\"seq\":12,\"mono", text(&journal[..12]));
    folder.write(JOURNAL, torn.as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some("events.jsonl: line 13 was changed")
    );
    folder.report(None).expect("evidence");
    let found = look(&folder.run());
    assert_eq!(found.touched, [""; 0]);
    assert!(found.notes[0].contains("never ended"), "{:?}", found.notes);
    // Its end is in the manifest like that of any other.
    folder.write(JOURNAL, text(&journal[..11]).as_bytes());
    assert_eq!(
        folder.touched().as_deref(),
        Some("events.jsonl: line 12 was removed")
    );
}

/// Reports that a signature does not speak of do not take its place.
#[test]
fn signed_evidence_is_not_thrown_away() {
    let folder = Folder::signed();
    let bundle = folder.read(BUNDLE);
    folder.write("report.pdf", b"%PDF");
    let found = look(&folder.run());
    assert_eq!(
        (found.touched.len(), &*found.notes[0]),
        (0, "`report.pdf` is not a part of the evidence")
    );
    let error = folder.report(None).expect_err("another statement").to_string();
    assert!(error.contains("is signed and holds different reports"), "{error}");
    assert!(folder.read(BUNDLE) == bundle);
    assert_eq!(folder.touched(), None);
    let key = SigningKey::draw().expect("a key");
    folder.report(Some(&key)).expect("evidence");
    let found = look(&folder.run());
    assert_eq!(
        (found.touched, found.notes, found.signed_by),
        (vec![], vec![], Some(key.public().id()))
    );
    // Now it is a part.
    folder.write("report.pdf", b"%PDG");
    assert_eq!(folder.touched().as_deref(), Some("report.pdf was changed"));
}

/// The same key, the same journal: the same bytes. A name that is too long for a plain header is one of them.
#[test]
fn made_again() {
    let long = "x".repeat(180);
    let key = SigningKey::draw().expect("a key");
    let folder = Folder::of(Some(&key), &["clean", &long]);
    assert_eq!(folder.touched(), None);
    let bundle = folder.read(BUNDLE);
    let name = format!("transcripts/suite.{long}.log");
    assert!(
        crate::evidence::flips::members(&bundle)
            .iter()
            .any(|(member, _)| *member == name)
    );
    for name in [
        "evidence.dsse.json",
        "evidence.sigstore.json",
        "evidence.intoto.json",
        "evidence.pub.pem",
        BUNDLE,
    ] {
        std::fs::remove_file(folder.path(name)).expect(name);
    }
    folder.report(Some(&key)).expect("evidence");
    assert!(folder.read(BUNDLE) == bundle);
}
