//! What an operation leaves in the cells when the power goes while it runs. Both adapters use it.

use super::{ERASED, programmed};
use crate::random::Random;

/// Cells that are neither done nor untouched at the moment of the cut.
const FRONT: usize = 24;

/// A sector whose erasure was cut: done up to some cell, then some cells half-way, then untouched.
pub(super) fn erase(old: &[u8], random: &mut Random) -> Vec<u8> {
    let done = random.below(old.len() + 1);
    let mut torn = old.to_vec();
    torn[..done].fill(ERASED);
    for byte in torn[done..].iter_mut().take(FRONT) {
        *byte |= random.bits() as u8;
    }
    torn
}

/// A page whose programming was cut: done up to some cell, then some cells half-way, then untouched.
pub(super) fn program(old: &[u8], new: &[u8], random: &mut Random) -> Vec<u8> {
    let done = random.below(old.len() + 1);
    let mut torn = old.to_vec();
    torn[..done].copy_from_slice(&programmed(&old[..done], &new[..done]));
    let front = (done + FRONT).min(old.len());
    for at in done..front {
        torn[at] = old[at] & (new[at] | random.bits() as u8);
    }
    torn
}
