//! What several runs say about a case: pure functions of what the history holds.

use super::run::{HistoryCase, HistoryPlace, HistoryRun};
use crate::case_name::CaseName;
use dfota_core::measure::Measure;
use dfota_core::percentiles::Percentiles;
use serde::Serialize;
use std::collections::BTreeMap;

/// The results of a case, or of several, over some runs.
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
    pub measures: BTreeMap<&'static str, MeasureFigures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeasureFigures {
    pub unit: &'static str,
    #[serde(flatten)]
    pub percentiles: Percentiles,
}

impl Figures {
    pub fn new<'c>(results: impl IntoIterator<Item = &'c HistoryCase>) -> Self {
        let mut figures = Self::default();
        let mut values: BTreeMap<Measure, Vec<f64>> = BTreeMap::new();
        for case in results {
            figures.runs += u32::from(case.was_run());
            figures.flaky += u32::from(case.is_flaky());
            *match case.verdict.as_str() {
                "pass" => &mut figures.passed,
                "fail" => &mut figures.failed,
                "skip" | "not-reached" => &mut figures.not_run,
                _ => &mut figures.other,
            } += 1;
            for (measure, value) in &case.measures {
                values.entry(*measure).or_default().push(*value);
            }
        }
        let rate = |count: u32| (figures.runs > 0).then(|| f64::from(count) / f64::from(figures.runs));
        (figures.pass_rate, figures.flake_rate) = (rate(figures.passed), rate(figures.flaky));
        figures.measures = values
            .into_iter()
            .filter_map(|(measure, values)| {
                let unit = measure.unit().name();
                let percentiles = Percentiles::new(values)?;
                Some((measure.name(), MeasureFigures { unit, percentiles }))
            })
            .collect();
        figures
    }

    /// A measurement, if it was ever taken.
    pub fn measure(&self, measure: Measure) -> Option<Percentiles> {
        self.measures
            .get(measure.name())
            .map(|measured| measured.percentiles)
    }
}

/// The results of the runs by suite and case.
pub fn by_case(runs: &[HistoryRun]) -> BTreeMap<CaseName<'_>, Vec<&HistoryCase>> {
    let mut cases: BTreeMap<_, Vec<&HistoryCase>> = BTreeMap::new();
    for case in runs.iter().flat_map(|run| &run.results) {
        cases.entry(case.name()).or_default().push(case);
    }
    cases
}

/// The results of the runs by the rig or the module that they were taken on: is it the board? Of results without one, and where
/// there is only one, there is nothing to compare.
pub fn by_place<'r>(
    runs: &'r [HistoryRun],
    place: impl Fn(&'r HistoryPlace) -> Option<&'r String>,
) -> BTreeMap<&'r str, Figures> {
    let mut places: BTreeMap<&str, Vec<&HistoryCase>> = BTreeMap::new();
    for case in runs.iter().flat_map(|run| &run.results) {
        if let Some(name) = place(&case.on) {
            places.entry(name).or_default().push(case);
        }
    }
    if places.len() < 2 {
        return BTreeMap::new();
    }
    places
        .into_iter()
        .map(|(name, cases)| (name, Figures::new(cases)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(verdict: &str, tries: u32, resume: f64) -> HistoryCase {
        HistoryCase {
            verdict: verdict.into(),
            tries,
            measures: vec![(Measure::TimeToResume, resume)],
            ..HistoryCase::default()
        }
    }

    #[test]
    fn a_board_that_fails_shows() {
        let on = |rig: &str, verdict| HistoryCase {
            on: HistoryPlace {
                rig: Some(rig.into()),
                imei: None,
            },
            ..case(verdict, 1, 1.0)
        };
        let mut run = HistoryRun {
            results: vec![on("one", "pass"), on("one", "pass"), case("fail", 1, 1.0)],
            ..HistoryRun::default()
        };
        let rates = |run: &HistoryRun| -> Vec<(String, Option<f64>)> {
            let by_rig = by_place(std::slice::from_ref(run), |on| on.rig.as_ref());
            by_rig
                .into_iter()
                .map(|(name, figures)| (name.to_owned(), figures.pass_rate))
                .collect()
        };
        assert_eq!(rates(&run), [], "one rig is compared with none");
        run.results.extend([on("two", "pass"), on("two", "fail")]);
        let expected = [("one".to_owned(), Some(1.0)), ("two".to_owned(), Some(0.5))];
        assert_eq!(rates(&run), expected);
        assert!(by_place(&[run], |on| on.imei.as_ref()).is_empty());
    }

    #[test]
    fn rates_are_of_what_was_run() {
        let cases = [
            case("pass", 1, 1.0),
            case("pass", 3, 2.0),
            case("fail", 1, 3.0),
            case("error", 2, 4.0),
            case("inconclusive", 1, 5.0),
            case("skip", 0, 6.0),
            case("not-reached", 0, 7.0),
        ];
        let figures = Figures::new(&cases);
        assert_eq!((figures.runs, figures.passed, figures.flaky), (5, 2, 1));
        assert_eq!((figures.failed, figures.other, figures.not_run), (1, 2, 2));
        assert_eq!((figures.pass_rate, figures.flake_rate), (Some(0.4), Some(0.2)));
        let resume = figures.measure(Measure::TimeToResume).expect("it was taken");
        assert_eq!((resume.count, resume.p50, resume.p90), (7, 4.0, 7.0));
        assert_eq!(Figures::new(&[]).pass_rate, None);
    }
}
