//! Limits against unknown hosts: a flood from them must neither bury what matters, nor fill the disk, nor keep the module away.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

/// The most hosts remembered that have requested a package.
pub(crate) const KNOWN_MAX: usize = 64;

/// So many events in each [`WINDOW`].
const EVENTS_MAX: u32 = 200;
/// In the module's time.
const WINDOW: Duration = Duration::from_secs(10);
/// So many events in each [`LONG_WINDOW`]: with the longest lines there are, about a megabyte.
const LONG_EVENTS_MAX: u32 = 1_000;
/// In the module's time.
const LONG_WINDOW: Duration = Duration::from_secs(3600);

/// Hosts that have asked for a package on offer, the newest last. Its path cannot be guessed, so they belong to the test.
#[derive(Debug, Default)]
pub(crate) struct KnownHosts(VecDeque<IpAddr>);

impl KnownHosts {
    pub(crate) fn add(&mut self, host: IpAddr) {
        if !self.contains(host) {
            self.0.push_back(host);
        }
        if self.0.len() > KNOWN_MAX {
            self.0.pop_front();
        }
    }

    pub(crate) fn contains(&self, host: IpAddr) -> bool {
        self.0.contains(&host)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Limits how many events of one source are written down.
#[derive(Debug)]
pub(crate) struct EventLimiter {
    /// What the events are, for the warning.
    source: &'static str,
    short: Budget,
    long: Budget,
    left_out: u64,
}

/// Events of one window.
#[derive(Debug, Default)]
struct Budget {
    began: Duration,
    used: u32,
}

impl Budget {
    /// Begins a new window where the old one is over; whether it did.
    fn renew(&mut self, window: Duration, now: Duration) -> bool {
        let over = now >= self.began + window;
        if over {
            *self = Self { began: now, used: 0 };
        }
        over
    }
}

impl EventLimiter {
    pub(crate) fn new(source: &'static str) -> Self {
        Self {
            source,
            short: Budget::default(),
            long: Budget::default(),
            left_out: 0,
        }
    }

    /// Whether one more event may be written down now.
    pub(crate) fn admits(&mut self, now: Duration) -> bool {
        self.short.renew(WINDOW, now);
        if self.long.renew(LONG_WINDOW, now) {
            self.left_out = 0;
        }
        if self.short.used < EVENTS_MAX && self.long.used < LONG_EVENTS_MAX {
            self.short.used += 1;
            self.long.used += 1;
            return true;
        }
        // One line each time the number has doubled: a flood cannot fill the log with its own count.
        self.left_out += 1;
        if self.left_out.is_power_of_two() {
            let (source, count) = (self.source, self.left_out);
            tracing::warn!(
                count,
                "{source}: answered but not written down, there are too many"
            );
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_written_down_in_part() {
        let mut limiter = EventLimiter::new("strangers");
        let mut admitted = |second| {
            let now = Duration::from_secs(second);
            (0..1000).filter(|_| limiter.admits(now)).count()
        };
        assert_eq!([1, 2, 11].map(&mut admitted), [200, 0, 200]);
        let hour: usize = (12..3600).map(&mut admitted).sum();
        assert_eq!(
            hour, 600,
            "a flood that lasts gets no more than the long window gives"
        );
        assert_eq!(admitted(3600), 200, "and then it is written down again");
    }
}
