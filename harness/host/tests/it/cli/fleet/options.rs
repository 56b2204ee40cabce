//! Flags of a run and keys of a suite, with several rigs.

use super::{arguments, cuts, nothing_is_left, rig, rigs_of, stands, told, whole};
use crate::lab::{Lab, Ran};
use serde_json::Value;
use std::collections::BTreeMap;

/// The module of `b` forgets what it was at.
fn sound_and_forgetful(lab: &Lab) -> [&'static str; 2] {
    rig(lab, "a", 100, "", "");
    rig(lab, "b", 100, "forgets-resume", "");
    ["a.yaml", "b.yaml"]
}

#[test]
fn every_rig_runs_every_case() {
    let lab = Lab::new();
    let rigs = sound_and_forgetful(&lab);
    cuts(&lab, 1);
    lab.write(
        "suite.yaml",
        lab.read("suite.yaml")
            .replace("suite: lab", "suite: lab\non: each"),
    );
    let ran = lab.run(&arguments(&rigs, &["--canary", "0"]));
    whole(&lab, ran, 1);
    assert_eq!(
        lab.verdicts("out"),
        ["cut[n=1,rig=a] pass -", "cut[n=1,rig=b] fail no-resume"]
    );
    let expected = [("cut[n=1,rig=a]", "a"), ("cut[n=1,rig=b]", "b")];
    let expected = expected.map(|(case, rig)| (case.to_owned(), rig.to_owned()));
    assert_eq!(rigs_of(&lab), BTreeMap::from(expected));
}

/// A canary that fails without a brick has shown nothing good: the others do not get its packages, and no rig is blamed.
#[test]
fn a_canary_that_fails_holds_the_others() {
    let lab = Lab::new();
    rig(&lab, "a", 100, "", "");
    rig(&lab, "b", 100, "never-prints-end", "");
    cuts(&lab, 1);
    lab.write(
        "suite.yaml",
        lab.read("suite.yaml")
            .replace("suite: lab", "suite: lab\non: each"),
    );
    let ran = lab.run(&arguments(&["b.yaml", "a.yaml"], &[]));
    let ran = whole(&lab, ran, 1);
    ran.says("no batch passed on the canary `b`");
    let mut verdicts = lab.verdicts("out");
    verdicts.sort();
    assert_eq!(
        verdicts,
        ["cut[n=1,rig=a] not-reached -", "cut[n=1,rig=b] fail end-missing"]
    );
    assert_eq!(told(&lab, "canary-passed"), Vec::<Value>::new());
}

/// Every report says why cases were not reached.
#[track_caller]
fn not_reached_because(lab: &Lab, ran: &Ran, why: &str) {
    ran.says(&format!("not reached: {why}"));
    let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    let because = run["not_reached_because"].as_str().unwrap_or_default();
    assert!(because.contains(why), "{because}");
    let junit = lab.read("out/junit.xml");
    assert!(junit.contains(&format!("not reached: {why}")), "{junit}");
    assert!(
        lab.read("out/report.html")
            .contains(&because.replace('&', "&amp;"))
    );
}

#[test]
fn the_first_failure_ends_the_handing_out() {
    let lab = Lab::new();
    rig(&lab, "a", 40, "forgets-resume", "");
    rig(&lab, "b", 40, "forgets-resume", "");
    cuts(&lab, 12);
    let ran = lab.run(&arguments(
        &["a.yaml", "b.yaml"],
        &["--canary", "0", "--fail-fast"],
    ));
    let ran = whole(&lab, ran, 1);
    ran.says("`--fail-fast`: lab::cut[");
    let verdicts = lab.verdicts("out");
    let count = |what: &str| verdicts.iter().filter(|verdict| verdict.contains(what)).count();
    assert!((1..=2).contains(&count(" fail no-resume")), "{verdicts:#?}");
    assert!(count(" not-reached -") >= 10, "{verdicts:#?}");
    not_reached_because(&lab, &ran, "`--fail-fast`: lab::cut[");
}

/// What has begun is finished; nothing is abandoned.
#[test]
fn the_time_is_over() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 12);
    let ran = lab.run(&arguments(
        &["rig.yaml"; 2],
        &["--canary", "0", "--max-time", "1s"],
    ));
    let ran = whole(&lab, ran, 3);
    ran.says("`--max-time 1s` is over");
    let verdicts = lab.verdicts("out");
    let count = |what: &str| verdicts.iter().filter(|verdict| verdict.ends_with(what)).count();
    assert!(count(" pass -") >= 1, "{verdicts:#?}");
    assert_eq!(count(" pass -") + count(" not-reached -"), 12, "{verdicts:#?}");
    assert!(count(" not-reached -") >= 1, "{verdicts:#?}");
    not_reached_because(&lab, &ran, "`--max-time 1s` is over");
}

/// The canary passes, and nobody gets anything of it any more.
#[test]
fn a_canary_that_passes_after_the_end_of_the_time() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 12);
    let ran = lab.run(&arguments(&["rig.yaml"; 2], &["--max-time", "1s"]));
    let ran = whole(&lab, ran, 3);
    ran.says("`--max-time 1s` is over");
    ran.says("lab: a batch passed on lab: no other rig gets its packages now, for no further batch is begun");
    assert!(!ran.stdout.contains("every rig may have"), "{}", ran.stdout);
}

#[test]
fn packed_and_as_json() {
    let lab = Lab::new();
    lab.rig(100, "");
    cuts(&lab, 2);
    let ran = lab.run(&arguments(
        &["rig.yaml"; 2],
        &["--canary", "0", "--json", "--pack"],
    ));
    let ran = ran.ends(0);
    nothing_is_left(&lab);
    let shown: Value = serde_json::from_str(&ran.stdout).expect("nothing but JSON");
    let written: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_eq!(shown, written);
    assert_eq!(shown["rigs"].as_array().map(Vec::len), Some(2));
    for gone in ["rigs", "run.jsonl", "events.jsonl", "transcripts"] {
        assert!(
            !lab.path("out").join(gone).exists(),
            "packed: {:?}",
            lab.names("out")
        );
    }
    lab.run(&["verify", "out"]).ends(0);
    lab.run(&["judge", "out"]).ends(0);
    lab.run(&["report", "out"]).ends(0);
    let again: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_eq!(again["cases"], written["cases"]);
    stands(&lab, 0);
}

#[test]
fn masked() {
    let lab = Lab::new();
    lab.rig(100, "");
    cuts(&lab, 2);
    let ran = lab.run(&arguments(&["rig.yaml"; 2], &["--canary", "0", "--mask"]));
    let ran = whole(&lab, ran, 0);
    let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    let rigs = run["rigs"].as_array().expect("a list");
    assert_eq!(rigs.len(), 2);
    let masked = rigs[0]["identity"]["imei"].as_str().expect("an IMEI");
    // Eight digits say which type of module it is.
    let kind = masked.strip_suffix("*******").expect("masked");
    let file = |name: &str| lab.read(&format!("out/{name}"));
    let shown = ["run.json", "junit.xml", "report.html", "evidence.intoto.json"].map(file);
    for text in shown.iter().chain([&ran.stdout, &ran.stderr]) {
        let mut places = text.split(kind).skip(1);
        assert!(
            places.all(|rest| rest.starts_with('*')),
            "an IMEI is named: {text}"
        );
    }
}
