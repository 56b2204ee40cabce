//! The figures of earlier runs, for the journal of a new one.

use super::entry::{Entry, Kept};
use super::figures::Figures;
use super::store::{Store, StoreError, Wanted};
use dfota_core::case::{Case, without_turn};
use dfota_core::event::trend::{PastCase, PastMeasure, PastRun, Trend};
use dfota_core::measure::Measure;
use dfota_core::percentiles::Percentiles;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Marks and times of one case, in the order of the runs.
type Seen = (Vec<char>, Vec<f64>);

/// How many runs a trend goes back.
pub const RUNS: usize = 20;

/// What the last runs of these cases on this rig came to; nothing where there was none. No store is made for it.
pub fn read(path: &Path, on: (&str, &str, bool), cases: &[&Case]) -> Result<Option<Trend>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let wanted: BTreeSet<(&str, &str)> = cases
        .iter()
        .map(|case| (case.suite.as_str(), without_turn(&case.id)))
        .collect();
    let mut suites: Vec<&str> = cases.iter().map(|case| case.suite.as_str()).collect();
    suites.sort_unstable();
    suites.dedup();
    let mut runs = Store::read(path)?.runs(&Wanted {
        on: Some(on),
        suites: Some(&suites),
        last: Some(RUNS),
        ..Wanted::default()
    })?;
    for run in &mut runs {
        run.results
            .retain(|kept| wanted.contains(&(&kept.suite, &kept.case)));
    }
    runs.retain(|run| !run.results.is_empty());
    Ok((!runs.is_empty()).then(|| of(&runs)))
}

/// The trend of these runs, the oldest first.
fn of(runs: &[Entry]) -> Trend {
    let mut cases: BTreeMap<(&str, &str), Seen> = BTreeMap::new();
    for (n, run) in runs.iter().enumerate() {
        for kept in &run.results {
            let nowhere = || (vec!['.'; runs.len()], Vec::new());
            let case = cases.entry((&kept.suite, &kept.case)).or_insert_with(nowhere);
            case.0[n] = worse(case.0[n], kept.letter());
            case.1.extend(times_to_resume(kept));
        }
    }
    let cases = cases
        .into_iter()
        .map(|((suite, id), (verdicts, times))| PastCase {
            suite: suite.to_owned(),
            id: id.to_owned(),
            verdicts: verdicts.into_iter().collect(),
            time_to_resume: Percentiles::new(times),
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

fn times_to_resume(kept: &Kept) -> impl Iterator<Item = f64> {
    let times = kept
        .measures
        .iter()
        .filter(|(measure, _)| *measure == Measure::TimeToResume);
    times.map(|(_, value)| *value)
}

fn past_run(run: &Entry) -> PastRun {
    let figures = Figures::of(&run.results);
    let measures = figures.measures.iter().map(|(name, measured)| PastMeasure {
        name: (*name).to_owned(),
        unit: measured.unit.to_owned(),
        spread: measured.spread,
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
