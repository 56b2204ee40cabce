//! `judge RUN…`: verdicts again, from the journal alone.

use crate::lab::Lab;
use dfota_record::digest::hex;
use rstest::rstest;
use sha2::{Digest, Sha256};

const SUITE: &str = "retries: {rig: 1}
cases:
  - name: clean update
    matrix: {via: [http, uart, coap]}
    update: {package: a-to-b, via: \"{via}\"}
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 50%, after: 0ms..400ms}
  - name: wrong base
    update: {package: b-to-a, via: uart, on: BC66NBR01A01}
    expect: {update: 254, version: unchanged}
  - name: power lost downloading
    update: {package: a-to-b, via: http}
    cut: {at: downloading 50%}
  - name: never
    skip: it is left out
    update: {package: a-to-b, via: uart}
";

/// A run in `out`, on a module with these defects.
fn ran(defects: &str, exit: i32) -> Lab {
    let lab = Lab::new();
    lab.rig(200, defects);
    lab.suite(SUITE);
    lab.run(&lab.arguments(&[])).ends(exit);
    lab
}

/// Changes lines of the journal in `out` and makes the chain of hashes anew, as a forger would.
fn forge(lab: &Lab, change: impl Fn(&str) -> String) {
    let text = lab.read("out/events.jsonl");
    let mut prev = hex(&Sha256::digest([]));
    let mut forged = String::new();
    for line in text.lines() {
        let mut record: serde_json::Value = serde_json::from_str(&change(line)).expect("JSON");
        record["prev"] = prev.into();
        let line = record.to_string();
        prev = hex(&Sha256::digest(&line));
        forged += &line;
        forged.push('\n');
    }
    lab.write("out/events.jsonl", forged);
}

#[rstest]
fn every_verdict_is_derived_again(
    #[values(
        "",
        "forgets-resume",
        "end-zero-corrupted-image",
        "never-prints-end",
        "busy-for-ever"
    )]
    defects: &str,
) {
    let lab = ran(defects, i32::from(!defects.is_empty()));
    let judged = lab.run(&["judge", "out"]).ends(0);
    assert_eq!(judged.stdout.lines().count(), 1, "{defects}: {}", judged.stdout);
    assert!(
        judged.stdout.contains("1 skipped or not reached"),
        "{}",
        judged.stdout
    );
    let verified = lab.run(&["verify", "out"]).ends(0);
    assert!(
        verified.stdout.contains("verdicts derived again from its events"),
        "{}",
        verified.stdout
    );
}

/// One URC of the journal is another one, and the chain was made anew: the verdict does not follow from the events any more.
#[test]
fn a_forged_line_gives_another_verdict() {
    let lab = ran("", 0);
    forge(&lab, |line| {
        let end = "\"text\":\"+QIND: \\\"FOTA\\\",\\\"END\\\",0\"";
        line.replace(end, "\"text\":\"+QIND: \\\"FOTA\\\",\\\"END\\\",1\"")
    });
    let judged = lab.run(&["judge", "out"]).ends(1);
    assert!(judged.stdout.contains("recorded: pass"), "{}", judged.stdout);
    assert!(
        judged.stdout.contains("derived:  fail: update-code: "),
        "{}",
        judged.stdout
    );
    assert!(judged.stdout.contains("END,1"), "{}", judged.stdout);
    let json = lab.run(&["judge", "out", "--json"]).ends(1);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["differing"][0]["derived"]["rule"], "update-code");
    // Beside the old reports, never over them.
    let before = lab.read("out/junit.xml");
    lab.run(&["judge", "--write", "out"]).ends(1);
    assert_eq!(lab.read("out/junit.xml"), before);
    assert!(lab.read("out/judged-again/junit.xml").contains("update-code"));
    assert!(lab.path("out/judged-again/report.html").exists());
}

/// A verdict that was made better by hand is one that its events do not give.
#[test]
fn a_forged_verdict_is_named() {
    let lab = ran("forgets-resume", 1);
    forge(&lab, |line| {
        if line.contains("\"event\":\"case-ended\"") && line.contains("no-resume") {
            let mut record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            record["verdict"] = "pass".into();
            let map = record.as_object_mut().expect("a record");
            map.remove("rule");
            map.remove("sentence");
            return record.to_string();
        }
        line.replace("\"exit\":1", "\"exit\":0")
    });
    let judged = lab.run(&["judge", "out"]).ends(1);
    assert!(
        judged.stdout.contains("derived:  fail: no-resume"),
        "{}",
        judged.stdout
    );
}

#[test]
fn what_cannot_be_judged_again() {
    let lab = Lab::new();
    lab.run(&["judge", "nowhere"]).ends(2);
    for folder in ["empty", "torn"] {
        std::fs::create_dir(lab.path(folder)).expect("a folder");
    }
    lab.write("empty/events.jsonl", "");
    lab.run(&["judge", "empty"]).ends(2);
    lab.write("torn/events.jsonl", "{\"seq\":0\n");
    lab.run(&["judge", "torn"]).ends(2);
    // An older program wrote less down.
    let new = ran("", 0);
    forge(&new, |line| line.replace("\"schema\":2", "\"schema\":1"));
    let old = new.run(&["judge", "out"]).ends(2);
    assert!(old.stderr.contains("schema 1"), "{}", old.stderr);
    // Its reports can be made all the same.
    new.run(&["report", "out"]).ends(0);
}
