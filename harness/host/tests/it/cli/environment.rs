//! Rig, state folder and run folder out of the environment; flags and arguments come before it.

use crate::lab::{Lab, Ran};
use crate::process::Running;
use crate::sim::Sim;

const CASES: &str = "cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n";

fn run_with(lab: &Lab, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    Running::start(lab.command(args).envs(variables.iter().copied())).end()
}

#[test]
fn a_run_takes_rig_state_and_folder_from_the_environment() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CASES);
    let variables = [
        ("DFOTA_HIL_RIG", "rig.yaml"),
        ("DFOTA_HIL_STATE_DIR", "kept"),
        ("DFOTA_HIL_OUT", "night"),
    ];
    run_with(&lab, &["run", "suite.yaml"], &variables).ends(0);
    assert!(lab.path("night/run.json").is_file());
    assert!(lab.path("kept").is_dir(), "the state is where the variable says");
    assert!(!lab.path("state").exists() && lab.names("reports").is_empty());
    // The same folder again would be written over.
    let again = run_with(&lab, &["run", "suite.yaml"], &variables).ends(2);
    again.complains("choose another with `--out` or DFOTA_HIL_OUT");
    run_with(&lab, &["run", "suite.yaml", "--out", "other"], &variables).ends(0);
    assert!(lab.path("other/run.json").is_file());
    run_with(&lab, &["plan", "suite.yaml"], &variables[..1])
        .ends(0)
        .says("rig lab (bc66)");
    run_with(&lab, &["check"], &variables[..1]).ends(0).says("sound");
    let other = run_with(
        &lab,
        &["plan", "suite.yaml", "--rig", "rigs/sim.yaml"],
        &variables,
    )
    .ends(0);
    other.says("rig sim (bc66)");
}

#[test]
fn power_needs_an_action_alone() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    run_with(&lab, &["power", "on"], &[("DFOTA_HIL_RIG", "rig.yaml")]).ends(0);
    assert!(sim.state().starts_with("ok power=on"), "{}", sim.state());
    run_with(
        &lab,
        &["power", "rig.yaml", "off"],
        &[("DFOTA_HIL_RIG", "gone.yaml")],
    )
    .ends(0);
    assert!(sim.state().starts_with("ok power=off"), "{}", sim.state());
    let none = lab.run(&["power", "on"]).ends(2);
    none.complains(
        "error: no rig given: expected a rig file, as in `dfota-hil power RIG cycle`, or its path in DFOTA_HIL_RIG",
    );
}

/// No nightly job is to go green on a simulator by accident.
#[test]
fn without_any_a_rig_has_to_be_named() {
    let lab = Lab::new();
    lab.suite(CASES);
    for args in [
        &["run", "suite.yaml"][..],
        &["plan", "suite.yaml"],
        &["check"],
        &["console"],
    ] {
        lab.run(args).ends(2).complains("RIG");
    }
}
