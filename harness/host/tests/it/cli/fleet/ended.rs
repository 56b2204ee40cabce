//! Runs on eight rigs that are told to end.

use super::{arguments, await_told, cuts, nothing_is_left, one_verdict_each, whole};
use crate::lab::Lab;
use crate::process::{Running, Signal};
use std::collections::BTreeSet;

const RIGS: [&str; 8] = ["rig.yaml"; 8];

/// Eight rigs, each in the middle of a case.
fn at_work(lab: &Lab) -> Running {
    lab.rig(20, "");
    cuts(lab, 16);
    let running = lab.start(&arguments(&RIGS, &["--canary", "0"]));
    let mut seen = BTreeSet::new();
    while seen.len() < RIGS.len() {
        let next = await_told(lab, "ordered", |event| !seen.contains(&event["rig"].to_string()));
        seen.insert(next["rig"].to_string());
    }
    running
}

#[test]
fn one_signal_ends_the_cases_of_all_rigs() {
    let lab = Lab::new();
    let running = at_work(&lab);
    running.signal(Signal::INT);
    let ran = whole(&lab, running.end(), 130);
    ran.complains("interrupted: every rig is brought to its safe state; interrupt again to stop at once");
    let verdicts = lab.verdicts("out");
    let interrupted = |verdict: &&String| verdict.ends_with(" inconclusive interrupted");
    assert!(
        verdicts.iter().any(|verdict| interrupted(&verdict)),
        "{verdicts:#?}"
    );
    let rest = verdicts.iter().filter(|verdict| !interrupted(verdict));
    let unexpected: Vec<&String> = rest
        .filter(|verdict| !verdict.ends_with(" not-reached -") && !verdict.ends_with(" pass -"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn a_second_signal_ends_all_of_it_at_once() {
    let lab = Lab::new();
    let mut running = at_work(&lab);
    running.signal(Signal::INT);
    running.await_stderr("interrupt again to stop at once");
    running.signal(Signal::INT);
    running.end().ends(130);
    nothing_is_left(&lab);
    lab.run(&["report", "out"]).ends(0);
    one_verdict_each(&lab);
    let verdicts = lab.verdicts("out");
    let failed: Vec<&String> = verdicts
        .iter()
        .filter(|verdict| verdict.contains(" fail "))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    lab.run(&["judge", "out"]).ends(0);
}
