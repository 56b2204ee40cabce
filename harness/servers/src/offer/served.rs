//! What was served of one offer so far. It counts while bytes go, not when answers end, so that nothing under way is missed.

use crate::sync::lock;
use std::ops::Range;
use std::sync::Mutex;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests that came, also those still being answered, and refused connections.
    pub requests: u64,
    /// Bytes of the package that were handed to sockets.
    pub bytes: u64,
    /// The bytes of each request that got any, in the order in which the requests came.
    pub ranges: Vec<Range<u64>>,
}

/// A moment in the life of an offer; see [`Offer::requests_since`](super::Offer::requests_since).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServedMark {
    requests: usize,
    bytes: u64,
}

#[derive(Debug, Default)]
pub struct ServedLog {
    ranges: Mutex<Vec<Range<u64>>>,
}

impl ServedLog {
    /// A request came, whose answer begins at `first`. Returns its number.
    pub fn begin(&self, first: u64) -> usize {
        let mut ranges = lock(&self.ranges);
        ranges.push(first..first);
        ranges.len() - 1
    }

    /// Bytes of the answer to request `number` were handed to the socket.
    pub fn add(&self, number: usize, bytes: u64) {
        if let Some(range) = lock(&self.ranges).get_mut(number) {
            range.end += bytes;
        }
    }

    pub fn mark(&self) -> ServedMark {
        let ranges = lock(&self.ranges);
        ServedMark {
            requests: ranges.len(),
            bytes: bytes(&ranges),
        }
    }

    /// The requests that came since `mark`, and all bytes that went since, also those of earlier requests.
    pub fn since(&self, mark: ServedMark) -> Served {
        let ranges = lock(&self.ranges);
        let fresh = ranges.get(mark.requests..).unwrap_or_default();
        Served {
            requests: fresh.len() as u64,
            bytes: bytes(&ranges).saturating_sub(mark.bytes),
            ranges: fresh.iter().filter(|range| !range.is_empty()).cloned().collect(),
        }
    }
}

fn bytes(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}
