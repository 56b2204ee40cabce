//! Cuts: how a suite plans them, and the id of each one that reruns it.

use crate::duration::{Short, parse_short};
use crate::macros::{named_enum, serde_as_text};
use crate::moment::{InvalidMoment, Moment};
use crate::percent::Percent;
use crate::seed::Seed;
use alloc::{format, string::String};
use core::{fmt, str::FromStr, time::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

named_enum! {
    /// What is cut.
    #[derive(Default)]
    pub enum CutKind {
        /// The supply.
        #[default]
        Power = "power",
        /// Nothing: the module is reset.
        Reset = "reset",
        /// The module is reset while the supply goes.
        Both = "both",
    }
}

/// `cut:` of a case, before its random delay is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CutPlan {
    /// The moment that triggers it.
    pub at: Moment,
    /// Shortest delay after the moment, in the module's time.
    pub after_min: Duration,
    /// Longest delay; the same as `after_min` where the suite names one time.
    pub after_max: Duration,
    /// How long the supply stays off, or reset stays asserted.
    pub off: Duration,
    /// What is cut.
    pub kind: CutKind,
    /// How often: 1, or again in each forced resume.
    pub times: u32,
}

impl CutPlan {
    /// Exactly this cut, so many times.
    pub fn from_cut(cut: &Cut, times: u32) -> Self {
        Self {
            at: cut.at,
            after_min: cut.after,
            after_max: cut.after,
            off: cut.off,
            kind: cut.kind,
            times,
        }
    }

    /// The `n`-th cut (from 0) of the case `case`, its delay drawn from the seed of the run.
    pub fn cut(&self, seed: Seed, case: &str, n: u32) -> Cut {
        let after = seed.duration(&format!("{case}#cut{n}"), self.after_min, self.after_max);
        // A forced resume may come without a START: there it begins with the first UPDATING.
        let at = match self.at {
            Moment::Start if n > 0 => Moment::Updating(Percent::ZERO),
            at => at,
        };
        Cut {
            at,
            after,
            off: self.off,
            kind: self.kind,
        }
    }
}

/// One cut, with nothing left to chance. Its text is its id: `updating@50%+137ms/power/5s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Cut {
    /// The moment that triggers it.
    pub at: Moment,
    /// Delay after the moment, in the module's time.
    pub after: Duration,
    /// How long the supply stays off.
    pub off: Duration,
    /// What is cut.
    pub kind: CutKind,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Moment::Downloading(percent) => write!(f, "downloading@{percent}")?,
            Moment::Updating(percent) => write!(f, "updating@{percent}")?,
            Moment::UploadBlock(block) => write!(f, "upload@{block}")?,
            Moment::HttpStart | Moment::CoapStart | Moment::Start | Moment::End => write!(f, "{}", self.at)?,
        }
        write!(
            f,
            "+{}/{}/{}",
            Short(self.after),
            self.kind.name(),
            Short(self.off)
        )
    }
}

/// Why a text is not the id of a cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCut {
    #[error("invalid cut `{0}`: expected the form `updating@50%+137ms/power/5s`")]
    Form(String),
    #[error(transparent)]
    Moment(#[from] InvalidMoment),
    #[error("invalid cut `{text}`: {why}")]
    Duration { text: String, why: &'static str },
}

impl FromStr for Cut {
    type Err = InvalidCut;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || InvalidCut::Form(text.into());
        let [when, kind, off] = text.split('/').collect::<alloc::vec::Vec<_>>()[..] else {
            return Err(form());
        };
        let (moment, after) = when.rsplit_once('+').ok_or_else(form)?;
        let at = match moment.split_once('@') {
            Some(("upload", block)) => format!("upload block {block}").parse()?,
            Some((phase @ ("updating" | "downloading"), percent)) => format!("{phase} {percent}").parse()?,
            Some(_) => return Err(form()),
            None => moment.parse()?,
        };
        let kind = CutKind::ALL
            .into_iter()
            .find(|known| known.name() == kind)
            .ok_or_else(form)?;
        let duration = |duration| {
            parse_short(duration).map_err(|why| InvalidCut::Duration {
                text: text.into(),
                why,
            })
        };
        Ok(Self {
            at,
            after: duration(after)?,
            off: duration(off)?,
            kind,
        })
    }
}

serde_as_text!(Cut);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    #[rstest]
    #[case("updating@50%+137ms/power/5s")]
    #[case("downloading@1%+0ms/reset/100ms")]
    #[case("upload@3+0ms/both/3s")]
    #[case("start+2s/power/2m")]
    #[case("http-start+0ms/power/3s")]
    #[case("coap-start+0ms/power/3s")]
    #[case("end+0ms/power/3s")]
    fn an_id_is_its_cut(#[case] id: &str) {
        assert_eq!(id.parse::<Cut>().unwrap().to_string(), id);
    }

    #[rstest]
    #[case("")]
    #[case("updating@50%")]
    #[case("updating@120%+0ms/power/5s")]
    #[case("updating@50%+x/power/5s")]
    #[case("updating@50%+1ms/lightning/5s")]
    #[case("updating@50%+1ms/power/5s/6s")]
    #[case("resting@50%+1ms/power/5s")]
    #[case("start+99999999999999999999m/power/5s")]
    fn what_is_no_id(#[case] id: &str) {
        assert!(id.parse::<Cut>().is_err());
    }
}
