//! The vocabulary of the record: everything that a run writes down, in one closed enum.
//!
//! `events.jsonl` holds one [`Record`] a line. Reports are pure functions of them, so whatever a report shows is here,
//! also what varies: paths, dates, figures out of the history.

pub mod bisected;
pub mod lab;
pub mod trend;
pub mod watched;

use crate::campaign::Tallied;
use crate::capabilities::Capabilities;
use crate::case::{Case, Package};
use crate::cut::{Cut, CutKind};
use crate::outcome::Outcome;
use crate::rig_check::{Check, CheckTime};
use crate::timeline::Timeline;
use crate::update::Phase;
use crate::verdict::Verdict;
use crate::version::{Imei, Version};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use watched::{Attempt, Gap, Halted, ObjectFact, Watched};

/// Version of this vocabulary; readers refuse a newer one.
pub const SCHEMA: u32 = 2;

/// The first schema whose journals hold everything that a verdict rests on.
pub const SCHEMA_OF_VERDICTS: u32 = 2;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Counts from 0 without a gap.
    pub seq: u64,
    /// Monotonic time since the run began, in nanoseconds, taken where the event happened.
    pub mono_ns: u64,
    /// The module's time since the run began, in nanoseconds: `mono_ns` times the speed of a simulated rig.
    pub module_ns: u64,
    /// UTC, RFC 3339.
    pub utc: String,
    /// SHA-256 of the line before, in hex; of nothing for the first.
    pub prev: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began. The first event of every journal. Boxed: it would make every other event as large in memory.
    RunStarted(Box<RunStarted>),
    /// A case is planned. All come before the first case starts, but for those of a search, each of which depends on the last.
    CasePlanned {
        /// The case, resolved. Boxed: it is far larger than what happens often.
        case: Box<Case>,
        /// Why it is left out, if it is.
        skip: Option<String>,
    },
    /// A case began.
    CaseStarted {
        /// Its id.
        id: String,
        /// Its suite.
        suite: String,
    },
    /// What the harness does now, for people.
    Step {
        /// In a few words.
        text: String,
    },
    /// Bytes to the module.
    Tx {
        /// As readable text, other bytes escaped.
        text: String,
    },
    /// A line from the module.
    Rx {
        /// As readable text, other bytes escaped.
        text: String,
        /// The line never ended: this is what came of it.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        partial: bool,
    },
    /// The prompt of data mode.
    Prompt,
    /// Raw data to the module, too long to write down whole.
    TxData {
        /// How many bytes.
        bytes: u64,
        /// Their SHA-256 in hex.
        sha256: String,
    },
    /// A line of the rig was moved.
    Line {
        /// Which.
        line: Line,
        /// Active: supplied, or asserted.
        active: bool,
        /// From the command until it had been carried out, in real nanoseconds.
        took_ns: u64,
    },
    /// A cut waits for its moment.
    CutArmed {
        /// Its id.
        cut: Cut,
    },
    /// A cut was made.
    CutMade {
        /// Its id.
        cut: Cut,
        /// Where the update stood, as far as the module had said so.
        landed: Phase,
        /// When the byte that completed the moment was read, in `mono_ns`.
        trigger_ns: u64,
        /// The supply was away for less than the rig's discharge: the module may have lived through it.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        glitch: bool,
        /// When the cut was due: that, and its delay.
        due_ns: u64,
        /// When the line was commanded.
        commanded_ns: u64,
        /// When the command had returned.
        returned_ns: u64,
        /// What was cut.
        kind: CutKind,
        /// What the sense line showed, where the rig has one and it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmed: Option<Confirmed>,
    },
    /// An armed cut never met its moment.
    CutMissed {
        /// Its id.
        cut: Cut,
    },
    /// A request to one of the harness's servers, when it had been answered.
    Request(Request),
    /// Something happened between the LwM2M server and a client.
    Lwm2m {
        /// In words.
        text: String,
        /// What a verdict may rest on, where it is of that kind and of the module of this rig.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fact: Option<ObjectFact>,
    },
    /// A measurement was taken.
    Measured {
        /// Its name.
        name: String,
        /// Its value.
        value: f64,
        /// Its unit.
        unit: String,
        /// The smallest value that is within its limits, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The largest value that is within its limit, where it has one.
        limit: Option<f64>,
    },
    /// The module said who it is.
    Identity {
        /// Second line of `ATI`.
        model: String,
        /// Its version.
        version: Version,
        /// Its IMEI.
        imei: Option<Imei>,
    },
    /// What the module can do beside answering.
    #[serde(rename = "function")]
    Capabilities {
        /// When it was asked.
        when: CapabilityTime,
        /// What it said.
        #[serde(flatten)]
        capabilities: Capabilities,
    },
    /// A module that did not answer any more was brought back.
    Recovered {
        /// By what.
        by: String,
        /// The version that it runs now.
        version: Version,
    },
    /// No further case is begun.
    GivenUp {
        /// Why, for every case that is not reached.
        cause: String,
    },
    /// An update begins to be watched. Boxed: it holds a case.
    Attempt(Box<Attempt>),
    /// What the harness did or saw while it was watched.
    Watched(Watched),
    /// The harness could not hear the module.
    Gap(Gap),
    /// A procedure could not go on.
    Halted(Halted),
    /// A try of a case ended, and another one follows.
    TryEnded(TryEnded),
    /// A case ended, with its last try.
    CaseEnded(CaseEnded),
    /// The moments of a calibration run were timed; cuts of the campaign are laid out by them.
    Calibrated {
        /// The suite.
        suite: String,
        /// The campaign.
        campaign: String,
        /// The package.
        package: String,
        /// Since the order, in the module's time.
        timeline: Timeline,
    },
    /// A cut of a campaign was judged, now or in an earlier run.
    Tallied(Tallied),
    /// A search between two cuts came to an end.
    Bisected(bisected::Bisected),
    /// The rig was checked, before or after the cases of a suite.
    RigChecked {
        /// Which of the two.
        when: CheckTime,
        /// The suite.
        suite: String,
        /// What was looked at.
        checks: Vec<Check>,
    },
    /// What earlier runs of these cases came to, out of the history; before the first case.
    Trend(trend::Trend),
    /// Something worth knowing.
    Note {
        /// The text.
        text: String,
    },
    /// The run ended. A journal without it is of a run that was killed.
    RunEnded {
        /// The exit code.
        exit: u8,
        /// It was interrupted by a signal.
        interrupted: bool,
        /// The lines are in their declared safe state.
        safe: bool,
    },
}

/// The loss of the supply, as the sense line showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmed {
    /// When it was seen, in `mono_ns`.
    pub at_ns: u64,
    /// How much earlier it may have happened.
    pub within_ns: u64,
}

/// When the module was asked for its capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapabilityTime {
    /// Before the update.
    Before,
    /// After it, and after one more power cycle.
    After,
    /// After yet another power cycle, because something was missing.
    Again,
}

impl CapabilityTime {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Before => "before the update",
            Self::After => "after the update and one more power cycle",
            Self::Again => "after yet another power cycle",
        }
    }
}

/// A try of a case that is followed by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TryEnded {
    /// Id of the case.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// Which try it was, from 1.
    pub number: u32,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What became of the module, where it was asked.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    #[serde(default)]
    pub evidence: Vec<u64>,
    /// Why there is another one.
    pub again: String,
    /// Real time it took, in nanoseconds.
    pub took_ns: u64,
    /// What to say beside the verdict.
    pub story: String,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseEnded {
    /// Its id.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// How.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What became of the module, where it was asked.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    #[serde(default)]
    pub evidence: Vec<u64>,
    /// How many tries it took; the verdict is that of the last one.
    #[serde(default = "one")]
    pub tries: u32,
    /// Real time it took, all tries together, in nanoseconds.
    pub took_ns: u64,
    /// What to say beside the verdict: where a cut landed and how the module came back.
    pub story: String,
    /// What reruns it.
    pub rerun: String,
}

fn one() -> u32 {
    1
}

impl CaseEnded {
    /// A case that ended before anything was done for it.
    pub fn untried(case: &Case, verdict: Verdict) -> Self {
        Self {
            id: case.id.clone(),
            suite: case.suite.clone(),
            verdict,
            outcome: None,
            evidence: Vec::new(),
            tries: 0,
            took_ns: 0,
            story: String::new(),
            rerun: String::new(),
        }
    }
}

/// A line of the rig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The supply.
    Power,
    /// Reset.
    Reset,
    /// PWRKEY.
    Pwrkey,
}

impl Line {
    /// As rig files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Reset => "reset",
            Self::Pwrkey => "pwrkey",
        }
    }
}

/// What a run was started with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// [`SCHEMA`].
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
    /// The rig.
    pub rig: RigFacts,
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
    pub lab: Option<Box<lab::Lab>>,
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

/// One request to a server of the harness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// `http` or `coap`.
    pub server: String,
    /// Address of the peer.
    pub peer: String,
    /// Method.
    pub method: String,
    /// Path, as asked for; other bytes escaped.
    pub path: String,
    /// The path is that of a package which is offered now; a stranger's request is logged and counts for nothing.
    pub ours: bool,
    /// The range that was asked for.
    pub range: Option<String>,
    /// Status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// Offset of the first byte of the package that was sent.
    pub first: u64,
    /// Bytes of the package that were handed to the socket.
    pub sent: u64,
    /// Bytes of the package that the answer ought to have had.
    pub wanted: u64,
    /// The fault that shaped the answer, if one did.
    pub fault: Option<String>,
}
