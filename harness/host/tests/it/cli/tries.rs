//! Cases that are tried again: never for what the module did, and every try is shown.

use crate::junit;
use crate::lab::{Lab, PROGRAM};
use crate::sim::Sim;

/// A rig whose supply is switched by programs, of which `off` fails for `times` behind the first: that is the self-check's.
fn jammed(lab: &Lab, sim: &Sim, times: u32) {
    sim.rig(lab, "lines.yaml");
    let script = format!(
        "n=$(cat moves 2>/dev/null || echo 0); echo $((n+1)) >moves; if [ $n -gt 0 ] && [ $n -le {times} ]; then echo the relay is jammed >&2; exit 4; fi; exec {PROGRAM} power lines.yaml off"
    );
    lab.write(
        "rig.yaml",
        format!(
            "rig: jammed
module: bc66
serial: {{port: {}, latency: 0ms}}
power: {{driver: command, on: [{PROGRAM:?}, power, lines.yaml, \"on\"], off: [sh, -c, {script:?}], discharge: 60ms}}
",
            sim.pty.display()
        ),
    );
}

const CLEAN: &str = "limits: {boot: 10s, settle: 500ms}
retries: {rig: 1}
cases:
  - name: clean
    update: {package: a-to-b, via: uart}
  - name: back
    update: {package: b-to-a, via: uart}
";

#[test]
fn an_error_of_the_rig_that_passes_is_flaky() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    jammed(&lab, &sim, 1);
    lab.rehearsal(CLEAN);
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    assert_eq!(lab.verdicts("out"), ["clean pass -", "back pass -"]);
    for shown in [
        "try 1 of lab clean: ERROR line-failed; an error of the rig is tried again",
        "flaky, try 2",
        "2 cases: 2 passed (1 flaky)",
        "the relay is jammed",
    ] {
        assert!(ran.stdout.contains(shown), "`{shown}` in: {}", ran.stdout);
    }

    let cases = junit::cases(&lab.read("out/junit.xml"));
    assert_eq!(cases[0].verdict, "", "a pass");
    assert_eq!(cases[0].earlier, ["flakyFailure rig.line-failed"]);
    assert!(
        cases[0].output.contains("try 1: error rig.line-failed:"),
        "{}",
        cases[0].output
    );
    assert!(cases[1].earlier.is_empty());

    let [clean, back] = &lab.cases("out")[..] else {
        panic!("two cases")
    };
    assert_eq!((&clean["flaky"], &back["flaky"]), (&true.into(), &false.into()));
    assert_eq!(clean["tries"][0]["rule"], "line-failed");
    let transcript = lab.read("out/transcripts/lab.clean.log");
    assert!(
        transcript.contains("# try 1: error: line-failed:"),
        "{transcript}"
    );
}

#[test]
fn tries_come_to_an_end_and_then_the_rig_is_broken() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    jammed(&lab, &sim, 1000);
    lab.rehearsal(CLEAN);
    lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(
        lab.verdicts("out"),
        ["clean error line-failed", "back error rig-broken"]
    );
    let cases = junit::cases(&lab.read("out/junit.xml"));
    assert_eq!(cases[0].kind, "rig.line-failed");
    assert_eq!(cases[0].earlier, ["rerunFailure rig.line-failed"]);
    assert!(cases[1].earlier.is_empty(), "what is broken is not tried again");
}

#[test]
fn what_the_module_did_is_not_tried_again() {
    let lab = Lab::new();
    lab.rig(200, "forgets-resume");
    lab.rehearsal(
        "retries: {rig: 3, network: 3, server: 3}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, after: 5s}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(lab.verdicts("out"), ["forced-resume fail no-resume"]);
    let events = lab.events("out");
    assert!(events.iter().all(|event| event["event"] != "try-ended"));
    let ended = events.iter().find(|event| event["event"] == "case-ended");
    assert_eq!(ended.expect("the end")["tries"], 1);
}
