//! How much is told of strangers: a flood of them must neither bury what matters nor fill the disk, however long it lasts.

use std::time::Duration;

/// So much is told in each [`WINDOW`].
const TOLD_MAX: u32 = 200;
/// In the module's time.
const WINDOW: Duration = Duration::from_secs(10);
/// So much is told in each [`LONG_WINDOW`]: with the longest lines there are, about a megabyte.
const LONG_TOLD_MAX: u32 = 1_000;
/// In the module's time.
const LONG_WINDOW: Duration = Duration::from_secs(3600);

/// Counts what is told.
#[derive(Debug)]
pub struct Limiter {
    /// Who speaks, for the warning.
    of: &'static str,
    short: Budget,
    long: Budget,
    kept_back: u64,
}

/// What is left of one window.
#[derive(Debug, Default)]
struct Budget {
    began: Duration,
    told: u32,
}

impl Budget {
    /// Begins a new window where the old one is over. True where it did.
    fn renew(&mut self, window: Duration, now: Duration) -> bool {
        let over = now >= self.began + window;
        if over {
            *self = Self { began: now, told: 0 };
        }
        over
    }
}

impl Limiter {
    /// Nothing was told yet.
    pub const fn new(of: &'static str) -> Self {
        const FRESH: Budget = Budget {
            began: Duration::ZERO,
            told: 0,
        };
        Self {
            of,
            short: FRESH,
            long: FRESH,
            kept_back: 0,
        }
    }

    /// Whether one more may be told now.
    pub fn admits(&mut self, now: Duration) -> bool {
        self.short.renew(WINDOW, now);
        if self.long.renew(LONG_WINDOW, now) {
            self.kept_back = 0;
        }
        let admitted = self.short.told < TOLD_MAX && self.long.told < LONG_TOLD_MAX;
        if admitted {
            self.short.told += 1;
            self.long.told += 1;
            return true;
        }
        // One line each time the number has doubled: a count in the log that a flood can not fill.
        self.kept_back += 1;
        if self.kept_back.is_power_of_two() {
            let (of, count) = (self.of, self.kept_back);
            tracing::warn!(count, "{of}: taken and not written down, there are too many");
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_part() {
        let mut limiter = Limiter::new("strangers");
        let mut told = |second| {
            let now = Duration::from_secs(second);
            (0..1000).filter(|_| limiter.admits(now)).count()
        };
        assert_eq!([1, 2, 11].map(&mut told), [200, 0, 200]);
        let hour: usize = (12..3600).map(&mut told).sum();
        assert_eq!(
            hour, 600,
            "a flood that lasts gets no more than the long window gives"
        );
        assert_eq!(told(3600), 200, "and then it is told of again");
    }
}
