//! The module's time: real time, divided by `--speed`.
//!
//! Sleeping costs some fifty microseconds whatever is asked for, so short durations are never slept one by one:
//! [`Pacer`] adds them to an absolute due time and sleeps only when that is far enough ahead. Rounding cannot
//! accumulate, because nothing is ever measured from "now" while work goes on.

use std::thread;
use std::time::{Duration, Instant};

/// A shorter sleep lasts as long as the scheduler's own latency.
const WORTH_SLEEPING: Duration = Duration::from_micros(60);

/// Converts the module's durations to real ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModuleClock {
    speed: f64,
}

impl ModuleClock {
    /// A clock that runs `speed` times faster than real time; `None` unless `speed` is a positive number.
    pub(crate) fn new(speed: f64) -> Option<Self> {
        (speed.is_finite() && speed > 0.0).then_some(Self { speed })
    }

    pub(crate) fn real(self, module: Duration) -> Duration {
        Duration::try_from_secs_f64(module.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }

    pub(crate) fn module(self, real: Duration) -> Duration {
        Duration::try_from_secs_f64(real.as_secs_f64() * self.speed).unwrap_or(Duration::MAX)
    }

    /// When `module` will have passed from now on.
    pub(crate) fn after(self, module: Duration) -> Instant {
        let now = Instant::now();
        now.checked_add(self.real(module))
            .unwrap_or(now + Duration::from_secs(365 * 86_400))
    }

    pub(crate) fn sleep(self, module: Duration) {
        thread::sleep(self.real(module));
    }
}

/// Spends many small durations in a row without drifting.
#[derive(Debug)]
pub(crate) struct Pacer {
    due: Instant,
}

impl Pacer {
    pub(crate) fn new() -> Self {
        Self { due: Instant::now() }
    }

    /// Work begins after a pause: unused time does not count.
    pub(crate) fn restart(&mut self) {
        self.due = self.due.max(Instant::now());
    }

    /// Adds `real` to the due time and waits for it if that is worth a sleep.
    pub(crate) fn pass(&mut self, real: Duration) {
        self.due += real;
        let ahead = self.due.saturating_duration_since(Instant::now());
        if ahead >= WORTH_SLEEPING {
            thread::sleep(ahead);
        }
    }

    pub(crate) fn due(&self) -> Instant {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_durations_add_up() {
        let begin = Instant::now();
        let mut pace = Pacer::new();
        for _ in 0..10_000 {
            pace.pass(Duration::from_micros(2));
        }
        let took = begin.elapsed();
        assert!(took.as_micros() >= 19_900, "20 ms of work took {took:?}");
    }

    #[test]
    fn speed_divides() {
        let clock = ModuleClock::new(60.0).expect("a positive speed");
        assert_eq!(clock.real(Duration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(clock.module(Duration::from_secs(1)), Duration::from_secs(60));
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(ModuleClock::new(speed).is_none(), "{speed}");
        }
    }
}
