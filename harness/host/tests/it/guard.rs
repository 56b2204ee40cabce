//! The guard process and what it is told, without a harness: descriptors go through a real guard, and the stand-in for a
//! GPIO line is a pipe, whose end shows when the last descriptor of it is closed.

use dfota_core::event::Line;
use dfota_hil::bench::guard::{Guard, HandedOver, SafeState};
use dfota_hil::bench::lease::Lease;
use dfota_hil::bench::wires::Wires;
use dfota_hil::config::rig::{Driver, Link, Rig};
use dfota_hil::state::{StateDir, StateFlag};
use rstest::rstest;
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dfota-hil");
const LIMIT: Duration = Duration::from_secs(60);
const PIN: &str = "rig: pins\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: gpiochip, chip: /dev/gpiochip0, line: 17}\n";

/// A rig file and a state folder of its own, whose path is longer than an address of a socket can be.
struct Shelf {
    folder: tempfile::TempDir,
    rig: Rig,
}

impl Shelf {
    fn new(rig: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rig.yaml");
        std::fs::write(&file, rig).expect("a file");
        let rig = Rig::load(&file)
            .map_err(|error| error.render(false))
            .expect("a rig");
        Self { folder, rig }
    }

    fn lease(&self) -> Lease {
        let state_dir = Some(self.folder.path().join("state".repeat(30)));
        let dir = StateDir::find(&StateFlag { state_dir }).expect("a folder");
        Lease::take(&self.rig, &dir, "test").expect("a lease")
    }
}

/// A guard that keeps the writing end of a pipe as the supply of the rig.
fn on_a_pipe(shelf: &Shelf, lease: &Lease) -> (Guard, PipeReader) {
    let Link::Bench(bench) = &shelf.rig.link else {
        panic!("a rig with wires")
    };
    let (level, line) = std::io::pipe().expect("a pipe");
    let mut safe_state = SafeState::new(&shelf.rig, bench, lease.folder());
    safe_state.lines[0].descriptor = true;
    let guard = Guard::start(Path::new(PROGRAM), &safe_state, &[lease.locks()[0], line.as_fd()]);
    (guard.expect("a guard"), level)
}

fn supply(rig: &Rig) -> &Driver {
    match &rig.link {
        Link::Bench(bench) => &bench.power.driver,
        Link::Simulated(_) => panic!("a rig with wires"),
    }
}

/// The process whose log is in this folder.
fn guard_of(folder: &Path) -> rustix::process::Pid {
    let log = folder.join("guard.log").canonicalize().expect("a log");
    let entries = std::fs::read_dir("/proc")
        .expect("this machine has /proc")
        .flatten();
    let mut found = entries.filter_map(|entry| {
        let said = std::fs::read_link(entry.path().join("fd/2")).ok()?;
        (said == log).then(|| entry.file_name().to_str()?.parse().ok())?
    });
    let pid = found.next().expect("a guard");
    rustix::process::Pid::from_raw(pid).expect("a number of a process")
}

/// A level that ends with its last descriptor outlives the harness, however that ends, until its next owner has it.
#[rstest]
#[case::told_to_leave(true)]
#[case::harness_died(false)]
fn a_line_is_held_and_handed_over(#[case] left: bool) {
    let shelf = Shelf::new(PIN);
    let lease = shelf.lease();
    let (guard, mut level) = on_a_pipe(&shelf, &lease);
    assert!(guard.is_there());
    if left {
        guard.leave();
    }
    drop((guard, lease));

    // It is waited for: a pipe cannot be driven as a GPIO line, which takes the guard some attempts.
    let lease = shelf.lease();
    let ask = || {
        HandedOver::ask(lease.folder())
            .expect("an answer")
            .expect("lines")
    };
    // An owner that dies before a guard of its own holds the line changes nothing.
    drop(ask());
    let mut held = ask();
    let other = Driver::Rppal {
        pin: 17,
        active_high: true,
    };
    assert!(held.take(&other).is_none() && !held.is_empty());
    let line = held.take(supply(&shelf.rig)).expect("the line");
    assert!(held.is_empty());
    held.release().expect("the guard can be told");
    let mut line = File::from(line);
    line.write_all(b"on").expect("the line is moved");
    drop(line);
    // This is the end of the last descriptor: the guard has let go of it.
    let mut seen = String::new();
    level.read_to_string(&mut seen).expect("a level");
    assert_eq!(seen, "on");
    assert!(HandedOver::ask(lease.folder()).expect("an answer").is_none());
}

/// A guard that only holds lines is in nobody's way: SIGTERM ends it, as at a shutdown.
#[test]
fn a_guard_that_holds_can_be_ended() {
    let shelf = Shelf::new(PIN);
    let lease = shelf.lease();
    let (guard, mut level) = on_a_pipe(&shelf, &lease);
    guard.leave();
    drop(lease);
    let lease = shelf.lease();
    let pid = guard_of(lease.folder());
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
    let mut seen = String::new();
    level.read_to_string(&mut seen).expect("a level");
    assert_eq!(seen, "", "the line was let go of");
    assert!(HandedOver::ask(lease.folder()).expect("an answer").is_none());
}

/// Destructors run in a panic: the harness itself makes the rig safe, and tells the guard to leave.
#[test]
fn a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let moves = folder.path().join("moves");
    let program = |to: &str| format!("[sh, -c, {:?}]", format!("echo {to} >> {}", moves.display()));
    let (on, off) = (program("on"), program("off"));
    let shelf = Shelf::new(&format!(
        "rig: programs\nmodule: bc66\nserial: {{port: /dev/null}}\npower: {{driver: command, on: {on}, off: {off}}}\n"
    ));
    let lease = shelf.lease();
    let state = lease.folder().to_owned();
    let rig = shelf.rig.clone();
    let thread = std::thread::spawn(move || {
        let wires = Wires::connect(&rig, Path::new(PROGRAM), None, Some(&lease)).expect("the lines");
        wires.lines.set(Line::Power, true).expect("a supply");
        panic!("as a mistake of this program would");
    });
    thread.join().expect_err("it panics");
    assert_eq!(std::fs::read_to_string(&moves).expect("moves"), "on\noff\n");
    assert!(!state.join("owner.json").exists(), "the lease was given back");
    let deadline = Instant::now() + LIMIT;
    while File::open(state.join("lease"))
        .expect("a lock")
        .try_lock()
        .is_err()
    {
        assert!(
            Instant::now() < deadline,
            "waited {LIMIT:?} for the end of the guard"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(
        std::fs::read_to_string(&moves).expect("moves"),
        "on\noff\n",
        "the guard had nothing to do"
    );
}
