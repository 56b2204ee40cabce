//! Every random choice of a run, derived from one recorded seed.

use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The seed of a run. The same seed, label and range give the same choice on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seed(pub u64);

impl Seed {
    /// The choice named `label` (for example a case's id and the number of the cut), as 64 even bits.
    pub fn draw(self, label: &str) -> u64 {
        // FNV-1a spreads the label, SplitMix64 the bits.
        let hash = label.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        let mut z = (self.0 ^ hash).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A time in whole milliseconds, evenly out of `from..=to`.
    pub fn duration(self, label: &str, from: Duration, to: Duration) -> Duration {
        let (low, high) = (
            from.as_millis() as u64,
            to.as_millis().max(from.as_millis()) as u64,
        );
        let span = u128::from(high - low) + 1;
        let offset = (u128::from(self.draw(label)) * span) >> 64;
        Duration::from_millis(low + offset as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn the_same_choice_again_and_others_elsewhere() {
        let (seed, ms) = (Seed(7), Duration::from_millis);
        let draw = |label: &str| seed.duration(label, ms(0), ms(400));
        assert_eq!(draw("a"), draw("a"));
        let mut seen = [false; 401];
        for n in 0..20_000 {
            let drawn = draw(&format!("case[{n}]"));
            assert!(drawn <= ms(400));
            seen[drawn.as_millis() as usize] = true;
        }
        assert!(
            seen.iter().all(|&hit| hit),
            "every millisecond of the range is met, both ends included"
        );
        assert_eq!(seed.duration("a", ms(5), ms(5)), ms(5));
    }
}
