//! What the program is like on a Pi, as far as an emulated one can say it: size and latency. The smoke test has its memory.

use crate::pi::board::{Board, parts};
use std::time::Duration;

/// The stripped program for the Pi, with the feature `lab`.
const LARGEST: u64 = 25_000_000;
/// The benchmark takes four minutes where this machine has nothing else to do.
const LIMIT: Duration = Duration::from_secs(900);

#[test]
#[ignore = "`just pi` prepares its parts"]
fn figures() {
    let size = std::fs::metadata(parts().join("root/bin/dfota-hil"))
        .expect("the program")
        .len();
    println!("figure: the program has {size} bytes");
    assert!(size <= LARGEST, "{size} bytes are more than {LARGEST}");
    let board = Board::boot();
    let ran = board.guest.run_within(LIMIT, "cut_latency");
    println!("figures: cut latency in the guest\n{}", ran.stdout);
    ran.ends(0);
}
