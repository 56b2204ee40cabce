//! How much is told of strangers: a flood of them must not bury what matters.

use std::time::Duration;

/// So much is told in each [`WINDOW`].
const TOLD_MAX: u32 = 200;
/// In the module's time.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts what is told.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    began: Duration,
    told: u32,
    kept_back: u64,
}

impl Limiter {
    /// Whether one more may be told now.
    pub(super) fn admits(&mut self, now: Duration) -> bool {
        if now >= self.began + WINDOW {
            if self.kept_back > 0 {
                tracing::warn!(
                    count = self.kept_back,
                    "requests of strangers were answered and not written down: there are too many"
                );
            }
            *self = Self {
                began: now,
                ..Self::default()
            };
        }
        self.told += 1;
        let admitted = self.told <= TOLD_MAX;
        self.kept_back += u64::from(!admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_part() {
        let mut limiter = Limiter::default();
        let told = |limiter: &mut Limiter, second| {
            let now = Duration::from_secs(second);
            (0..1000).filter(|_| limiter.admits(now)).count()
        };
        assert_eq!(
            [
                told(&mut limiter, 1),
                told(&mut limiter, 2),
                told(&mut limiter, 11)
            ],
            [200, 0, 200]
        );
    }
}
