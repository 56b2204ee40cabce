//! The module's supply, reset and PWRKEY: moves them, waits as long as the rig's lines take, and proves that the module has
//! fallen silent. Says nothing to it.

use super::{Awake, Module, Stop};
use crate::bench::line::sense::SenseReading;
use dfota_core::event::watched::Watched;
use dfota_core::event::{Event, Line};
use dfota_core::update::UpdateInput;
use dfota_core::verdict::Rule;
use std::time::{Duration, Instant};

/// Between supply and PWRKEY: the rail has to be up before the key counts. Assumed; the vendor's figure is not public.
pub const SETTLE: Duration = Duration::from_millis(50);
/// How long silence is listened for after a discharge.
pub const LISTEN: Duration = Duration::from_millis(200);

impl Module {
    /// Moves a line and writes it down.
    pub fn set(&mut self, line: Line, active: bool) -> Result<(), Stop> {
        if matches!(
            (line, active),
            (Line::Power, true) | (Line::Reset, false) | (Line::Pwrkey, true)
        ) {
            self.journal.watched(Watched::Starts { by: line });
        }
        let at = Instant::now();
        self.lines
            .set(line, active)
            .map_err(|error| Stop::rule(Rule::LineFailed, error.to_string()))?;
        let took = at.elapsed();
        if line == Line::Power {
            self.ear.supplied(active, Instant::now());
            let followed = self.lines.isolate(!active);
            followed.map_err(|error| Stop::rule(Rule::LineFailed, error.to_string()))?;
        }
        let measured = match (line, active) {
            (Line::Power, true) => Some(&mut self.comes_back[0]),
            (Line::Reset, false) => Some(&mut self.comes_back[1]),
            _ => None,
        };
        if let Some(least) = measured {
            *least = Some(least.map_or(took, |least| least.min(took)));
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

    /// Switches the supply off and waits until the rail counts as down. What is heard until then may be from before; any
    /// byte after it shows that the module is still supplied.
    pub fn power_off(&mut self) -> Result<(), Stop> {
        self.set(Line::Power, false)?;
        self.discharged(Instant::now())
    }

    /// Waits for the rail to be down after the supply went at `off`, and proves the silence.
    pub fn discharged(&mut self, off: Instant) -> Result<(), Stop> {
        self.powered = false;
        self.fall_silent(off)?;
        self.prove_silence()
    }

    /// Hears what was still on its way when the supply went.
    pub fn fall_silent(&mut self, off: Instant) -> Result<(), Stop> {
        let down = self.timing.discharge + self.timing.latency;
        self.pause_until(off + self.clock.real(down))?;
        self.drain().map(drop)
    }

    pub(crate) fn prove_silence(&mut self) -> Result<(), Stop> {
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
            humantime::format_duration(self.timing.discharge)
        );
        Err(Stop::rule(Rule::PowerNotCut, sentence))
    }

    /// What the sense line shows, where the rig has one.
    pub fn look(&self) -> Result<Option<SenseReading>, Stop> {
        let shown = self.lines.look();
        shown.map_err(|why| Stop::rule(Rule::LineFailed, why.to_string()))
    }

    /// The sense line, where there is one, has to have dropped when the discharge is over.
    pub(crate) fn prove_no_supply(&self) -> Result<(), Stop> {
        if !self.look()?.is_some_and(|shown| shown.supplied) {
            return Ok(());
        }
        let sentence = format!(
            "the sense line still shows a supply although it was switched off and the discharge of {} was over: the line does not remove the module's power, another path feeds it, or `sense.active` is the wrong level",
            humantime::format_duration(self.timing.discharge)
        );
        Err(Stop::rule(Rule::PowerNotCut, sentence))
    }

    /// A module that does not boot is not to blame while the sense line shows no supply.
    pub fn must_be_supplied(&self) -> Result<(), Stop> {
        if !self.powered || self.look()?.is_none_or(|shown| shown.supplied) {
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
        self.awake = Awake {
            missed: !self.hears(),
            ..Awake::default()
        };
        // A slow switch supplies the module before it says so: whatever is timed from here has not begun earlier.
        self.since = Instant::now();
        self.set(Line::Power, true)?;
        let took = self.since.elapsed();
        self.powered = true;
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
        self.pause(self.timing.pwrkey_hold)?;
        self.set(Line::Pwrkey, false)
    }

    /// Releases reset after a reset cut.
    pub fn release_reset(&mut self) -> Result<(), Stop> {
        self.awake = Awake::default();
        self.since = Instant::now();
        self.set(Line::Reset, false)?;
        self.measures.new_boot();
        Ok(())
    }

    /// Takes the supply away and gives it back, as no part of the experiment.
    pub fn cycle(&mut self) -> Result<(), Stop> {
        self.power_off()?;
        if let Some(update) = &mut self.update {
            update.on(UpdateInput::Cycle);
        }
        self.power_on()
    }

    /// Resets the module, where the rig can.
    pub fn reset(&mut self) -> Result<(), Stop> {
        self.set(Line::Reset, true)?;
        self.pause(self.timing.reset_hold)?;
        if let Some(update) = &mut self.update {
            update.on(UpdateInput::Cycle);
        }
        self.release_reset()
    }

    /// Whether it is supplied, as far as this program has done it.
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    pub fn boot(&mut self, limit: Duration) -> Result<bool, Stop> {
        let up = self.wait(limit, |module| module.awake.ready)?;
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
