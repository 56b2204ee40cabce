//! kill -9 of the harness in the middle of an update: the supply is seen from outside, at the pin.

use crate::pi::board::{Board, Driver, Safe};
use crate::pi::pins::{Edge, MARK, MARK_PIN};
use crate::process::wait_until;
use rstest::rstest;
use std::time::{Duration, Instant};

/// From the kill to a supply that is safe. Just before it the guest raises a pin, which is seen as the supply is.
/// A guard that waited for the next look of a second, or for a time-out, would be later. How fast it is otherwise is a figure.
const SAFE_WITHIN: Duration = Duration::from_millis(500);
/// How often it may take longer, and how long at most: an emulated processor is slow, and waits for its turn on this machine.
const TRIES: usize = 5;
const LATEST: Duration = Duration::from_secs(2);
/// How long the pin is watched afterwards.
const WATCHED: Duration = Duration::from_secs(3);

#[rstest]
#[case::gpiochip(Driver::GpioChip)]
#[case::rppal(Driver::Rppal)]
#[ignore = "`just pi` prepares its parts"]
fn killed(#[case] driver: Driver) {
    let board = Board::boot();
    let in_time = (0..TRIES).any(|_| off_after_kill(&board, driver) <= SAFE_WITHIN);
    assert!(
        in_time,
        "after {TRIES} kills the supply was never off within {SAFE_WITHIN:?}"
    );

    // The next run takes the lines over. Its supply is to stay on: the kernel alone would let go of the pin.
    let (_, edges) = kill(&board, driver, Safe::On);
    assert!(edges.is_empty(), "the supply was to stay as it is: {edges:?}");
    assert!(board.pins.last("power").level.high);
}

/// How long after the kill of a run the supply went off.
fn off_after_kill(board: &Board, driver: Driver) -> Duration {
    let (killed, edges) = kill(board, driver, Safe::Off);
    let [off] = edges[..] else {
        panic!("one edge at the supply was expected: {edges:?}")
    };
    let took = off.at - killed;
    println!(
        "figure: {}: the supply was safe {took:.1?} after the kill",
        driver.name()
    );
    assert!(took <= LATEST, "the supply went off after {took:?}");
    assert_eq!(board.sim.state(), "ok power=off module=off reset=off pwrkey=off");
    took
}

/// Starts a run and kills it in the middle of an update. When that was, and what the supply did from then on.
fn kill(board: &Board, driver: Driver, safe: Safe) -> (Instant, Vec<Edge>) {
    board.rig(driver, safe);
    let (guest, pins) = (&board.guest, &board.pins);
    guest
        .run(
            "rm -rf out
dfota-hil run suites/smoke.yaml --filter 'clean-update[via=uart]' --rig rig.yaml --out out --state-dir state >log 2>&1 &
echo $! > pid",
        )
        .ends(0);
    // One that was ordered: a module that was killed before ends its old update while the supply is still cycled.
    wait_until("an update in the guest", || {
        let ordered = r#"sed -n '/"what":"order"/,$p' out/events.jsonl | grep -q UPDATING"#;
        guest.run(ordered).code == Some(0)
    });
    let mut shell = guest.shell(&format!(
        "harness=$(cat pid)
for chip in /sys/class/gpio/gpiochip*; do grep -q pinctrl $chip/label && pin=$(($(cat $chip/base) + {MARK_PIN})); done
mark=/sys/class/gpio/gpio$pin
[ -e $mark ] || echo $pin > /sys/class/gpio/export
echo low > $mark/direction
echo aimed
read -r _
echo 1 > $mark/value; kill -9 $harness; echo killed
"
    ));
    assert_eq!(shell.line(), "aimed");
    assert!(pins.last("power").level.high, "an update without supply");
    let before = pins.edges("power").len();
    shell.tell("now");
    assert_eq!(shell.line(), "killed");
    std::thread::sleep(WATCHED);
    let killed = pins.last(MARK);
    assert!(killed.level.high, "the kill was marked: {killed:?}");
    (killed.at, pins.edges("power").split_off(before))
}
