//! Two runs, or two firmware versions, side by side, and what got worse from the first to the second.

use super::entry::{Entry, Kept};
use super::figures::{Figures, by_case};
use dfota_core::measure::Measure;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What became of a case, or of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Worse,
    Better,
    Same,
}

/// Both sides of a case that is in both.
#[derive(Debug, Clone, Serialize)]
pub struct CaseChange {
    pub suite: String,
    pub id: String,
    pub change: Change,
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
    pub change: Change,
    /// Median and 90th percentile of the first.
    pub a: (f64, f64),
    /// The same of the second.
    pub b: (f64, f64),
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
    pub fn of(a: &[Entry], b: &[Entry], slack: f64) -> Self {
        let (a, b) = (by_case(a), by_case(b));
        let both: BTreeSet<(&str, &str)> = a.keys().filter(|case| b.contains_key(*case)).copied().collect();
        let mut cases: Vec<CaseChange> = both
            .iter()
            .map(|case| change(*case, &a[case], &b[case]))
            .collect();
        cases.sort_by_key(|case| case.change);
        let only = |these: &BTreeMap<(&str, &str), Vec<&Kept>>| {
            let alone = these.keys().filter(|case| !both.contains(*case));
            alone.map(|(suite, id)| format!("{suite}::{id}")).collect()
        };
        Self {
            cases,
            measures: measures(&both, &a, &b, slack),
            only_a: only(&a),
            only_b: only(&b),
        }
    }

    /// How many cases and measurements got worse.
    pub fn worse(&self) -> usize {
        let cases = self
            .cases
            .iter()
            .filter(|case| case.change == Change::Worse)
            .count();
        let measures = self.measures.iter();
        cases + measures.filter(|measure| measure.change == Change::Worse).count()
    }
}

fn change((suite, id): (&str, &str), a: &[&Kept], b: &[&Kept]) -> CaseChange {
    let rules: BTreeSet<&str> = b.iter().filter_map(|kept| kept.rule.as_deref()).collect();
    let rules = rules.into_iter().map(String::from).collect();
    let (a, b) = (Figures::of(a.iter().copied()), Figures::of(b.iter().copied()));
    // A case that passed and was not run any more shows nothing any more.
    let rates = |figures: &Figures| {
        let flakes = -figures.flake_rate.unwrap_or(0.0);
        (figures.pass_rate.unwrap_or(0.0), flakes)
    };
    let change = match rates(&b).partial_cmp(&rates(&a)) {
        Some(std::cmp::Ordering::Less) => Change::Worse,
        Some(std::cmp::Ordering::Greater) => Change::Better,
        _ => Change::Same,
    };
    let (suite, id) = (suite.to_owned(), id.to_owned());
    CaseChange {
        suite,
        id,
        change,
        a,
        b,
        rules,
    }
}

fn passed(kept: &Kept) -> bool {
    kept.verdict == "pass"
}

fn measures(
    both: &BTreeSet<(&str, &str)>,
    a: &BTreeMap<(&str, &str), Vec<&Kept>>,
    b: &BTreeMap<(&str, &str), Vec<&Kept>>,
    slack: f64,
) -> Vec<MeasureChange> {
    let took = |measure: Measure, kept: &[&Kept]| {
        let mut all = kept
            .iter()
            .filter(|kept| passed(kept))
            .flat_map(|kept| &kept.measures);
        all.any(|(taken, _)| *taken == measure)
    };
    let both_took = |measure: Measure| {
        // A case that did not pass on one side took another time there, or none: it would shift all.
        let cases = both.iter().filter(|case| {
            let sides = [a.get(case), b.get(case)];
            sides
                .into_iter()
                .all(|side| side.is_some_and(|kept| took(measure, kept)))
        });
        let of = |side: &BTreeMap<(&str, &str), Vec<&Kept>>| {
            let kept = cases.clone().filter_map(|case| side.get(case)).flatten().copied();
            Figures::of(kept.filter(|kept| passed(kept)))
        };
        let (a, b) = (of(a), of(b));
        let (a, b) = (a.measure(measure)?, b.measure(measure)?);
        let grew = |from: f64, to: f64| to > from * (1.0 + slack);
        let change = match measure {
            // The percentage at which a resume begins says what a bootloader does, not how well. The latency is the rig's.
            Measure::ResumedAt | Measure::CutLatency => Change::Same,
            _ if grew(a.p50, b.p50) || grew(a.p90, b.p90) => Change::Worse,
            _ if grew(b.p50, a.p50) || grew(b.p90, a.p90) => Change::Better,
            _ => Change::Same,
        };
        Some(MeasureChange {
            name: measure.name(),
            unit: measure.unit().name(),
            change,
            a: (a.p50, a.p90),
            b: (b.p50, b.p90),
        })
    };
    Measure::ALL.into_iter().filter_map(both_took).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(case: &str, verdict: &str, tries: u32, resume: f64) -> Kept {
        Kept {
            suite: "s".into(),
            case: case.into(),
            verdict: verdict.into(),
            rule: None,
            outcome: None,
            tries,
            seconds: 1.0,
            source: "A".into(),
            target: "B".into(),
            measures: vec![(Measure::TimeToResume, resume), (Measure::CutLatency, resume)],
        }
    }

    fn run(results: Vec<Kept>) -> Vec<Entry> {
        let text = String::new;
        vec![Entry {
            run: text(),
            utc: text(),
            host: text(),
            folder: text(),
            rig: text(),
            module: text(),
            simulated: true,
            tool: text(),
            exit: None,
            seconds: 0.0,
            results,
        }]
    }

    #[rstest::rstest]
    #[case(("pass", 1), ("pass", 1), Change::Same)]
    #[case(("pass", 1), ("fail", 1), Change::Worse)]
    #[case(("pass", 1), ("inconclusive", 1), Change::Worse)]
    #[case(("pass", 1), ("not-reached", 0), Change::Worse)]
    #[case(("pass", 1), ("pass", 2), Change::Worse)]
    #[case(("pass", 2), ("pass", 1), Change::Better)]
    #[case(("fail", 1), ("pass", 1), Change::Better)]
    #[case(("fail", 1), ("error", 1), Change::Same)]
    #[case(("skip", 0), ("skip", 0), Change::Same)]
    fn of_a_case(#[case] a: (&str, u32), #[case] b: (&str, u32), #[case] expected: Change) {
        let side = |(verdict, tries)| run(vec![kept("x", verdict, tries, 1.0)]);
        let comparison = Comparison::of(&side(a), &side(b), 0.1);
        assert_eq!(comparison.cases[0].change, expected);
    }

    #[rstest::rstest]
    #[case(100.0, 109.0, Change::Same)]
    #[case(100.0, 111.0, Change::Worse)]
    #[case(111.0, 100.0, Change::Better)]
    fn of_a_time(#[case] a: f64, #[case] b: f64, #[case] expected: Change) {
        let side = |resume| run(vec![kept("x", "pass", 1, resume), kept("other", "pass", 1, 9e9)]);
        // A case of one side alone is no measure of the other.
        let a: Vec<Entry> = run(vec![kept("x", "pass", 1, a)]);
        let comparison = Comparison::of(&a, &side(b), 0.1);
        assert_eq!(comparison.measures[0].change, expected);
        assert_eq!(comparison.measures[1].change, Change::Same, "the rig's");
        assert_eq!(comparison.only_b, ["s::other"]);
        assert_eq!(comparison.worse(), usize::from(expected == Change::Worse));
    }
}
