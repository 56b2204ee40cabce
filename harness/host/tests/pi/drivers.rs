//! The contract of the lines' drivers, on the pins of the Pi. Inputs have levels there and no edges; `sense.rs` has those.

use crate::board::Board;
use crate::pins::LOOP;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

#[test]
#[ignore = "`just pi` prepares its parts"]
fn drivers() {
    let board = Board::boot();
    let (output, input) = LOOP;
    let ran = board.guest.run_within(
        LIMIT,
        &format!(
            "export DFOTA_HIL_TEST_GPIOCHIP=/dev/gpiochip0:17 DFOTA_HIL_TEST_RPPAL=17
export DFOTA_HIL_TEST_GPIOCHIP_LOOP=/dev/gpiochip0:{output}:{input} DFOTA_HIL_TEST_RPPAL_LOOP={output}:{input}
lines --test-threads=1 --nocapture gpiochip rppal --skip edge"
        ),
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
