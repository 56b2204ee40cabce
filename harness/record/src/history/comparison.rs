//! Two runs, or two firmware versions, side by side, and what got worse from the first to the second.

use super::figures::{Figures, by_case};
use super::run::{HistoryCase, HistoryRun};
use crate::case_name::CaseName;
use dfota_core::measure::Measure;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How the second side is, beside the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Worse,
    Better,
    Same,
}

/// Both sides of a case that is in both.
#[derive(Debug, Clone, Serialize)]
pub struct CaseChange {
    pub suite: String,
    pub id: String,
    pub change: ChangeKind,
    pub a: Figures,
    pub b: Figures,
    /// Rules that its verdicts in the second rest on.
    pub rules: Vec<String>,
}

/// Both sides of a measurement, over all cases that are in both.
#[derive(Debug, Clone, Serialize)]
pub struct MeasureChange {
    pub name: &'static str,
    pub unit: &'static str,
    pub change: ChangeKind,
    /// Median and 90th percentile of the first.
    pub a: [f64; 2],
    /// The same of the second.
    pub b: [f64; 2],
}

#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Cases that are in both, the worse ones first.
    pub cases: Vec<CaseChange>,
    /// Measurements that were taken in both.
    pub measures: Vec<MeasureChange>,
    /// Cases of the first alone.
    pub only_a: Vec<String>,
    /// Cases of the second alone.
    pub only_b: Vec<String>,
}

impl Comparison {
    /// Of the runs of two sides; `slack` is the share by which a time may grow.
    pub fn new(a: &[HistoryRun], b: &[HistoryRun], slack: f64) -> Self {
        let (a, b) = (by_case(a), by_case(b));
        let both = || a.iter().filter_map(|(name, a)| Some((*name, a, b.get(name)?)));
        let mut cases: Vec<CaseChange> = both().map(|(name, a, b)| change(name, a, b)).collect();
        cases.sort_by_key(|case| case.change);
        let only = |these: &ByCase<'_>, others: &ByCase<'_>| {
            let alone = these.keys().filter(|name| !others.contains_key(*name));
            alone.map(CaseName::to_string).collect()
        };
        let sides: Vec<[&[&HistoryCase]; 2]> = both().map(|(_, a, b)| [&a[..], &b[..]]).collect();
        Self {
            cases,
            measures: Measure::ALL
                .into_iter()
                .filter_map(|measure| measure_change(measure, &sides, slack))
                .collect(),
            only_a: only(&a, &b),
            only_b: only(&b, &a),
        }
    }

    /// How many cases and measurements got worse.
    pub fn worse(&self) -> usize {
        let cases = self.cases.iter().map(|case| case.change);
        let measures = self.measures.iter().map(|measure| measure.change);
        cases
            .chain(measures)
            .filter(|change| *change == ChangeKind::Worse)
            .count()
    }
}

/// The results of one side, by case.
type ByCase<'r> = BTreeMap<CaseName<'r>, Vec<&'r HistoryCase>>;

fn change(name: CaseName<'_>, a: &[&HistoryCase], b: &[&HistoryCase]) -> CaseChange {
    let rules: BTreeSet<&str> = b.iter().filter_map(|case| case.rule.as_deref()).collect();
    let rules = rules.into_iter().map(String::from).collect();
    let (a, b) = (Figures::new(a.iter().copied()), Figures::new(b.iter().copied()));
    // A case that passed and was not run any more shows nothing any more.
    let rates = |figures: &Figures| {
        let flakes = -figures.flake_rate.unwrap_or(0.0);
        (figures.pass_rate.unwrap_or(0.0), flakes)
    };
    let change = match rates(&b).partial_cmp(&rates(&a)) {
        Some(std::cmp::Ordering::Less) => ChangeKind::Worse,
        Some(std::cmp::Ordering::Greater) => ChangeKind::Better,
        _ => ChangeKind::Same,
    };
    CaseChange {
        suite: name.suite.to_owned(),
        id: name.id.to_owned(),
        change,
        a,
        b,
        rules,
    }
}

/// A measurement over the cases that passed with it on both `sides`: one that did not pass took another time, or none, and
/// would shift all.
fn measure_change(measure: Measure, sides: &[[&[&HistoryCase]; 2]], slack: f64) -> Option<MeasureChange> {
    let took = |cases: &[&HistoryCase]| {
        let mut passed = cases.iter().filter(|case| case.passed());
        passed.any(|case| case.measures.iter().any(|(taken, _)| *taken == measure))
    };
    let figures = |side: usize| {
        let both = sides.iter().filter(|sides| sides.iter().all(|cases| took(cases)));
        let cases = both.flat_map(|sides| sides[side]).copied();
        Figures::new(cases.filter(|case| case.passed())).measure(measure)
    };
    let (a, b) = (figures(0)?, figures(1)?);
    let grew = |from: f64, to: f64| to > from * (1.0 + slack);
    let change = match measure {
        // The percentage at which a resume begins says what a bootloader does, not how well. The latency is the rig's.
        Measure::ResumedAt | Measure::CutLatency => ChangeKind::Same,
        _ if grew(a.p50, b.p50) || grew(a.p90, b.p90) => ChangeKind::Worse,
        _ if grew(b.p50, a.p50) || grew(b.p90, a.p90) => ChangeKind::Better,
        _ => ChangeKind::Same,
    };
    Some(MeasureChange {
        name: measure.name(),
        unit: measure.unit().name(),
        change,
        a: [a.p50, a.p90],
        b: [b.p50, b.p90],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, verdict: &str, tries: u32, resume: f64) -> HistoryCase {
        HistoryCase {
            suite: "s".into(),
            case: id.into(),
            verdict: verdict.into(),
            tries,
            measures: vec![(Measure::TimeToResume, resume), (Measure::CutLatency, resume)],
            ..HistoryCase::default()
        }
    }

    fn run(results: Vec<HistoryCase>) -> Vec<HistoryRun> {
        vec![HistoryRun {
            results,
            ..HistoryRun::default()
        }]
    }

    #[rstest::rstest]
    #[case(("pass", 1), ("pass", 1), ChangeKind::Same)]
    #[case(("pass", 1), ("fail", 1), ChangeKind::Worse)]
    #[case(("pass", 1), ("inconclusive", 1), ChangeKind::Worse)]
    #[case(("pass", 1), ("not-reached", 0), ChangeKind::Worse)]
    #[case(("pass", 1), ("pass", 2), ChangeKind::Worse)]
    #[case(("pass", 2), ("pass", 1), ChangeKind::Better)]
    #[case(("fail", 1), ("pass", 1), ChangeKind::Better)]
    #[case(("fail", 1), ("error", 1), ChangeKind::Same)]
    #[case(("skip", 0), ("skip", 0), ChangeKind::Same)]
    fn of_a_case(#[case] a: (&str, u32), #[case] b: (&str, u32), #[case] expected: ChangeKind) {
        let side = |(verdict, tries)| run(vec![case("x", verdict, tries, 1.0)]);
        let comparison = Comparison::new(&side(a), &side(b), 0.1);
        assert_eq!(comparison.cases[0].change, expected);
    }

    #[rstest::rstest]
    #[case(100.0, 109.0, ChangeKind::Same)]
    #[case(100.0, 111.0, ChangeKind::Worse)]
    #[case(111.0, 100.0, ChangeKind::Better)]
    fn of_a_time(#[case] a: f64, #[case] b: f64, #[case] expected: ChangeKind) {
        let side = |resume| run(vec![case("x", "pass", 1, resume), case("other", "pass", 1, 9e9)]);
        // What one side alone has says nothing of the other.
        let a: Vec<HistoryRun> = run(vec![case("x", "pass", 1, a)]);
        let comparison = Comparison::new(&a, &side(b), 0.1);
        assert_eq!(comparison.measures[0].change, expected);
        assert_eq!(comparison.measures[1].change, ChangeKind::Same, "the rig's");
        assert_eq!(comparison.only_b, ["s::other"]);
        assert_eq!(comparison.worse(), usize::from(expected == ChangeKind::Worse));
    }
}
