//! However the harness ends, the rig becomes safe and stays so: it is killed at many moments, with each way of moving lines.

use crate::lab::{Lab, PROGRAM, heard};
use crate::process::{Process, Running, Signal, all_end, wait_until};
use crate::sim::Sim;
use dfota_core::seed::Seed;
use rstest::rstest;
use std::path::Path;
use std::time::{Duration, Instant};

const OFF: &str = "ok power=off module=off reset=off pwrkey=off";

/// From any version of the module on, and a module that is supplied most of the time.
const CUTS: &str = "\
limits: {boot: 10s, settle: 500ms, resume: 10s, update: 30s}
cases:
  - name: there
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, off: 100ms}
  - name: back
    update: {package: b-to-a, via: uart}
    cut: {at: updating 20%, off: 100ms}
";

/// How long a run is left alone at most, from its start or from its first supply on: until its first case is about over.
const LATEST: Duration = Duration::from_millis(2000);

/// What moves the supply of a rig.
#[derive(Debug, Clone, Copy)]
enum Moved {
    Directly,
    ByPrograms,
}

impl Moved {
    fn write(self, lab: &Lab, sim: &Sim) {
        match self {
            Self::Directly => sim.rig(lab, "rig.yaml"),
            Self::ByPrograms => by_programs(lab, sim, ["on", "off"].map(|to| program(to, "0.05"))),
        }
    }
}

/// A program that moves the supply of `lines.yaml` after `seconds`.
fn program(to: &str, seconds: &str) -> String {
    let script = format!("echo {to} >> moves; sleep {seconds}; exec {PROGRAM} power lines.yaml {to}");
    format!("[sh, -c, {script:?}]")
}

/// Writes `rig.yaml`: a module whose supply is moved by programs.
fn by_programs(lab: &Lab, sim: &Sim, [on, off]: [String; 2]) {
    sim.rig(lab, "lines.yaml");
    let pty = sim.pty.display();
    let text = format!(
        "rig: programs\nmodule: bc66\nserial: {{port: {pty}, latency: 0ms}}\npower: {{driver: command, on: {on}, off: {off}, discharge: 60ms}}\n"
    );
    lab.write("rig.yaml", text);
}

/// Whatever was started in this laboratory, but for the simulator.
fn started(lab: &Lab, sim: &Sim) -> Vec<Process> {
    let own = sim.running.descendants();
    let mut started = Process::with_variable("TMPDIR", &lab.path("tmp"));
    started.retain(|process| process.pid != sim.running.pid() && !own.contains(process));
    started.retain(|process| !process.args().iter().any(|word| word == "sim"));
    started
}

/// The guard of the one run in this laboratory.
fn guard(lab: &Lab) -> Process {
    let of_lab = Process::with_variable("TMPDIR", &lab.path("tmp"));
    let mut guards = of_lab.into_iter().filter(|process| process.args() == ["guard"]);
    guards.next().expect("a guard")
}

/// Waits until nobody is left who could move a line.
#[track_caller]
fn nobody_is_left(lab: &Lab, sim: &Sim) {
    wait_until("the end of guard and programs", || started(lab, sim).is_empty());
}

/// Kills a harness, and waits until it is dead: until then the rig is its own.
fn killed(running: Running) {
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed, not ended");
}

/// What became of one kill: whether the module was supplied, and how long it was so afterwards.
struct Killed {
    supplied: bool,
    took: Duration,
}

fn kill(lab: &Lab, sim: &Sim, n: u64) -> Killed {
    let out = format!("out{n}");
    let args = [
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        &out,
        "--seed",
        "7",
    ];
    let running = lab.start(&args);
    if !n.is_multiple_of(5) {
        wait_until("a supply", || sim.state().starts_with("ok power=on"));
    }
    std::thread::sleep(Seed(n).duration("kill", Duration::ZERO, LATEST));
    let supplied = sim.state().contains("power=on");
    let at = Instant::now();
    running.signal(Signal::KILL);
    wait_until("a safe rig", || sim.state() == OFF);
    let took = at.elapsed();
    assert_eq!(running.end().code, None, "killed, not ended");
    nobody_is_left(lab, sim);
    assert_eq!(sim.state(), OFF, "and it stays so, after moment {n}");
    Killed { supplied, took }
}

/// Fifty moments in all, in some laboratories at a time: a run mostly waits.
#[rstest]
#[case::directly(Moved::Directly, 0..40)]
#[case::by_programs(Moved::ByPrograms, 40..50)]
fn killed_at_any_moment(#[case] moved: Moved, #[case] moments: std::ops::Range<u64>) {
    const AT_A_TIME: usize = 8;
    let moments: Vec<u64> = moments.collect();
    let share = |moments: &[u64]| {
        let lab = Lab::new();
        let sim = Sim::start(&lab, &["--speed", "400"]);
        moved.write(&lab, &sim);
        lab.rehearsal(CUTS);
        moments.iter().map(|n| kill(&lab, &sim, *n)).collect::<Vec<_>>()
    };
    let killed: Vec<Killed> = std::thread::scope(|scope| {
        let shares = moments.chunks(moments.len().div_ceil(AT_A_TIME));
        let threads: Vec<_> = shares.map(|part| scope.spawn(move || share(part))).collect();
        let ended = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a sound share"));
        ended.collect()
    });
    let mut took: Vec<Duration> = killed
        .iter()
        .filter(|killed| killed.supplied)
        .map(|killed| killed.took)
        .collect();
    took.sort();
    println!(
        "{} of {} were supplied, and were not after {took:?}",
        took.len(),
        killed.len()
    );
    assert!(
        took.len() * 5 >= killed.len(),
        "the moments meet a supplied module"
    );
    // A busy machine delays many of them. A guard that waits for anything would be late each time.
    if matches!(moved, Moved::Directly) {
        assert!(took[took.len() / 4] < Duration::from_millis(100), "{took:?}");
    }
}

/// A run whose module is UPDATING.
fn updating() -> (Lab, Sim, Running) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.rehearsal(CUTS);
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    (lab, sim, running)
}

/// Ways to die in which no destructor runs: a kill, an abort as without memory, a fault.
#[rstest]
#[case(Signal::KILL)]
#[case(Signal::ABORT)]
#[case(Signal::ILL)]
fn died_in_the_middle_of_an_update(#[case] signal: Signal) {
    let (lab, sim, running) = updating();
    running.signal(signal);
    assert_eq!(running.end().code, None);
    nobody_is_left(&lab, &sim);
    assert_eq!(sim.state(), OFF);
}

/// Signals that end everything at once come to the guard too, and before the harness has ended.
#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
fn the_guard_heeds_no_signal(#[case] signal: Signal) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.rehearsal(CUTS);
    let running = lab.start(&lab.arguments(&[]));
    wait_until("a module that runs", || sim.state().contains("module=running"));
    let guard = guard(&lab);
    guard.signal(signal);
    assert!(guard.is_alive());
    running.signal(Signal::KILL);
    nobody_is_left(&lab, &sim);
    assert_eq!(sim.state(), OFF);
}

/// The supply is to be left on: it returns when the harness dies while it is cut.
#[test]
fn a_rig_that_is_safe_when_supplied() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    let rig = lab.read("rig.yaml");
    lab.write(
        "rig.yaml",
        rig.replace("discharge: 60ms", "discharge: 60ms, safe: on"),
    );
    lab.rehearsal(&CUTS.replace("off: 100ms", "off: 1h"));
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    wait_until("the cut", || sim.state().starts_with("ok power=off"));
    running.signal(Signal::KILL);
    wait_until("a supply", || sim.state().starts_with("ok power=on"));
    nobody_is_left(&lab, &sim);
    assert!(sim.state().starts_with("ok power=on"), "{}", sim.state());
}

/// A program that moves the supply outlives the harness that has started it, and what it does comes after what the guard
/// does first.
#[rstest]
#[case::cut("safe: on", "off", "on")]
#[case::supplied("safe: off", "on", "off")]
fn killed_while_a_program_moves_the_supply(#[case] safe: &str, #[case] slow: &str, #[case] level: &str) {
    let lab = Lab::new();
    let write = |to: &str| {
        let script = if to == slow {
            format!(
                "echo begun >> moves; until grep -qx {level} moves; do sleep 0.01; done; echo {to} >> moves"
            )
        } else {
            format!("echo {to} >> moves; until grep -qx {slow} moves; do sleep 0.01; done")
        };
        format!("[sh, -c, {script:?}]")
    };
    let (on, off) = (write("on"), write("off"));
    lab.write(
        "rig.yaml",
        format!("rig: slow\nmodule: bc66\nserial: {{port: /dev/null}}\npower: {{driver: command, on: {on}, off: {off}, {safe}}}\n"),
    );
    let moves = || std::fs::read_to_string(lab.path("moves")).unwrap_or_default();
    let running = lab.start(&["power", "rig.yaml", slow]);
    wait_until("a program in the middle of its move", || moves() == "begun\n");
    killed(running);
    // Its next owner waits for the guard.
    let ran = lab.run(&["power", "rig.yaml", "safe"]).ends(0);
    assert!(
        ran.stderr
            .contains("its guard has brought the lines to their safe state"),
        "{}",
        ran.stderr
    );
    assert_eq!(moves(), format!("begun\n{level}\n{slow}\n{level}\n{level}\n"));
}

/// The UART is isolated behind the supply, and as long as that is off.
#[test]
fn every_line_of_the_rig() {
    let lab = Lab::new();
    let program = |script: &str| format!("[sh, -c, {script:?}]");
    let write = |line: &str| program(&format!("echo {line} >> moves"));
    lab.write(
        "rig.yaml",
        format!(
            "rig: all
module: bc66
serial: {{port: /dev/null}}
power: {{driver: command, on: {}, off: {}}}
isolate: {{driver: command, on: {}, off: {}}}
",
            program("echo begun >> moves; until grep -q isolate moves; do sleep 0.01; done"),
            write("power off"),
            write("isolate on"),
            write("isolate off"),
        ),
    );
    let running = lab.start(&["power", "rig.yaml", "on"]);
    let moves = || std::fs::read_to_string(lab.path("moves")).unwrap_or_default();
    wait_until("a program in the middle of its move", || moves() == "begun\n");
    killed(running);
    // The guard twice, and then this.
    lab.run(&["power", "rig.yaml", "safe"]).ends(0);
    assert_eq!(moves(), format!("begun\n{}", "power off\nisolate on\n".repeat(3)));
}

/// A cut by a program takes its time, and the harness dies in it.
#[test]
fn killed_in_the_middle_of_a_cut() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    by_programs(&lab, &sim, [program("on", "0"), program("off", "0.3")]);
    lab.rehearsal(CUTS);
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    wait_until("a program that is about to take the supply away", || {
        lab.read("moves").ends_with("off\n") && sim.state().starts_with("ok power=on")
    });
    running.signal(Signal::KILL);
    nobody_is_left(&lab, &sim);
    assert_eq!(sim.state(), OFF);
}

/// What cannot be made safe is not called so.
#[test]
fn a_supply_that_does_not_obey_the_guard() {
    let lab = Lab::new();
    lab.write(
        "rig.yaml",
        "rig: welded\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: command, on: [sh, -c, \"touch begun; sleep 0.2\"], off: [sh, -c, \"echo no relay >&2; exit 4\"]}\n",
    );
    let running = lab.start(&["power", "rig.yaml", "on"]);
    wait_until("the program", || lab.path("begun").exists());
    killed(running);
    let ran = lab.run(&["power", "rig.yaml", "on"]).ends(0);
    let told = "its guard could not bring the lines to their safe state: power could not be switched off: ";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(ran.stderr.contains("it said: no relay"), "{}", ran.stderr);
}

/// Without the guard nobody would take the supply away, so it is not given any more.
#[test]
fn a_guard_that_is_killed() {
    let (lab, sim, running) = updating();
    guard(&lab).signal(Signal::KILL);
    let ran = running.end().ends(3);
    assert_eq!(
        lab.verdicts("out"),
        ["there error line-failed", "back error rig-broken"]
    );
    assert!(
        ran.stdout.contains("the guard process of this rig has ended"),
        "{}",
        ran.stdout
    );
    assert_eq!(sim.state(), OFF);
}

/// It keeps nothing of the harness: no output that somebody reads to its end, and no key.
#[test]
fn the_guard_keeps_nothing_open() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.rehearsal(CUTS);
    let key = "DFOTA_HIL_SIGNING_KEY";
    let mut command = lab.command(&lab.arguments(&[]));
    let running = Running::start(command.env(key, "secret"));
    wait_until("a module that runs", || sim.state().contains("module=running"));
    let guard = guard(&lab);
    let link = |fd: u32| std::fs::read_link(format!("/proc/{}/fd/{fd}", guard.pid)).expect("a descriptor");
    assert_eq!(link(1), Path::new("/dev/null"));
    assert_eq!(link(2).file_name(), Some("guard.log".as_ref()));
    let environ = std::fs::read(format!("/proc/{}/environ", guard.pid)).expect("an environment");
    assert!(!String::from_utf8_lossy(&environ).contains(key));
    let own = std::fs::read_link(format!("/proc/{}/exe", guard.pid)).expect("a program");
    assert_eq!(own, Path::new(PROGRAM));
    running.signal(Signal::INT);
    running.end().ends(130);
    all_end(&[guard]);
    assert_eq!(sim.state(), OFF);
}

#[test]
fn nobody_types_guard() {
    let lab = Lab::new();
    let ran = lab.run(&["guard"]).ends(2);
    assert!(
        ran.stderr
            .starts_with("error: `guard` is not for use by hand, other commands start it: "),
        "{}",
        ran.stderr
    );
}
