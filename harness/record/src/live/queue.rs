//! The batches of a run on several rigs: where each is, and why it waits.

use dfota_core::event::fleet::{FleetEvent, PartEnd, PauseCause, Taken};
use std::collections::BTreeSet;

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LiveBatchState {
    Waiting,
    Running,
    Closed,
    GivenUp,
}

impl LiveBatchState {
    pub(super) const ALL: [Self; 4] = [Self::Running, Self::Waiting, Self::GivenUp, Self::Closed];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Closed => "done",
            Self::GivenUp => "given up",
        }
    }
}

#[derive(Debug)]
pub(super) struct LiveBatch {
    pub(super) name: String,
    pub(super) suite: String,
    pub(super) cases: usize,
    /// How long it was likely to take.
    pub(super) real_ms: u64,
    pub(super) state: LiveBatchState,
    /// The rig that has it, or had it last.
    pub(super) rig: Option<String>,
    pub(super) taken_ms: u64,
    pub(super) took_ms: u64,
    /// What became of earlier attempts, and why it was given up.
    pub(super) why: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) batches: Vec<LiveBatch>,
    pub(super) paused: Option<String>,
    /// Why, the last time.
    pause_cause: PauseCause,
    passed: BTreeSet<String>,
}

impl Queue {
    pub(super) fn on(&mut self, event: &FleetEvent, at_ms: u64) {
        match event {
            FleetEvent::Queued {
                batch,
                suite,
                cases,
                real_ms,
                ..
            } => self.batches.push(LiveBatch {
                name: batch.clone(),
                suite: suite.clone(),
                cases: cases.len(),
                real_ms: *real_ms,
                state: LiveBatchState::Waiting,
                rig: None,
                taken_ms: 0,
                took_ms: 0,
                why: Vec::new(),
            }),
            FleetEvent::Taken(taken) => self.take(taken, at_ms),
            FleetEvent::Closed(end) => self.leave(end, LiveBatchState::Closed, at_ms),
            FleetEvent::Lost { end, why, .. } => {
                self.leave(end, LiveBatchState::Waiting, at_ms);
                if let Some(batch) = self.find(&end.batch) {
                    batch.why.push(format!("lost on {}: {why}", end.rig));
                }
            }
            FleetEvent::Again { batch, cases } => {
                if let Some(batch) = self.find(batch) {
                    let (before, left) = (batch.cases.max(1) as u64, cases.len() as u64);
                    batch.real_ms = batch.real_ms.saturating_mul(left) / before;
                    (batch.state, batch.cases) = (LiveBatchState::Waiting, cases.len());
                }
            }
            FleetEvent::GivenUp { batch, why } => {
                if let Some(batch) = self.find(batch) {
                    batch.state = LiveBatchState::GivenUp;
                    batch.why.push(why.clone());
                }
            }
            FleetEvent::CanaryPassed { suite, .. } => {
                self.passed.insert(suite.clone());
            }
            FleetEvent::Paused { why, cause } => {
                (self.paused, self.pause_cause) = (Some(why.clone()), *cause);
            }
            FleetEvent::Resumed { .. } if self.pause_cause.ends_when_resumed() => self.paused = None,
            FleetEvent::Ordered { .. }
            | FleetEvent::Resumed { .. }
            | FleetEvent::RigOut { .. }
            | FleetEvent::WrittenOff { .. }
            | FleetEvent::Unread { .. } => {}
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut LiveBatch> {
        self.batches.iter_mut().find(|batch| batch.name == name)
    }

    fn take(&mut self, taken: &Taken, at_ms: u64) {
        if let Some(batch) = self.find(&taken.batch) {
            batch.state = LiveBatchState::Running;
            batch.rig = Some(taken.rig.clone());
            batch.taken_ms = at_ms;
        }
    }

    fn leave(&mut self, end: &PartEnd, state: LiveBatchState, at_ms: u64) {
        if let Some(batch) = self.find(&end.batch) {
            batch.state = state;
            batch.took_ms = at_ms.saturating_sub(batch.taken_ms);
        }
    }

    pub(super) fn count(&self, state: LiveBatchState) -> usize {
        self.batches.iter().filter(|batch| batch.state == state).count()
    }

    /// Why a batch waits. `free`: rigs without a batch that may have one; `left`: rigs that are not out.
    pub(super) fn reason(&self, batch: &LiveBatch, free: usize, left: usize) -> String {
        if let Some(why) = &self.paused {
            return format!("paused: {why}");
        }
        if left == 0 {
            return "no rig is left".into();
        }
        if free == 0 {
            return "no rig is free".into();
        }
        match self.canary(batch) {
            Some(first) => format!(
                "canary: `{}` on {} has to pass first, or no free rig fits",
                first.name,
                first.rig.as_deref().unwrap_or("a rig")
            ),
            None => "no free rig fits, or one is about to take it".into(),
        }
    }

    /// The batch that has to pass before others of its suite begin.
    fn canary(&self, batch: &LiveBatch) -> Option<&LiveBatch> {
        if self.passed.contains(&batch.suite) {
            return None;
        }
        let mut others = self.batches.iter().filter(|other| other.suite == batch.suite);
        others.find(|other| other.state == LiveBatchState::Running)
    }

    /// Why a rig without a batch waits.
    pub(super) fn why_idle(&self) -> String {
        if self.paused.is_some() {
            return "the run is paused".into();
        }
        let mut waiting = self
            .batches
            .iter()
            .filter(|batch| batch.state == LiveBatchState::Waiting);
        let Some(batch) = waiting.next() else {
            return "nothing is left to take; another rig may be lost".into();
        };
        match self.canary(batch).and_then(|first| first.rig.as_deref()) {
            Some(rig) => format!("waits for the canary on {rig}, or no batch fits"),
            None => "no batch that waits fits".into(),
        }
    }
}
