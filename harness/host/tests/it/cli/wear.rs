//! The wear budget: updates of the module's flash are counted over the runs, and a plan that goes beyond is refused.

use crate::lab::{Lab, heard};
use crate::process::Signal;

/// A simulated rig whose module may see so many updates.
fn rig(lab: &Lab, speed: u32, updates: u32) {
    lab.rig(speed, "");
    let rig = lab.read("rig.yaml");
    lab.write("rig.yaml", format!("{rig}wear: {{updates: {updates}}}\n"));
}

const THERE_AND_BACK: &str = "\
cases:
  - {name: there, update: {package: a-to-b, via: uart}}
  - {name: back, update: {package: b-to-a, via: uart}}
";

fn spent(lab: &Lab) -> u64 {
    let wear = lab.rig_state("wear.json").expect("updates are counted");
    let module = wear["module"].as_str().expect("an IMEI");
    wear["updates"][module].as_u64().expect("a number")
}

#[test]
fn a_budget_is_spent_and_then_kept() {
    let lab = Lab::new();
    rig(&lab, 400, 5);
    lab.suite(THERE_AND_BACK);
    let plan = |told: &str| {
        let ran = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
        assert!(ran.stdout.contains(told), "`{told}` in: {}", ran.stdout);
        ran.stdout.contains("too many")
    };
    let run = |out: &str, flags: &[&str]| {
        let args = [
            "run",
            "suite.yaml",
            "--rig",
            "rig.yaml",
            "--seed",
            "7",
            "--out",
            out,
        ];
        lab.run(&[&args[..], flags].concat())
    };
    assert!(!plan("flash updates: 0 spent / 2 planned / 5 allowed"));
    run("first", &[]).ends(0);
    assert_eq!(spent(&lab), 2);
    run("second", &[]).ends(0);
    assert!(
        plan("flash updates: 4 spent / 2 planned / 5 allowed"),
        "and it warns"
    );

    let ran = run("third", &[]).ends(2);
    for part in [
        "4 updates",
        "up to 2",
        "`wear.updates`",
        "1 too many",
        "`--over-budget`",
    ] {
        assert!(ran.stderr.contains(part), "`{part}` in: {}", ran.stderr);
    }
    assert!(!lab.path("third").exists(), "nothing was run");
    run("third", &["--over-budget"]).ends(0);
    assert_eq!(spent(&lab), 6);
}

#[test]
fn an_interrupted_run_counts_as_well() {
    let lab = Lab::new();
    rig(&lab, 20, 100);
    lab.suite("cases:\n  - {name: there, update: {package: a-to-b, via: uart}}\n");
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "an update under way", heard("UPDATING"));
    running.signal(Signal::INT);
    running.end().ends(130);
    assert_eq!(spent(&lab), 1);
}

#[test]
fn without_a_budget_a_simulated_module_is_not_counted() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite("cases:\n  - {name: there, update: {package: a-to-b, via: uart}}\n");
    lab.run(&lab.arguments(&[])).ends(0);
    assert_eq!(lab.rig_state("wear.json"), None);
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    assert!(!plan.stdout.contains("allowed"), "{}", plan.stdout);
}

/// The flash goes with the module: what it has seen on one rig counts on the next.
#[test]
fn a_module_takes_its_wear_to_another_rig() {
    let lab = Lab::new();
    rig(&lab, 400, 5);
    lab.suite(THERE_AND_BACK);
    lab.run(&lab.arguments(&[])).ends(0);
    lab.write(
        "other.yaml",
        lab.read("rig.yaml").replace("rig: lab", "rig: other"),
    );
    let first = [
        "run",
        "suite.yaml",
        "--rig",
        "other.yaml",
        "--seed",
        "7",
        "--out",
        "other",
    ];
    // The seed makes the same module, and only a run shows which one it is.
    lab.run(&first).ends(0);
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "other.yaml"]).ends(0);
    plan.says("flash updates: 4 spent / 2 planned / 5 allowed");
}
