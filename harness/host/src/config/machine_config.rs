//! The configuration of a machine: how many run folders stay on it.

use crate::config::yaml::document::Document;
use crate::config::yaml::file_error::FileError;
use crate::config::yaml::literal::{Literal, Mistake, pattern_schema, whole, whole_schema};
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::raw::Raw;
use crate::config::yaml::reader::Reader;
use dfota_core::escape::quoted;
use dfota_record::retention::Rules;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where it is, unless a flag says otherwise.
pub const PLACE: &str = "/etc/dfota-hil/config.yaml";
/// Most runs of a rig that can be asked for.
const MOST: u32 = 100_000;

/// The configuration of a machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "configuration")]
struct ConfigKeys {
    /// What `dfota-hil prune` leaves of the run folders.
    reports: ReportsKeys,
}

/// What `dfota-hil prune` leaves of the run folders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "reports")]
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

struct Keep(u32);

impl Literal for Keep {
    const NAME: &'static str = "Keep";

    fn read(text: &str) -> Result<Self, Mistake> {
        whole(text, 1..=MOST).map(Self)
    }

    fn schema() -> Schema {
        whole_schema(1, u64::from(MOST))
    }
}

struct Age(Duration);

impl Literal for Age {
    const NAME: &'static str = "Age";

    fn read(text: &str) -> Result<Self, Mistake> {
        let wrong = |_| {
            Mistake::new(format!(
                "expected an age such as `90d` or `12h`, found {}",
                quoted(text)
            ))
        };
        humantime::parse_duration(text).map(Self).map_err(wrong)
    }

    fn schema() -> Schema {
        pattern_schema(r"([0-9]+ ?[a-zA-Z]+ ?)+")
    }
}

/// What a configuration says of the run folders.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub folder: Option<PathBuf>,
    /// Which of them stay.
    pub rules: Rules,
}

impl Config {
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let document = Document::read(path)?;
        let (keys, problems): (ConfigKeys, _) = document.keys()?;
        let keys = keys.reports;
        let mut reader = Reader::with(&document, problems);
        let at = NodePath::root().key("reports");
        let folder = reader.read_option(&at.key("folder"), keys.folder.as_ref());
        let keep = reader.read_option(&at.key("keep"), keys.keep.as_ref());
        let age = reader.read_option(&at.key("older-than"), keys.older_than.as_ref());
        let keep_failed = reader.read_option(&at.key("keep-failed"), keys.keep_failed.as_ref());
        let pack = reader.read_option(&at.key("pack"), keys.pack.as_ref());
        reader.finish()?;
        Ok(Self {
            folder: folder.map(PathBuf::from),
            rules: Rules {
                keep: keep.map(|Keep(keep)| keep),
                older_than: age.map(|Age(age)| age),
                keep_failed: keep_failed.unwrap_or_default(),
                pack: pack.unwrap_or_default(),
            },
        })
    }
}
