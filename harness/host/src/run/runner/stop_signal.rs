//! What tells a runner from outside that it is not to begin further cases.

use std::sync::atomic::{AtomicU8, Ordering};

/// How soon a runner ends. A later one wins over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopLevel {
    /// It goes on.
    GoesOn,
    /// The time is over: after the present case only the control that proves its cut.
    TimeOver,
    /// The present case is the last.
    Stop,
}

/// The level, shared with the runner.
#[derive(Debug, Default)]
pub struct StopSignal(AtomicU8);

impl StopSignal {
    pub fn raise(&self, level: StopLevel) {
        self.0.fetch_max(level as u8, Ordering::Relaxed);
    }

    pub fn level(&self) -> StopLevel {
        match self.0.load(Ordering::Relaxed) {
            0 => StopLevel::GoesOn,
            1 => StopLevel::TimeOver,
            _ => StopLevel::Stop,
        }
    }
}
