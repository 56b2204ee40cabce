//! The module's supply, reset and PWRKEY: moves them, waits as long as the rig's lines take, and proves that the module has
//! fallen silent. Sends nothing to it.

use super::{Awake, Dut, Stop};
use crate::bench::line::LineError;
use crate::bench::line::sense::SenseReading;
use crate::bench::lines::RigLines;
use crate::bench::wires::Timing;
use dfota_core::cut::CutKind;
use dfota_core::event::watched::Watched;
use dfota_core::event::{Event, Line};
use dfota_core::update::UpdateInput;
use dfota_core::verdict::Rule;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between supply and PWRKEY: the rail has to be up before the key counts. Assumed; the vendor's figure is not public.
pub const SETTLE: Duration = Duration::from_millis(50);
/// How long silence is listened for after a discharge.
pub const LISTEN: Duration = Duration::from_millis(200);

/// The lines of the module, and what was seen of them.
#[derive(Debug)]
pub(super) struct SupplyLines {
    lines: Arc<RigLines>,
    timing: Timing,
    /// [`Dut::supply_on`] has supplied the module, so that it has to run.
    powered: bool,
    /// When the supply last came, or another boot was begun.
    since: Instant,
    /// The shortest real time in which the supply came after it was told to.
    supply_returns: Option<Duration>,
    /// The same for reset.
    reset_returns: Option<Duration>,
}

impl SupplyLines {
    pub(super) fn new(lines: Arc<RigLines>, timing: Timing) -> Self {
        Self {
            lines,
            timing,
            powered: false,
            since: Instant::now(),
            supply_returns: None,
            reset_returns: None,
        }
    }
}

fn line_failed(why: LineError) -> Stop {
    Stop::rule(Rule::LineFailed, why.to_string())
}

impl Dut {
    /// Whether the rig has this line.
    pub fn has(&self, line: Line) -> bool {
        self.supply.lines.has(line)
    }

    /// The lines, for a cut that is made outside the reader.
    pub(in crate::device) fn lines(&self) -> &RigLines {
        &self.supply.lines
    }

    pub fn timing(&self) -> Timing {
        self.supply.timing
    }

    /// When the supply last came, or another boot was begun.
    pub fn since(&self) -> Instant {
        self.supply.since
    }

    /// A boot is begun: what was heard before is forgotten, and the time of the boot counts from here.
    pub fn begin_boot(&mut self) {
        self.awake = Awake::default();
        self.supply.since = Instant::now();
    }

    /// The time of the boot counts from here, with what was heard before.
    pub fn restart_boot_clock(&mut self) {
        self.supply.since = Instant::now();
    }

    /// Whether the program has supplied the module.
    pub fn is_powered(&self) -> bool {
        self.supply.powered
    }

    /// The shortest off time, of the module's time, that the rig was seen to be able to make.
    pub fn least_off(&self, kind: CutKind) -> Option<Duration> {
        let measured = match kind {
            CutKind::Reset => self.supply.reset_returns,
            CutKind::Power | CutKind::Both => self.supply.supply_returns,
        };
        measured.map(|real| self.clock.module_time(real))
    }

    /// Moves a line and writes that down.
    pub fn set(&mut self, line: Line, active: bool) -> Result<(), Stop> {
        if matches!(
            (line, active),
            (Line::Power, true) | (Line::Reset, false) | (Line::Pwrkey, true)
        ) {
            self.journal.watched(Watched::Starts { by: line });
        }
        let at = Instant::now();
        self.supply.lines.set(line, active).map_err(line_failed)?;
        let took = at.elapsed();
        if line == Line::Power {
            self.presence.supplied(active, Instant::now());
            self.supply.lines.isolate(!active).map_err(line_failed)?;
        }
        let fastest = match (line, active) {
            (Line::Power, true) => Some(&mut self.supply.supply_returns),
            (Line::Reset, false) => Some(&mut self.supply.reset_returns),
            _ => None,
        };
        if let Some(fastest) = fastest {
            *fastest = Some(fastest.map_or(took, |fastest| fastest.min(took)));
        }
        let took_ns = took.as_nanos() as u64;
        self.journal.post_at(
            at,
            Event::Line {
                line,
                active,
                took_ns,
            },
        );
        Ok(())
    }

    /// Switches the supply off and waits until the rail counts as down. What arrives until then may be from before; any byte
    /// after it shows that the module is still supplied.
    pub fn power_off(&mut self) -> Result<(), Stop> {
        self.set(Line::Power, false)?;
        self.supply.powered = false;
        self.fall_silent(Instant::now())?;
        self.prove_silence()
    }

    /// Takes what was still on its way when the supply went.
    pub fn fall_silent(&mut self, off: Instant) -> Result<(), Stop> {
        let down = self.supply.timing.discharge + self.supply.timing.latency;
        self.pause_until(off + self.clock.real(down))?;
        self.drain().map(drop)
    }

    pub(in crate::device) fn prove_silence(&mut self) -> Result<(), Stop> {
        self.prove_no_supply()?;
        let before = self.drain()?;
        self.pause(LISTEN)?;
        let after = self.drain()?;
        if after == before {
            return Ok(());
        }
        let sentence = format!(
            "the module still sent {} bytes although its supply was switched off and the discharge of {} was over: the line does not remove its power, or another path feeds it",
            after - before,
            humantime::format_duration(self.supply.timing.discharge)
        );
        Err(Stop::rule(Rule::PowerNotCut, sentence))
    }

    /// What the sense line shows; nothing where the rig has none.
    pub fn look(&self) -> Result<Option<SenseReading>, Stop> {
        let shown = self.supply.lines.look();
        shown.map_err(|why| Stop::rule(Rule::LineFailed, why.to_string()))
    }

    /// The sense line, where there is one, has to have dropped when the discharge is over.
    pub(crate) fn prove_no_supply(&self) -> Result<(), Stop> {
        if !self.look()?.is_some_and(|shown| shown.supplied) {
            return Ok(());
        }
        let sentence = format!(
            "the sense line still shows a supply although it was switched off and the discharge of {} was over: the line does not remove the module's power, another path feeds it, or `sense.active` is the wrong level",
            humantime::format_duration(self.supply.timing.discharge)
        );
        Err(Stop::rule(Rule::PowerNotCut, sentence))
    }

    /// A module that does not boot is not to blame while the sense line shows no supply.
    pub fn must_be_supplied(&self) -> Result<(), Stop> {
        if !self.supply.powered || self.look()?.is_none_or(|shown| shown.supplied) {
            return Ok(());
        }
        Err(Stop::rule(
            Rule::NoSupply,
            "the module does not boot, and the sense line shows no supply although it was switched on: check the supply and its switch, PWRKEY, and the wire of `sense` with its `active`",
        ))
    }

    /// Supplies the module and presses PWRKEY, where the rig has it.
    pub fn power_on(&mut self) -> Result<(), Stop> {
        self.supply_on()?;
        self.press_pwrkey()
    }

    /// Supplies the module, and gives how long the switch took.
    pub fn supply_on(&mut self) -> Result<Duration, Stop> {
        // A slow switch supplies the module before it returns: nothing that is timed from here has begun earlier.
        self.begin_boot();
        self.awake.missed = !self.hears();
        self.set(Line::Power, true)?;
        let took = self.supply.since.elapsed();
        self.supply.powered = true;
        self.measures.new_boot();
        Ok(took)
    }

    /// Presses PWRKEY, where the rig has it.
    pub fn press_pwrkey(&mut self) -> Result<(), Stop> {
        if !self.has(Line::Pwrkey) {
            return Ok(());
        }
        self.pause(SETTLE)?;
        self.pwrkey()
    }

    /// Presses PWRKEY for as long as the rig file says.
    pub fn pwrkey(&mut self) -> Result<(), Stop> {
        self.set(Line::Pwrkey, true)?;
        self.pause(self.supply.timing.pwrkey_hold)?;
        self.set(Line::Pwrkey, false)
    }

    /// Releases reset after a reset cut.
    pub fn release_reset(&mut self) -> Result<(), Stop> {
        self.begin_boot();
        self.set(Line::Reset, false)?;
        self.measures.new_boot();
        Ok(())
    }

    /// Switches the supply off and on, as no part of the experiment.
    pub fn cycle(&mut self) -> Result<(), Stop> {
        self.power_off()?;
        self.watch.on(UpdateInput::Cycle);
        self.power_on()
    }

    /// Resets the module, where the rig can.
    pub fn reset(&mut self) -> Result<(), Stop> {
        self.set(Line::Reset, true)?;
        self.pause(self.supply.timing.reset_hold)?;
        self.watch.on(UpdateInput::Cycle);
        self.release_reset()
    }

    /// Waits for RDY; whether it came within `limit`.
    pub fn boot(&mut self, limit: Duration) -> Result<bool, Stop> {
        let up = self.wait(limit, |dut| dut.awake.ready)?;
        self.measure_first_urc();
        if self.awake.first.is_none() {
            self.must_be_supplied()?;
        }
        Ok(up)
    }

    /// Waits for RDY where the module is on its way there; one that has been up all the time sends none.
    pub fn boot_if_needed(&mut self, limit: Duration) -> Result<(), Stop> {
        if self.awake.boot_rom || self.awake.first.is_none() {
            self.boot(limit)?;
        }
        Ok(())
    }
}
