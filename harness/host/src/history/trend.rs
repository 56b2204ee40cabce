//! The figures of earlier runs, for the journal of a new one.

use super::entry::{Entry, Kept, without_turn};
use super::figures::{Figures, by_case};
use super::store::{Store, StoreError, Wanted};
use dfota_core::case::Case;
use dfota_core::event::trend::{PastCase, PastMeasure, PastRun, Trend};
use dfota_core::measure::Measure;
use dfota_core::spread::Spread;
use std::collections::BTreeSet;
use std::path::Path;

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
    let mut cases: Vec<PastCase> = by_case(runs)
        .into_iter()
        .map(|((suite, id), kept)| PastCase {
            suite: suite.to_owned(),
            id: id.to_owned(),
            verdicts: String::with_capacity(runs.len()),
            time_to_resume: time_to_resume(&kept),
        })
        .collect();
    for run in runs {
        let of_run = by_case([run]);
        for case in &mut cases {
            let kept = of_run.get(&(case.suite.as_str(), case.id.as_str()));
            case.verdicts.push(kept.map_or('.', |kept| worst(kept)));
        }
    }
    Trend {
        runs: runs.iter().map(past_run).collect(),
        cases,
    }
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

fn worst(kept: &[&Kept]) -> char {
    let badness = |letter: &char| "PLSNIEF".find(*letter);
    kept.iter()
        .map(|kept| kept.letter())
        .max_by_key(badness)
        .unwrap_or('.')
}

fn time_to_resume(kept: &[&Kept]) -> Option<Spread> {
    let of_kept = |kept: &&Kept| kept.measures.clone();
    let values = kept.iter().flat_map(of_kept);
    Spread::of(
        values
            .filter(|(measure, _)| *measure == Measure::TimeToResume)
            .map(|(_, value)| value)
            .collect(),
    )
}
