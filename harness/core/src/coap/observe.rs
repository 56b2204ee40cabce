//! Whether a notification is newer than what is known (RFC 7641 §3.4).

use core::time::Duration;

/// Half of the numbers' circle.
const HALF: u32 = 1 << 23;
/// After so long, any number is newer.
const STALE: Duration = Duration::from_secs(128);

/// The freshest notification of one observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freshest {
    number: u32,
    at: Duration,
}

impl Freshest {
    /// The response that began the observation.
    pub(super) const fn new(number: u32, at: Duration) -> Self {
        Self { number, at }
    }

    /// Takes a notification in; whether it is newer.
    pub(super) fn renew(&mut self, number: u32, now: Duration) -> bool {
        let (old, new) = (self.number, number);
        let ahead = (old < new && new - old < HALF) || (old > new && old - new > HALF);
        let newer = ahead || now > self.at + STALE;
        if newer {
            *self = Self::new(number, now);
        }
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 2, 0, true)]
    #[case(2, 1, 0, false)]
    #[case(2, 2, 0, false)]
    #[case(0, HALF - 1, 0, true)]
    #[case(0, HALF, 0, false)]
    #[case(0xFF_FFFF, 0, 0, true)]
    #[case(0xFF_FFFF, 5, 0, true)]
    #[case(5, 0xFF_FFFF, 0, false)]
    #[case(2, 1, 128, false)]
    #[case(2, 1, 129, true)]
    fn order(#[case] old: u32, #[case] new: u32, #[case] later: u64, #[case] newer: bool) {
        let begun = Duration::from_secs(1000);
        let mut freshest = Freshest::new(old, begun);
        assert_eq!(freshest.renew(new, begun + Duration::from_secs(later)), newer);
    }
}
