//! One owner at a time: a rig that is in use is not touched by anybody else, and a dead owner is not in the way.

use crate::lab::{Lab, PROGRAM, heard};
use crate::process::{Process, Running, Signal, wait_until};
use crate::sim::Sim;
use rstest::rstest;
use std::path::Path;

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
    // A copy of the file has the same wires.
    lab.write("other.yaml", lab.read("rig.yaml"));
    let ran = lab.run(&["power", "other.yaml", "reset"]).ends(3);
    assert!(ran.stderr.starts_with(&owner), "{}", ran.stderr);
    let control = format!(
        "which names the control socket `{}` as well",
        sim.control.display()
    );
    ran.complains(&control);
    running.signal(Signal::INT);
    running.end().ends(130);
    let ran = lab.run(&["power", "rig.yaml", "off"]).ends(0);
    assert_eq!(ran.stderr, "", "it was given back");
}

/// Writes `rig.yaml`: the module of `sim` on its pty, its supply switched by a program that writes down each move.
fn relay(lab: &Lab, sim: &Sim) {
    sim.rig(lab, "lines.yaml");
    lab.write(
        "lines.yaml",
        lab.read("lines.yaml").replace("hold: 20ms", "hold: 80ms"),
    );
    let program = |to: &str| {
        let script = format!("echo {to} >> moves; exec {PROGRAM} power lines.yaml {to}");
        format!("[sh, -c, {script:?}]")
    };
    let text = format!(
        "rig: relay\nmodule: bc66\nserial: {{port: {}, latency: 0ms}}\npower: {{driver: command, on: {}, off: {}, discharge: 60ms}}\n",
        sim.pty.display(),
        program("on"),
        program("off")
    );
    lab.write("rig.yaml", text);
}

/// The relay is the machine's: neither another state folder, nor a copy of the file, nor another name of the port moves it in
/// the middle of a run.
#[test]
fn the_hardware_is_the_machines() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "10"]);
    relay(&lab, &sim);
    lab.write("copy.yaml", lab.read("rig.yaml"));
    std::os::unix::fs::symlink(&sim.pty, lab.path("by-id")).expect("a link");
    let linked = lab
        .read("rig.yaml")
        .replace(&sim.pty.display().to_string(), "by-id")
        .replace("rig: relay", "rig: linked");
    lab.write("linked.yaml", linked);
    lab.rehearsal(UPDATE);
    let running = lab.start(&lab.arguments(&["--state-dir", "one"]));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    let moves = lab.read("moves");
    let port = format!("the serial port `{}`", sim.pty.display());
    for (file, name, part) in [
        ("rig.yaml", "relay", "rig.yaml`\n"),
        ("copy.yaml", "relay", port.as_str()),
        (
            "linked.yaml",
            "linked",
            "which names the serial port `by-id` as well",
        ),
    ] {
        let ran = lab.run(&["power", file, "cycle", "--state-dir", "two"]).ends(3);
        let owner = format!(
            "error: rig `{name}` is in use by `run` (pid {}, run `out`, since ",
            running.pid()
        );
        assert!(ran.stderr.starts_with(&owner), "{file}: {}", ran.stderr);
        let whose = format!("with the rig file `{}`", canonical(&lab, "rig.yaml"));
        ran.complains(&whose).complains(part).complains("it is of user `");
    }
    assert_eq!(lab.read("moves"), moves, "nothing was moved");
    assert!(sim.state().starts_with("ok power=on"), "{}", sim.state());
    running.signal(Signal::INT);
    running.end().ends(130);
    lab.run(&["power", "copy.yaml", "cycle", "--state-dir", "two"])
        .ends(0);
    assert!(lab.read("moves").ends_with("off\non\n"), "{}", lab.read("moves"));
}

fn canonical(lab: &Lab, name: &str) -> String {
    let path = lab.path(name).canonicalize().expect("a file");
    path.display().to_string()
}

/// A dead owner's guard comes first, whoever asks from where: no move of the next one falls between two of the guard's.
#[test]
fn the_hardware_of_a_dead_owner() {
    let lab = Lab::new();
    let program = |to: &str, does: &str| format!("[sh, -c, \"echo {to} >> moves; {does}\"]");
    let slow = program("on", "until test -e go; do sleep 0.01; done");
    let text = format!(
        "rig: slow\nmodule: bc66\nserial: {{port: /dev/null}}\npower: {{driver: command, on: {slow}, off: {}}}\n",
        program("off", "sleep 0.3; echo done >> moves")
    );
    lab.write("rig.yaml", text);
    let running = lab.start(&["power", "rig.yaml", "on", "--state-dir", "one"]);
    wait_until("a program that moves the supply", || lab.path("moves").exists());
    let pid = running.pid();
    running.signal(Signal::KILL);
    wait_until("its death", || Process::of(pid).is_none());
    lab.write("go", "");
    lab.run(&["power", "rig.yaml", "on", "--state-dir", "two"])
        .ends(0);
    let moves = lab.read("moves");
    let last = moves.rfind("done\n").expect("the guard's last move");
    assert_eq!(&moves[last..], "done\non\n", "{moves}");
    assert!(moves.matches("off\ndone\n").count() >= 1, "{moves}");
    drop(running);
}

/// Another user, with a state folder of their own, is told whose the rig is.
#[test]
fn another_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may be another user");
        return;
    }
    let lab = Lab::new();
    let open = |path: &Path, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("a folder of ours");
    };
    open(&lab.path("."), 0o755);
    std::fs::create_dir(lab.path("theirs")).expect("a folder");
    open(&lab.path("theirs"), 0o777);
    let program = lab.path("program");
    std::fs::copy(PROGRAM, &program).expect("a copy that everybody may start");
    lab.write(
        "rig.yaml",
        "rig: shared\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: command, on: [sh, -c, \"echo on >> moves; until test -e go; do sleep 0.01; done\"], off: [sh, -c, \"echo off >> moves\"]}\n",
    );
    let owner = lab.start(&["power", "rig.yaml", "on"]);
    wait_until("a program that moves the supply", || lab.path("moves").exists());
    let mut command = std::process::Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["power", "rig.yaml", "cycle", "--state-dir", "theirs"])
        .current_dir(lab.path("."));
    let ran = Running::start(&mut command).end().ends(3);
    let told = format!(
        "error: rig `shared` is in use by `power` (pid {}, since ",
        owner.pid()
    );
    assert!(ran.stderr.starts_with(&told), "{}", ran.stderr);
    ran.complains("; it is of user `root`, with the rig file `");
    lab.write("go", "");
    owner.end().ends(0);
    assert_eq!(lab.read("moves"), "on\n");
}

/// Whoever has the rig and does not answer, as a process that was stopped, keeps it; others wait, and say for what.
#[test]
fn an_owner_that_does_not_answer() {
    let lab = Lab::new();
    let program = "[sh, -c, \"echo move >> moves; until test -e go; do sleep 0.01; done\"]";
    lab.write(
        "rig.yaml",
        format!("rig: stopped\nmodule: bc66\nserial: {{port: /dev/null}}\npower: {{driver: command, on: {program}, off: {program}}}\n"),
    );
    let owner = lab.start(&["power", "rig.yaml", "on", "--state-dir", "one"]);
    wait_until("a program that moves the supply", || lab.path("moves").exists());
    owner.signal(Signal::STOP);
    let mut other = lab.start(&["power", "rig.yaml", "off", "--state-dir", "two"]);
    other.await_stderr("waiting for rig `stopped`: its file is still held, by the guard");
    assert_eq!(lab.read("moves"), "move\n");
    owner.signal(Signal::CONT);
    other.end().ends(3);
    lab.write("go", "");
    owner.end().ends(0);
    assert_eq!(lab.read("moves"), "move\n");
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
