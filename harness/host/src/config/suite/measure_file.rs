//! Reads the measurements that a suite declares, for the suite or for one case.

use crate::config::suite::suite_keys::{MeasureKeys, RangeKeys};
use crate::config::yaml::containers::Part;
use crate::config::yaml::literal::{InvalidValue, Literal};
use crate::config::yaml::reader::ValueReader;
use crate::config::yaml::tree::KeyPlace;
use dfota_core::case::Case;
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::percent::Percent;
use std::time::Duration;

/// Reads the key `measure`.
pub struct MeasureFile<'r, 'd> {
    pub reader: &'r mut ValueReader<'d>,
}

/// A measurement with the place of its key.
#[derive(Debug, Clone, Copy)]
pub struct DeclaredAt {
    pub limits: MeasureLimits,
    at: KeyPlace,
}

impl MeasureFile<'_, '_> {
    /// What is declared, in the order of the reference.
    pub fn declared(&mut self, keys: &MeasureKeys) -> Vec<DeclaredAt> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let percent = |percent: Percent| u64::from(percent.get());
        let found = [
            self.range(Measure::FirstUrc, &keys.first_urc, nanos),
            self.range(Measure::TimeToResume, &keys.time_to_resume, nanos),
            self.range(Measure::ResumedAt, &keys.resumed_at, percent),
            self.range(Measure::UpdateTime, &keys.update_time, nanos),
            self.range(Measure::CutLatency, &keys.cut_latency, nanos),
            self.range(Measure::BytesAgain, &keys.bytes_again, u64::from),
            self.range(Measure::AttachTime, &keys.attach_time, nanos),
            self.range(Measure::UnexplainedResets, &keys.unexplained_resets, u64::from),
        ];
        found.into_iter().flatten().collect()
    }

    fn range<T: Literal>(
        &mut self,
        measure: Measure,
        keys: &Option<Part<RangeKeys<T>>>,
        steps: fn(T::Value) -> u64,
    ) -> Option<DeclaredAt> {
        let keys = keys.as_ref()?;
        let min = self.reader.option(&keys.min).map(steps);
        let max = self.reader.option(&keys.max).map(steps);
        if let (Some(least), Some(most), Some(raw)) = (min, max, &keys.min)
            && least > most
        {
            let why = "`min` is above `max`: no measurement can be within these limits";
            self.reader
                .mistake(raw.at, InvalidValue::new(why).label("above `max`"));
        }
        Some(DeclaredAt {
            limits: MeasureLimits { measure, min, max },
            at: keys.at,
        })
    }

    /// The measurements of a case: its own, and those of the suite that apply to it. What it names itself has to be
    /// possible. Which cuts a campaign makes is not known yet: each of its cases takes what applies to it, later.
    pub fn for_case(
        &mut self,
        case: &Case,
        campaign: bool,
        own: &[DeclaredAt],
        suite: &[MeasureLimits],
    ) -> Vec<MeasureLimits> {
        for DeclaredAt { limits, at } in own {
            let later = campaign && limits.measure.needs_a_cut();
            if let Some(why) = case.cannot_take(limits.measure).filter(|_| !later) {
                let why = InvalidValue::new(format!("is never taken in this case: {why}"));
                self.reader.key_mistake(*at, why);
            }
        }
        let own = own.iter().map(|own| own.limits);
        let named = |measure| own.clone().any(|own: MeasureLimits| own.measure == measure);
        let rest = suite
            .iter()
            .filter(|declared| !named(declared.measure) && (campaign || case.has_to_take(declared.measure)));
        let mut all: Vec<MeasureLimits> = rest.copied().chain(own.clone()).collect();
        all.sort_by_key(|declared| declared.measure);
        all
    }
}
