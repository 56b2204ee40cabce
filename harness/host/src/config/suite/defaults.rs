//! What the cases of a suite share: packages, and what holds where a case says nothing else.

use crate::config::suite::LoadedPackage;
use crate::config::suite::suite_keys::LimitsKeys;
use crate::config::yaml::literal::Mistake;
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::raw::Raw;
use crate::config::yaml::reader::Reader;
use dfota_core::case::{Anomalies, Limits};
use dfota_core::measure::MeasureLimits;
use dfota_core::retries::Retries;
use std::time::Duration;

/// Packages by name; `None` for one that is declared and broken, so that its cases are not blamed for it.
pub type Packages = Vec<(String, Option<LoadedPackage>)>;

/// What holds for the cases that do not say otherwise.
#[derive(Debug, Clone)]
pub struct Defaults {
    pub limits: Limits,
    /// What is made of something legal and odd.
    pub anomalies: Anomalies,
    pub retries: Retries,
    pub measures: Vec<MeasureLimits>,
}

/// Limits over those that hold where a key is left out.
pub fn read_limits(
    reader: &mut Reader<'_>,
    at: &NodePath,
    keys: Option<&LimitsKeys>,
    default: Limits,
) -> Limits {
    let Some(keys) = keys else {
        return default;
    };
    let mut limit = |key: &str, raw: Option<&Raw<Duration>>, default: Duration| {
        // Without a time of watching nothing fails.
        let may_be_zero = key == "settle";
        let at = at.key(key);
        let limit = reader.read_option(&at, raw);
        if limit == Some(Duration::ZERO) && !may_be_zero {
            reader.mistake(&at, Mistake::new("a limit of no time would fail every case"));
        }
        limit.unwrap_or(default)
    };
    Limits {
        boot: limit("boot", keys.boot.as_ref(), default.boot),
        attach: limit("attach", keys.attach.as_ref(), default.attach),
        download: limit("download", keys.download.as_ref(), default.download),
        resume: limit("resume", keys.resume.as_ref(), default.resume),
        update: limit("update", keys.update.as_ref(), default.update),
        settle: limit("settle", keys.settle.as_ref(), default.settle),
        confirm: default.confirm,
    }
}
