//! The seam between what a rig does and where its work lies.

use super::part::PartRead;
use dfota_core::event::Record;
use dfota_core::event::fleet::{PauseCause, Taken};
use dfota_core::fleet::{QueuedBatch, Take};
use dfota_core::verdict::Verdict;
use std::time::Duration;

/// Where batches wait, and where what becomes of them goes. Rigs are named by their place in the run.
pub trait WorkQueue: Sync {
    /// Puts batches into the queue.
    fn offer(&self, batches: Vec<QueuedBatch>);

    /// The next batch for a rig.
    fn take(&self, rig: usize) -> Take;

    /// Waits until something has changed that may let a rig take a batch.
    fn wait(&self, limit: Duration);

    /// The rig still works on its batch. Whether it may go on after the present case.
    fn progress(&self, rig: usize) -> WorkGoesOn;

    /// A case has its verdict. The first complete one counts; whether it is this one.
    fn record_once(&self, rig: usize, suite: &str, case: &str, verdict: &Verdict) -> bool;

    /// So many cases of the rig's batch have ended with a brick so far.
    fn bricked(&self, rig: usize, so_far: u32);

    /// The rig has ended its batch, or lost it.
    fn close(&self, rig: usize, taken: &Taken, ending: &BatchEnding);

    /// Hands out nothing more; what rigs are at is finished.
    fn pause(&self, why: &str, cause: PauseCause);

    /// What the rig does, for whoever watches.
    fn presence(&self, rig: usize, presence: RigPresence);

    /// A record of a batch's journal, for whoever watches.
    fn publish(&self, rig: usize, record: &Record);
}

/// Whether a rig may begin another case of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkGoesOn {
    Yes,
    /// The run is paused or over: the case is the last.
    No,
}

/// How a rig came out of a batch.
#[derive(Debug)]
pub enum BatchEnding {
    /// Its journal is whole.
    Closed {
        part: PartRead,
        /// Of a batch that was told to stop: the cases that were not run.
        left: Vec<String>,
    },
    /// What there is of its journal, and why there is no more.
    Lost {
        part: PartRead,
        why: String,
        /// Cases that have to be run again, or for the first time.
        left: Vec<String>,
        /// The run's parent ended, and the rig is not at fault.
        parent_ended: bool,
    },
}

impl BatchEnding {
    /// What there is of its journal.
    pub fn part(&self) -> &PartRead {
        let (Self::Closed { part, .. } | Self::Lost { part, .. }) = self;
        part
    }

    /// The cases that have to be run again, or for the first time.
    pub fn left(&self) -> &[String] {
        let (Self::Closed { left, .. } | Self::Lost { left, .. }) = self;
        left
    }
}

/// What a rig does when it is not in the middle of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RigPresence {
    Working,
    /// Has no batch now.
    Waiting(String),
    /// Gets no further one.
    Out(String),
    /// There is nothing left for it.
    Done,
}
