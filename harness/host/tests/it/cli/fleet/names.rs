//! Rigs and suites with names that are no names of folders: nothing is lost, and nothing is written outside of the run folder.

use super::{arguments, cuts, rigs_of, told, whole};
use crate::lab::Lab;
use std::collections::BTreeSet;

/// Writes `FILE.yaml` with this name, which is quoted.
fn rig(lab: &Lab, file: &str, name: &str, more: &str) {
    lab.write(
        &format!("{file}.yaml"),
        format!("rig: \"{name}\"\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: 100{more}}}\n"),
    );
}

/// The suite gets this name.
fn name_suite(lab: &Lab, name: &str) {
    let suite = lab.read("suite.yaml");
    lab.write(
        "suite.yaml",
        suite.replacen("suite: lab", &format!("suite: \"{name}\""), 1),
    );
}

#[test]
fn a_failure_on_a_rig_of_any_name_stays_one() {
    let lab = Lab::new();
    rig(&lab, "a", "../../evil x", ", defects: [forgets-resume]");
    rig(&lab, "b", ".", ", defects: [forgets-resume]");
    rig(&lab, "c", "Prüfstand, 3/b", ", defects: [forgets-resume]");
    cuts(&lab, 6);
    name_suite(&lab, "süite/x");
    let ran = lab.run(&arguments(
        &["a.yaml", "b.yaml", "c.yaml"],
        &["--canary", "0", "--max-bricks", "99"],
    ));
    whole(&lab, ran, 1);
    // A cut that a busy machine makes too late shows nothing.
    let verdicts = lab.verdicts("out");
    let is_heard =
        |verdict: &&String| verdict.ends_with(" fail no-resume") || verdict.contains(" inconclusive ");
    let heard: Vec<&String> = verdicts.iter().filter(is_heard).collect();
    assert_eq!((heard.len(), verdicts.len()), (6, 6), "{verdicts:?}");
    let rigs: BTreeSet<String> = rigs_of(&lab).into_values().collect();
    let names = ["../../evil x", ".", "Prüfstand, 3/b"].map(str::to_owned);
    assert_eq!(rigs, BTreeSet::from(names), "reports have the names as they are");
    let folders: BTreeSet<String> = told(&lab, "taken")
        .iter()
        .map(|taken| taken["folder"].to_string())
        .collect();
    for folder in &folders {
        let plain = |c: char| c.is_ascii_alphanumeric() || "\"/._-".contains(c);
        assert!(
            folder.chars().all(plain) && folder.starts_with("\"rigs/"),
            "{folder}"
        );
    }
    let outside = lab.names("").into_iter().find(|name| name.contains("evil"));
    assert_eq!(outside, None, "written outside of the run folder");
    assert_eq!(lab.names("out/rigs").len(), 3);
}

/// The command that a report names for a case selects that case, and no other.
#[track_caller]
fn is_rerun(lab: &Lab, case: &serde_json::Value) {
    let command = case["rerun"].as_str().unwrap_or_else(|| panic!("{case}"));
    let words = shlex(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(words[..2], ["dfota-hil", "run"], "{command}");
    let args: Vec<&str> = ["plan"]
        .into_iter()
        .chain(words[2..].iter().copied())
        .chain(["--json"])
        .collect();
    let ran = lab.run(&args).ends(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        plan["cases"].as_array().map(Vec::len),
        Some(1),
        "{command}\n{}",
        ran.stdout
    );
}

/// The words of a command as a shell takes them apart, with quotes of one kind.
fn shlex(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (n, part) in command.split('\'').enumerate() {
        for (m, word) in part.split(' ').enumerate() {
            if n % 2 == 0 && m > 0 {
                words.push(String::new());
            } else if m > 0 {
                words.last_mut().expect("one").push(' ');
            }
            words.last_mut().expect("one").push_str(word);
        }
    }
    words
}

#[test]
fn what_a_rig_runs_for_itself_can_be_run_again() {
    let lab = Lab::new();
    lab.rig(100, "forgets-resume");
    cuts(&lab, 1);
    let suite = lab.read("suite.yaml");
    lab.write(
        "suite.yaml",
        suite.replacen("suite: lab", "suite: lab\non: each", 1),
    );
    let ran = lab.run(&arguments(
        &["rig.yaml"; 3],
        &["--canary", "0", "--max-bricks", "99"],
    ));
    whole(&lab, ran, 1);
    let cases = lab.cases("out");
    assert_eq!(cases.len(), 3);
    cases.iter().for_each(|case| is_rerun(&lab, case));
}

#[test]
fn a_calibration_of_one_rig_of_several_can_be_selected_on_that_rig() {
    let lab = Lab::new();
    lab.rig(100, "");
    lab.suite("cases:\n  - name: some\n    update: {package: a-to-b, via: uart}\n    sweep: {over: [updating 20%..80%], cuts: 4}\n");
    let ran = lab
        .run(&[
            "plan",
            "suite.yaml",
            "--rig",
            "rig.yaml",
            "--filter",
            "=lab::some[calibration=b-to-a,rig=lab]",
            "--json",
        ])
        .ends(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(plan["cases"][0]["case"]["id"], "some[calibration=b-to-a]");
    assert_eq!(plan["cases"].as_array().map(Vec::len), Some(1));
}
