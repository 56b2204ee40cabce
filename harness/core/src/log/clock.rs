//! Turns time stamps into a time that never goes back: past midnight, a clock that was set, or two logs in one file.

use super::stamp::{Base, DAY, Stamp};

/// Half a day: a time of day that lies further back than this is that of the next day.
const FAR: u64 = DAY / 2;

/// The clock of a log.
#[derive(Debug, Clone, Default)]
pub struct LogClock {
    /// First and last stamp, as they stand in the log.
    first: Option<Stamp>,
    last: Option<Stamp>,
    now: u64,
    /// How often it went back or began anew.
    jumps: u64,
    digits: u8,
}

impl LogClock {
    /// Takes the stamp of a line.
    pub fn read(&mut self, stamp: Stamp) {
        self.digits = self.digits.max(stamp.digits);
        if let Some(last) = self.last {
            if stamp.base == last.base {
                self.now = self.now.saturating_add(self.since(last, stamp));
            } else {
                self.jumps += 1;
            }
        }
        self.first = self.first.or(Some(stamp));
        self.last = Some(stamp);
    }

    fn since(&mut self, last: Stamp, stamp: Stamp) -> u64 {
        match stamp.ns.checked_sub(last.ns) {
            Some(later) => later,
            None if stamp.base == Base::Midnight && last.ns - stamp.ns > FAR => (stamp.ns + DAY) - last.ns,
            None => {
                self.jumps += 1;
                0
            }
        }
    }

    /// Nanoseconds since the first stamp; `None` before it.
    pub fn now(&self) -> Option<u64> {
        self.last.map(|_| self.now)
    }

    /// The first stamp and the last, as they stand in the log.
    pub fn span(&self) -> Option<(Stamp, Stamp)> {
        self.first.zip(self.last)
    }

    /// How often the stamps went back, or began to count from something else.
    pub fn jumps(&self) -> u64 {
        self.jumps
    }

    /// The most digits that seconds had behind the point.
    pub fn digits(&self) -> u8 {
        self.digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::stamp::leading;
    use rstest::rstest;

    #[rstest]
    #[case(&["[23:59:58.500] ", "[23:59:59.900] ", "[00:00:01.000] "], 2_500, 0)]
    #[case(&["[2026-11-22 23:59:58] ", "[2026-11-23 00:00:02] "], 4_000, 0)]
    // Set back by an hour, as in the night of a winter: from then on it counts again.
    #[case(&["[2026-10-25 02:59:59] ", "[2026-10-25 02:00:00] ", "[2026-10-25 02:00:07] "], 7_000, 1)]
    // The terminal program was started again.
    #[case(&["[0 00:05:00.000] ", "[0 00:00:00.000] ", "[0 00:00:03.000] "], 3_000, 1)]
    // Two logs in one file.
    #[case(&["[10.000] ", "[12.000] ", "[2026-11-22 14:30:05] ", "[2026-11-22 14:30:06] "], 3_000, 1)]
    fn counts(#[case] stamps: &[&str], #[case] millis: u64, #[case] jumps: u64) {
        let mut clock = LogClock::default();
        assert_eq!(clock.now(), None);
        for stamp in stamps {
            clock.read(leading(stamp.as_bytes()).expect("a stamp").0);
        }
        assert_eq!((clock.now(), clock.jumps()), (Some(millis * 1_000_000), jumps));
    }
}
