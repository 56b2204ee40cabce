//! Whether a case is tried once more.
//!
//! Each try is a preparation, the cuts that the seed gives, and a judgement. A retry makes the same cuts again: it is the
//! same experiment, which something other than the module had spoilt. One that makes up for a cut of a campaign draws another.

use super::Judged;
use super::campaigns::to_be_made_up;
use dfota_core::case::Case;
use dfota_core::verdict::Class;
use std::fmt;

/// How often a cut that landed elsewhere is made up for.
const MADE_UP: usize = 5;

/// Why there is another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The try ended with an error of this class, and the suite allows another one.
    Retry(Class),
    /// The cut of a campaign landed elsewhere than it was meant to.
    MadeUp,
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(class) => write!(f, "an error of the {class} is tried again"),
            Self::MadeUp => f.write_str("the cut landed elsewhere than it was meant to, and is made up for"),
        }
    }
}

/// Why a try that was judged so is followed by another one, if it is; `earlier` are the reasons of the tries before. What
/// the module did is never tried away.
pub(super) fn again(case: &Case, judged: &Judged, earlier: &[Again]) -> Option<Again> {
    if to_be_made_up(case, judged) {
        return (made_up(earlier) < MADE_UP).then_some(Again::MadeUp);
    }
    let class = judged.verdict.finding()?.rule.class();
    let again = Again::Retry(class);
    let before = earlier.iter().filter(|&&reason| reason == again).count();
    ((before as u64) < u64::from(case.retries.of(class))).then_some(again)
}

/// How many of the tries before were cuts that landed elsewhere.
pub(super) fn made_up(earlier: &[Again]) -> usize {
    earlier.iter().filter(|reason| **reason == Again::MadeUp).count()
}
