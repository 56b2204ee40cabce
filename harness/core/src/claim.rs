//! A claim about how rarely a cut bricks the module, and what a number of cuts can say about it.
//!
//! Each counted cut is one draw of a binomial experiment. The bounds are the exact one-sided ones (Clopper and Pearson 1934).
//! The upper bound is the rate at which this number of bricks or fewer has the probability `1 - confidence`; the lower
//! bound is the rate at which this number or more has that probability. Without a brick the upper bound is
//! `1 - (1 - confidence)^(1/n)`, which the "rule of three", 3/n at 95 %, approximates, and the lower bound is 0.

use crate::rate::Rate;
use crate::sweep::Span;
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::String;
use core::ops::Range;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `claim:` of a case: with this confidence, fewer than this share of the cuts in this window brick the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The rate that is claimed not to be reached.
    pub brick_rate_below: Rate,
    /// How sure one wants to be.
    pub confidence: Rate,
    /// Bricks that the claim survives. It has to be fixed beforehand, for it sets the number of cuts.
    pub bricks: u32,
    /// The window that the cuts are drawn from, evenly in time.
    pub over: Span,
}

impl Claim {
    /// Cuts that have to count before anything can be said.
    pub fn cuts(&self) -> u32 {
        cuts_needed(self.brick_rate_below, self.confidence, self.bricks)
    }

    /// What so many bricks among so many counted cuts say about it.
    pub fn status(&self, bricks: u32, cuts: u32) -> ClaimStatus {
        // A bound that meets the rate but for rounding does not lie above it; rates go by millionths.
        const ROUNDING: f64 = 1e-9;
        let needed = self.cuts();
        if Bounds::new(bricks, cuts, self.confidence).lower > self.brick_rate_below.share() + ROUNDING {
            ClaimStatus::Refuted
        } else if bricks > self.bricks {
            ClaimStatus::NotShown {
                survives: self.bricks,
            }
        } else if cuts < needed {
            ClaimStatus::Open { more: needed - cuts }
        } else {
            ClaimStatus::Shown
        }
    }
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, derive_more::Display)]
pub enum ClaimStatus {
    /// Enough cuts counted, and no more bricks than it survives.
    #[display("shown")]
    Shown,
    /// More bricks than it survives: these cuts cannot show it any more. It may be true all the same.
    #[display(
        "not shown: it survives {}",
        match survives {
            0 => "no brick".into(),
            1 => "1 brick alone".into(),
            more => format!("{more} bricks alone"),
        }
    )]
    NotShown {
        /// How many it survives.
        survives: u32,
    },
    /// The lower bound of the rate lies above the rate that it names.
    #[display("refuted")]
    Refuted,
    /// Too few cuts have counted.
    #[display("open: {more} more have to count")]
    Open {
        /// So many more have to.
        more: u32,
    },
}

impl ClaimStatus {
    /// The same as a verdict, with this sentence.
    pub fn verdict(self, sentence: String) -> Verdict {
        let rule = match self {
            Self::Shown => return Verdict::Pass,
            Self::NotShown { .. } => Rule::ClaimNotShown,
            Self::Refuted => Rule::ClaimRefuted,
            Self::Open { .. } => Rule::ClaimOpen,
        };
        Verdict::by(rule, sentence)
    }

    /// In one word, for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotShown { .. } => "not-shown",
            Self::Refuted => "refuted",
            Self::Open { .. } => "open",
        }
    }
}

/// The exact one-sided bounds of a rate. The confidence is that of each bound for itself, not of both together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The rate lies above it. 0 where nothing was hit: then the rate can be 0 too.
    pub lower: f64,
    /// The rate lies below it. 1 where everything was hit: then the rate can be 1 too.
    pub upper: f64,
}

impl Bounds {
    /// What `bricks` of `cuts` say.
    pub fn new(bricks: u32, cuts: u32, confidence: Rate) -> Self {
        Self {
            lower: lower_bound(bricks, cuts, confidence),
            upper: upper_bound(bricks, cuts, confidence),
        }
    }

    /// The upper one, in words.
    pub fn below(self) -> String {
        match self.upper {
            1.0 => String::from("at most 100%"),
            upper => format!("below {}", percentage(upper, libm::ceil, -1.0)),
        }
    }

    /// The lower one, in words.
    pub fn above(self) -> String {
        match self.lower {
            0.0 => String::from("at least 0%"),
            lower => format!("above {}", percentage(lower, libm::floor, 1.0)),
        }
    }

    pub fn words(self, confidence: Rate) -> String {
        format!(
            "{} and {}, each with {confidence} confidence",
            self.below(),
            self.above()
        )
    }
}

/// A share for reading, rounded `to` thousandths of a percent: a bound must not look better than it is. What the arithmetic
/// leaves beyond a hundred millionth of it is rounding.
fn percentage(share: f64, to: fn(f64) -> f64, slack: f64) -> String {
    let thousandths = to(share * 100_000.0 + slack * 1e-6);
    format!("{}%", thousandths / 1_000.0)
}

/// Cuts after which `bricks` among them still show, with this confidence, that the rate is below `rate`.
pub fn cuts_needed(rate: Rate, confidence: Rate, bricks: u32) -> u32 {
    let left_over = 1.0 - confidence.share();
    let shows = |cuts: u32| at_most(bricks, cuts, rate.share()) <= left_over;
    let mut enough = bricks + 1;
    while !shows(enough) {
        enough = enough.saturating_mul(2);
    }
    let mut few = enough / 2;
    while few + 1 < enough {
        let middle = few + (enough - few) / 2;
        if shows(middle) {
            enough = middle;
        } else {
            few = middle;
        }
    }
    enough
}

/// The rate that is not reached, with this confidence, when `bricks` of `cuts` were seen. 1 when nothing was seen, or
/// nothing but bricks.
pub fn upper_bound(bricks: u32, cuts: u32, confidence: Rate) -> f64 {
    if bricks >= cuts {
        return 1.0;
    }
    let left_over = 1.0 - confidence.share();
    halve(|rate| at_most(bricks, cuts, rate) > left_over).end
}

/// The rate that is exceeded, with this confidence, when `bricks` of `cuts` were seen. 0 when no brick was.
pub fn lower_bound(bricks: u32, cuts: u32, confidence: Rate) -> f64 {
    if bricks == 0 || cuts == 0 {
        return 0.0;
    }
    // So many bricks, or more, are at most as likely as what the confidence leaves over.
    halve(|rate| at_most(bricks - 1, cuts, rate) >= confidence.share()).start
}

/// The place between 0 and 1 from which on rates are not `below` it any more.
fn halve(below: impl Fn(f64) -> bool) -> Range<f64> {
    let mut place = 0.0..1.0;
    // Sixty halvings leave less than the last bit of a double.
    for _ in 0..60 {
        let middle = (place.start + place.end) / 2.0;
        if below(middle) {
            place.start = middle;
        } else {
            place.end = middle;
        }
    }
    place
}

/// The probability of at most `k` hits in `n` draws that hit with probability `p`.
fn at_most(k: u32, n: u32, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    // Logarithms: the first term of a long campaign is smaller than the smallest double.
    let odds = libm::log(p) - libm::log1p(-p);
    let mut term = f64::from(n) * libm::log1p(-p);
    let mut sum = libm::exp(term);
    for hits in 0..k {
        term += libm::log(f64::from(n - hits)) - libm::log(f64::from(hits + 1)) + odds;
        sum += libm::exp(term);
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    /// Figures that the literature on zero-failure and few-failure plans tabulates.
    #[rstest]
    #[case("1%", "95%", 0, 299)]
    #[case("1%", "95%", 1, 473)]
    #[case("1%", "95%", 2, 628)]
    #[case("0.1%", "95%", 0, 2995)]
    #[case("10%", "90%", 0, 22)]
    #[case("10%", "90%", 1, 38)]
    #[case("5%", "99%", 0, 90)]
    #[case("50%", "50%", 0, 1)]
    fn cuts_for_a_claim(#[case] below: &str, #[case] sure: &str, #[case] bricks: u32, #[case] cuts: u32) {
        assert_eq!(cuts_needed(rate(below), rate(sure), bricks), cuts);
        assert!(upper_bound(bricks, cuts, rate(sure)) <= rate(below).share());
        if cuts > bricks + 1 {
            assert!(upper_bound(bricks, cuts - 1, rate(sure)) > rate(below).share());
        }
    }

    #[test]
    fn nothing_is_known_of_nothing_and_long_campaigns_have_a_bound() {
        assert_eq!(upper_bound(0, 0, rate("95%")), 1.0);
        assert_eq!(upper_bound(7, 7, rate("95%")), 1.0);
        let long = upper_bound(3, 1_000_000, rate("95%"));
        assert!((7.7e-6..7.8e-6).contains(&long), "{long}");
        let dense = upper_bound(20_000, 40_000, rate("95%"));
        assert!((0.50..0.51).contains(&dense), "{dense}");
    }
}
