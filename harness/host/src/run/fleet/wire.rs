//! What parent and worker say to each other: one line of JSON a message, over the worker's standard input and output.

use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::fleet::Taken;
use dfota_core::event::{Event, Record};
use dfota_core::timeline::Timeline;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// From the parent. When its pipe ends, the parent is dead: a worker finishes its case, makes its rig safe and ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToWorker {
    Batch(WorkerBatch),
    /// Finish the case, run the control that proves its cut, and leave the others of the batch.
    TimeOver,
    /// Finish the case and leave the others of the batch.
    Stop,
    /// There is nothing more to do.
    End,
}

/// A batch for a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkerBatch {
    pub taken: Taken,
    /// The run folder.
    pub run: PathBuf,
    /// What the rig has to have run before, once: a worker that has leaves them out.
    pub calibrations: Vec<Case>,
    /// Its cases, in order.
    pub cases: Vec<Case>,
    /// Cuts that an earlier run made and could not judge, by case: they are made again, exactly.
    pub again: BTreeMap<String, Cut>,
    /// What the rig timed before the run was resumed: these calibrations are not run again.
    pub timed: Vec<RigTimeline>,
}

/// The moments of an update, as a calibration of this rig had them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RigTimeline {
    pub suite: String,
    pub campaign: String,
    pub package: String,
    pub timeline: Timeline,
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromWorker {
    /// It has the rig, and the files that this digest is of.
    Ready {
        files: String,
    },
    /// It cannot begin, with the exit code that the run gets.
    Refused {
        exit: u8,
        why: String,
    },
    /// A record of the batch's journal, after it was written. Those of the dialogue are told only where the parent shows them.
    Record(Box<Record>),
    /// Nothing to record, and the case goes on within its limits.
    Alive,
    Ended(BatchEnded),
}

/// A worker is through with a batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BatchEnded {
    /// The exit code of the batch.
    pub exit: u8,
    /// Why the rig is not to have another batch.
    pub out: Option<String>,
    /// What a user has to know of the rig.
    pub notes: Vec<String>,
}

/// Whether it is one of the many lines that the dialogue with the module consists of. Only a page that shows each line needs them.
pub fn is_dialogue(event: &Event) -> bool {
    matches!(
        event,
        Event::Rx { .. }
            | Event::Tx { .. }
            | Event::TxData { .. }
            | Event::Prompt
            | Event::Line { .. }
            | Event::Measured(_)
            | Event::Watched(_)
    )
}
