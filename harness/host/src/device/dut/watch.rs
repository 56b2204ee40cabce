//! What is watched while an update is made, from the attempt to the last question about it.

use super::Stop;
use crate::bench::serial::message::CutInstants;
use dfota_clock::Clock;
use dfota_core::event::Request;
use dfota_core::moment::Moment;
use dfota_core::timeline::Timeline;
use dfota_core::update::{AfterCut, Life, Phase, Update, UpdateInput};
use std::time::{Duration, Instant};

/// The update that is watched, and what servers and cuts add to it. Idle by default.
#[derive(Debug, Default)]
pub struct UpdateWatch {
    /// As the module's lines tell it; none while no update is watched.
    pub update: Option<Update>,
    /// A cut that was made and has not been dealt with.
    pub cut: Option<CutInstants>,
    /// The LwM2M dialogue about this update has ended.
    pub object_ended: bool,
    /// Requests for the package.
    pub requests: Vec<Request>,
    /// When the update was ordered for the first time.
    pub(super) ordered: Option<Instant>,
    /// When END came last.
    pub(super) ended: Option<Instant>,
    /// When the attempt began, and the moments since then.
    began: Option<Instant>,
    timeline: Timeline,
    /// How late the last cut was, in the module's time.
    pub(in crate::device) cut_late: Duration,
    /// When the update must have come to its verdict; what a module does in a loop ends then.
    bound: Option<Instant>,
}

/// What was seen of an update.
#[derive(Debug, Clone, Default)]
pub struct UpdateSeen {
    pub timeline: Timeline,
    /// How late its last cut was, in the module's time.
    pub cut_late: Duration,
}

impl UpdateSeen {
    /// Takes what was seen of a later update of the same try.
    pub fn add(&mut self, later: Self) {
        if !later.timeline.moments().is_empty() {
            self.timeline = later.timeline;
        }
        self.cut_late = self.cut_late.max(later.cut_late);
    }
}

impl From<UpdateWatch> for UpdateSeen {
    fn from(watch: UpdateWatch) -> Self {
        Self {
            timeline: watch.timeline,
            cut_late: watch.cut_late,
        }
    }
}

impl UpdateWatch {
    /// Watches an update without judging it: no attempt, no bound.
    pub fn update(update: Update) -> Self {
        Self {
            update: Some(update),
            ..Self::default()
        }
    }

    /// Watches an attempt that must come to its verdict within `bound` of real time.
    pub(in crate::device) fn attempt(update: Update, bound: Duration) -> Self {
        let now = Instant::now();
        Self {
            began: Some(now),
            bound: Some(now + bound),
            ..Self::update(update)
        }
    }

    /// Fails once when the bound is over: what the procedure does about that takes its own time.
    pub(super) fn within_bound(&mut self) -> Result<(), Stop> {
        match self.bound.take_if(|bound| Instant::now() >= *bound) {
            Some(_) => Err(Stop::Unbounded),
            None => Ok(()),
        }
    }

    pub fn on(&mut self, input: UpdateInput) {
        if let Some(update) = &mut self.update {
            update.on(input);
        }
    }

    pub(super) fn came(&mut self, moment: Moment, at: Instant, clock: Clock) {
        if let Some(began) = self.began {
            let since = clock.module_time(at.saturating_duration_since(began));
            self.timeline.add(moment, since);
        }
    }

    /// The order is about to be given. A second one of the same attempt does not count for what is measured.
    pub(in crate::device) fn order(&mut self) {
        self.ordered.get_or_insert_with(Instant::now);
        self.on(UpdateInput::Order);
    }

    pub fn phase(&self) -> Phase {
        self.update.as_ref().map_or(Phase::Idle, Update::phase)
    }

    /// What may come in this life after the last cut.
    pub fn expected(&self) -> AfterCut {
        let update = self.update.as_ref();
        update.map_or(AfterCut::SourceStays, Update::expected)
    }

    /// The module's life since its supply came last.
    pub fn life(&self) -> Option<&Life> {
        self.update.as_ref().map(Update::life)
    }

    /// Whether the module was seen to go on with its update in this life.
    pub fn updates(&self) -> bool {
        self.life().is_some_and(Life::updates)
    }

    /// Whether an END came, in any life.
    pub fn has_end(&self) -> bool {
        self.update
            .as_ref()
            .is_some_and(|update| update.ends().next().is_some())
    }
}
