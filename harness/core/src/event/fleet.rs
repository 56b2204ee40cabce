//! Events of a run on several rigs: what became of its batches and its rigs. Only the parent's journal, `run.jsonl`, has them.

use crate::cut::Cut;
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
    },
    /// A rig took a batch. Its journal follows, in a folder of its own.
    Taken(Taken),
    /// A rig began an attempt at a cut: it was armed. Told before the cut can be made, and not by the thread that makes it.
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
        /// Cases whose cut had been ordered and which have no verdict.
        open: Vec<String>,
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
}
