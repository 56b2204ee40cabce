//! One owner at a time: a rig that is in use is not touched by anybody else, and a dead owner is not in the way.

use crate::lab::{Lab, heard};
use crate::process::{Process, Running, Signal, wait_until};
use crate::sim::Sim;
use rstest::rstest;

const UPDATE: &str = "\
limits: {boot: 10s, settle: 500ms, resume: 10s, update: 30s}
cases:
  - name: clean
    update: {package: a-to-b, via: uart}
";

/// A run that has come to UPDATING, on a module that is slow enough to look at it.
fn updating(lab: &Lab, sim: &Sim) -> Running {
    sim.rig(lab, "rig.yaml");
    let rig = lab.read("rig.yaml").replace("hold: 20ms", "hold: 80ms");
    lab.write("rig.yaml", rig);
    lab.suite(UPDATE);
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    running
}

#[test]
fn a_rig_in_use() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "10"]);
    let running = updating(&lab, &sim);
    let owner = format!(
        "error: rig `by-hand` is in use by `run` (pid {}, run `out`, since ",
        running.pid()
    );
    for others in [
        &["run", "suite.yaml", "--rig", "rig.yaml", "--out", "second"][..],
        &["check", "rig.yaml"],
        &["console", "rig.yaml"],
        &["power", "rig.yaml", "off"],
        &["power", "rig.yaml", "safe"],
    ] {
        let ran = lab.run(others).ends(3);
        assert!(ran.stderr.starts_with(&owner), "{others:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("s ago): "), "its age: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    assert!(!lab.path("second").exists(), "a refused run leaves no folder");
    lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    // Another file is another rig, also a copy.
    lab.write("other.yaml", lab.read("rig.yaml"));
    lab.run(&["power", "other.yaml", "reset"]).ends(0);
    running.signal(Signal::INT);
    running.end().ends(130);
    let ran = lab.run(&["power", "rig.yaml", "off"]).ends(0);
    assert_eq!(ran.stderr, "", "it was given back");
}

/// The owner is dead before anybody has asked how it ended: it counts as dead all the same.
#[rstest]
#[case::reaped(true)]
#[case::not_reaped(false)]
fn the_lease_of_a_dead_owner(#[case] reaped: bool) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    let running = updating(&lab, &sim);
    let pid = running.pid();
    running.signal(Signal::KILL);
    wait_until("its death", || Process::of(pid).is_none());
    let kept = (!reaped).then_some(running);
    let ran = lab.run(&["run", "suite.yaml", "--rig", "rig.yaml", "--out", "second"]);
    let told = format!("the lease of rig `by-hand` was taken over from `run` (pid {pid}, run `out`, since ");
    assert!(ran.stderr.starts_with(&told), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("; its guard has brought the lines to their safe state\n"),
        "{}",
        ran.stderr
    );
    let noted = lab.events("second").into_iter().any(|event| {
        event["event"] == "note" && event["text"].as_str().is_some_and(|text| text.starts_with(&told))
    });
    assert!(noted, "it is in the journal");
    drop(kept);
    let ran = lab.run(&["power", "rig.yaml", "safe"]).ends(0);
    assert_eq!(ran.stderr, "", "said once");
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

/// `power RIG safe` is what a service manager runs when the program has ended, in whatever way.
#[rstest]
#[case("off", "ok power=off")]
#[case("on", "ok power=on")]
fn the_declared_safe_state_by_hand(#[case] safe: &str, #[case] state: &str) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    let rig = lab
        .read("rig.yaml")
        .replace("discharge: 60ms", &format!("discharge: 60ms, safe: {safe}"));
    lab.write("rig.yaml", rig);
    let other = if safe == "on" { "off" } else { "on" };
    lab.run(&["power", "rig.yaml", other]).ends(0);
    lab.run(&["power", "rig.yaml", "safe"]).ends(0);
    wait_until(state, || sim.state().starts_with(state));
    assert!(sim.state().ends_with(" reset=off pwrkey=off"), "{}", sim.state());
}
