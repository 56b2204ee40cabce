//! The contract of the lines' drivers, on the pins of the Pi.

use crate::board::Board;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

#[test]
#[ignore = "`just pi` prepares its parts"]
fn drivers() {
    let board = Board::boot();
    let ran = board.guest.run_within(
        LIMIT,
        "export DFOTA_HIL_TEST_GPIOCHIP=/dev/gpiochip0:17 DFOTA_HIL_TEST_RPPAL=17
lines --test-threads=1 --nocapture gpiochip rppal",
    );
    println!("{}", ran.stdout);
    let ran = ran.ends(0);
    assert!(
        !ran.stdout.contains("skipped:"),
        "a test did not run: {}",
        ran.stdout
    );
    let edges = board.pins.edges("power").len();
    assert!(edges > 10, "the pin moved {edges} times, as seen from outside");
}
