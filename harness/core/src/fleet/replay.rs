//! The queue of a run whose program has ended, from what that program wrote down.
//!
//! It replays the recorded events `queued`, `taken`, `closed` and `lost`. The events that follow from these were recorded too,
//! until the program ended. The program that resumes the run records the missing ones (`owed`) first.

use super::{Fleet, FleetRules, Place, QueuedBatch};
use crate::event::fleet::{FleetEvent, PartEnd, Taken};
use alloc::string::String;
use alloc::vec::Vec;

/// A queue as it was left.
#[derive(Debug)]
pub struct ReplayedFleet {
    pub fleet: Fleet,
    /// What follows from the events and is not among them.
    pub owed: Vec<FleetEvent>,
    /// Batches that rigs had.
    pub open: Vec<Taken>,
}

/// Events that no queue wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// An older program wrote them.
    #[error(
        "the batch `{batch}` is queued without its rigs: an older program wrote this journal, and its run cannot be resumed"
    )]
    NoTerms { batch: String },
    #[error("no rig of the run is named `{rig}`")]
    UnknownRig { rig: String },
    #[error("the batch `{batch}` was never queued")]
    UnknownBatch { batch: String },
    /// The batch is with another rig, or the attempt is another one.
    #[error("the batch `{batch}`, attempt {attempt}, cannot have been {what} by the rig `{rig}`")]
    OutOfOrder {
        batch: String,
        attempt: u32,
        rig: String,
        what: &'static str,
    },
}

impl Fleet {
    /// The queue of these rigs after these events.
    pub fn replay<'e>(
        rigs: Vec<String>,
        rules: FleetRules,
        events: impl IntoIterator<Item = &'e FleetEvent>,
    ) -> Result<ReplayedFleet, ReplayError> {
        let mut replay = ReplayedFleet {
            fleet: Self::new(rigs, rules),
            owed: Vec::new(),
            open: Vec::new(),
        };
        for event in events {
            replay.on(event)?;
        }
        Ok(replay)
    }
}

impl ReplayedFleet {
    fn on(&mut self, event: &FleetEvent) -> Result<(), ReplayError> {
        match event {
            FleetEvent::Queued {
                batch,
                suite,
                cases,
                real_ms,
                terms,
            } => {
                let (batch, suite, cases) = (batch.clone(), suite.clone(), cases.clone());
                let no_terms = || ReplayError::NoTerms { batch: batch.clone() };
                let terms = terms.clone().ok_or_else(no_terms)?;
                let rigs = terms
                    .rigs
                    .iter()
                    .map(|rig| self.rig(rig))
                    .collect::<Result<_, _>>()?;
                let queued = QueuedBatch {
                    name: batch,
                    suite,
                    cases,
                    packages: terms.packages,
                    rigs,
                    share: terms.share,
                    real_ms: *real_ms,
                };
                // What it says of it is this event.
                self.fleet.offer(alloc::vec![queued]);
            }
            FleetEvent::Taken(taken) => self.taken(taken)?,
            FleetEvent::Closed(end) => {
                let rig = self.ends(end, "closed")?;
                self.owed.extend(self.fleet.closed(rig, end.result));
                self.fleet.stopped(&end.batch, rig, end.left.clone());
            }
            FleetEvent::Lost {
                end,
                why,
                unread,
                parent_ended,
                ..
            } => {
                let rig = self.ends(end, "lost")?;
                let left = end.left.clone();
                let owed = if !unread.is_empty() {
                    self.fleet.unread(rig, why, unread.clone(), end.result)
                } else if *parent_ended {
                    self.fleet.interrupted(rig, left, end.result)
                } else {
                    self.fleet.lost(rig, why, left, end.result)
                };
                self.owed.extend(owed);
            }
            FleetEvent::Resumed { .. } => self.owed.extend(self.fleet.go_on()),
            FleetEvent::Again { .. }
            | FleetEvent::CanaryPassed { .. }
            | FleetEvent::GivenUp { .. }
            | FleetEvent::RigOut { .. }
            | FleetEvent::Paused { .. } => self.follows(event)?,
            FleetEvent::Ordered { .. } | FleetEvent::Unread { .. } | FleetEvent::WrittenOff { .. } => {}
        }
        Ok(())
    }

    fn rig(&self, name: &str) -> Result<usize, ReplayError> {
        let at = self.fleet.rigs.iter().position(|rig| rig.name == name);
        at.ok_or_else(|| ReplayError::UnknownRig { rig: name.into() })
    }

    fn batch(&self, name: &str) -> Result<usize, ReplayError> {
        let at = self
            .fleet
            .entries
            .iter()
            .position(|entry| entry.batch.name == name);
        at.ok_or_else(|| ReplayError::UnknownBatch { batch: name.into() })
    }

    fn taken(&mut self, taken: &Taken) -> Result<(), ReplayError> {
        let (at, rig) = (self.batch(&taken.batch)?, self.rig(&taken.rig)?);
        let waits = self
            .fleet
            .entries
            .get(at)
            .is_some_and(|entry| entry.place == Place::Waits && entry.attempts + 1 == taken.attempt);
        let is_free = self.fleet.rigs.get(rig).is_some_and(|rig| rig.batch.is_none());
        if !waits || !is_free {
            return Err(ReplayError::OutOfOrder {
                batch: taken.batch.clone(),
                attempt: taken.attempt,
                rig: taken.rig.clone(),
                what: "taken",
            });
        }
        self.fleet.give(at, rig);
        self.open.push(taken.clone());
        Ok(())
    }

    /// The rig whose batch ends here.
    fn ends(&mut self, end: &PartEnd, what: &'static str) -> Result<usize, ReplayError> {
        let is =
            |taken: &Taken| (&taken.batch, taken.attempt, &taken.rig) == (&end.batch, end.attempt, &end.rig);
        let Some(at) = self.open.iter().position(is) else {
            return Err(ReplayError::OutOfOrder {
                batch: end.batch.clone(),
                attempt: end.attempt,
                rig: end.rig.clone(),
                what,
            });
        };
        self.open.remove(at);
        self.rig(&end.rig)
    }

    /// An event that follows from others is owed no more. One that does not was made by something that is not written down: a
    /// clock, a signal, or a batch that nobody could take any more.
    fn follows(&mut self, event: &FleetEvent) -> Result<(), ReplayError> {
        if let Some(at) = self.owed.iter().position(|owed| is_same(owed, event)) {
            self.owed.remove(at);
            return Ok(());
        }
        match event {
            FleetEvent::Paused { why, cause } => {
                self.fleet.pause(why, *cause);
            }
            FleetEvent::RigOut { rig, why } => {
                let rig = self.rig(rig)?;
                self.fleet.out(rig, why);
            }
            FleetEvent::GivenUp { batch, why } => {
                let at = self.batch(batch)?;
                if let Some(entry) = self.fleet.entries.get_mut(at) {
                    entry.give_up(why.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether two events say the same; a pause is one, whatever was the last straw.
fn is_same(owed: &FleetEvent, event: &FleetEvent) -> bool {
    match (owed, event) {
        (FleetEvent::Paused { .. }, FleetEvent::Paused { .. }) => true,
        (owed, event) => owed == event,
    }
}
