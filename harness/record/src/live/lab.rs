//! A lab of many machines, as its page shows it: the rigs, and the runs.
//!
//! The program that watches the lab hands over its state; this module finds the changes.

use super::cases::LiveCounts;
use serde::Serialize;

/// Version of the form of `/api/lab.json`; what is there keeps its meaning within one.
const SCHEMA: u32 = 1;

/// What is known of a lab now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LabFacts {
    /// Whether its server is reached.
    pub connected: bool,
    pub rigs: Vec<LabRigFacts>,
    /// The newest first.
    pub runs: Vec<LabRunFacts>,
}

/// A rig of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabRigFacts {
    pub rig: String,
    pub host: String,
    pub module: String,
    pub simulated: bool,
    /// The version of its agent.
    pub version: String,
    pub state: LabRigWord,
    /// Why it is in its state, where that has to be said.
    pub why: String,
    /// The run and the batch that it works on.
    pub run: Option<String>,
    pub batch: Option<String>,
    /// Seconds since 1970, where they are known.
    pub since: Option<u64>,
}

/// What a rig of a lab does, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabRigWord {
    Idle,
    Working,
    /// It has a batch that it may not begin yet.
    Waiting,
    /// It takes no further batch, as somebody asked for it.
    Drained,
    /// It takes none, as it is in quarantine or its wear budget is used up.
    Out,
    /// Its agent says nothing any more.
    Gone,
}

impl LabRigWord {
    pub(super) const ALL: [Self; 6] = [
        Self::Idle,
        Self::Working,
        Self::Waiting,
        Self::Drained,
        Self::Out,
        Self::Gone,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Drained => "drained",
            Self::Out => "out",
            Self::Gone => "gone",
        }
    }
}

/// A run of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabRunFacts {
    pub run: String,
    pub state: LabRunWord,
    /// 0 goes first.
    pub priority: u8,
    /// The machine of its owner.
    pub owner: String,
    pub suites: Vec<String>,
    pub rigs: Vec<String>,
    /// Seconds since 1970.
    pub began: u64,
    /// What its records say; nothing before they were read.
    pub cases: Option<LiveCounts>,
    pub exit: Option<u8>,
}

/// How far a run of a lab is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabRunWord {
    Open,
    Cancelled,
    Over,
}

impl LabRunWord {
    pub(super) const ALL: [Self; 3] = [Self::Open, Self::Cancelled, Self::Over];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cancelled => "cancelled",
            Self::Over => "over",
        }
    }
}

/// A part of the page of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabPart {
    Head,
    Rigs,
    Runs,
}

impl LabPart {
    /// The id of its element.
    pub fn id(self) -> String {
        match self {
            Self::Head => "head",
            Self::Rigs => "rigs",
            Self::Runs => "runs",
        }
        .to_owned()
    }
}

/// A lab while it goes on.
#[derive(Debug, Default)]
pub struct LiveLab {
    pub(super) facts: LabFacts,
    changed: Vec<LabPart>,
}

#[derive(Serialize)]
struct LabJson<'l> {
    schema: u32,
    #[serde(flatten)]
    facts: &'l LabFacts,
}

impl LiveLab {
    /// Every part.
    pub const WHOLE: [LabPart; 3] = [LabPart::Head, LabPart::Rigs, LabPart::Runs];

    /// Takes what is known now.
    pub fn set(&mut self, facts: LabFacts) {
        let before = std::mem::replace(&mut self.facts, facts);
        let is_new = |part: &LabPart| match part {
            // It counts rigs and runs.
            LabPart::Head => before != self.facts,
            LabPart::Rigs => before.rigs != self.facts.rigs,
            LabPart::Runs => before.runs != self.facts.runs,
        };
        let changed = Self::WHOLE.into_iter().filter(is_new);
        self.changed.extend(changed);
    }

    /// The parts that have changed since this was last asked.
    pub fn take_changed(&mut self) -> Vec<LabPart> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// What the page knows, as JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let facts = &self.facts;
        let mut text = serde_json::to_string_pretty(&LabJson {
            schema: SCHEMA,
            facts,
        })?;
        text.push('\n');
        Ok(text)
    }
}
