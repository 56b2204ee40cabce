//! The sense line, where an input of the machine is moved from outside: the driver's contract, and a cut that it confirms.

use crate::pi::board::Board;
use crate::pi::pl061::LOOP;
use dfota_core::event::Event;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);
/// One case with a cut.
const RUN: &str = "\
rm -rf out
dfota-hil run suites/smoke.yaml --filter 'forced-resume[via=uart]' --rig rig.yaml --out out --state-dir state --seed 7";

#[test]
#[ignore = "`just pi` prepares its parts"]
fn inputs() {
    let board = Board::with_inputs();
    let (output, input) = LOOP;
    board.keeps_contract(
        &format!("DFOTA_HIL_TEST_GPIOCHIP_LOOP=/dev/gpiochip0:{output}:{input}"),
        "sense:: --skip rppal --skip simulated",
    );
}

#[test]
#[ignore = "`just pi` prepares its parts"]
fn confirmed() {
    let board = Board::with_inputs();
    board.rig("high");
    let ran = board.guest.run_within(LIMIT, RUN);
    println!("{}", ran.stdout);
    let run = board.fetch("sense");
    ran.ends(0);
    let journal = dfota_record::journal::read(&run, false).expect("a journal");
    let cuts: Vec<Duration> = journal
        .into_iter()
        .filter_map(|record| after(&record.event))
        .collect();
    println!("figure: sense: VDD_EXT fell {cuts:.1?} after the cuts were commanded");
    assert!(!cuts.is_empty(), "no cut was made");

    // The same line, taken for one behind a transistor that inverts.
    board.rig("low");
    let check = board
        .guest
        .run_within(LIMIT, "dfota-hil check rig.yaml --state-dir state");
    check
        .ends(3)
        .says("the sense line still shows a supply although it was switched off");
}

/// How long after a cut was commanded the sense line confirmed it.
fn after(event: &Event) -> Option<Duration> {
    let Event::CutMade(made) = event else {
        return None;
    };
    let seen = made
        .confirmed
        .unwrap_or_else(|| panic!("a cut that was not confirmed: {event:?}"));
    let after = seen.at_ns.checked_sub(made.commanded_ns);
    let after =
        Duration::from_nanos(after.unwrap_or_else(|| panic!("confirmed before it was made: {event:?}")));
    Some(after)
}
