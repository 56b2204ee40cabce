//! What a run shows: each case once, equal errors with a count, and on a terminal progress and lines that fit it.

use crate::cli::terminal::{COLUMNS, LINKS, PLAIN, Session};
use crate::lab::{Lab, heard};
use crate::process::Signal;
use rstest::rstest;

const CLEAN: &str = "cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n";
const CUT: &str = "\
cases:
  - name: cut
    matrix: {at: [30%, 50%, 70%]}
    update: {package: a-to-b, via: uart}
    cut: {at: 'updating {at}', off: 5s}
";

/// The line of a verdict, with its time left out.
fn verdicts(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let (word, rest) = line.split_once(" [")?;
        let (_, case) = rest.split_once("s] ")?;
        let shouts = !word.trim().is_empty() && word.trim().chars().all(|c| c.is_ascii_uppercase());
        let id = case.split("  ").next().unwrap_or_default();
        shouts.then(|| format!("{} {id}", word.trim()))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn a_failed_case_is_told_once() {
    let lab = Lab::new();
    lab.rig(400, "never-prints-end");
    lab.suite(CUT);
    let ran = lab.run(&lab.arguments(&["--filter", "30 | 50"])).ends(1);
    let told = ["FAIL lab cut[at=30%]", "FAIL lab cut[at=50%]"];
    assert_eq!(verdicts(&ran.stdout), told, "{}", ran.stdout);
    let (live, end) = ran.stdout.split_once("------------\n").expect("a summary");
    for part in [
        "             end-missing: ",
        "class: product",
        "evidence: ",
        "rerun: ",
        "transcript: out/",
    ] {
        assert_eq!(live.matches(part).count(), 2, "`{part}` in: {live}");
        assert!(!end.contains(part), "`{part}` in: {end}");
    }
    assert!(
        end.contains("2 × end-missing: cut[at=30%], cut[at=50%]\n"),
        "{end}"
    );
    assert!(end.ends_with("        Page out/report.html\n"), "{end}");
    // Who has not seen it run is told all of it, once.
    let again = lab.run(&["report", "out"]).ends(0);
    assert_eq!(verdicts(&again.stdout), told, "{}", again.stdout);
    assert_eq!(
        again.stdout.split_once("------------\n").map(|(_, end)| end),
        Some(end)
    );
}

#[test]
fn a_verdict_that_a_later_case_changes_is_revised() {
    let lab = Lab::new();
    lab.rig(400, "end-zero-corrupted-image");
    lab.suite(
        "cases:
  - name: first
    update: {package: a-to-b, via: uart}
  - name: second
    update: {package: b-to-a, via: uart}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    let told = verdicts(&ran.stdout);
    assert_eq!(
        told.first().map(String::as_str),
        Some("PASS lab first"),
        "{}",
        ran.stdout
    );
    assert_eq!(told.len(), 2, "{}", ran.stdout);
    ran.says("     revised lab first: was PASS, is FAIL  UPDATING ");
    ran.says("\n             image-corrupt: the next, known-good delta was refused");
}

/// A rig that cannot be opened makes the same error of every case.
#[test]
fn equal_errors_are_one_with_a_count() {
    let lab = Lab::new();
    lab.rig(400, "no-such-defect");
    lab.suite(CUT);
    let ran = lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(verdicts(&ran.stdout), ["ERROR lab cut[at=30%]"], "{}", ran.stdout);
    assert_eq!(
        ran.stdout.matches("there is no `no-such-defect`").count(),
        1,
        "{}",
        ran.stdout
    );
    ran.says("             and 2 more cases with the same error\n");
    ran.says("3 cases: 0 passed, 3 errors\n             3 × rig-broken: cut[at=30%], ");
    assert!(
        !ran.stdout.contains("transcript:"),
        "no case was begun: {}",
        ran.stdout
    );
    let again = lab.run(&["report", "out"]).ends(0);
    again.says("             and 2 more cases with the same error\n");
}

#[test]
fn one_error_is_no_errors() {
    let lab = Lab::new();
    lab.rig(400, "no-such-defect");
    lab.suite(CLEAN);
    lab.run(&lab.arguments(&[]))
        .ends(3)
        .says("1 case: 0 passed, 1 error\n");
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    plan.says("at most 1 flash update\n");
}

/// What a masked run leaves out of its reports, it does not show either.
#[test]
fn a_masked_run_shows_no_imei() {
    let lab = Lab::new();
    lab.rig(400, "imei-lost");
    lab.suite(CLEAN);
    let seen = |more: &[&str], out: &str| {
        let args = [
            &[
                "run",
                "suite.yaml",
                "--rig",
                "rig.yaml",
                "--seed",
                "7",
                "--out",
                out,
            ],
            more,
        ]
        .concat();
        lab.run(&args).ends(1).stdout
    };
    let fifteen = |text: &str| {
        let mut words = text.split(|c: char| !c.is_ascii_digit());
        words.any(|digits| digits.len() == 15)
    };
    assert!(fifteen(&seen(&[], "plain")));
    let masked = seen(&["--mask"], "masked");
    assert!(masked.contains("imei-changed") && !fifteen(&masked), "{masked}");
}

/// What is made to be copied stays whole; everything else fits.
#[rstest]
#[case::sound("", 0)]
#[case::failing("forgets-resume", 1)]
fn lines_fit_the_terminal(#[case] defects: &str, #[case] code: i32) {
    let lab = Lab::new();
    lab.rig(400, defects);
    lab.suite(CUT);
    let args = lab.arguments(&["--filter", "50", "--color", "never"]);
    let shown = Session::start(&mut lab.command(&args), PLAIN).ends(code).stdout;
    let copied = |line: &&str| line.contains("rerun: ") || line.contains("transcript: ");
    for line in shown.lines().filter(|line| !copied(line)) {
        assert!(line.chars().count() <= COLUMNS.into(), "{line}");
    }
    let story = "lab cut[at=50%]\n             UPDATING 20%..";
    assert!(shown.contains(story), "{shown}");
    assert!(shown.ends_with("        Page out/report.html\n"), "{shown}");
}

#[rstest]
#[case::plan(&["plan", "suite.yaml", "--rig", "rig.yaml"], "[via=http]\n    http   2m14s")]
#[case::check(&["check", "rig.yaml", "--color", "never"], "advertised as\n                  http://127.0.0.1:")]
fn plans_and_checks_fit_the_terminal(#[case] args: &[&str], #[case] broken: &str) {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite("cases:\n  - name: over the network and with a cut\n    matrix: {via: [http]}\n    update: {package: a-to-b, via: '{via}'}\n    cut: {at: updating 50%}\n");
    let shown = Session::start(&mut lab.command(args), PLAIN).ends(0).stdout;
    for line in shown.lines() {
        // What is written over on the terminal ends with a carriage return.
        let line = line.rsplit(['\r', '\u{1b}']).next().unwrap_or_default();
        assert!(line.chars().count() <= COLUMNS.into(), "{line}");
    }
    assert!(shown.contains(broken), "{shown}");
}

#[test]
fn the_page_is_a_link_on_terminals_that_have_them() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    let shown = Session::start(&mut lab.command(&lab.arguments(&[])), LINKS)
        .ends(0)
        .stdout;
    let page = lab.path("out/report.html").canonicalize().expect("it was made");
    let link = format!("{}\x1b\\out/report.html\x1b]8;;\x1b\\\n", page.display());
    assert!(
        shown.ends_with(&link) && shown.contains("\x1b]8;;file://"),
        "{shown:?}"
    );
}

/// Time of the run, the case of how many, what failed, the time left, and the time of the case.
#[test]
fn progress() {
    let lab = Lab::new();
    lab.rig(100, "forgets-resume");
    lab.suite(CUT);
    let told = Session::start(&mut lab.command(&lab.arguments(&[])), PLAIN)
        .ends(1)
        .stderr;
    for part in [
        "s · 1/3 · ",
        "s · 2/3, 1 failed · ",
        "s · 3/3, 2 failed · ",
        "s left · 0s cut[at=70%] · ",
        " · power on",
    ] {
        assert!(told.contains(part), "`{part}` in: {told:?}");
    }
    assert!(!told.contains("4/3"), "{told:?}");
}

#[test]
fn an_interrupted_run_counts_no_case_that_it_does_not_have() {
    let lab = Lab::new();
    lab.rig(100, "");
    lab.suite(CLEAN);
    let session = Session::start(&mut lab.command(&lab.arguments(&[])), PLAIN);
    lab.await_event("out", "an update that goes on", heard("UPDATING"));
    session.signal(Signal::INT);
    let told = session.ends(130).stderr;
    assert!(told.contains("1/1") && !told.contains("2/1"), "{told:?}");
    assert_eq!(lab.verdicts("out"), ["clean inconclusive interrupted"]);
}

/// Whoever waits sees for what, for how long already, and for how long at most.
#[test]
fn a_check_shows_what_it_waits_for() {
    let lab = Lab::new();
    lab.rig(20, "");
    let ended = Session::start(&mut lab.command(&["check", "rig.yaml"]), PLAIN).ends(0);
    for what in [
        "waiting for silence without supply, at most ",
        "waiting for RDY, at most 30s",
        "waiting for registration and an address, at most 7m",
    ] {
        assert!(ended.stderr.contains(what), "`{what}` in: {:?}", ended.stderr);
    }
    // Two seconds of the module's time without a supply are not over at once.
    assert!(
        ended.stderr.contains(" 2s waiting for silence"),
        "{:?}",
        ended.stderr
    );
    assert!(!ended.stdout.contains("waiting"), "{}", ended.stdout);
    // What it is a log of goes without.
    let ran = lab.run(&["check", "rig.yaml"]).ends(0);
    assert_eq!(ran.stderr, "");
}
