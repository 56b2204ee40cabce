//! What the cases of a suite share: packages, and what holds where a case says nothing else.

use crate::config::suite::LoadedPackage;
use crate::config::suite::suite_keys::LimitsKeys;
use crate::config::yaml::reader::ValueReader;
use dfota_core::case::{Anomalies, Limits};
use dfota_core::measure::MeasureLimits;
use dfota_core::retries::Retries;

/// Packages by name; `None` for one that is declared and broken, so that its cases are not blamed for it.
pub type Packages = Vec<(String, Option<LoadedPackage>)>;

/// What holds for the cases that do not say otherwise.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The suite that they belong to.
    pub suite: String,
    pub limits: Limits,
    /// What is made of something legal and odd.
    pub anomalies: Anomalies,
    pub retries: Retries,
    pub measures: Vec<MeasureLimits>,
}

/// Limits over those that hold where a key is left out.
pub fn read_limits(reader: &mut ValueReader<'_>, keys: Option<&LimitsKeys>, default: Limits) -> Limits {
    let Some(keys) = keys else {
        return default;
    };
    Limits {
        boot: reader.option(&keys.boot).unwrap_or(default.boot),
        attach: reader.option(&keys.attach).unwrap_or(default.attach),
        download: reader.option(&keys.download).unwrap_or(default.download),
        resume: reader.option(&keys.resume).unwrap_or(default.resume),
        update: reader.option(&keys.update).unwrap_or(default.update),
        settle: reader.option(&keys.settle).unwrap_or(default.settle),
        confirm: default.confirm,
    }
}
