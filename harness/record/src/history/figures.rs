//! What several runs say about a case: pure functions of what the history keeps.

use super::entry::{Entry, Kept};
use dfota_core::measure::Measure;
use dfota_core::percentiles::Percentiles;
use serde::Serialize;
use std::collections::BTreeMap;

/// What became of a case, or of several, over some runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How often it was run to a verdict.
    pub runs: u32,
    /// How often it passed.
    pub passed: u32,
    /// How often it passed, and not at the first try.
    pub flaky: u32,
    /// How often it failed: the module's fault.
    pub failed: u32,
    /// How often it was an error of ours, or inconclusive.
    pub other: u32,
    /// How often it was left out or not reached.
    pub not_run: u32,
    /// Passes in all that was run; nothing where it never was.
    pub pass_rate: Option<f64>,
    /// Flaky passes in all that was run.
    pub flake_rate: Option<f64>,
    /// Percentiles of what was measured, by name.
    pub measures: BTreeMap<&'static str, Measured>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    pub unit: &'static str,
    #[serde(flatten)]
    pub spread: Percentiles,
}

impl Figures {
    pub fn of<'k>(results: impl IntoIterator<Item = &'k Kept>) -> Self {
        let mut figures = Self::default();
        let mut values: BTreeMap<Measure, Vec<f64>> = BTreeMap::new();
        for kept in results {
            figures.runs += u32::from(kept.was_run());
            figures.flaky += u32::from(kept.is_flaky());
            *match kept.verdict.as_str() {
                "pass" => &mut figures.passed,
                "fail" => &mut figures.failed,
                "skip" | "not-reached" => &mut figures.not_run,
                _ => &mut figures.other,
            } += 1;
            for (measure, value) in &kept.measures {
                values.entry(*measure).or_default().push(*value);
            }
        }
        let rate = |count: u32| (figures.runs > 0).then(|| f64::from(count) / f64::from(figures.runs));
        (figures.pass_rate, figures.flake_rate) = (rate(figures.passed), rate(figures.flaky));
        figures.measures = values
            .into_iter()
            .filter_map(|(measure, values)| {
                let unit = measure.unit().name();
                let spread = Percentiles::new(values)?;
                Some((measure.name(), Measured { unit, spread }))
            })
            .collect();
        figures
    }

    /// A measurement, if it was ever taken.
    pub fn measure(&self, measure: Measure) -> Option<Percentiles> {
        self.measures.get(measure.name()).map(|measured| measured.spread)
    }
}

/// The results of the runs by suite and case.
pub fn by_case<'e>(runs: impl IntoIterator<Item = &'e Entry>) -> BTreeMap<(&'e str, &'e str), Vec<&'e Kept>> {
    let mut cases: BTreeMap<_, Vec<&Kept>> = BTreeMap::new();
    for kept in runs.into_iter().flat_map(|run| &run.results) {
        cases
            .entry((kept.suite.as_str(), kept.case.as_str()))
            .or_default()
            .push(kept);
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(verdict: &str, tries: u32, resume: f64) -> Kept {
        Kept {
            suite: "s".into(),
            case: "c".into(),
            verdict: verdict.into(),
            rule: None,
            outcome: None,
            tries,
            seconds: 1.0,
            source: "A".into(),
            target: "B".into(),
            measures: vec![(Measure::TimeToResume, resume)],
        }
    }

    #[test]
    fn rates_are_of_what_was_run() {
        let kept = [
            kept("pass", 1, 1.0),
            kept("pass", 3, 2.0),
            kept("fail", 1, 3.0),
            kept("error", 2, 4.0),
            kept("inconclusive", 1, 5.0),
            kept("skip", 0, 6.0),
            kept("not-reached", 0, 7.0),
        ];
        let figures = Figures::of(&kept);
        assert_eq!((figures.runs, figures.passed, figures.flaky), (5, 2, 1));
        assert_eq!((figures.failed, figures.other, figures.not_run), (1, 2, 2));
        assert_eq!((figures.pass_rate, figures.flake_rate), (Some(0.4), Some(0.2)));
        let resume = figures.measure(Measure::TimeToResume).expect("it was taken");
        assert_eq!((resume.count, resume.p50, resume.p90), (7, 4.0, 7.0));
        assert_eq!(Figures::of(&[]).pass_rate, None);
    }
}
