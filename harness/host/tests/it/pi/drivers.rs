//! The contract of the lines' drivers, on the pins of the Pi. Inputs have levels there and no edges; `sense.rs` has those.

use crate::pi::board::Board;
use crate::pi::pins::LOOP;

#[test]
#[ignore = "`just pi` prepares its parts"]
fn drivers() {
    let board = Board::boot();
    let (output, input) = LOOP;
    board.keeps_contract(
        &format!(
            "DFOTA_HIL_TEST_GPIOCHIP=/dev/gpiochip0:17 DFOTA_HIL_TEST_RPPAL=17 \
DFOTA_HIL_TEST_GPIOCHIP_LOOP=/dev/gpiochip0:{output}:{input} DFOTA_HIL_TEST_RPPAL_LOOP={output}:{input}"
        ),
        "gpiochip rppal --skip edge",
    );
    let edges = board.pins.edges("power").len();
    assert!(edges > 10, "the pin moved {edges} times, as seen from outside");
}
