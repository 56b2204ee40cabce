//! `suites/smoke.yaml` on the Pi: the same cases with the same verdicts as on the simulated rig.

use crate::junit;
use crate::lab::Lab;
use crate::pi::board::{Board, Driver, Safe};
use dfota_core::event::Event;
use rstest::rstest;
use std::path::Path;
use std::time::Duration;

/// The suite takes a minute and a half on an idle machine.
const RUN: Duration = Duration::from_secs(300);
/// The run, and beside it the most memory that it ever had.
const SMOKE: &str = "\
dfota-hil run suites/smoke.yaml --rig rig.yaml --out out --state-dir state --seed 7 &
harness=$!
while grep VmHWM /proc/$harness/status >> memory; do sleep 1; done
wait $harness";
/// The most memory that a run may have, in KiB. All of the program is locked in memory.
const MEMORY: u64 = 40_000;

#[rstest]
#[case::gpiochip(Driver::GpioChip)]
#[case::rppal(Driver::Rppal)]
#[ignore = "`just pi` prepares its parts"]
fn smoke(#[case] driver: Driver) {
    let expected = on_the_simulated_rig();
    let board = Board::boot();
    board.rig(driver, Safe::Off);
    let ran = board.guest.run_within(RUN, SMOKE);
    println!("{}", ran.stdout);
    let run = board.fetch(driver.name());
    let ran = ran.ends(0);
    assert!(
        ran.stdout.contains("SIMULATED"),
        "its packages are those of a rehearsal: {}",
        ran.stdout
    );
    lateness(&run, driver);
    assert_eq!(cases(&run), expected, "as on the simulated rig");
    memory(&board, driver);
    assert_eq!(board.sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

/// What the kernel counted, as `VmHWM:     15416 kB`.
fn memory(board: &Board, driver: Driver) {
    let last = board.guest.run("tail -n 1 memory").ends(0).stdout;
    let most: u64 = last
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .unwrap_or_else(|| panic!("no line of the kernel: {last}"));
    println!(
        "figure: {}: the run had at most {most} KiB of memory",
        driver.name()
    );
    assert!(most <= MEMORY, "{most} KiB are more than {MEMORY}");
}

/// How late the cuts were, out of the journal: from the moment at which each was due until it was commanded, and until the
/// driver had carried it out.
fn lateness(run: &Path, driver: Driver) {
    let journal = dfota_record::journal::read(run, false).expect("a journal");
    for record in journal {
        if let Event::CutMade(made) = record.event {
            println!(
                "figure: {}: {}: commanded {} µs after it was due, carried out after {} µs",
                driver.name(),
                made.cut,
                made.commanded_late_ns() / 1000,
                made.done_late_ns() / 1000
            );
        }
    }
}

/// Name and verdict of each case.
fn cases(run: &Path) -> Vec<[String; 2]> {
    let junit = std::fs::read_to_string(run.join("junit.xml")).expect("a run has a junit.xml");
    let cases = junit::cases(&junit).into_iter();
    cases.map(|case| [case.name, case.verdict]).collect()
}

fn on_the_simulated_rig() -> Vec<[String; 2]> {
    let lab = Lab::new();
    lab.run(&[
        "run",
        "suites/smoke.yaml",
        "--rig",
        "rigs/sim.yaml",
        "--out",
        "out",
    ])
    .ends(0);
    cases(&lab.path("out"))
}
