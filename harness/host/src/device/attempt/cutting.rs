//! Cuts: arms them, and follows one that was made until the module is supplied again.

use crate::bench::serial::message::CutInstants;
use crate::bench::serial::trigger::Armed;
use crate::device::dut::{Dut, Stop};
use dfota_core::cut::{Cut, CutKind};
use dfota_core::event::{Confirmed, CutMade, Event, Line};
use dfota_core::measure::Measure;
use dfota_core::moment::Moment;
use dfota_core::update::UpdateInput;
use dfota_core::verdict::Rule;
use std::collections::VecDeque;

impl Dut {
    /// Hands the next cut to the reader; one in the upload is made where the block is written.
    pub(super) fn arm_next(&mut self, cuts: &mut VecDeque<Cut>) {
        let Some(cut) = cuts.pop_front() else { return };
        self.journal.post(Event::CutArmed { cut: cut.clone() });
        if !matches!(cut.at, Moment::UploadBlock(_)) {
            let after = self.clock.real(cut.after);
            self.reader.arm(Armed { cut, after });
        }
    }

    /// From a cut that was made to a module that is supplied again.
    pub(super) fn live_through_cut(&mut self, cuts: &mut VecDeque<Cut>) -> Result<(), Stop> {
        let Some(made) = self.watch.cut.take() else {
            return Ok(());
        };
        let cut = made.cut.clone();
        if let Err(error) = made.result {
            return Err(Stop::rule(Rule::LineFailed, error.to_string()));
        }
        let timing = self.timing();
        let glitch = cut.kind != CutKind::Reset && cut.off < timing.discharge;
        // What arrives until the silence is certain was said before the cut.
        match cut.kind {
            CutKind::Power | CutKind::Both if !glitch => self.fall_silent(made.returned)?,
            CutKind::Reset => {
                self.pause_until(made.returned + self.clock.real(timing.latency))?;
                self.drain()?;
            }
            CutKind::Power | CutKind::Both => self.pause_until(made.returned + self.clock.real(cut.off))?,
        }
        let confirmed = self.confirmed(&made)?;
        let landed = self.watch.phase();
        self.journal.post(Event::CutMade(CutMade {
            cut: cut.clone(),
            landed,
            glitch,
            trigger_ns: self.clock.mono_ns_of(made.trigger),
            due_ns: self.clock.mono_ns_of(made.due),
            commanded_ns: self.clock.mono_ns_of(made.commanded),
            returned_ns: self.clock.mono_ns_of(made.returned),
            kind: cut.kind,
            confirmed,
        }));
        self.watch.on(UpdateInput::Cut { glitch });
        let late = made.returned.saturating_duration_since(made.due);
        self.measure(Measure::CutLatency, late.as_nanos() as u64);
        self.watch.cut_late = self.clock.module_time(late);
        if !glitch && cut.kind != CutKind::Reset {
            self.prove_silence()?;
        }
        let off = if cut.kind == CutKind::Reset {
            cut.off.max(timing.reset_hold)
        } else {
            cut.off
        };
        self.pause_until(made.returned + self.clock.real(off))?;
        self.arm_next(cuts);
        self.give_back(cut.kind)
    }

    /// When the sense line showed that the supply was gone, where the rig has one and it did.
    fn confirmed(&self, made: &CutInstants) -> Result<Option<Confirmed>, Stop> {
        if made.cut.kind == CutKind::Reset {
            return Ok(None);
        }
        let shown = self.look()?.filter(|shown| !shown.supplied);
        let edge = shown
            .and_then(|shown| shown.since)
            .filter(|edge| edge.at >= made.commanded);
        Ok(edge.map(|edge| Confirmed {
            at_ns: self.clock.mono_ns_of(edge.at),
            within_ns: edge.within.as_nanos() as u64,
        }))
    }

    fn give_back(&mut self, kind: CutKind) -> Result<(), Stop> {
        match kind {
            CutKind::Power => self.power_on(),
            CutKind::Reset => self.release_reset(),
            CutKind::Both => {
                self.set(Line::Reset, false)?;
                self.power_on()
            }
        }
    }
}
