//! A run that is told to end: the rig is safe, the reports are written, and the exit code says which it was.

use crate::junit;
use crate::lab::{Lab, heard};
use crate::process::{Running, Signal, all_end};
use rstest::rstest;

const TWO_CASES: &str = "\
limits: {boot: 20s, resume: 30s, update: 120s}
cases:
  - name: first
    update: {package: a-to-b, via: uart}
    cut: {at: updating 40%}
  - name: second
    update: {package: a-to-b, via: uart}
";

/// A run that has come to UPDATING.
fn updating(lab: &Lab) -> Running {
    lab.rig(40, "");
    lab.suite(TWO_CASES);
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    running
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
fn one_signal_ends_the_case(#[case] signal: Signal) {
    let lab = Lab::new();
    let running = updating(&lab);
    let below = running.descendants();
    assert!(below.len() >= 2, "a board and its module: {below:?}");
    running.signal(signal);
    let ran = running.end().ends(130);
    assert_eq!(
        ran.stderr,
        "interrupted: bringing the rig to its safe state; interrupt again to stop at once\n"
    );
    assert!(
        ran.stdout
            .contains("2 cases: 0 passed, 1 inconclusive, 1 not reached"),
        "{}",
        ran.stdout
    );
    all_end(&below);
    assert_eq!(lab.ended("out"), (130, true, true));
    assert_eq!(
        lab.verdicts("out"),
        ["first inconclusive interrupted", "second not-reached -"]
    );
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let verdicts: Vec<&str> = cases.iter().map(|case| case.verdict.as_str()).collect();
    assert_eq!(verdicts, ["error", "skipped"]);
    assert_eq!(cases[0].kind, "inconclusive.interrupted");
    assert!(lab.read("out/transcripts/lab.first.log").contains("UPDATING"));
    assert!(lab.names("tmp").is_empty(), "left behind: {:?}", lab.names("tmp"));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let lab = Lab::new();
    let mut running = updating(&lab);
    let below = running.descendants();
    running.signal(Signal::INT);
    running.await_stderr("interrupt again to stop at once");
    // It may have ended by itself by now; the process is still there to be signalled until it is waited for.
    running.signal(Signal::INT);
    running.end().ends(130);
    all_end(&below);
    lab.run(&["report", "out"]).ends(0);
    assert_eq!(
        lab.verdicts("out"),
        ["first inconclusive interrupted", "second not-reached -"]
    );
}

#[test]
fn a_failure_seen_before_counts_for_more() {
    let lab = Lab::new();
    lab.rig(40, "forgets-resume");
    lab.suite(TWO_CASES);
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "the start of the second case", |event| {
        event["event"] == "case-started" && event["id"] == "second"
    });
    running.signal(Signal::INT);
    running.end().ends(1);
    assert_eq!(lab.ended("out"), (1, true, true));
    assert_eq!(
        lab.verdicts("out"),
        ["first fail no-resume", "second inconclusive interrupted"]
    );
}
