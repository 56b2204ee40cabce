//! What a run tells others when it has ended: `--on-end` and `--metrics`.

use crate::lab::{Lab, Ran, heard};
use crate::process::Signal;
use rstest::rstest;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

/// Writes what it was told to the file `told`.
const TELLS: &str = "env | grep '^DFOTA_HIL' >told";

fn lab(defects: &str) -> Lab {
    let lab = Lab::new();
    lab.rig(400, defects);
    lab.suite(
        "cases:
  - name: clean
    update: {package: a-to-b, via: uart}
  - name: skipped
    update: {package: a-to-b, via: uart}
    skip: not now
",
    );
    lab
}

fn run(lab: &Lab, more: &[&str]) -> Ran {
    lab.run(&lab.arguments(more))
}

/// What the program was told, without the prefix of its variables.
fn told(lab: &Lab) -> BTreeMap<String, String> {
    let text = lab.read("told");
    let variables = text
        .lines()
        .filter_map(|line| line.strip_prefix("DFOTA_HIL_RUN_")?.split_once('='));
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[rstest]
#[case::passed("", 0, "1", "0")]
#[case::failed("end-zero-old-version", 1, "0", "1")]
fn a_program_is_told(#[case] defects: &str, #[case] code: i32, #[case] passed: &str, #[case] failed: &str) {
    let lab = lab(defects);
    run(&lab, &["--on-end", TELLS]).ends(code);
    let told = told(&lab);
    let out = lab.path("out");
    for (name, expected) in [
        ("EXIT", code.to_string().as_str()),
        ("FOLDER", out.to_str().expect("text")),
        ("RIG", "lab"),
        ("SUITES", "lab"),
        ("SIMULATED", "1"),
        ("CASES", "2"),
        ("PASSED", passed),
        ("FAILED", failed),
        ("SKIPPED", "1"),
        ("NOT_REACHED", "0"),
    ] {
        assert_eq!(told[name], expected, "{name} in {told:?}");
    }
    // Everything is there when it is told.
    assert!(out.join("report.html").exists() && out.join("evidence.tar.zst").exists());
}

#[test]
fn also_when_nothing_was_powered() {
    let lab = lab("");
    lab.write("rig.yaml", "rig: lab\nmodul: bc66\n");
    run(&lab, &["--on-end", TELLS, "--metrics", "lab.prom"])
        .ends(2)
        .complains("modul");
    let told = told(&lab);
    assert_eq!(
        (
            told["EXIT"].as_str(),
            told["FOLDER"].as_str(),
            told["CASES"].as_str()
        ),
        ("2", "", "0")
    );
    let metrics = lab.read("lab.prom");
    assert!(
        metrics.contains("dfota_hil_run_exit_code{rig=\"rig\",suites=\"suite\"} 2\n"),
        "{metrics}"
    );
}

#[test]
fn also_when_interrupted() {
    let lab = lab("");
    lab.rig(1, "");
    let live = lab.start(&lab.arguments(&["--on-end", TELLS]));
    lab.await_event("out", "the module's first answer", heard("OK"));
    live.signal(Signal::TERM);
    live.end().ends(130);
    assert_eq!(told(&lab)["EXIT"], "130");
}

/// Whatever becomes of the program: the run ended as it ended, and standard output is the result's alone.
#[test]
fn what_it_does_changes_nothing() {
    let lab = lab("");
    let ran = run(
        &lab,
        &["--json", "--on-end", "echo noise; echo no mail >&2; exit 7"],
    )
    .ends(0);
    ran.complains("warning: `--on-end`: ").complains("no mail");
    assert!(
        ran.stdout.starts_with('{') && !ran.stdout.contains("noise\n"),
        "{}",
        ran.stdout
    );
    let mut command = lab.command(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "two",
        "--on-end",
    ]);
    // The key that signs is for nobody else, and a file that cannot be written is no failure of the run.
    command
        .args(["env >told", "--metrics", "/proc/nowhere/lab.prom"])
        .env("DFOTA_HIL_SIGNING_KEY", "secret");
    let ran = crate::process::Running::start(&mut command).end().ends(0);
    ran.complains("warning: no metrics: `/proc/nowhere/lab.prom`");
    assert!(!lab.read("told").contains("secret"));
}

#[test]
fn metrics_are_whole_and_for_all_to_read() {
    let lab = lab("");
    std::fs::create_dir(lab.path("node")).expect("a folder");
    lab.write("node/lab.prom", "old\n");
    run(&lab, &["--metrics", "node/lab.prom"]).ends(0);
    let metrics = lab.read("node/lab.prom");
    for line in [
        "dfota_hil_run_exit_code{rig=\"lab\",suites=\"lab\"} 0",
        "dfota_hil_run_cases{rig=\"lab\",suites=\"lab\",verdict=\"pass\"} 1",
        "dfota_hil_run_cases{rig=\"lab\",suites=\"lab\",verdict=\"skip\"} 1",
        "dfota_hil_run_simulated{rig=\"lab\",suites=\"lab\"} 1",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "no `{line}` in:\n{metrics}"
        );
    }
    assert_eq!(lab.names("node"), ["lab.prom"], "nothing of the making is left");
    let mode = std::fs::metadata(lab.path("node/lab.prom"))
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
}
