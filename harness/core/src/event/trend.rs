//! Results of earlier runs of the same cases on the same rig, from the history at the beginning of this run.

use crate::percentiles::Percentiles;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The figures, for trends in reports. The run itself is not among them: its figures are in its own journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// Earlier runs, the oldest first.
    pub runs: Vec<PastRun>,
    /// Cases of this run that were in any of them.
    pub cases: Vec<PastCase>,
}

/// An earlier run: what it came to in the cases that this run has too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastRun {
    /// Its name.
    pub run: String,
    /// When it began, RFC 3339.
    pub utc: String,
    /// Cases that passed.
    pub passed: u32,
    /// Cases that passed, and not at the first try. They are among the passed.
    pub flaky: u32,
    /// Cases that failed.
    pub failed: u32,
    /// Cases that were errors or inconclusive.
    pub other: u32,
    /// Cases that were left out or not reached.
    pub not_run: u32,
    /// Its measurements.
    pub measures: Vec<PastMeasure>,
}

/// A measurement of an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastMeasure {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its values.
    #[serde(flatten)]
    pub spread: Percentiles,
}

/// A case in earlier runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastCase {
    /// Its suite.
    pub suite: String,
    /// Its id.
    pub id: String,
    /// One letter for each of the runs: `P` pass, `L` flaky pass, `F` fail, `E` error, `I` inconclusive, `S` skipped, `N` not
    /// reached, `.` not in that run. Of a case that was repeated, the worst.
    pub verdicts: String,
    /// Its times to resume in all of them, in milliseconds of the module's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_resume: Option<Percentiles>,
}
