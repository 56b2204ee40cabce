//! `sweep:` of a case: many cuts over windows of an update, and the order in which they are made.
//!
//! The module names each percentage, so a cut there is known beforehand. Every other window is a length of time,
//! which only a calibration run can measure: see [`crate::timeline`].

use crate::cut::CutKind;
use crate::duration::Short;
use crate::macros::{named_enum, serde_as_text};
use crate::moment::{InvalidMoment, Moment};
use crate::percent::Percent;
use crate::seed::Seed;
use crate::update::Phase;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::{fmt, str::FromStr, time::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A window of an update, from one moment to another: `updating 20%..80%`, `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    from: Moment,
    to: Moment,
}

/// The moment of a phase that has so many percent.
type MomentOf = fn(Percent) -> Moment;

/// Where something stands in the course of an update: the stage, and how far into it.
fn position(moment: Moment) -> (u8, u32) {
    match moment {
        Moment::UploadBlock(block) => (0, block),
        Moment::HttpStart | Moment::CoapStart => (1, 0),
        Moment::Downloading(percent) => (1, 1 + u32::from(percent.get())),
        Moment::Start => (3, 0),
        Moment::Updating(percent) => (4, u32::from(percent.get())),
        Moment::End => (5, 0),
    }
}

/// The same of a phase in which a cut landed; `start` says that START had been seen.
fn landed_at(phase: Phase, start: bool) -> Option<(u8, u32)> {
    Some(match phase {
        Phase::Uploading { block } => (0, block),
        Phase::Downloading { percent: None } => (1, 0),
        Phase::Downloading {
            percent: Some(percent),
        } => (1, 1 + u32::from(percent.get())),
        Phase::Ordered if start => (3, 0),
        Phase::Ordered => (2, 0),
        Phase::Updating { percent } => (4, u32::from(percent.get())),
        Phase::Ended { .. } => (5, 0),
        Phase::Idle | Phase::DownloadFailed { .. } => return None,
    })
}

impl Span {
    /// From `from` until `to`, if that is later.
    pub fn new(from: Moment, to: Moment) -> Option<Self> {
        (position(from) < position(to)).then_some(Self { from, to })
    }

    pub fn from(self) -> Moment {
        self.from
    }

    pub fn to(self) -> Moment {
        self.to
    }

    /// Whether a cut that landed in this phase, with START seen before it or not, landed inside.
    pub fn holds(self, phase: Phase, start: bool) -> bool {
        let upper = position(self.to);
        landed_at(phase, start).is_some_and(|at| {
            // A percentage lasts until the next one, and END is outside as soon as it is there.
            let before_end = if self.to == Moment::End {
                at < upper
            } else {
                at <= upper
            };
            at >= position(self.from) && before_end
        })
    }

    /// First and last percentage, where both ends are percentages of the same phase.
    fn percents(self) -> Option<(MomentOf, u8, u8)> {
        match (self.from, self.to) {
            (Moment::Updating(from), Moment::Updating(to)) => Some((Moment::Updating, from.get(), to.get())),
            (Moment::Downloading(from), Moment::Downloading(to)) => {
                Some((Moment::Downloading, from.get(), to.get()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.percents() {
            Some((_, _, to)) => write!(f, "{}..{to}%", self.from),
            None => write!(f, "{}..{}", self.from, self.to),
        }
    }
}

/// Why a text names no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    #[error("invalid window `{0}`: expected the form `updating 20%..80%` or `start..end`")]
    Form(String),
    #[error(transparent)]
    Moment(#[from] InvalidMoment),
    #[error("`{text}` ends before it begins: `{to}` does not come after `{from}`")]
    Reversed { text: String, from: Moment, to: Moment },
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text
            .split_once("..")
            .ok_or_else(|| InvalidSpan::Form(text.into()))?;
        let first: Moment = from.trim().parse()?;
        let last = match (first, to.trim().parse::<Percent>()) {
            (Moment::Updating(_), Ok(percent)) => Moment::Updating(percent),
            (Moment::Downloading(_), Ok(percent)) => Moment::Downloading(percent),
            _ => to.trim().parse()?,
        };
        Self::new(first, last).ok_or_else(|| InvalidSpan::Reversed {
            text: text.into(),
            from: first,
            to: last,
        })
    }
}

serde_as_text!(Span);

/// What a sweep goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Moment(Moment),
    Span(Span),
    /// `weak-spots`: where a bootloader of this kind is known to be vulnerable.
    WeakSpots,
}

impl Over {
    /// The word for [`Self::WeakSpots`].
    pub const WEAK_SPOTS: &'static str = "weak-spots";
}

impl FromStr for Over {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            Self::WEAK_SPOTS => Ok(Self::WeakSpots),
            span if span.contains("..") => span.parse().map(Self::Span),
            moment => Ok(Self::Moment(moment.parse()?)),
        }
    }
}

/// How densely windows are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// A cut at every so many percent: of the update where the window goes by percentages, of its time where not.
    Step(Percent),
    /// So many cuts, spread over all windows.
    Cuts(u32),
}

named_enum! {
    /// In which order the cuts of a sweep are made.
    #[derive(Default)]
    pub enum SweepOrder {
        /// From the beginning of the update to its end.
        #[default]
        Linear = "linear",
        Shuffled = "shuffled",
        /// Always into the widest gap that is left: a night that ends early has seen everything, if not densely.
        WidestGap = "widest-gap",
    }
}

impl SweepOrder {
    /// The numbers from 0 to `count`, in this order.
    pub fn indices(self, count: usize, seed: Seed, label: &str) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        match self {
            Self::Linear => {}
            Self::Shuffled => order.sort_by_key(|n| seed.draw(&format!("{label}#order{n}"))),
            Self::WidestGap => order = widest_gap(count),
        }
        order
    }
}

/// Both ends, then the middle of the widest gap, again and again.
fn widest_gap(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count.min(1)).collect();
    order.extend((count > 1).then(|| count - 1));
    // All gaps of one round are as wide as each other, give or take one.
    let mut gaps = vec![(0, count.saturating_sub(1))];
    while !gaps.is_empty() {
        let mut narrower = Vec::new();
        for (from, to) in gaps.into_iter().filter(|(from, to)| to - from > 1) {
            let middle = from + (to - from) / 2;
            order.push(middle);
            narrower.extend([(from, middle), (middle, to)]);
        }
        gaps = narrower;
    }
    order
}

/// A delay that the seed draws for each cut, from the least to the greatest. The journal has it as a pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(Duration, Duration)", into = "(Duration, Duration)")]
#[schemars(inline)]
pub struct Jitter {
    pub min: Duration,
    pub max: Duration,
}

impl From<(Duration, Duration)> for Jitter {
    fn from((min, max): (Duration, Duration)) -> Self {
        Self { min, max }
    }
}

impl From<Jitter> for (Duration, Duration) {
    fn from(jitter: Jitter) -> Self {
        (jitter.min, jitter.max)
    }
}

/// `sweep:` of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    pub over: Vec<Over>,
    pub spacing: Spacing,
    /// The delay that is added to each cut.
    pub jitter: Jitter,
    /// Each cut is made with each of these.
    pub kinds: Vec<CutKind>,
    /// And with each of these: how long the supply stays off; `None` is the rig's discharge time.
    pub offs: Vec<Option<Duration>>,
    /// 1, or as often again in each forced resume.
    pub depth: u32,
    pub order: SweepOrder,
}

/// Where a cut of a campaign falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, derive_more::Display)]
#[serde(rename_all = "kebab-case")]
pub enum CutPlace {
    /// So long after a moment.
    #[display("{_0}{}", if _1.is_zero() { String::new() } else { format!(" + {}", Short(*_1)) })]
    After(Moment, Duration),
    /// At this share, in parts per million, of the time that a window takes.
    #[display("{}.{} % of {_0}", _1 / 10_000, _1 / 1_000 % 10)]
    Within(Span, u32),
    /// Anywhere in a window, evenly in time, by the seed.
    #[display("anywhere in {_0}")]
    Anywhere(Span),
}

/// The whole of a window, in the parts per million of [`CutPlace::Within`].
const WHOLE: u32 = 1_000_000;
/// Delays after START: the marker is written there, and the first backup (facts on the bootloader: START is followed by
/// `update marker`, `verify delta`, `verify ROM`, first chunk).
const AFTER_START: [u64; 6] = [0, 50, 100, 250, 500, 1_000];
/// Percentages around the first that the vendor shows, and before the last.
const AROUND: [u8; 7] = [20, 21, 22, 97, 98, 99, 100];
/// Between 100 % and END the report is written: shares of that time.
const BEFORE_END: [u32; 5] = [100_000, 300_000, 500_000, 700_000, 900_000];

impl Sweep {
    /// Its places, from the beginning of the update to its end as far as the file has them so. `start` says whether the
    /// transport promises a START.
    pub fn places(&self, start: bool) -> Vec<CutPlace> {
        let spans = self
            .over
            .iter()
            .filter(|over| matches!(over, Over::Span(_)))
            .count();
        let mut dealt = 0;
        let mut places = Vec::new();
        for over in &self.over {
            match *over {
                Over::Moment(moment) => places.push(CutPlace::After(moment, Duration::ZERO)),
                Over::WeakSpots => places.extend(weak_spots(start)),
                Over::Span(span) => {
                    let share = match self.spacing {
                        Spacing::Step(_) => None,
                        Spacing::Cuts(cuts) => {
                            let (cuts, spans, n) = (cuts as usize, spans.max(1), dealt);
                            dealt += 1;
                            Some((cuts * (n + 1) / spans) - (cuts * n / spans))
                        }
                    };
                    places.extend(self.over_span(span, share));
                }
            }
        }
        places
    }

    fn over_span(&self, span: Span, cuts: Option<usize>) -> Vec<CutPlace> {
        let step = match self.spacing {
            Spacing::Step(step) => u32::from(step.get().max(1)),
            Spacing::Cuts(_) => 1,
        };
        if let Some((moment, from, to)) = span.percents() {
            let (from, to) = (u32::from(from), u32::from(to));
            let percents: Vec<u32> = match cuts {
                None => (from..=to).step_by(step as usize).collect(),
                Some(1) => vec![from + (to - from) / 2],
                Some(cuts) => (0..cuts)
                    .map(|n| from + (to - from) * n as u32 / (cuts as u32 - 1))
                    .collect(),
            };
            return percents
                .into_iter()
                .filter_map(|percent| Percent::new(u8::try_from(percent).ok()?))
                .map(|percent| CutPlace::After(moment(percent), Duration::ZERO))
                .collect();
        }
        // The middle of each part: its ends belong to the moments there.
        let parts = cuts.map_or(100_u32.div_ceil(step), |cuts| cuts as u32);
        (0..parts)
            .map(|n| {
                let share = u64::from(WHOLE) * (2 * u64::from(n) + 1) / (2 * u64::from(parts));
                CutPlace::Within(span, share as u32)
            })
            .collect()
    }
}

fn weak_spots(start: bool) -> Vec<CutPlace> {
    let full = Moment::Updating(Percent::FULL);
    let after_start = AFTER_START
        .iter()
        .filter(|_| start)
        .map(|ms| CutPlace::After(Moment::Start, Duration::from_millis(*ms)));
    let around = AROUND.iter().filter_map(|percent| {
        let at = Moment::Updating(Percent::new(*percent)?);
        Some(CutPlace::After(at, Duration::ZERO))
    });
    let report = Span::new(full, Moment::End);
    let before_end = report
        .into_iter()
        .flat_map(|span| BEFORE_END.map(|share| CutPlace::Within(span, share)));
    after_start
        .chain(around)
        .chain(before_end)
        .chain([CutPlace::After(Moment::End, Duration::ZERO)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    #[rstest]
    #[case("updating 20%..80%")]
    #[case("start..end")]
    #[case("updating 100%..end")]
    #[case("downloading 10%..90%")]
    #[case("http-start..start")]
    #[case("upload block 0..start")]
    #[case("start..updating 20%")]
    fn a_span_is_its_text(#[case] text: &str) {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("updating 80%..20%")]
    #[case("end..start")]
    #[case("start..start")]
    #[case("start")]
    #[case("start..")]
    #[case("start..20%")]
    #[case("..end")]
    fn what_is_no_span(#[case] text: &str) {
        assert!(text.parse::<Span>().is_err());
    }

    const fn updating(percent: u8) -> Phase {
        let Some(percent) = Percent::new(percent) else {
            panic!("a percentage");
        };
        Phase::Updating { percent }
    }

    #[rstest]
    #[case("start..end", Phase::Ordered, true, true)]
    #[case("start..end", Phase::Ordered, false, false)]
    #[case("start..end", updating(20), false, true)]
    #[case("start..end", updating(100), true, true)]
    #[case("start..end", Phase::Ended { code: 0 }, true, false)]
    #[case("start..end", Phase::Downloading { percent: None }, false, false)]
    #[case("http-start..end", Phase::Downloading { percent: None }, false, true)]
    #[case("http-start..end", Phase::Ordered, false, true)]
    #[case("updating 20%..80%", updating(80), true, true)]
    #[case("updating 20%..80%", updating(81), true, false)]
    #[case("updating 20%..80%", updating(19), true, false)]
    #[case("upload block 0..start", Phase::Uploading { block: 3 }, false, true)]
    #[case("start..end", Phase::Idle, true, false)]
    fn where_a_cut_landed(
        #[case] span: &str,
        #[case] phase: Phase,
        #[case] start: bool,
        #[case] inside: bool,
    ) {
        assert_eq!(span.parse::<Span>().unwrap().holds(phase, start), inside);
    }

    fn sweep(over: &[&str], spacing: Spacing) -> Sweep {
        Sweep {
            over: over.iter().map(|text| text.parse().unwrap()).collect(),
            spacing,
            jitter: Jitter::default(),
            kinds: vec![CutKind::Power],
            offs: vec![None],
            depth: 1,
            order: SweepOrder::Linear,
        }
    }

    fn shown(places: &[CutPlace]) -> String {
        let shown: Vec<String> = places.iter().map(CutPlace::to_string).collect();
        shown.join(", ")
    }

    #[test]
    fn places_of_a_sweep() {
        let step = |percent| Spacing::Step(Percent::new(percent).unwrap());
        let places = |over: &[&str], spacing| shown(&sweep(over, spacing).places(true));
        assert_eq!(
            places(&["updating 20%..50%", "end"], step(10)),
            "updating 20%, updating 30%, updating 40%, updating 50%, end"
        );
        assert_eq!(
            places(&["start..end"], step(25)),
            "12.5 % of start..end, 37.5 % of start..end, 62.5 % of start..end, 87.5 % of start..end"
        );
        assert_eq!(
            places(&["updating 20%..100%"], Spacing::Cuts(5)),
            "updating 20%, updating 40%, updating 60%, updating 80%, updating 100%"
        );
        let spread = sweep(&["updating 20%..40%", "start..end"], Spacing::Cuts(7)).places(true);
        assert_eq!(spread.len(), 7);
    }

    #[test]
    fn weak_spots_without_a_start_have_none() {
        let weak = sweep(&["weak-spots"], Spacing::Cuts(1));
        let (with, without) = (weak.places(true), weak.places(false));
        assert_eq!(with.len() - without.len(), AFTER_START.len());
        assert!(!shown(&without).contains("start"));
        assert!(shown(&with).ends_with("90.0 % of updating 100%..end, end"));
    }

    #[rstest]
    #[case(0, &[])]
    #[case(1, &[0])]
    #[case(2, &[0, 1])]
    #[case(9, &[0, 8, 4, 2, 6, 1, 3, 5, 7])]
    fn into_the_widest_gap(#[case] count: usize, #[case] order: &[usize]) {
        assert_eq!(SweepOrder::WidestGap.indices(count, Seed(0), ""), order);
    }

    #[test]
    fn every_order_has_every_cut_once() {
        for order in SweepOrder::ALL {
            for count in [0, 1, 2, 3, 17, 100] {
                let mut all = order.indices(count, Seed(5), "campaign");
                all.sort_unstable();
                assert_eq!(all, (0..count).collect::<Vec<_>>(), "{}", order.name());
            }
        }
        let shuffled = |seed| SweepOrder::Shuffled.indices(50, Seed(seed), "campaign");
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
    }
}
