//! A stream of random choices out of a seed, for where choices come one after the other and have no names.

use crate::percent::Percent;
use crate::seed::Seed;

/// A stream of choices. The same seed and label give the same stream on every machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// The stream named `label`.
    pub fn new(seed: Seed, label: &str) -> Self {
        Self(seed.draw(label))
    }

    /// The next 64 even bits (SplitMix64).
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// True in this share of all calls.
    pub fn hits(&mut self, share: Percent) -> bool {
        self.below(100) < u64::from(share.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_met_and_the_stream_is_the_same_again() {
        let mut rng = Rng::new(Seed(7), "a");
        let share = Percent::new(30).unwrap();
        let hits = (0..100_000).filter(|_| rng.hits(share)).count();
        assert!((29_000..31_000).contains(&hits), "{hits}");
        let stream = |label| {
            let mut rng = Rng::new(Seed(7), label);
            [rng.next_u64(), rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(stream("a"), stream("a"));
        assert_ne!(stream("a"), stream("b"));
        assert!((0..100).all(|_| rng.hits(Percent::FULL)));
    }
}
