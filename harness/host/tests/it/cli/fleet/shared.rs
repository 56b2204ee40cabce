//! Rigs that share a suite.

use super::{arguments, cuts, rigs_of, told, whole};
use crate::junit;
use crate::lab::{Lab, PROGRAM};
use dfota_record::digest::file_digest;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn two_rigs_give_the_report_of_one() {
    let lab = Lab::new();
    lab.rig(100, "");
    cuts(&lab, 4);
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "alone",
        "--seed",
        "7",
    ])
    .ends(0);
    let ran = lab.run(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let ran = whole(&lab, ran, 0);
    assert_eq!(lab.verdicts("out"), lab.verdicts("alone"));
    let names = |out: &str| -> Vec<String> {
        let cases = junit::cases(&lab.read(&format!("{out}/junit.xml")));
        cases.into_iter().map(|case| case.name).collect()
    };
    assert_eq!(names("out"), names("alone"));
    let rigs: BTreeSet<String> = rigs_of(&lab).into_values().collect();
    assert_eq!(
        rigs,
        BTreeSet::from(["lab".into(), "lab-2".into()]),
        "both worked"
    );
    ran.says("· on lab\n").says("· on lab-2\n");
    let file = lab.read("out/junit.xml");
    for (name, rig) in rigs_of(&lab) {
        let case = file
            .split("<testcase ")
            .find(|case| case.starts_with(&format!("name=\"{name}\"")));
        let case = case.unwrap_or_else(|| panic!("no `{name}` in {file}"));
        assert!(case.contains(&format!("on the rig {rig}\n")), "{case}");
    }
    each_journal_names_the_program(&lab);
    assert_eq!(told(&lab, "queued").len(), told(&lab, "closed").len());
    lab.run(&["verify", "out/evidence.tar.zst"]).ends(0);
    // Nobody works for somebody who is gone, and the folder is a run's as any other.
    lab.run(&["report", "out"]).ends(0);
    assert_eq!(lab.verdicts("out"), lab.verdicts("alone"));
}

/// A worker is told what its parent has read: it has to be the program that runs.
fn each_journal_names_the_program(lab: &Lab) {
    let (_, sha256) = file_digest(Path::new(PROGRAM)).expect("the program");
    let pattern = lab.path("out/rigs/*/*/events.jsonl");
    let parts = glob::glob(pattern.to_str().expect("a path")).expect("a pattern");
    let parts: Vec<PathBuf> = parts.map(|part| part.expect("a journal")).collect();
    assert!(parts.len() >= 2, "{parts:?}");
    for journal in parts.into_iter().chain([lab.path("out/run.jsonl")]) {
        let text = std::fs::read_to_string(&journal).expect("a journal");
        let started = text.lines().find(|line| line.contains("\"run-started\""));
        let started = started.unwrap_or_else(|| panic!("no `run-started` in {}", journal.display()));
        assert!(started.contains(&sha256), "{}: {started}", journal.display());
    }
}
