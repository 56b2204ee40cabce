//! What was measured, over all cases.

use crate::report::Run;
use dfota_core::event::Event;
use dfota_core::measure::Measure;
use serde::Serialize;

/// The values of one measurement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Its name, as suites have it.
    pub name: &'static str,
    pub means: &'static str,
    pub unit: &'static str,
    pub count: usize,
    pub min: String,
    /// The one in the middle.
    pub median: String,
    /// The one that 95 % do not exceed (nearest rank).
    pub p95: String,
    pub max: String,
    /// The limits that cases declare for it.
    pub limits: String,
    /// How many values lay outside of those of their case.
    pub outside: usize,
}

/// Every measurement of which there is a value.
pub(super) fn of(run: &Run<'_>) -> Vec<Measured> {
    Measure::ALL
        .iter()
        .filter_map(|measure| measured(run, *measure))
        .collect()
}

fn measured(run: &Run<'_>, measure: Measure) -> Option<Measured> {
    let mut values = Vec::new();
    let mut outside = 0;
    let unit = measure.unit().name();
    for record in run.cases.iter().flat_map(|case| case.records) {
        let Event::Measured(taken) = &record.event else {
            continue;
        };
        if taken.name != measure.name() {
            continue;
        }
        values.push(taken.value);
        outside += usize::from(taken.is_out_of_limits());
    }
    values.sort_by(f64::total_cmp);
    Some(Measured {
        name: measure.name(),
        means: means(measure),
        unit,
        count: values.len(),
        min: shown(*values.first()?),
        median: shown(rank(&values, 0.5)?),
        p95: shown(rank(&values, 0.95)?),
        max: shown(*values.last()?),
        limits: limits(run, measure),
        outside,
    })
}

/// The limits of all cases that were begun, also of those in which it was never taken.
fn limits(run: &Run<'_>, measure: Measure) -> String {
    let unit = measure.unit();
    let mut limits: Vec<String> = Vec::new();
    for declared in run.cases.iter().filter_map(|case| case.declared(measure)) {
        let shown = |limit: Option<u64>| limit.map(|limit| unit.shown(limit));
        let words = match (shown(declared.min), shown(declared.max)) {
            (None, None) => continue,
            (Some(min), None) => format!("≥ {min} {}", unit.name()),
            (None, Some(max)) => format!("≤ {max} {}", unit.name()),
            (Some(min), Some(max)) => format!("{min} to {max} {}", unit.name()),
        };
        if !limits.contains(&words) {
            limits.push(words);
        }
    }
    if limits.is_empty() {
        "none declared".to_owned()
    } else {
        limits.join(", ")
    }
}

/// The value of a sorted list that this share of all do not exceed, by nearest rank: one that was really seen.
pub(super) fn rank(sorted: &[f64], share: f64) -> Option<f64> {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.max(1) - 1).copied()
}

fn shown(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.3}")
    }
}

fn means(measure: Measure) -> &'static str {
    match measure {
        Measure::FirstUrc => "power-on to the first line that the module says unasked; the module's time",
        Measure::TimeToResume => "power-on to the first sign of a forced resume; the module's time",
        Measure::ResumedAt => "first percentage of a forced resume",
        Measure::UpdateTime => "order to END, download, cuts and resumes included; the module's time",
        Measure::CutLatency => "moment at which a cut was due to the line being moved; real time",
        Measure::BytesAgain => "bytes of the package that a server sent more than once",
        Measure::AttachTime => "RDY to registered with an address; the module's time",
        Measure::UnexplainedResets => "boots inside UPDATING that nobody caused",
    }
}
