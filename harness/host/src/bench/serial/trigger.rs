//! The armed cut: it waits for its moment, then for its delay, and then moves the lines.

use super::message::{BenchMessage, CutInstants};
use crate::bench::lines::RigLines;
use dfota_core::cut::{Cut, CutKind};
use dfota_core::event::{Event, Line};
use dfota_core::moment::Moment;
use dfota_record::journal::Journal;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A cut that waits for its moment.
#[derive(Debug, Clone)]
pub struct Armed {
    pub cut: Cut,
    /// Its delay in real time.
    pub after: Duration,
}

#[derive(Debug, Default)]
enum TriggerState {
    #[default]
    Idle,
    Armed(Armed),
    Due {
        armed: Armed,
        /// When its moment was complete, and when the cut is to be made.
        met: Instant,
        at: Instant,
    },
}

/// One armed cut at a time. The reader thread, the package servers and the runner hold its lock for an instant each.
#[derive(Debug, Default)]
pub(super) struct Trigger(Mutex<TriggerState>);

impl Trigger {
    fn state(&self) -> MutexGuard<'_, TriggerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn arm(&self, armed: Armed) {
        *self.state() = TriggerState::Armed(armed);
    }

    /// Gives an armed cut back, if it has not been made.
    pub(super) fn disarm(&self) -> Option<Cut> {
        match std::mem::take(&mut *self.state()) {
            TriggerState::Idle => None,
            TriggerState::Armed(armed) | TriggerState::Due { armed, .. } => Some(armed.cut),
        }
    }

    pub(super) fn is_armed(&self) -> bool {
        matches!(*self.state(), TriggerState::Armed(_))
    }

    pub(super) fn is_due(&self) -> bool {
        matches!(*self.state(), TriggerState::Due { .. })
    }

    /// How long until the delayed cut is to be made, where its moment has come.
    pub(super) fn until_due(&self) -> Option<Duration> {
        match &*self.state() {
            TriggerState::Due { at, .. } => Some(at.saturating_duration_since(Instant::now())),
            TriggerState::Idle | TriggerState::Armed(_) => None,
        }
    }

    /// Makes the cut where its moment is `met`; with a delay it becomes due instead, and the reader thread makes it.
    pub(super) fn cut_if(
        &self,
        met: impl Fn(Moment) -> bool,
        at: Instant,
        lines: &RigLines,
    ) -> Option<CutInstants> {
        let mut state = self.state();
        match &*state {
            TriggerState::Armed(armed) if met(armed.cut.at) => {}
            _ => return None,
        }
        let TriggerState::Armed(armed) = std::mem::take(&mut *state) else {
            return None;
        };
        if armed.after.is_zero() {
            drop(state);
            return Some(cut(&armed.cut, at, at, lines));
        }
        let due = at + armed.after;
        *state = TriggerState::Due {
            armed,
            met: at,
            at: due,
        };
        None
    }

    /// Makes the delayed cut whose time has come.
    pub(super) fn cut_if_due(&self, lines: &RigLines) -> Option<CutInstants> {
        let mut state = self.state();
        match &*state {
            TriggerState::Due { at, .. } if *at <= Instant::now() => {}
            _ => return None,
        }
        let TriggerState::Due { armed, met, at } = std::mem::take(&mut *state) else {
            return None;
        };
        drop(state);
        Some(cut(&armed.cut, met, at, lines))
    }
}

/// The lines that a kind of cut moves, in the order it moves them.
pub fn moved(kind: CutKind) -> &'static [Line] {
    match kind {
        CutKind::Power => &[Line::Power],
        CutKind::Reset => &[Line::Reset],
        CutKind::Both => &[Line::Power, Line::Reset],
    }
}

/// Makes a cut now: the supply off, reset asserted, or both.
pub fn cut(cut: &Cut, trigger: Instant, due: Instant, lines: &RigLines) -> CutInstants {
    let commanded = Instant::now();
    let mut result = Ok(());
    for line in moved(cut.kind) {
        result = result.and(lines.set(*line, *line == Line::Reset));
    }
    let returned = Instant::now();
    if cut.kind != CutKind::Reset {
        result = result.and(lines.isolate(true));
    }
    CutInstants {
        cut: cut.clone(),
        trigger,
        due,
        commanded,
        returned,
        result,
    }
}

/// Writes a cut into the journal and hands it to the runner.
pub(super) fn report(made: CutInstants, journal: &Journal, runner: &Sender<BenchMessage>) {
    let took_ns = made.returned.duration_since(made.commanded).as_nanos() as u64;
    for &line in moved(made.cut.kind) {
        let active = line == Line::Reset;
        journal.post_at(
            made.commanded,
            Event::Line {
                line,
                active,
                took_ns,
            },
        );
    }
    let _ = runner.send(BenchMessage::Cut(made));
}
