//! What cannot be run: exit 2, nothing powered, no run folder.

use crate::lab::{Lab, Ran};
use crate::process::Running;
use rstest::rstest;

#[track_caller]
fn nothing_ran(lab: &Lab, ran: &Ran) {
    assert_eq!(ran.stdout, "");
    assert!(lab.names("reports").is_empty(), "a run folder was made");
    assert!(!lab.path("out").exists(), "a run folder was made");
    assert!(lab.names("tmp").is_empty(), "a simulator ran");
}

#[test]
fn a_typo_is_shown_where_it_stands() {
    let lab = Lab::new();
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, vai: uart}\n");
    let ran = lab.run(&["run", "suite.yaml", "--rig", "rigs/sim.yaml"]).ends(2);
    nothing_ran(&lab, &ran);
    assert!(
        ran.stderr.contains("suite.yaml:7:"),
        "file, line and column: {}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("vai: uart"),
        "the line itself: {}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`via`"), "the nearest name: {}", ran.stderr);
}

#[test]
fn mistakes_of_all_files_are_shown_at_once() {
    let lab = Lab::new();
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-bb, via: uart}\n");
    lab.write(
        "rig.yaml",
        "rig: lab\nmodule: bc66\nsimulatd: {firmware: BC66NBR01A01}\n",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(2);
    nothing_ran(&lab, &ran);
    for part in ["rig.yaml:3:1", "`simulated`", "suite.yaml:7:", "`a-to-b`"] {
        assert!(ran.stderr.contains(part), "`{part}` in: {}", ran.stderr);
    }
}

/// A mistyped key, a key that is missing, and values that are none: whoever mends the file hears of all at once.
#[test]
fn every_mistake_of_a_case_is_shown_in_one_go() {
    let lab = Lab::new();
    lab.suite("cases:\n  - name: clean\n    tagz: [x]\n    update: {package: a-to-bb, vai: htpp}\n    cut: {after: never}\n");
    let ran = lab.run(&["plan", "suite.yaml", "--rig", "rigs/sim.yaml"]).ends(2);
    for part in [
        "unknown key `tagz`",
        "unknown key `vai`",
        "`htpp`",
        "`a-to-bb`",
        "`at` missing in `cut`",
        "`never`",
    ] {
        assert!(ran.stderr.contains(part), "`{part}` in: {}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("× suite.yaml:").count(), 6, "{}", ran.stderr);
}

#[test]
fn a_rig_must_be_named() {
    let lab = Lab::new();
    let ran = lab.run(&["run", "suites/smoke.yaml"]).ends(2);
    nothing_ran(&lab, &ran);
    assert!(ran.stderr.contains("--rig <RIG>"), "{}", ran.stderr);
}

#[rstest]
#[case(&["run", "suites/nope.yaml", "--rig", "rigs/sim.yaml"], "suites/nope.yaml")]
#[case(&["run", "suites/smoke.yaml", "--rig", "rigs/nope.yaml"], "rigs/nope.yaml")]
#[case(&["run", "suites/smoke.yaml", "suites/smoke.yaml", "--rig", "rigs/sim.yaml"], "both named `bc66-smoke`")]
#[case(&["run", "suites/smoke.yaml", "--rig", "rigs/sim.yaml", "--repeat", "0"], "--repeat")]
#[case(&["run", "suites/smoke.yaml", "--rig", "rigs/sim.yaml", "--max-time", "soon"], "--max-time")]
#[case(&["run", "suites/smoke.yaml", "--rig", "rigs/sim.yaml", "--attachments", "some"], "absolute, relative, none")]
#[case(&["report", "nowhere"], "nowhere/events.jsonl")]
#[case(&["power", "rigs/sim.yaml", "up"], "possible values: on, off, cycle, reset, pwrkey")]
#[case(&["power", "rigs/sim.yaml", "on"], "start `dfota-hil sim`")]
#[case(&["console", "rigs/nope.yaml"], "rigs/nope.yaml")]
#[case(&["package", "inspect", "nope.delta"], "package `nope.delta`")]
#[case(&["completions", "tcsh"], "possible values: bash")]
#[case(&["frobnicate"], "unrecognized subcommand 'frobnicate'")]
#[case(&[], "Usage: dfota-hil")]
fn usage(#[case] args: &[&str], #[case] told: &str) {
    let lab = Lab::new();
    let ran = lab.run(args).ends(2);
    nothing_ran(&lab, &ran);
    assert!(ran.stderr.contains(told), "`{told}` in: {}", ran.stderr);
    let begins = ["error: ", "Cuts the power"];
    assert!(
        begins.iter().any(|begin| ran.stderr.starts_with(begin)),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_folder_that_cannot_be_made() {
    let lab = Lab::new();
    lab.write("file", "");
    let args = [
        "run",
        "suites/smoke.yaml",
        "--rig",
        "rigs/sim.yaml",
        "--out",
        "file/out",
    ];
    let ran = lab.run(&args).ends(2);
    nothing_ran(&lab, &ran);
    assert!(
        ran.stderr.starts_with("error: run folder `file/out`: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_state_folder_that_cannot_be_made() {
    let lab = Lab::new();
    lab.write("file", "");
    let args = ["run", "suites/smoke.yaml", "--rig", "rigs/sim.yaml"];
    let ran = lab
        .run(&[&args[..], &["--state-dir", "file/state"]].concat())
        .ends(2);
    nothing_ran(&lab, &ran);
    for part in [
        "state `file/state/rigs/sim-",
        "could not be written",
        "`--state-dir DIR`",
    ] {
        assert!(ran.stderr.contains(part), "`{part}` in: {}", ran.stderr);
    }
}

#[test]
fn no_place_for_a_state_folder() {
    let lab = Lab::new();
    let mut command = lab.command(&["run", "suites/smoke.yaml", "--rig", "rigs/sim.yaml"]);
    // As the base directory specification has it, a relative path is no path.
    command.env("XDG_STATE_HOME", "state").env_remove("HOME");
    let ran = Running::start(&mut command).end().ends(2);
    nothing_ran(&lab, &ran);
    assert!(ran.stderr.contains("give `--state-dir DIR`"), "{}", ran.stderr);
}

/// The harness passes names of defects through and knows none, so the rig turns out to be unusable when it is opened.
#[test]
fn a_defect_that_there_is_not() {
    let lab = Lab::new();
    lab.rig(400, "forget-resume");
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    let ran = lab.run(&lab.arguments(&[])).ends(3);
    for part in [
        "rig `lab`",
        "there is no `forget-resume`; did you mean `forgets-resume`?",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` in: {}", ran.stdout);
    }
    assert_eq!(lab.verdicts("out"), ["clean error rig-broken"]);
    assert_eq!(lab.ended("out"), (3, false, true));
    assert!(lab.names("tmp").is_empty(), "{:?}", lab.names("tmp"));
}
