//! Events of a run on several rigs: what became of its batches and its rigs. Only the parent's journal, `run.jsonl`, has them.

use crate::cut::Cut;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happened to a batch or a rig. A batch is the cases of one suite that one rig runs in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum FleetEvent {
    /// A batch waits for a rig. All come before the first is taken.
    Queued {
        /// Its name, unique in the run: `smoke-1`.
        batch: String,
        /// The suite.
        suite: String,
        /// The ids of its cases, in order.
        cases: Vec<String>,
        /// How long it is likely to take, in milliseconds of real time.
        real_ms: u64,
        /// Who may run it. A run whose journal does not say this cannot be resumed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<BatchTerms>,
    },
    /// A rig took a batch. Its journal follows, in a folder of its own.
    Taken(Taken),
    /// A rig began an attempt at a cut: it was armed. The rig sends this before it orders the update, and
    /// not from the thread that cuts.
    Ordered {
        /// The rig.
        rig: String,
        /// The suite.
        suite: String,
        /// The id of the case.
        case: String,
        /// The cut.
        cut: Cut,
    },
    /// A rig ended a batch; its journal is whole.
    Closed(PartEnd),
    /// A rig stopped in the middle of a batch: the program ended, or was silent, or the rig failed.
    Lost {
        /// What there is of its journal.
        #[serde(flatten)]
        end: PartEnd,
        /// Why, for people.
        why: String,
        /// Cases whose cut had been ordered, or may still be, and which have no verdict.
        open: Vec<String>,
        /// Cases of which nobody can read what became of them: no rig runs them again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unread: Vec<String>,
        /// The run's parent ended, not the rig: the rig goes on when the run is resumed.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        parent_ended: bool,
    },
    /// What is left of a lost batch waits for a rig again.
    Again {
        /// The batch.
        batch: String,
        /// The ids of its cases that are left, in order.
        cases: Vec<String>,
    },
    /// A batch was lost too often, or no rig is left for it: its cases are errors of the rig.
    GivenUp {
        /// The batch.
        batch: String,
        /// Why, for people.
        why: String,
    },
    /// A rig gets no further batch in this run.
    RigOut {
        /// The rig.
        rig: String,
        /// Why, for people.
        why: String,
    },
    /// The packages of a suite may be given to every rig: the first batch passed.
    CanaryPassed {
        /// The suite.
        suite: String,
        /// The rig on which it passed. Earlier versions named every rig that had it alone.
        rigs: Vec<String>,
    },
    /// No rig gets a further batch.
    Paused {
        /// Why, for people.
        why: String,
        /// Whether a run that is resumed stays paused.
        #[serde(default)]
        cause: PauseCause,
    },
    /// The run goes on: the program that had its queue had ended, and this one took its place.
    Resumed {
        /// The arguments of this program.
        args: Vec<String>,
        /// Bytes of a torn last line of this journal that were cut off.
        torn: u64,
    },
    /// Something of the journal of the part before is missing or was changed. Only a merged journal has it: whoever reads that one
    /// has to know what it does not hold.
    Unread {
        /// The part's folder.
        folder: String,
        /// What is wrong with it, for people.
        why: String,
    },
    /// Somebody decided that a cut which has no verdict counts as a brick.
    WrittenOff {
        /// The suite.
        suite: String,
        /// The id of the case.
        case: String,
        /// Who, or why, in their words.
        note: String,
    },
}

/// What the queue has to know of a batch, beside its cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchTerms {
    /// SHA-256 of the packages of its suite: each is let loose on canaries first.
    pub packages: Vec<String>,
    /// Names of the rigs that can run it.
    pub rigs: Vec<String>,
    /// The claim that it has cuts of, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ClaimShare>,
}

/// The cuts of a claim in a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimShare {
    /// Id of the campaign, in the batch's suite.
    pub campaign: String,
    /// So many cuts.
    pub cuts: u32,
    /// How many of the claim's cuts one rig may get, with those of earlier runs.
    pub quota: u32,
    /// What earlier runs have given each rig, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub had: BTreeMap<String, u32>,
}

/// Why a run hands out nothing more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PauseCause {
    /// The modules are in danger: bricks, or a canary on which no batch passed. A resumed run stays paused.
    #[default]
    Modules,
    /// A case did not pass, and the first such case was to end the run. A resumed run stays paused.
    FailFast,
    /// Its time was over. A resumed run has a time of its own.
    Time,
    /// Somebody interrupted it. To resume it takes that back.
    Signal,
}

impl PauseCause {
    /// Whether a run that is resumed hands out again.
    pub const fn ends_when_resumed(self) -> bool {
        matches!(self, Self::Time | Self::Signal)
    }
}

/// A batch and the rig that took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// The batch.
    pub batch: String,
    /// Counts from 1: a batch that was lost is taken again.
    pub attempt: u32,
    /// The rig's name.
    pub rig: String,
    /// Folder of the journal, relative to the run folder: `rigs/bench-01/smoke-1`.
    pub folder: String,
}

/// How much of a part's journal there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartEnd {
    /// The batch.
    pub batch: String,
    /// Which attempt.
    pub attempt: u32,
    /// The rig's name.
    pub rig: String,
    /// Lines of its journal.
    pub lines: u64,
    /// SHA-256 of the last of them, in hex; nothing where there is none.
    pub head: String,
    /// What the rig made of it.
    #[serde(default)]
    pub result: BatchResult,
    /// Cases of a batch that was lost, or stopped, which have to be run again or for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// What a rig made of its batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchResult {
    /// Every case passed or was skipped, and one passed.
    pub passed: bool,
    /// Cases that ended with a brick.
    pub bricks: u32,
    /// An update or a cut was ordered, and nobody has heard what the module became.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub is_open: bool,
}
