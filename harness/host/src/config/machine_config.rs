//! The configuration of a machine: how many run folders stay on it.

use crate::config::yaml::document::Document;
use crate::config::yaml::file_error::FileError;
use crate::config::yaml::literal::{InvalidValue, Literal, Whole, pattern_schema};
use crate::config::yaml::reader::ValueReader;
use crate::config::yaml::scalar::Raw;
use dfota_record::retention::Rules;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where it is, unless a flag says otherwise.
pub const PLACE: &str = "/etc/dfota-hil/config.yaml";

/// The configuration of a machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "configuration")]
struct ConfigKeys {
    /// What `dfota-hil prune` leaves of the run folders.
    reports: ReportsKeys,
}

/// What `dfota-hil prune` leaves of the run folders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "reports")]
struct ReportsKeys {
    /// Their folder. Default: `reports`.
    folder: Option<Raw<String>>,
    /// The newest so many of each rig stay.
    keep: Option<Raw<Keep>>,
    /// Only older ones are removed, for example `90d`.
    older_than: Option<Raw<Age>>,
    /// Those in which a case failed stay. Default: false.
    keep_failed: Option<Raw<bool>>,
    /// What stays is packed, but for the newest of each rig. Default: false.
    pack: Option<Raw<bool>>,
}

/// Runs of a rig.
type Keep = Whole<u32, 1, 100_000>;

/// How old a run is.
#[derive(Debug)]
struct Age;

impl Literal for Age {
    type Value = Duration;

    fn read(text: &str) -> Result<Duration, InvalidValue> {
        humantime::parse_duration(text)
            .map_err(|_| InvalidValue::expected("an age such as `90d` or `12h`", text))
    }

    fn schema() -> Schema {
        pattern_schema(r"([0-9]+ ?[a-zA-Z]+ ?)+")
    }
}

/// What a configuration says of the run folders.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MachineConfig {
    pub folder: Option<PathBuf>,
    /// Which of them stay.
    pub rules: Rules,
}

impl MachineConfig {
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let document = Document::read(path)?;
        let (keys, mut reader) = ValueReader::open::<ConfigKeys>(&document)?;
        let keys = keys.reports;
        let config = Self {
            folder: reader.option(&keys.folder).map(PathBuf::from),
            rules: Rules {
                keep: reader.option(&keys.keep),
                older_than: reader.option(&keys.older_than),
                keep_failed: reader.option(&keys.keep_failed).unwrap_or_default(),
                pack: reader.option(&keys.pack).unwrap_or_default(),
            },
        };
        reader.finish()?;
        Ok(config)
    }
}
