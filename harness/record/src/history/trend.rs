//! The figures of earlier runs, for the journal of a new one.

use super::figures::Figures;
use super::run::{HistoryRun, RigIdentity};
use super::store::{HistoryStore, RunQuery, StoreError};
use crate::case_name::CaseName;
use dfota_core::case::Case;
use dfota_core::event::trend::{PastCase, PastMeasure, PastRun, Trend};
use dfota_core::measure::Measure;
use dfota_core::percentiles::Percentiles;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many runs a trend goes back.
pub const RUNS: usize = 20;

/// The last runs of these cases on this rig; nothing where there was none. No store is made for it.
pub fn read(path: &Path, rig: &RigIdentity, cases: &[&Case]) -> Result<Option<Trend>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let names: BTreeSet<CaseName<'_>> = cases
        .iter()
        .map(|case| CaseName::from(*case).without_turn())
        .collect();
    let suites: BTreeSet<&str> = names.iter().map(|name| name.suite).collect();
    let suites: Vec<&str> = suites.into_iter().collect();
    let mut runs = HistoryStore::read(path)?.runs(&RunQuery {
        on: Some(rig),
        suites: Some(&suites),
        last: Some(RUNS),
        ..RunQuery::default()
    })?;
    for run in &mut runs {
        run.results.retain(|case| names.contains(&case.name()));
    }
    runs.retain(|run| !run.results.is_empty());
    Ok((!runs.is_empty()).then(|| trend(&runs)))
}

/// The results of one case.
struct Course {
    /// A letter for each run, the oldest first.
    letters: Vec<char>,
    times_to_resume: Vec<f64>,
}

/// The trend of these runs, the oldest first.
fn trend(runs: &[HistoryRun]) -> Trend {
    let mut courses: BTreeMap<CaseName<'_>, Course> = BTreeMap::new();
    for (n, run) in runs.iter().enumerate() {
        for case in &run.results {
            let course = courses.entry(case.name()).or_insert_with(|| Course {
                letters: vec!['.'; runs.len()],
                times_to_resume: Vec::new(),
            });
            course.letters[n] = worse(course.letters[n], case.letter());
            let taken = case.measures.iter();
            let times = taken.filter(|(measure, _)| *measure == Measure::TimeToResume);
            course.times_to_resume.extend(times.map(|(_, time)| time));
        }
    }
    let cases = courses.into_iter().map(|(name, course)| PastCase {
        suite: name.suite.to_owned(),
        id: name.id.to_owned(),
        verdicts: course.letters.into_iter().collect(),
        time_to_resume: Percentiles::new(course.times_to_resume),
    });
    Trend {
        runs: runs.iter().map(past_run).collect(),
        cases: cases.collect(),
    }
}

/// The worse of two letters.
pub fn worse(one: char, other: char) -> char {
    let badness = |letter: char| ".PLSNIEF".find(letter);
    if badness(other) > badness(one) { other } else { one }
}

fn past_run(run: &HistoryRun) -> PastRun {
    let figures = Figures::new(&run.results);
    let measures = figures.measures.iter().map(|(name, measure)| PastMeasure {
        name: (*name).to_owned(),
        unit: measure.unit.to_owned(),
        spread: measure.percentiles,
    });
    PastRun {
        run: run.run.clone(),
        utc: run.utc.clone(),
        passed: figures.passed,
        flaky: figures.flaky,
        failed: figures.failed,
        other: figures.other,
        not_run: figures.not_run,
        measures: measures.collect(),
    }
}
