//! Runs on several rigs, and what can go wrong with them. Every test ends so: each planned case has exactly one verdict, every rig
//! is safe, nothing is left running, and the run folder stands up to `verify` and `judge`.

mod bricks;
mod closing;
mod copies;
mod disk;
mod ended;
#[cfg(feature = "lab")]
mod in_lab;
#[cfg(feature = "lab")]
mod in_lab_at_scale;
#[cfg(feature = "lab")]
mod in_lab_pages;
#[cfg(feature = "lab")]
mod in_labgrid;
mod killed;
mod module;
mod names;
#[cfg(feature = "lab")]
pub(crate) mod nats_lab;
mod options;
mod over_runs;
mod replaced;
mod resumed;
mod shared;
mod wires;
mod written_off;

use crate::junit;
use crate::lab::{Lab, Ran};
use crate::process::{Process, Running, wait_until};
use serde_json::Value;
use std::collections::BTreeMap;

/// Cuts that a sound module survives, so many of them.
fn cuts(lab: &Lab, count: usize) {
    let all: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    lab.suite(&format!(
        "limits: {{settle: 1s}}\ncases:\n  - name: cut\n    matrix: {{n: [{}]}}\n    update: {{package: a-to-b, via: uart}}\n    cut: {{at: updating 50%}}\n",
        all.join(", ")
    ));
}

/// Writes `NAME.yaml`: a simulated rig.
fn rig(lab: &Lab, name: &str, speed: u32, defects: &str, more: &str) {
    lab.write(
        &format!("{name}.yaml"),
        format!(
            "rig: {name}\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: {speed}, defects: [{defects}]}}\n{more}"
        ),
    );
}

/// `suite.yaml` on these rig files, to the run folder `out`.
fn arguments<'a>(rigs: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let rigs = rigs.iter().flat_map(|rig| ["--rig", *rig]);
    let begin = ["run", "suite.yaml"].into_iter().chain(rigs);
    let all = begin.chain(["--out", "out", "--seed", "7"]);
    all.chain(more.iter().copied()).collect()
}

/// The worker of this rig.
#[track_caller]
fn worker(running: &Running, rig: &str) -> Process {
    let mut found = None;
    wait_until(&format!("the worker of `{rig}`"), || {
        let is = |process: &Process| {
            let args = process.args();
            args.windows(2).any(|pair| pair == ["--worker", rig])
        };
        found = running.children().into_iter().find(is);
        found.is_some()
    });
    found.expect("it was just found")
}

/// The records of the parent's journal so far.
fn parent(lab: &Lab) -> Vec<Value> {
    lab.records("out/run.jsonl")
}

/// What the parent says of batches and rigs under this name.
fn told(lab: &Lab, what: &str) -> Vec<Value> {
    let mut events = parent(lab);
    events.retain(|event| event["event"] == "fleet" && event["what"] == what);
    events
}

/// Waits until the parent has written down something about batches, and gives it.
#[track_caller]
pub(crate) fn await_told(lab: &Lab, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    lab.await_record("out/run.jsonl", what, |event| {
        event["event"] == "fleet" && event["what"] == what && is(event)
    })
}

/// The rig of each case in `run.json`.
fn rigs_of(lab: &Lab) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let cases = lab.cases("out");
    cases
        .iter()
        .map(|case| (text(&case["id"]), text(&case["rig"])))
        .collect()
}

/// Waits until no process of this lab runs any more, and none of its files is left.
#[track_caller]
fn nothing_is_left(lab: &Lab) {
    let tmp = lab.path("tmp");
    wait_until("the end of every process of the run", || {
        Process::with_variable("TMPDIR", &tmp).is_empty()
    });
    assert!(lab.names("tmp").is_empty(), "left behind: {:?}", lab.names("tmp"));
}

/// Every planned case has one verdict, in every report.
#[track_caller]
fn one_verdict_each(lab: &Lab) {
    let name = |suite: &Value, id: &Value| {
        format!(
            "{}::{}",
            suite.as_str().unwrap_or("-"),
            id.as_str().unwrap_or("-")
        )
    };
    let mut planned: Vec<String> = parent(lab)
        .iter()
        .filter(|event| event["event"] == "case-planned")
        .map(|event| name(&event["case"]["suite"], &event["case"]["id"]))
        .collect();
    assert!(!planned.is_empty());
    let cases = lab.cases("out");
    let mut found: Vec<String> = cases
        .iter()
        .map(|case| name(&case["suite"], &case["id"]))
        .collect();
    planned.sort();
    found.sort();
    assert_eq!(found, planned, "the cases of run.json");
    let mut ids: Vec<String> = cases
        .iter()
        .map(|case| case["id"].as_str().unwrap_or("-").to_owned())
        .collect();
    let mut in_junit: Vec<String> = junit::cases(&lab.read("out/junit.xml"))
        .into_iter()
        .map(|case| case.name)
        .collect();
    ids.sort();
    in_junit.sort();
    assert_eq!(in_junit, ids, "the cases of junit.xml");
}

/// The end of a run that its parent ended.
#[track_caller]
fn whole(lab: &Lab, ran: Ran, exit: i32) -> Ran {
    let ran = ran.ends(exit);
    nothing_is_left(lab);
    stands(lab, exit);
    ran
}

/// What a run has left is whole: a verdict for each case, every rig safe, and nothing that `verify` or `judge` find.
#[track_caller]
fn stands(lab: &Lab, exit: i32) {
    one_verdict_each(lab);
    let last = parent(lab).pop().expect("events");
    assert_eq!(
        (&last["event"], &last["exit"], &last["safe"]),
        (&"run-ended".into(), &exit.into(), &true.into()),
        "{last}"
    );
    lab.run(&["verify", "out"]).ends(0);
    lab.run(&["judge", "out"]).ends(0);
}
