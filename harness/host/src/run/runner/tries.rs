//! Whether a case is tried once more.
//!
//! Each try is a preparation, the cuts that the seed gives, and a judgement. A retry makes the same cuts again: something other
//! than the module had disturbed the experiment. A try that makes up for a cut of a campaign draws another cut.

use super::TryResult;
use super::campaigns::to_be_made_up;
use dfota_core::case::Case;
use dfota_core::retries::Retries;
use dfota_core::verdict::{Class, Rule, Verdict};
use std::fmt;

/// How often a cut that landed elsewhere is made up for.
const MADE_UP: usize = 5;

/// Why there is another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The try ended with an error of this class, and the suite allows another one.
    Retry(Class),
    /// The cut of a campaign landed elsewhere than it was meant to.
    MadeUp,
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(class) => write!(f, "an error of the {class} is tried again"),
            Self::MadeUp => f.write_str("the cut missed its moment, and another cut replaces it"),
        }
    }
}

/// Why a try with this result is followed by another one, if it is; `earlier` are the reasons of the tries before. A finding
/// about the module is never tried again.
pub(super) fn again(case: &Case, result: &TryResult, earlier: &[Again]) -> Option<Again> {
    if to_be_made_up(case, result) {
        return (made_up(earlier) < MADE_UP).then_some(Again::MadeUp);
    }
    again_within(&case.retries, &result.judgement.verdict, earlier)
}

fn again_within(retries: &Retries, verdict: &Verdict, earlier: &[Again]) -> Option<Again> {
    let rule = verdict.finding()?.rule;
    // What is broken already is broken for every try.
    if rule == Rule::RigBroken {
        return None;
    }
    let class = rule.class();
    let again = Again::Retry(class);
    let before = earlier.iter().filter(|&&reason| reason == again).count();
    ((before as u64) < u64::from(retries.after(class))).then_some(again)
}

/// How many of the tries before were cuts that landed elsewhere.
pub(super) fn made_up(earlier: &[Again]) -> usize {
    earlier.iter().filter(|reason| **reason == Again::MadeUp).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ALLOWED: Retries = Retries {
        rig: 1,
        network: 2,
        server: 1,
    };

    fn after(rule: Rule, earlier: &[Again]) -> bool {
        again_within(&ALLOWED, &Verdict::by(rule, "it was so".into()), earlier).is_some()
    }

    #[rstest]
    #[case::rig(Rule::LineFailed, 1)]
    #[case::network(Rule::DownloadBroken, 2)]
    #[case::server(Rule::ServerFailed, 1)]
    #[case::broken(Rule::RigBroken, 0)]
    #[case::product(Rule::NoResume, 0)]
    #[case::suite(Rule::NoChain, 0)]
    #[case::harness(Rule::HarnessFailed, 0)]
    #[case::inconclusive(Rule::CutMissed, 0)]
    fn each_class_has_its_own_tries(#[case] rule: Rule, #[case] further: usize) {
        let mut earlier = Vec::new();
        while after(rule, &earlier) {
            earlier.push(Again::Retry(rule.class()));
            assert!(earlier.len() < 10, "it ends");
        }
        assert_eq!(earlier.len(), further);
    }

    /// Tries of one class use up none of another.
    #[test]
    fn classes_are_counted_apart() {
        assert!(after(Rule::LineFailed, &[Again::Retry(Class::Network); 2]));
        assert!(!after(Rule::DownloadBroken, &[Again::Retry(Class::Network); 2]));
        assert_eq!(again_within(&ALLOWED, &Verdict::Pass, &[]), None);
    }
}
