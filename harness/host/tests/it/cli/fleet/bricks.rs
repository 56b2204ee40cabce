//! A module that a cut bricks, among sound ones: it is found as that one, and the others are spared.

use super::{arguments, await_told, rig, rigs_of, told, whole, worker};
use crate::lab::Lab;
use crate::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;

/// Cuts that a module with `bricks-above-90` does not survive, so many of them.
fn late_cuts(lab: &Lab, count: usize) {
    let all: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    lab.suite(&format!(
        "limits: {{boot: 10s, settle: 1s, resume: 15s, update: 60s}}\ncases:\n  - name: late\n    matrix: {{n: [{}]}}\n    update: {{package: a-to-b, via: uart}}\n    cut: {{at: updating 94%}}\n",
        all.join(", ")
    ));
}

/// Rig `a` has the module that is bricked; the others are slower, so that they are still at work then.
fn rigs(lab: &Lab) -> [&'static str; 3] {
    rig(lab, "a", 40, "bricks-above-90", "");
    rig(lab, "b", 30, "", "");
    rig(lab, "c", 30, "", "");
    ["a.yaml", "b.yaml", "c.yaml"]
}

fn run_json(lab: &Lab) -> Value {
    serde_json::from_str(&lab.read("out/run.json")).expect("JSON")
}

/// Names of the rigs that took a batch.
fn takers(lab: &Lab) -> BTreeSet<String> {
    let taken = told(lab, "taken");
    taken
        .iter()
        .filter_map(|event| event["rig"].as_str().map(str::to_owned))
        .collect()
}

/// Verdicts and rules of the cases that did not pass, in the order of the words. A cut that a busy machine made too late shows nothing
/// and bricks nothing: it is left out.
fn unpassed(lab: &Lab) -> Vec<String> {
    let verdicts = lab.verdicts("out");
    let words = verdicts.iter().filter_map(|verdict| verdict.split_once(' '));
    let is_late =
        |words: &str| ["inconclusive cut-late", "inconclusive finished-before-cut"].contains(&words);
    let mut words: Vec<String> = words
        .map(|(_, words)| words.to_owned())
        .filter(|words| words != "pass -" && !is_late(words))
        .collect();
    words.sort();
    words
}

/// One module was bricked, and then nothing more was begun.
#[track_caller]
fn one_brick_and_the_rest_not_reached(lab: &Lab) {
    let unpassed = unpassed(lab);
    let (brick, rest) = unpassed.split_first().expect("a brick");
    assert_eq!(brick, "fail unresponsive", "{unpassed:?}");
    assert!(
        !rest.is_empty() && rest.iter().all(|words| words == "not-reached -"),
        "{unpassed:?}"
    );
    assert_eq!(run_json(lab)["bricks"], 1);
}

/// `--canary 1` is the default, and the first rig that is given is the canary.
#[test]
fn a_bricked_canary_spares_the_others() {
    let lab = Lab::new();
    let rigs = rigs(&lab);
    late_cuts(&lab, 4);
    let ran = lab.run(&arguments(&rigs, &[]));
    let ran = whole(&lab, ran, 1);
    assert_eq!(takers(&lab), BTreeSet::from(["a".to_owned()]));
    one_brick_and_the_rest_not_reached(&lab);
    let why = "the module of the canary `a` was bricked: no other rig gets this delta";
    ran.says(why);
    assert_eq!(run_json(&lab)["not_reached_because"], why);
}

/// Nobody can say that its module is bricked, and nobody else is to find out.
#[test]
fn a_canary_whose_brick_takes_its_rig_along_spares_the_others() {
    let lab = Lab::new();
    let rigs = rigs(&lab);
    late_cuts(&lab, 4);
    let running = lab.start(&arguments(&rigs, &[]));
    let ordered = await_told(&lab, "ordered", |_| true);
    worker(&running, "a").signal(Signal::KILL);
    let ran = whole(&lab, running.end(), 3);
    assert_eq!(takers(&lab), BTreeSet::from(["a".to_owned()]));
    let lost = await_told(&lab, "lost", |_| true);
    assert_eq!(lost["open"], serde_json::json!([ordered["case"]]));
    ran.says("the canary `a` was lost in the middle of an update, and nobody knows what its module became: no other rig gets this delta");
    assert_eq!(
        unpassed(&lab),
        [
            "inconclusive interrupted",
            "not-reached -",
            "not-reached -",
            "not-reached -"
        ],
        "the one that was cut off, and the rest"
    );
    let because = run_json(&lab)["not_reached_because"].to_string();
    assert!(
        because.contains("see whether the module on `a` still works"),
        "{because}"
    );
}

/// No module is at risk before an update is ordered.
#[test]
fn a_canary_that_is_lost_before_the_update_is_replaced() {
    let lab = Lab::new();
    for name in ["a", "b"] {
        rig(&lab, name, 60, "", "");
    }
    super::cuts(&lab, 2);
    let running = lab.start(&arguments(&["a.yaml", "b.yaml"], &[]));
    let taken = await_told(&lab, "taken", |_| true);
    assert_eq!(taken["rig"], "a");
    worker(&running, "a").signal(Signal::KILL);
    whole(&lab, running.end(), 0);
    assert_eq!(unpassed(&lab), Vec::<String>::new());
    let rigs: BTreeSet<String> = rigs_of(&lab).into_values().collect();
    assert_eq!(rigs, BTreeSet::from(["b".to_owned()]));
}

/// Wherever it stands, it is found as that rig, and the run allows one.
#[test]
fn one_of_three_is_found_as_that_rig() {
    let lab = Lab::new();
    let rigs = rigs(&lab);
    late_cuts(&lab, 5);
    let ran = lab.run(&arguments(&rigs, &["--canary", "0"]));
    let ran = whole(&lab, ran, 1);
    assert_eq!(unpassed(&lab), ["fail unresponsive"]);
    let cases = lab.cases("out");
    let failed = cases.iter().find(|case| case["verdict"] == "fail").expect("one");
    assert_eq!(failed["rig"], "a");
    ran.says("· on a\n");
    let run = run_json(&lab);
    assert_eq!(run["bricks"], 1);
    let counts = |name: &str| {
        let rigs = run["rigs"].as_array().expect("a list");
        let rig = rigs.iter().find(|rig| rig["name"] == name).expect("a rig");
        rig["failed"].clone()
    };
    assert_eq!(["a", "b", "c"].map(counts), [1, 0, 0].map(Value::from));
    assert_eq!(told(&lab, "paused"), Vec::<Value>::new());
}

/// No delta is held for a rig that is no canary. Its module may be bricked all the same, and the next one is spared.
#[test]
fn a_rig_that_is_lost_in_an_update_counts_as_a_brick() {
    let lab = Lab::new();
    lab.rig(40, "");
    super::cuts(&lab, 12);
    let more = ["--canary", "0", "--max-bricks", "0"];
    let running = lab.start(&arguments(&["rig.yaml"; 2], &more));
    let ordered = await_told(&lab, "ordered", |event| event["rig"] == "lab");
    worker(&running, "lab").signal(Signal::KILL);
    let ran = whole(&lab, running.end(), 3);
    let lost = await_told(&lab, "lost", |_| true);
    assert_eq!(lost["open"], serde_json::json!([ordered["case"]]));
    let paused = await_told(&lab, "paused", |_| true);
    let why = "cases that ended with a brick: 0, and 1 that may have, on rigs that were lost in the middle of an update (`lab`): the state of their modules is unknown; the run allows 0 (`--max-bricks`)";
    assert_eq!(paused["why"], why);
    ran.says(why);
    assert_eq!(run_json(&lab)["not_reached_because"], why);
    let after = told(&lab, "taken");
    let after = after
        .iter()
        .filter(|taken| taken["seq"].as_u64() > paused["seq"].as_u64());
    assert_eq!(after.count(), 0, "no rig gets another batch");
}

#[test]
fn more_bricks_than_are_allowed_pause_the_run() {
    let lab = Lab::new();
    let rigs = rigs(&lab);
    late_cuts(&lab, 16);
    let ran = lab.run(&arguments(&rigs, &["--canary", "0", "--max-bricks", "0"]));
    let ran = whole(&lab, ran, 1);
    let paused = await_told(&lab, "paused", |_| true);
    let why = paused["why"].as_str().expect("a reason");
    assert_eq!(
        why,
        "cases that ended with a brick: 1, the last on `a`; the run allows 0 (`--max-bricks`)"
    );
    ran.says(why);
    one_brick_and_the_rest_not_reached(&lab);
}
