//! The percentages of an update, for a picture.

use super::place::LogPlace;
use alloc::vec::Vec;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PercentPoint {
    /// Of UPDATING, not of DOWNLOADING.
    pub updating: bool,
    pub percent: u32,
    pub place: LogPlace,
    /// It does not continue what is before it.
    pub begins: bool,
}

/// So many percentages of an update, over all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PercentPoints {
    list: Vec<PercentPoint>,
}

impl PercentPoints {
    /// Percentages that are kept.
    const MOST: usize = 2000;

    /// The percentages, in order.
    pub fn list(&self) -> &[PercentPoint] {
        &self.list
    }

    /// Where there are too many, every second one goes, but for those that begin.
    pub(super) fn push(&mut self, point: PercentPoint) {
        if self.list.len() >= Self::MOST {
            let mut keep = false;
            self.list.retain(|point| {
                keep = !keep;
                keep || point.begins
            });
        }
        if self.list.len() < Self::MOST {
            self.list.push(point);
        }
    }
}
