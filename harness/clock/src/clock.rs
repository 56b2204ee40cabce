//! The harness's clock: real time on a bench, faster on a simulated rig.
//!
//! Durations of suites and limits are the module's time. On a bench that is real time; a simulated rig lives `speed`
//! times faster, and so does this clock, time-outs included.

use std::time::{Duration, Instant};

/// A clock that starts with the run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    speed: f64,
    /// What it showed when this program started: 0, unless an earlier program began the run.
    began_ns: u64,
}

impl Clock {
    /// What a time-out adds on a simulated rig, in real time. The module's time can be scaled, this machine's scheduler
    /// cannot: at speed 400, a pause of 100 ms would be 40 s of the module's. Pauses of 400 ms were seen on two cores that
    /// were compiling. A sound module never waits for the end of this time.
    pub const SCHEDULER_GRACE: Duration = Duration::from_secs(2);

    pub fn system() -> Self {
        Self::scaled(1.0)
    }

    /// Time that runs `speed` times as fast.
    pub fn scaled(speed: f64) -> Self {
        Self {
            start: Instant::now(),
            speed,
            began_ns: 0,
        }
    }

    /// The same clock for a run that another program began: it shows `began_ns` where it would show 0. No moment before this
    /// program can be told from its start.
    pub fn continued_at(self, began_ns: u64) -> Self {
        Self { began_ns, ..self }
    }

    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Nanoseconds of real time since the run began.
    pub fn mono_ns(&self) -> u64 {
        self.mono_ns_of(Instant::now())
    }

    /// The same for a moment that was noted earlier; for one before the clock started, what it showed then.
    pub fn mono_ns_of(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start).as_nanos() as u64;
        self.began_ns.saturating_add(since)
    }

    /// The module's time since the run began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.module_ns(self.mono_ns()))
    }

    pub fn instant_of(&self, mono_ns: u64) -> Instant {
        self.start + Duration::from_nanos(mono_ns.saturating_sub(self.began_ns))
    }

    /// Nanoseconds of the module's time for nanoseconds of real time.
    pub fn module_ns(&self, real_ns: u64) -> u64 {
        (real_ns as f64 * self.speed) as u64
    }

    /// The module's time for real time.
    pub fn module_time(&self, real: Duration) -> Duration {
        Duration::from_nanos(self.module_ns(real.as_nanos() as u64))
    }

    /// Real time for the module's time.
    pub fn real(&self, module: Duration) -> Duration {
        module.div_f64(self.speed)
    }

    /// Real time after which something that ought to take at most `limit` of the module's time counts as not come.
    pub fn time_out(&self, limit: Duration) -> Duration {
        let grace = if self.speed == 1.0 {
            Duration::ZERO
        } else {
            Self::SCHEDULER_GRACE
        };
        self.real(limit) + grace
    }

    /// Real time after which a procedure of many waits, each of which may take its whole time-out, counts as never ending.
    pub fn bound(&self, limit: Duration) -> Duration {
        const WAITS: u32 = 30;
        let grace = self.time_out(limit).saturating_sub(self.real(limit));
        self.real(limit) + grace * WAITS
    }

    pub async fn sleep(&self, module: Duration) {
        tokio::time::sleep(self.real(module)).await;
    }
}
