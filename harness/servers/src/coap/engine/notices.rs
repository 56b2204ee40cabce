//! Which notifications of a driven client become events: a client can notify without end.

use crate::limits::EventLimiter;
use std::collections::BTreeMap;
use std::time::Duration;

/// So often in a row, the same value of a resource becomes an event.
const SAME_MAX: u32 = 10;

#[derive(Debug)]
pub(super) struct NoticeFilter {
    last: BTreeMap<u16, Repeated>,
    limiter: EventLimiter,
    /// The last value of each resource that was over the limit. It becomes an event before anything rests on it.
    left_out: BTreeMap<u16, i64>,
}

/// A value and how often it came in a row.
#[derive(Debug)]
struct Repeated {
    value: i64,
    times: u32,
}

impl NoticeFilter {
    pub(super) fn new() -> Self {
        Self {
            last: BTreeMap::new(),
            limiter: EventLimiter::new("what the client under test notifies"),
            left_out: BTreeMap::new(),
        }
    }

    /// The client has registered: its values count anew.
    pub(super) fn registered(&mut self) {
        self.last.clear();
    }

    /// A resource was read, which always becomes an event.
    pub(super) fn read(&mut self, resource: u16) {
        self.last.remove(&resource);
        self.left_out.remove(&resource);
    }

    pub(super) fn admits(&mut self, resource: u16, value: i64, now: Duration) -> bool {
        let last = self.last.entry(resource).or_insert(Repeated { value, times: 0 });
        if last.value != value {
            *last = Repeated { value, times: 0 };
        }
        last.times = last.times.saturating_add(1);
        if last.times > SAME_MAX {
            return false;
        }
        let admitted = self.limiter.admits(now);
        if admitted {
            self.left_out.remove(&resource);
        } else {
            self.left_out.insert(resource, value);
        }
        admitted
    }

    pub(super) fn take_left_out(&mut self) -> BTreeMap<u16, i64> {
        std::mem::take(&mut self.left_out)
    }
}
