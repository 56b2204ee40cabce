//! A rig with wires: a simulator that was started by hand, reached through its pty and its lines as any module is. The
//! harness's clock is the real one here; the module is faster than real time, so that the test is short.

use crate::lab::{Lab, PROGRAM};
use crate::process::{Signal, wait_until};
use crate::sim::Sim;
use rstest::rstest;

const FORCED_RESUME: &str = "\
limits: {boot: 10s, settle: 500ms, resume: 10s, update: 30s}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, off: 100ms}
";

#[test]
fn forced_resume_through_the_lines_of_the_simulator() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.suite(FORCED_RESUME);
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    assert!(
        !ran.stdout.contains("SIMULATED"),
        "for all that the harness knows: {}",
        ran.stdout
    );
    assert_eq!(lab.verdicts("out"), ["forced-resume pass -"]);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

#[test]
fn forced_resume_through_a_program_for_each_move() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "lines.yaml");
    let program = |action: &str| format!("[{PROGRAM:?}, power, lines.yaml, \"{action}\"]");
    lab.write(
        "rig.yaml",
        format!(
            "rig: commands
module: bc66
serial: {{port: {}}}
power: {{driver: command, on: {}, off: {}, discharge: 60ms}}
reset: {{driver: command, pulse: {}}}
",
            sim.pty.display(),
            program("on"),
            program("off"),
            program("reset")
        ),
    );
    lab.rehearsal(FORCED_RESUME);
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    ran.says("SIMULATED");
    assert_eq!(lab.verdicts("out"), ["forced-resume pass -"]);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

#[test]
fn an_interrupt_takes_the_supply_away() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "5"]);
    sim.rig(&lab, "rig.yaml");
    let rig = lab.read("rig.yaml").replace("hold: 20ms", "hold: 200ms");
    lab.write("rig.yaml", rig);
    lab.suite(FORCED_RESUME);
    let running = lab.start(&lab.arguments(&[]));
    wait_until("a module that runs", || sim.state().contains("module=running"));
    running.signal(Signal::INT);
    running.end().ends(130);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
    assert_eq!(lab.ended("out"), (130, true, true));
}

#[test]
fn a_rig_that_is_safe_when_supplied_ends_so() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    let rig = lab
        .read("rig.yaml")
        .replace("discharge: 60ms", "discharge: 60ms, safe: on");
    lab.write("rig.yaml", rig);
    lab.suite("limits: {settle: 500ms}\ncases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    lab.run(&lab.arguments(&[])).ends(0);
    assert_eq!(sim.state(), "ok power=on module=running reset=off pwrkey=off");
}

#[test]
fn a_supply_that_cannot_be_switched_is_an_error_of_the_rig() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    lab.write(
        "rig.yaml",
        format!(
            "rig: broken\nmodule: bc66\nserial: {{port: {}}}\npower: {{driver: command, on: [\"true\"], off: [sh, -c, \"echo no relay >&2; exit 4\"]}}\n",
            sim.pty.display()
        ),
    );
    lab.rehearsal("limits: {settle: 500ms}\ncases:\n  - name: clean\n    matrix: {n: [1, 2]}\n    update: {package: a-to-b, via: uart}\n");
    let ran = lab.run(&lab.arguments(&[])).ends(3);
    assert!(ran.stdout.contains("it said: no relay"), "{}", ran.stdout);
    assert_eq!(
        lab.verdicts("out"),
        ["clean[n=1] error rig-broken", "clean[n=2] error rig-broken"]
    );
    assert_eq!(
        lab.ended("out"),
        (3, false, false),
        "and it says that the rig is not safe"
    );
}

#[test]
fn a_module_that_stays_supplied_is_an_error_of_the_rig() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50", "--powered"]);
    // Nothing is behind this switch; the module is made to talk all the time.
    lab.write(
        "rig.yaml",
        format!(
            "rig: bypassed\nmodule: bc66\nserial: {{port: {}, latency: 0ms}}\npower: {{driver: command, on: [\"true\"], off: [\"true\"], discharge: 10ms}}\n",
            sim.pty.display()
        ),
    );
    lab.rehearsal("limits: {boot: 2s, settle: 500ms}\ncases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 20%}\n");
    let ran = lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(lab.verdicts("out"), ["clean error rig-broken"]);
    assert!(
        ran.stdout.contains("the self-check before `lab` failed: power: "),
        "{}",
        ran.stdout
    );
}

/// What `package pack` makes is for the simulated module, and a night on a real one would only prove that it is.
#[rstest]
#[case::run("run", &["--out", "out"])]
#[case::plan("plan", &[])]
#[case::bisect("bisect", &["--out", "out", "--pass", "updating@20%+0ms/power/1s", "--fail", "updating@50%+0ms/power/1s"])]
fn synthetic_packages_are_refused_on_wires(#[case] command: &str, #[case] more: &[&str]) {
    let lab = Lab::new();
    let moved = |to: &str| format!("[sh, -c, \"touch moved-{to}\"]");
    lab.write(
        "rig.yaml",
        format!(
            "rig: bench-01\nmodule: bc66\nserial: {{port: /dev/null}}\npower: {{driver: command, on: {}, off: {}}}\n",
            moved("on"),
            moved("off")
        ),
    );
    let arguments = [&[command, "suites/smoke.yaml", "--rig", "rig.yaml"], more].concat();
    let ran = lab.run(&arguments).ends(2);
    for part in [
        "suites/smoke.yaml:",
        "that `package pack` made",
        "`bench-01`",
        "`dfota-hil init`",
        "--rehearsal",
    ] {
        ran.complains(part);
    }
    for name in ["out", "reports", "moved-on", "moved-off"] {
        assert!(!lab.path(name).exists(), "`{name}` is there");
    }
}

/// Where the rig file says itself that a simulator is at the end of the wires, they are right.
#[test]
fn a_plan_with_the_lines_of_a_simulator_takes_them() {
    let lab = Lab::new();
    lab.write(
        "rig.yaml",
        "rig: by-hand\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: simulated, control: /nowhere}\n",
    );
    lab.run(&["plan", "suites/smoke.yaml", "--rig", "rig.yaml"])
        .ends(0);
}
