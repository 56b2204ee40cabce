//! What was served of one offer so far. It counts as bytes go, not when answers end: nothing under way is overlooked.

use super::lock;
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

/// A moment in the life of an offer; see [`Offer::requests_since`](crate::http::Offer::requests_since).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    requests: usize,
    bytes: u64,
}

/// Counts what is served.
#[derive(Debug, Default)]
pub struct Tally {
    ranges: Mutex<Vec<Range<u64>>>,
}

impl Tally {
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

    pub fn mark(&self) -> Mark {
        let ranges = lock(&self.ranges);
        Mark {
            requests: ranges.len(),
            bytes: bytes(&ranges),
        }
    }

    pub fn served(&self) -> Served {
        self.since(Mark {
            requests: 0,
            bytes: 0,
        })
    }

    /// What came since `mark`: its requests, and all bytes, also those of requests from before.
    pub fn since(&self, mark: Mark) -> Served {
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
