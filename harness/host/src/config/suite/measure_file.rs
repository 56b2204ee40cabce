//! Reads the measurements that a suite declares, for the suite or for one case.

use crate::config::suite::suite_keys::{BytesRangeKeys, MeasureKeys, PercentRangeKeys, TimeRangeKeys};
use crate::config::suite::suite_literals::Bytes;
use crate::config::yaml::literal::{Literal, Mistake};
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::raw::Raw;
use crate::config::yaml::reader::Reader;
use dfota_core::case::Case;
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::percent::Percent;
use std::time::Duration;

/// Reads the key `measure`.
pub struct MeasureFile<'r, 'd> {
    pub reader: &'r mut Reader<'d>,
    /// The key in the document.
    pub at: NodePath,
}

/// The least and the most, where the key is there, as they stand in the file.
type Range<'k, T> = Option<(Option<&'k Raw<T>>, Option<&'k Raw<T>>)>;

impl MeasureFile<'_, '_> {
    /// What is declared, in the order of the reference.
    pub fn declared(&mut self, keys: &MeasureKeys) -> Vec<MeasureLimits> {
        let time = |keys: &Duration| u64::try_from(keys.as_nanos()).unwrap_or(u64::MAX);
        let percent = |percent: &Percent| u64::from(percent.get());
        let bytes = |Bytes(bytes): &Bytes| u64::from(*bytes);
        let found = [
            self.range(Measure::FirstUrc, times(keys.first_urc.as_ref()), time),
            self.range(Measure::TimeToResume, times(keys.time_to_resume.as_ref()), time),
            self.range(Measure::ResumedAt, percents(keys.resumed_at.as_ref()), percent),
            self.range(Measure::UpdateTime, times(keys.update_time.as_ref()), time),
            self.range(Measure::CutLatency, times(keys.cut_latency.as_ref()), time),
            self.range(Measure::BytesAgain, counts(keys.bytes_again.as_ref()), bytes),
            self.range(Measure::AttachTime, times(keys.attach_time.as_ref()), time),
            self.range(
                Measure::UnexplainedResets,
                counts(keys.unexplained_resets.as_ref()),
                bytes,
            ),
        ];
        found.into_iter().flatten().collect()
    }

    fn range<T: Literal>(
        &mut self,
        measure: Measure,
        keys: Range<'_, T>,
        steps: impl Fn(&T) -> u64,
    ) -> Option<MeasureLimits> {
        let (min, max) = keys?;
        let at = self.at.key(measure.name());
        let min = self.reader.read_option(&at.key("min"), min).as_ref().map(&steps);
        let max = self.reader.read_option(&at.key("max"), max).as_ref().map(&steps);
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            let why =
                Mistake::new("the least is more than the most: no measurement could be within these limits");
            self.reader.mistake(&at.key("min"), why.label("more than `max`"));
        }
        Some(MeasureLimits { measure, min, max })
    }

    /// The measurements of a case: its own, and those of the suite that speak of it. What it names itself has to be
    /// possible. Which cuts a campaign makes is not known yet: each of its cases takes what speaks of it, later.
    pub fn of_case(
        &mut self,
        case: &Case,
        campaign: bool,
        own: Vec<MeasureLimits>,
        suite: &[MeasureLimits],
    ) -> Vec<MeasureLimits> {
        for declared in &own {
            let later = campaign && declared.measure.needs_a_cut();
            if let Some(why) = case.cannot_take(declared.measure).filter(|_| !later) {
                let why = Mistake::new(format!("is never taken in this case: {why}"));
                self.reader
                    .key_mistake(&self.at.key(declared.measure.name()), why);
            }
        }
        let named = |measure| {
            own.iter()
                .any(|declared: &MeasureLimits| declared.measure == measure)
        };
        let rest = suite
            .iter()
            .filter(|declared| !named(declared.measure) && (campaign || case.has_to_take(declared.measure)));
        let mut all: Vec<MeasureLimits> = rest.copied().chain(own.iter().copied()).collect();
        all.sort_by_key(|declared| declared.measure);
        all
    }
}

fn times(keys: Option<&TimeRangeKeys>) -> Range<'_, Duration> {
    keys.map(|keys| (keys.min.as_ref(), keys.max.as_ref()))
}

fn percents(keys: Option<&PercentRangeKeys>) -> Range<'_, Percent> {
    keys.map(|keys| (keys.min.as_ref(), keys.max.as_ref()))
}

fn counts(keys: Option<&BytesRangeKeys>) -> Range<'_, Bytes> {
    keys.map(|keys| (keys.min.as_ref(), keys.max.as_ref()))
}
