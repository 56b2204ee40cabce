//! When the moments of an update came in a run that nothing interrupted, and so where a cut at a certain time falls.
//!
//! A time is expressed by the last moment before it and the rest: an update that runs a little faster or slower is then cut
//! where it was meant to be, and the cut has an id that anyone can run again.

use crate::cut::{Cut, CutKind};
use crate::moment::Moment;
use crate::percent::Percent;
use crate::seed::Seed;
use crate::sweep::{CutPlace, Span};
use alloc::vec::Vec;
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimedMoment {
    /// The moment.
    pub at: Moment,
    /// The module's time since the update began, in nanoseconds.
    pub ns: u64,
}

/// The moments of an update, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Timeline {
    marks: Vec<TimedMoment>,
}

impl Timeline {
    /// Adds a moment. One that says nothing new (a percentage that repeats, or goes back) is left out: a cut armed for it
    /// would have fallen on the first.
    pub fn add(&mut self, at: Moment, since: Duration) {
        let ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        if self.time_of(at).is_none() && self.marks.last().is_none_or(|last| last.ns <= ns) {
            self.marks.push(TimedMoment { at, ns });
        }
    }

    pub fn marks(&self) -> &[TimedMoment] {
        &self.marks
    }

    /// When a cut that is armed for this moment would fall.
    pub fn time_of(&self, moment: Moment) -> Option<Duration> {
        let met = |mark: &&TimedMoment| match (moment, mark.at) {
            (Moment::Downloading(at), Moment::Downloading(seen))
            | (Moment::Updating(at), Moment::Updating(seen)) => seen >= at,
            (Moment::UploadBlock(at), Moment::UploadBlock(seen)) => seen >= at,
            (moment, seen) => moment == seen,
        };
        let mark = self.marks.iter().find(met)?;
        Some(Duration::from_nanos(mark.ns))
    }

    /// When a cut is made.
    pub fn time_of_cut(&self, cut: &Cut) -> Option<Duration> {
        Some(self.time_of(cut.at)? + cut.after)
    }

    /// Beginning and end of a stretch. A module that says no START begins with its first UPDATING.
    pub fn span(&self, span: Span) -> Option<(Duration, Duration)> {
        let time_of = |moment| match moment {
            Moment::Start => self
                .time_of(moment)
                .or_else(|| self.time_of(Moment::Updating(Percent::ZERO))),
            _ => self.time_of(moment),
        };
        let (from, to) = (time_of(span.from())?, time_of(span.to())?);
        (from < to).then_some((from, to))
    }

    /// The last moment at or before a time, and what is left of the time after it.
    pub fn anchor(&self, time: Duration) -> Option<(Moment, Duration)> {
        let ns = u64::try_from(time.as_nanos()).ok()?;
        let mark = self.marks.iter().rev().find(|mark| mark.ns <= ns)?;
        let rest = if matches!(mark.at, Moment::UploadBlock(_)) {
            // An upload is the harness's own: it is cut in the middle of a block.
            Duration::ZERO
        } else {
            Duration::from_millis((ns - mark.ns) / 1_000_000)
        };
        Some((mark.at, rest))
    }

    /// The cut at a place, its delay out of `jitter`, whatever is left to chance drawn from `seed` under `label`. `None`
    /// when the moments that it needs never came.
    pub fn cut(
        &self,
        place: CutPlace,
        jitter: (Duration, Duration),
        (kind, off): (CutKind, Duration),
        (seed, label): (Seed, &str),
    ) -> Option<Cut> {
        let part = |span, share: f64| {
            let (from, to) = self.span(span)?;
            self.anchor(from + (to - from).mul_f64(share))
        };
        let (at, after) = match place {
            CutPlace::After(at, after) => (at, after),
            CutPlace::Within(span, millionths) => part(span, f64::from(millionths) / 1e6)?,
            CutPlace::Anywhere(span) => {
                // 53 bits are all that a double holds.
                let even = (seed.draw(label) >> 11) as f64 / (1_u64 << 53) as f64;
                part(span, even)?
            }
        };
        // What is drawn evenly over a stretch already would not be even any more.
        let late = match place {
            CutPlace::Anywhere(_) => Duration::ZERO,
            CutPlace::After(..) | CutPlace::Within(..) => seed.duration(label, jitter.0, jitter.1),
        };
        Some(Cut {
            at,
            after: after + late,
            off,
            kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use rstest::rstest;

    fn timeline() -> Timeline {
        let mut timeline = Timeline::default();
        for (at, ms) in [
            ("http-start", 1_000),
            ("downloading 50%", 3_000),
            ("start", 10_000),
            ("updating 20%", 12_000),
            ("updating 20%", 12_500),
            ("updating 60%", 16_000),
            ("updating 10%", 17_000),
            ("updating 100%", 20_000),
            ("end", 24_000),
        ] {
            timeline.add(at.parse().unwrap(), Duration::from_millis(ms));
        }
        timeline
    }

    #[rstest]
    #[case(9_999, "downloading 50%", 6_999)]
    #[case(10_000, "start", 0)]
    #[case(13_137, "updating 20%", 1_137)]
    #[case(17_500, "updating 60%", 1_500)]
    #[case(30_000, "end", 6_000)]
    fn a_time_is_a_moment_and_a_rest(#[case] ms: u64, #[case] at: &str, #[case] rest: u64) {
        let anchor = timeline().anchor(Duration::from_millis(ms)).unwrap();
        assert_eq!(
            (anchor.0.to_string().as_str(), anchor.1.as_millis() as u64),
            (at, rest)
        );
    }

    #[test]
    fn before_everything_there_is_no_moment() {
        assert_eq!(timeline().anchor(Duration::from_millis(999)), None);
        assert_eq!(Timeline::default().anchor(Duration::from_secs(1)), None);
    }

    #[rstest]
    #[case(CutPlace::Within("updating 100%..end".parse().unwrap(), 500_000), "updating@100%+2s/power/5s")]
    #[case(CutPlace::Within("start..end".parse().unwrap(), 500_000), "updating@60%+1s/power/5s")]
    #[case(CutPlace::Within("updating 20%..80%".parse().unwrap(), 0), "updating@20%+0ms/power/5s")]
    #[case(CutPlace::After("start".parse().unwrap(), Duration::from_millis(50)), "start+50ms/power/5s")]
    fn places(#[case] place: CutPlace, #[case] id: &str) {
        let none = (Duration::ZERO, Duration::ZERO);
        let how = (CutKind::Power, Duration::from_secs(5));
        let cut = timeline().cut(place, none, how, (Seed(1), "a")).unwrap();
        assert_eq!(cut.to_string(), id);
    }

    /// "START may be missed" (facts on the vendor's own tests): the stretch is the same but for its first moment.
    #[test]
    fn without_a_start_an_update_begins_with_its_first_percentage() {
        let mut timeline = Timeline::default();
        timeline.add("updating 20%".parse().unwrap(), Duration::from_secs(2));
        timeline.add("end".parse().unwrap(), Duration::from_secs(9));
        let span = timeline.span("start..end".parse().unwrap());
        assert_eq!(span, Some((Duration::from_secs(2), Duration::from_secs(9))));
    }

    #[test]
    fn a_stretch_that_was_not_seen_has_no_place() {
        let place = CutPlace::Anywhere("coap-start..end".parse().unwrap());
        let how = (CutKind::Power, Duration::from_secs(5));
        let none = (Duration::ZERO, Duration::ZERO);
        assert_eq!(timeline().cut(place, none, how, (Seed(1), "a")), None);
    }

    /// Cuts drawn anywhere in a stretch fall evenly over its time: each tenth of it gets its tenth of them.
    #[test]
    fn anywhere_is_even_in_time() {
        let timeline = timeline();
        let span: Span = "start..end".parse().unwrap();
        let (from, to) = timeline.span(span).unwrap();
        let mut tenths = [0_u32; 10];
        for n in 0..5_000 {
            let how = (CutKind::Power, Duration::from_secs(5));
            let none = (Duration::ZERO, Duration::ZERO);
            let label = format!("cut{n}");
            let cut = timeline
                .cut(CutPlace::Anywhere(span), none, how, (Seed(9), &label))
                .unwrap();
            let at = timeline.time_of_cut(&cut).unwrap() - from;
            tenths[(at.as_nanos() * 10 / (to - from).as_nanos()) as usize] += 1;
        }
        assert!(tenths.iter().all(|hits| (400..600).contains(hits)), "{tenths:?}");
    }
}
