//! The trait `WorkQueue`: where a rig gets its batches from, and where it reports them.

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

    /// Whether there is, or may be, a batch for a rig that cannot take one now.
    fn has_work(&self, rig: usize) -> bool;

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
    /// The time is over: after the present case only the control that proves its cut.
    UntilProven,
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
        /// Cases without a result that the rig may still be running: it was given up, and could not be stopped.
        unheard: Vec<String>,
        /// The run's parent ended, and the rig is not at fault.
        parent_ended: bool,
    },
    /// Its journal cannot be read to its end.
    Unread(UnreadBatch),
}

/// A batch of which nobody can read what the rig did at the end. Its cases are not run again: a cut may have been made, and another
/// rig would make it as if nothing had been.
#[derive(Debug)]
pub struct UnreadBatch {
    /// What can be read.
    pub part: PartRead,
    pub why: String,
    /// Its cases that have no result.
    pub cases: Vec<String>,
}

impl UnreadBatch {
    /// The batch with these cases, if its journal in this folder cannot be read to its end; `why`: what else went wrong.
    pub fn from_part(part: &PartRead, folder: &str, cases: &[String], why: Option<&str>) -> Option<Self> {
        let unread = part.unread()?;
        let unread = format!("its journal in `{folder}` cannot be read: {unread}");
        Some(Self {
            why: why.map_or(unread.clone(), |why| format!("{why}; {unread}")),
            cases: part.without_result(cases),
            part: part.clone(),
        })
    }
}

impl BatchEnding {
    /// What there is of its journal.
    pub fn part(&self) -> &PartRead {
        let (Self::Closed { part, .. } | Self::Lost { part, .. } | Self::Unread(UnreadBatch { part, .. })) =
            self;
        part
    }

    /// Why the rig gets no further batch, if that is so.
    pub fn why_lost(&self) -> Option<&str> {
        match self {
            Self::Closed { .. } => None,
            Self::Lost { why, .. } | Self::Unread(UnreadBatch { why, .. }) => Some(why),
        }
    }

    /// The cases that have to be run again, or for the first time.
    pub fn left(&self) -> &[String] {
        match self {
            Self::Closed { left, .. } | Self::Lost { left, .. } => left,
            Self::Unread(_) => &[],
        }
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
