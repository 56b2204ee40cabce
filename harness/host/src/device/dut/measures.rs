//! What is measured in one try, and the limits that the case declares for it.

use crate::device::dut::Dut;
use dfota_core::event::{Event, Measured};
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::transport::Via;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The measurements of one try.
#[derive(Debug, Default)]
pub struct Measures {
    pub declared: Vec<MeasureLimits>,
    /// Bytes of the package that servers sent.
    pub sent: Vec<Range<u64>>,
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

impl Dut {
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

    /// How long the module took to answer a command of the update.
    pub(in crate::device) fn measure_response(&self, command: &str, real: Duration) {
        let ms = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
        self.journal.post(Event::Measured(Measured {
            name: format!("response {command}"),
            value: ms(self.clock.module_time(real)),
            unit: "ms".into(),
            min: None,
            limit: Some(ms(bc66_spec::timing::MAX_RESPONSE)),
        }));
    }

    /// Power-on → the first unasked line, once a boot.
    pub fn measure_first_urc(&mut self) {
        if let Some(first) = self.awake.first.filter(|_| !self.measures.first_urc) {
            self.measures.first_urc = true;
            self.measure_time(Measure::FirstUrc, first.saturating_duration_since(self.since()));
        }
    }

    /// RDY → registered with an address, once a boot whose RDY was heard.
    pub fn measure_attach(&mut self) {
        if let Some(ready) = self.awake.ready_at.filter(|_| !self.measures.attached) {
            self.measures.attached = true;
            // The address comes last; where its URC was not heard, the answer to the query counts.
            let there = self.awake.ip_at.unwrap_or_else(Instant::now);
            self.measure_time(Measure::AttachTime, there.saturating_duration_since(ready));
        }
    }

    /// The order → END, when both were seen.
    pub fn measure_update(&mut self) {
        if let (Some(ordered), Some(ended)) = (self.watch.ordered, self.watch.ended) {
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

/// How many bytes were sent more than once.
fn bytes_again(sent: &[Range<u64>]) -> u64 {
    let mut sent = sent.to_vec();
    sent.sort_unstable_by_key(|part| (part.start, part.end));
    let (mut again, mut up_to) = (0, 0);
    for part in sent {
        again += up_to.min(part.end).saturating_sub(part.start);
        up_to = up_to.max(part.end);
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::once(std::slice::from_ref(&(0..1000)), 0)]
    #[case::goes_on(&[0..400, 400..1000], 0)]
    #[case::starts_over(&[0..400, 0..1000], 400)]
    #[case::overlaps(&[0..400, 300..1000], 100)]
    #[case::within(&[0..1000, 200..300, 250..350], 200)]
    #[case::nothing(&[0..0, 0..1000], 0)]
    fn bytes_sent_twice(#[case] parts: &[Range<u64>], #[case] again: u64) {
        assert_eq!(bytes_again(parts), again);
    }
}
