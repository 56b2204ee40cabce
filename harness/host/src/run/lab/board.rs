//! The messages between a run, its agents and the lab. Each is one JSON document.

use crate::run::fleet::wire::{BatchEnded, WorkerBatch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Stands in the file of a rig for the PIN of its SIM card, where others see it.
pub const NO_PIN: &str = "0000";

/// A rig, as its agent shows it to the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RigCard {
    pub name: String,
    /// The path of its file on its own machine.
    pub file: String,
    /// The text of its file, without the PIN of its SIM card.
    pub text: String,
    /// SHA-256 of the file itself, in hex.
    pub sha256: String,
    /// The machine of the agent.
    pub host: String,
    /// [`super::SOURCES`] of the agent's program.
    pub sources: String,
    pub version: String,
    /// The type of its module.
    #[serde(default)]
    pub module: String,
    #[serde(default)]
    pub simulated: bool,
    pub state: LabRigState,
    /// Seconds since 1970, by the agent's clock.
    #[serde(default)]
    pub since: u64,
}

/// What a rig of a lab does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, derive_more::Display)]
#[serde(rename_all = "kebab-case")]
pub enum LabRigState {
    #[display("idle")]
    Idle,
    #[display("runs `{batch}` of `{run}`")]
    Works { run: String, batch: String },
    /// It has a batch that it may not begin yet, and why.
    #[display("has a batch of `{run}`: {why}")]
    Waits { run: String, why: String },
    /// It takes no further batch, as somebody asked for it.
    #[display("drained")]
    Drained,
    /// It takes none, and why.
    #[display("out: {_0}")]
    Out(String),
}

/// A run, as its owner shows it to the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCard {
    pub run: String,
    /// 0 goes first.
    pub priority: u8,
    /// The machine of its owner.
    pub host: String,
    pub suites: Vec<String>,
    pub rigs: Vec<String>,
    /// Seconds since 1970, by the owner's clock.
    pub began: u64,
    pub state: LabRunState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, derive_more::Display)]
#[serde(rename_all = "kebab-case")]
pub enum LabRunState {
    #[display("open")]
    Open,
    /// Somebody asked for its end.
    #[display("cancelled")]
    Cancelled,
    #[display("over")]
    Over,
}

/// What a run that goes on waits for. It is forgotten one lease after its owner died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitCard {
    pub run: String,
    pub priority: u8,
    /// Rigs that it has a batch for, and that work for another run.
    pub rigs: BTreeSet<String>,
}

/// A batch for an agent. It names where the rest of it lies: a message is limited, and a batch may be long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobNote {
    pub run: String,
    /// The batch's folder below the run's.
    pub folder: String,
    /// The object that holds the [`Job`].
    pub object: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub run: String,
    pub batch: WorkerBatch,
    /// Where suites lie below the folder of the run, and what else the worker is started with.
    pub suites: Vec<String>,
    pub flags: Vec<String>,
    pub files: Vec<LabFile>,
    /// The digest that a worker has to come to which has read the same files.
    pub digest: String,
    /// [`super::SOURCES`] of the program that planned it.
    pub sources: String,
}

/// A file that a run needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabFile {
    /// Below the folder of the run, with `/` between its parts.
    pub path: String,
    pub sha256: String,
}

/// From an agent, kept in the order in which it was said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromAgent {
    /// It has the batch whose journal goes to this folder.
    Taken { folder: String },
    /// Lines of the journal in this folder, from this byte on.
    Lines {
        folder: String,
        offset: u64,
        text: String,
    },
    Ended {
        folder: String,
        ended: BatchEnded,
        /// The length of its journal.
        bytes: u64,
    },
    /// It cannot run the batch.
    Refused { folder: String, why: String },
}

impl FromAgent {
    /// The batch's folder below the run's.
    pub fn folder(&self) -> &str {
        match self {
            Self::Taken { folder }
            | Self::Lines { folder, .. }
            | Self::Ended { folder, .. }
            | Self::Refused { folder, .. } => folder,
        }
    }
}

/// What a run wants of an agent. It is said again and again: an agent that hears nothing for long finishes its case and stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOrder {
    #[default]
    GoOn,
    /// Finish the case, and run the control that proves its cut.
    TimeOver,
    /// Finish the case.
    Stop,
    /// Bring the rig to its safe state and end.
    Interrupt,
    /// The same at once.
    InterruptNow,
}

/// What a run says to the agent of one rig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RigOrder {
    pub order: RunOrder,
    /// The folder of the batch that the rig may begin. Said once the agent was heard to have it: a rig that was given up in
    /// silence before has not begun it, and never will.
    pub batch: Option<String>,
}

impl From<RunOrder> for RigOrder {
    fn from(order: RunOrder) -> Self {
        Self { order, batch: None }
    }
}
