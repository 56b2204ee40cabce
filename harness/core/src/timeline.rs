//! The times at which an uninterrupted run reached the moments of an update; they show where a timed cut falls.
//!
//! A time is the last moment before it plus a delay: an update that runs a little faster or slower is then cut
//! where it was meant to be, and the cut has an id that anyone can run again.

use crate::campaign::Slot;
use crate::cut::Cut;
use crate::moment::Moment;
use crate::percent::Percent;
use crate::seed::Seed;
use crate::sweep::{CutPlace, Span};
use alloc::vec::Vec;
use core::ops::Range;
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
    moments: Vec<TimedMoment>,
}

impl Timeline {
    /// Adds a moment. One that says nothing new (a percentage that repeats, or goes back) is left out: a cut armed for it
    /// would have fallen on the first.
    pub fn add(&mut self, at: Moment, since: Duration) {
        let ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        if self.time_of(at).is_none() && self.moments.last().is_none_or(|last| last.ns <= ns) {
            self.moments.push(TimedMoment { at, ns });
        }
    }

    pub fn moments(&self) -> &[TimedMoment] {
        &self.moments
    }

    /// When a cut that is armed for this moment would fall.
    pub fn time_of(&self, moment: Moment) -> Option<Duration> {
        let met = |timed: &&TimedMoment| match (moment, timed.at) {
            (Moment::Downloading(at), Moment::Downloading(seen))
            | (Moment::Updating(at), Moment::Updating(seen)) => seen >= at,
            (Moment::UploadBlock(at), Moment::UploadBlock(seen)) => seen >= at,
            (moment, seen) => moment == seen,
        };
        let timed = self.moments.iter().find(met)?;
        Some(Duration::from_nanos(timed.ns))
    }

    /// When a cut is made.
    pub fn time_of_cut(&self, cut: &Cut) -> Option<Duration> {
        Some(self.time_of(cut.at)? + cut.after)
    }

    /// Beginning and end of a window. A module that says no START begins with its first UPDATING.
    pub fn span(&self, span: Span) -> Option<Range<Duration>> {
        let time_of = |moment| match moment {
            Moment::Start => self
                .time_of(moment)
                .or_else(|| self.time_of(Moment::Updating(Percent::ZERO))),
            _ => self.time_of(moment),
        };
        let (from, to) = (time_of(span.from())?, time_of(span.to())?);
        (from < to).then_some(from..to)
    }

    /// `None` before the first moment.
    pub fn anchor(&self, time: Duration) -> Option<Anchor> {
        let ns = u64::try_from(time.as_nanos()).ok()?;
        let last = self.moments.iter().rev().find(|timed| timed.ns <= ns)?;
        let after = if matches!(last.at, Moment::UploadBlock(_)) {
            // An upload is the harness's own: it is cut in the middle of a block.
            Duration::ZERO
        } else {
            Duration::from_millis((ns - last.ns) / 1_000_000)
        };
        Some(Anchor { at: last.at, after })
    }

    /// The cut of a slot; what is left to chance is drawn from `seed` under `label`. `None` when the moments that it needs
    /// never came.
    pub fn cut(&self, slot: &Slot, seed: Seed, label: &str) -> Option<Cut> {
        let jitter = || seed.duration(label, slot.jitter.min, slot.jitter.max);
        let share_of = |span, share: f64| {
            let Range { start, end } = self.span(span)?;
            self.anchor(start + (end - start).mul_f64(share))
        };
        let (anchor, jitter) = match slot.place {
            CutPlace::After(at, after) => (Anchor { at, after }, jitter()),
            CutPlace::Within(span, millionths) => (share_of(span, f64::from(millionths) / 1e6)?, jitter()),
            CutPlace::Anywhere(span) => {
                // 53 bits are all that a double holds.
                let even = (seed.draw(label) >> 11) as f64 / (1_u64 << 53) as f64;
                // With a delay on top, cuts would not be even over the window any more.
                (share_of(span, even)?, Duration::ZERO)
            }
        };
        Some(Cut {
            at: anchor.at,
            after: anchor.after + jitter,
            off: slot.off,
            kind: slot.kind,
        })
    }
}

/// A time of an update, by the last moment at or before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    pub at: Moment,
    /// What is left of the time after the moment.
    pub after: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cut::CutKind;
    use crate::sweep::Jitter;
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

    fn slot(place: CutPlace) -> Slot {
        Slot {
            place,
            jitter: Jitter::default(),
            kind: CutKind::Power,
            off: Duration::from_secs(5),
            times: 1,
            claim: None,
        }
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
            (anchor.at.to_string().as_str(), anchor.after.as_millis() as u64),
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
        let cut = timeline().cut(&slot(place), Seed(1), "a").unwrap();
        assert_eq!(cut.to_string(), id);
    }

    /// "START may be missed" (facts on the vendor's own tests): the window is the same but for its first moment.
    #[test]
    fn without_a_start_an_update_begins_with_its_first_percentage() {
        let mut timeline = Timeline::default();
        timeline.add("updating 20%".parse().unwrap(), Duration::from_secs(2));
        timeline.add("end".parse().unwrap(), Duration::from_secs(9));
        let span = timeline.span("start..end".parse().unwrap());
        assert_eq!(span, Some(Duration::from_secs(2)..Duration::from_secs(9)));
    }

    #[test]
    fn a_window_that_was_not_seen_has_no_place() {
        let place = CutPlace::Anywhere("coap-start..end".parse().unwrap());
        assert_eq!(timeline().cut(&slot(place), Seed(1), "a"), None);
    }

    /// Cuts drawn anywhere in a window fall evenly over its time: each tenth of it gets its tenth of them.
    #[test]
    fn anywhere_is_even_in_time() {
        let timeline = timeline();
        let span: Span = "start..end".parse().unwrap();
        let Range { start, end } = timeline.span(span).unwrap();
        let mut tenths = [0_u32; 10];
        for n in 0..5_000 {
            let slot = slot(CutPlace::Anywhere(span));
            let cut = timeline.cut(&slot, Seed(9), &format!("cut{n}")).unwrap();
            let at = timeline.time_of_cut(&cut).unwrap() - start;
            tenths[(at.as_nanos() * 10 / (end - start).as_nanos()) as usize] += 1;
        }
        assert!(tenths.iter().all(|hits| (400..600).contains(hits)), "{tenths:?}");
    }
}
