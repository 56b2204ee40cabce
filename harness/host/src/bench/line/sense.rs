//! The sense line: an input that shows whether the module is supplied, best its VDD_EXT.
//!
//! It is read after the cut and never delays one: the kernel keeps the time of each edge until somebody asks for it.

use super::DriverError;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// How much earlier than the kernel's time stamp an edge may have been: the latency of an interrupt, assumed for a busy
/// Raspberry Pi.
const INTERRUPT: Duration = Duration::from_micros(100);

/// An input that shows whether the module is supplied.
pub trait Sense: Send {
    fn look(&mut self) -> Result<SenseReading, DriverError>;
}

/// What a sense line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenseReading {
    pub supplied: bool,
    /// The edge that made it so, where it was seen.
    pub since: Option<SupplyEdge>,
}

/// A change of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupplyEdge {
    /// When it was seen.
    pub at: Instant,
    /// How much earlier it may have happened.
    pub within: Duration,
}

impl SupplyEdge {
    /// An edge that the kernel has stamped with its monotonic clock.
    pub fn stamped(stamp: Duration) -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(
            now.tv_sec.try_into().unwrap_or_default(),
            now.tv_nsec.try_into().unwrap_or_default(),
        );
        let age = now.saturating_sub(stamp);
        let at = Instant::now();
        Self {
            at: at.checked_sub(age).unwrap_or(at),
            within: INTERRUPT,
        }
    }
}

/// The last edge that the kernel has reported, and the level behind it.
#[derive(Debug, Default)]
pub(super) struct LastEdge {
    edge: Option<SupplyEdge>,
    supplied: bool,
}

impl LastEdge {
    pub(super) fn note(&mut self, supplied: bool, stamp: Duration) {
        self.supplied = supplied;
        self.edge = Some(SupplyEdge::stamped(stamp));
    }

    /// What the line shows at this level. An edge to the other level says nothing about it: the kernel may have dropped one.
    pub(super) fn reading(&self, supplied: bool) -> SenseReading {
        let since = self.edge.filter(|_| self.supplied == supplied);
        SenseReading { supplied, since }
    }
}

pub(super) fn unreadable(why: impl std::fmt::Display) -> DriverError {
    DriverError::new(format_args!("the sense line could not be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_the_kernel_is_a_moment_of_this_program() {
        let stamp = clock_gettime(ClockId::Monotonic);
        let stamp = Duration::new(stamp.tv_sec as u64, stamp.tv_nsec as u32);
        let before = Instant::now();
        // Both clocks are the same one: the stamp is as old as the time since.
        let edge = SupplyEdge::stamped(stamp);
        assert!(
            edge.at <= before + Duration::from_millis(1),
            "the stamp was taken before"
        );
        let long_ago = SupplyEdge::stamped(stamp.saturating_sub(Duration::from_millis(500)));
        assert!(before.duration_since(long_ago.at) >= Duration::from_millis(400));
    }
}
