//! Whether a case is tried once more.
//!
//! Each try is a preparation, the cuts that the seed gives, and a judgement. A retry makes the same cuts again: it is the
//! same experiment, which something other than the module had spoilt.

use dfota_core::case::Case;
use dfota_core::verdict::{Class, Verdict};
use std::fmt;

/// Why there is another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The try ended with an error of this class, and the suite allows another one.
    Retry(Class),
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(class) => write!(f, "an error of the {class} is tried again"),
        }
    }
}

/// Why a try with this verdict is followed by another one, if it is; `earlier` are the reasons of the tries before. What
/// the module did is never tried away.
pub fn again(case: &Case, verdict: &Verdict, earlier: &[Again]) -> Option<Again> {
    let class = verdict.finding()?.rule.class();
    let again = Again::Retry(class);
    let before = earlier.iter().filter(|&&reason| reason == again).count();
    ((before as u64) < u64::from(case.retries.of(class))).then_some(again)
}
