//! What a run was started with: program, rig, suites, packages and where its reports go.

use super::lab::Lab;
use crate::case::Package;
use crate::cut::Cut;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run was started with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Name of the run: its folder's.
    pub run: String,
    /// The program's version.
    pub tool: String,
    /// The commit it was built from, where it is known.
    pub commit: Option<String>,
    /// SHA-256 of the program itself, in hex, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
    /// The command line.
    pub args: Vec<String>,
    /// The seed of every random choice.
    pub seed: u64,
    /// The machine's name.
    pub host: String,
    /// The rig; of a run on several, their names and what they have in common.
    pub rig: RigFacts,
    /// The rigs of a run on several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rigs: Vec<RigFacts>,
    /// The suites.
    pub suites: Vec<FileFacts>,
    /// Every package that the suites declare.
    pub packages: Vec<Package>,
    /// The cut of `--cut`, made in place of the cases' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// How reports name attachments.
    pub attachments: Attachments,
    /// What the JUnit file holds.
    #[serde(default)]
    pub junit_profile: JunitProfile,
    /// Reports do not show IMEI, ICCID and IP addresses. The journal does.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub masked: bool,
    /// Of a masked copy alone: SHA-256 of the last line of the journal that it was made from, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked_from: Option<String>,
    /// The run folder's path as given, relative to the working folder unless it was absolute.
    pub out: String,
    /// The run folder's absolute path.
    pub folder: String,
}

/// The rig of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RigFacts {
    /// The file.
    #[serde(flatten)]
    pub file: FileFacts,
    /// The module type it names.
    pub module: String,
    /// Whether the module is simulated.
    pub simulated: bool,
    /// The speed of its time; 1 on a bench.
    pub speed: f64,
    /// How long the supply must be off to count as gone, in nanoseconds of the module's time.
    pub discharge_ns: u64,
    /// The longest time that a byte may sit in the serial adapter, in nanoseconds; none for a simulated module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<u64>,
    /// Who tests with it, for whom, and what, where its file says so. Boxed: few events are so large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<Box<Lab>>,
}

/// A file that the run was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileFacts {
    /// The name that stands in the file.
    pub name: String,
    /// Its path as given.
    pub path: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its text.
    pub text: String,
}

/// How JUnit names attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attachments {
    /// By absolute path (Jenkins).
    Absolute,
    /// By a path relative to the working folder (GitLab).
    #[default]
    Relative,
    /// Not at all.
    None,
}

/// What a JUnit file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JunitProfile {
    /// What Jenkins's strictest schema allows.
    #[default]
    Strict,
    /// Properties, place and time of each case as well.
    Extended,
}
