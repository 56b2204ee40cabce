//! The sense line and the isolation of the UART, on a rig with wires to a simulator that was started by hand.

use crate::lab::Lab;
use crate::process::wait_until;
use crate::sim::Sim;

const CUT: &str = "\
limits: {boot: 2s, settle: 500ms, resume: 2s, update: 30s}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 50%, off: 100ms}
";

/// A rig with a sense line; `isolate` writes down what the simulator's supply was when it moved.
fn rig(lab: &Lab, sim: &Sim, power: &str) {
    sim.rig(lab, "lines.yaml");
    let control = sim.control.display();
    let note = |word: &str| format!("[sh, -c, \"echo {word} >> {}\"]", lab.path("isolated").display());
    let rig = format!(
        "rig: sensed
module: bc66
serial: {{port: {}, latency: 0ms}}
power: {{{power}, discharge: 60ms}}
pwrkey: {{driver: simulated, control: {control}, hold: 20ms}}
sense: {{driver: simulated, control: {control}}}
isolate: {{driver: command, on: {}, off: {}}}
",
        sim.pty.display(),
        note("isolated"),
        note("connected")
    );
    lab.write("rig.yaml", rig);
}

#[test]
fn a_cut_is_confirmed_and_the_uart_follows_the_supply() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(
        &lab,
        &sim,
        &format!("driver: simulated, control: {}", sim.control.display()),
    );
    lab.rehearsal(CUT);
    lab.run(&lab.arguments(&[])).ends(0);
    assert_eq!(lab.verdicts("out"), ["forced-resume pass -"]);
    let events = lab.events("out");
    let made = events.iter().find(|event| event["event"] == "cut-made");
    let made = made.expect("a cut");
    let ns = |name: &str| made[name].as_u64().expect("nanoseconds");
    let confirmed = &made["confirmed"];
    let seen = |name: &str| confirmed[name].as_u64().expect("nanoseconds");
    assert!(seen("at_ns") >= ns("commanded_ns"), "{made}");
    assert!(
        seen("at_ns") - seen("within_ns") <= ns("returned_ns"),
        "the simulator answers when the module is dead: {made}"
    );
    let transcript = lab.read("out/transcripts/lab.forced-resume.log");
    assert!(
        transcript.contains(", confirmed by the sense line after "),
        "{transcript}"
    );
    let page = lab.read("out/report.html");
    assert!(page.contains("the sense line showed it "), "not on the page");
    // Connected while supplied, isolated at the end.
    let moves = lab.read("isolated");
    let moves: Vec<&str> = moves.lines().collect();
    assert!(moves.contains(&"connected"), "{moves:?}");
    assert_eq!(moves.last(), Some(&"isolated"));
}

#[test]
fn a_supply_that_never_goes_is_told_by_the_sense_line() {
    let lab = Lab::new();
    // Nothing is behind the switch, and the module idles without a word.
    let sim = Sim::start(&lab, &["--speed", "50", "--powered"]);
    wait_until("a module that runs", || sim.state().contains("module=running"));
    rig(&lab, &sim, "driver: command, on: [\"true\"], off: [\"true\"]");
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    assert!(
        ran.stdout
            .contains("the sense line still shows a supply although it was switched off"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_supply_that_never_comes_is_the_rigs_fault() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(&lab, &sim, "driver: command, on: [\"true\"], off: [\"true\"]");
    lab.rehearsal(CUT);
    let ran = lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(lab.verdicts("out"), ["forced-resume error rig-broken"]);
    assert!(
        ran.stdout
            .contains("boot: the module does not boot, and the sense line shows no supply"),
        "{}",
        ran.stdout
    );
}

/// A module that a cut has killed shows its supply, and is to blame.
#[test]
fn a_dead_module_with_a_supply_is_unresponsive() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50", "--defect", "dead-after-cut"]);
    rig(
        &lab,
        &sim,
        &format!("driver: simulated, control: {}", sim.control.display()),
    );
    lab.rehearsal(CUT);
    lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(lab.verdicts("out"), ["forced-resume fail unresponsive"]);
}

/// The switch does nothing from the cut on.
#[test]
fn a_supply_that_does_not_come_back_after_a_cut() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "lines.yaml");
    let program = crate::lab::PROGRAM;
    let on = format!("[ -e cut ] || {program} power lines.yaml on");
    let off = format!(
        "grep -q UPD[A]TING out/events.jsonl 2>/dev/null && touch cut; {program} power lines.yaml off"
    );
    rig(
        &lab,
        &sim,
        &format!("driver: command, on: [sh, -c, {on:?}], off: [sh, -c, {off:?}]"),
    );
    lab.rehearsal(CUT);
    lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(lab.verdicts("out"), ["forced-resume error no-supply"]);
}
