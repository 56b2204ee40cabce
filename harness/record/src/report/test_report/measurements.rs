//! What was measured, over all cases.

use crate::report::Run;
use dfota_core::measure::Measure;
use dfota_core::percentiles::nearest_rank;
use serde::Serialize;

/// The values of one measurement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasurementSummary {
    /// Its name, as suites have it.
    pub name: &'static str,
    pub means: &'static str,
    pub unit: &'static str,
    pub count: usize,
    #[serde(flatten)]
    pub range: ShownRange,
    /// The limits that cases declare for it.
    pub limits: String,
    /// How many values lay outside of those of their case.
    pub outside: usize,
}

/// Every measurement of which there is a value.
pub(super) fn measurements(run: &Run<'_>) -> Vec<MeasurementSummary> {
    Measure::ALL
        .iter()
        .filter_map(|measure| MeasurementSummary::new(run, *measure))
        .collect()
}

/// How values lie, as they are shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownRange {
    pub min: String,
    /// The one in the middle.
    pub median: String,
    /// The one that 95 % do not exceed (nearest rank).
    pub p95: String,
    pub max: String,
}

impl ShownRange {
    /// Of these values; nothing of none.
    pub(super) fn new(mut values: Vec<f64>, shown: impl Fn(f64) -> String) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        Some(Self {
            min: shown(*values.first()?),
            median: shown(nearest_rank(&values, 50)?),
            p95: shown(nearest_rank(&values, 95)?),
            max: shown(*values.last()?),
        })
    }
}

impl MeasurementSummary {
    fn new(run: &Run<'_>, measure: Measure) -> Option<Self> {
        let taken = || run.cases.iter().flat_map(|case| case.values(measure));
        Some(Self {
            name: measure.name(),
            means: means(measure),
            unit: measure.unit().name(),
            count: taken().count(),
            range: ShownRange::new(taken().map(|taken| taken.value).collect(), shown)?,
            limits: limits(run, measure),
            outside: taken().filter(|taken| taken.is_out_of_limits()).count(),
        })
    }
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
