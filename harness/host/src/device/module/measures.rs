//! What is measured in one try, and the limits that the case declares for it.

use crate::device::module::Module;
use dfota_core::event::{Event, Measured};
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::transport::Via;
use std::time::{Duration, Instant};

/// The measurements of one try.
#[derive(Debug, Default)]
pub struct Measures {
    /// What the case declares.
    pub declared: Vec<MeasureLimits>,
    /// When the update was ordered, for the first time of this attempt.
    pub ordered: Option<Instant>,
    /// When END was heard last.
    pub ended: Option<Instant>,
    /// Parts of the package that servers sent: offset and length.
    pub sent: Vec<(u64, u64)>,
    first_urc: bool,
    attached: bool,
}

impl Measures {
    /// Forgets the try before.
    pub fn begin(&mut self, declared: &[MeasureLimits]) {
        self.declared = declared.to_vec();
        self.sent.clear();
    }

    /// The supply has come: what is measured once a boot is measured again.
    pub fn new_boot(&mut self) {
        (self.first_urc, self.attached) = (false, false);
    }
}

impl Module {
    /// Writes a measurement down, in the smallest steps of its unit.
    pub fn measure(&mut self, measure: Measure, value: u64) {
        let unit = measure.unit();
        let limits = self
            .measures
            .declared
            .iter()
            .find(|limits| limits.measure == measure);
        let shown = |limit: Option<u64>| limit.map(|limit| unit.shown(limit));
        self.journal.post(Event::Measured(Measured {
            name: measure.name().into(),
            value: unit.shown(value),
            unit: unit.name().into(),
            min: shown(limits.and_then(|limits| limits.min)),
            limit: shown(limits.and_then(|limits| limits.max)),
        }));
    }

    /// The same for a time of the module's.
    pub fn measure_time(&mut self, measure: Measure, real: Duration) {
        let module = self.clock.module_time(real);
        self.measure(measure, module.as_nanos() as u64);
    }

    /// Power-on → the first unasked line, once a boot.
    pub fn measure_first_urc(&mut self) {
        if let Some(first) = self.awake.first.filter(|_| !self.measures.first_urc) {
            self.measures.first_urc = true;
            self.measure_time(Measure::FirstUrc, first.saturating_duration_since(self.since));
        }
    }

    /// RDY → registered with an address, once a boot: of a boot whose RDY was heard.
    pub fn measure_attach(&mut self) {
        if let Some(ready) = self.awake.ready_at.filter(|_| !self.measures.attached) {
            self.measures.attached = true;
            // The address is the last thing that comes; where its URC was not heard, the answer to the query counts.
            let there = self.awake.ip_at.unwrap_or_else(Instant::now);
            self.measure_time(Measure::AttachTime, there.saturating_duration_since(ready));
        }
    }

    /// The order → END, when both were seen.
    pub fn measure_update(&mut self) {
        if let (Some(ordered), Some(ended)) = (self.measures.ordered, self.measures.ended) {
            self.measure_time(Measure::UpdateTime, ended.saturating_duration_since(ordered));
        }
    }

    /// Bytes that were downloaded again, all downloads of the try together.
    pub fn measure_bytes_again(&mut self, via: Via) {
        if via != Via::Uart {
            let again = bytes_again(&self.measures.sent);
            self.measure(Measure::BytesAgain, again);
        }
    }
}

/// Bytes that were sent more than once, out of offsets and lengths.
fn bytes_again(sent: &[(u64, u64)]) -> u64 {
    let mut sent = sent.to_vec();
    sent.sort_unstable();
    let (mut again, mut up_to) = (0, 0);
    for (from, len) in sent {
        let to = from + len;
        again += up_to.min(to).saturating_sub(from);
        up_to = up_to.max(to);
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::once(&[(0, 1000)], 0)]
    #[case::goes_on(&[(0, 400), (400, 600)], 0)]
    #[case::starts_over(&[(0, 400), (0, 1000)], 400)]
    #[case::overlaps(&[(0, 400), (300, 700)], 100)]
    #[case::within(&[(0, 1000), (200, 100), (250, 100)], 200)]
    #[case::nothing(&[(0, 0), (0, 1000)], 0)]
    fn bytes_sent_twice(#[case] parts: &[(u64, u64)], #[case] again: u64) {
        assert_eq!(bytes_again(parts), again);
    }
}
