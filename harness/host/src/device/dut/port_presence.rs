//! Whether the serial port is there. A port that goes, for instance because its adapter is enumerated anew, is waited for. Where
//! the switched supply feeds the adapter as well, the port goes with every cut: while the supply is held off nothing is waited for.

use super::{Dut, Stop};
use dfota_core::verdict::Rule;
use std::time::{Duration, Instant};

/// How long a port is waited for, in real time: since it went, or since the supply came after that.
pub const COMES_BACK: Duration = Duration::from_secs(10);
/// How long after a failed write the reader may take to notice that the port is gone.
const NOTICED: Duration = Duration::from_secs(1);

/// Whether the port is there, and whether it can be.
#[derive(Debug, Default)]
pub(super) struct PortPresence {
    lost: Option<Lost>,
    /// The supply is off because this program has switched it off.
    held_off: bool,
}

/// A port that has gone.
#[derive(Debug)]
struct Lost {
    why: String,
    /// Since when it is waited for.
    since: Instant,
    /// What that moment was.
    after: &'static str,
}

impl PortPresence {
    /// The port has gone.
    pub(super) fn lost(&mut self, why: String, now: Instant) {
        self.lost = Some(Lost {
            why,
            since: now,
            after: "",
        });
    }

    /// It is there again.
    pub(super) fn back(&mut self) {
        self.lost = None;
    }

    /// The supply was moved.
    pub(super) fn supplied(&mut self, on: bool, now: Instant) {
        self.held_off = !on;
        if let Some(lost) = self.lost.as_mut().filter(|_| on) {
            (lost.since, lost.after) = (now, " of the supply");
        }
    }

    /// Whether bytes come and go.
    pub(super) fn hears(&self) -> bool {
        self.lost.is_none()
    }

    /// When a port that is away has to be back.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let lost = self.lost.as_ref().filter(|_| !self.held_off);
        lost.map(|lost| lost.since + COMES_BACK)
    }

    /// Gives the port up, where that deadline is over; from then on it is waited for anew.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<Stop> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        let lost = self.lost.as_mut()?;
        lost.since = now;
        let sentence = format!(
            "{}; it did not come back within {}{}",
            lost.why,
            humantime::format_duration(COMES_BACK),
            lost.after
        );
        Some(Stop::rule(Rule::SerialLost, sentence))
    }
}

impl Dut {
    /// Whether the port is there. One that has gone with the supply comes back after it.
    pub fn hears(&self) -> bool {
        self.presence.hears()
    }

    /// Waits until the port is there; false while the supply is held off and the port has gone with it.
    pub(super) fn wait_for_port(&mut self) -> Result<bool, Stop> {
        while let Some(deadline) = self.presence.deadline() {
            // An error ends it when the port stays away.
            self.next(deadline)?;
        }
        Ok(self.hears())
    }

    /// After a failed write: whether the port had gone, and is there again.
    pub(super) fn came_back(&mut self) -> Result<bool, Stop> {
        let noticed = Instant::now() + NOTICED;
        if !self.wait_until(noticed, |dut| !dut.hears())? {
            return Ok(false);
        }
        self.wait_for_port()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn gone(now: Instant) -> PortPresence {
        let mut presence = PortPresence::default();
        presence.lost("serial port `x` failed: EIO".into(), now);
        presence
    }

    #[test]
    fn a_port_that_goes_alone_has_ten_seconds() {
        let now = Instant::now();
        let mut presence = gone(now);
        assert!(!presence.hears() && presence.overdue(now + 9 * SECOND).is_none());
        let stop = presence.overdue(now + COMES_BACK).expect("it is over");
        assert_eq!(
            stop.to_string(),
            "serial-lost: serial port `x` failed: EIO; it did not come back within 10s"
        );
        // The next procedure waits for it anew.
        assert!(
            presence.overdue(now + 19 * SECOND).is_none() && presence.overdue(now + 20 * SECOND).is_some()
        );
        presence.back();
        assert!(presence.hears() && presence.deadline().is_none());
    }

    #[test]
    fn a_port_that_goes_with_the_supply_has_ten_seconds_from_its_return_on() {
        let now = Instant::now();
        for off_first in [true, false] {
            let mut presence = PortPresence::default();
            if off_first {
                presence.supplied(false, now);
            }
            presence.lost("gone".into(), now);
            presence.supplied(false, now);
            assert!(!presence.hears() && presence.overdue(now + 100 * SECOND).is_none());
            presence.supplied(true, now + 100 * SECOND);
            assert!(presence.overdue(now + 109 * SECOND).is_none());
            let stop = presence
                .overdue(now + 110 * SECOND)
                .expect("it is over")
                .to_string();
            assert!(stop.ends_with("within 10s of the supply"), "{stop}");
        }
    }
}
