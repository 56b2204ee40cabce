//! RESET and PWRKEY: each boots the module, where the rig has it.

use super::identity::NO_ANSWER;
use super::{RigCheck, Step};
use crate::module::{Awake, Stop};
use dfota_core::duration::Short;
use dfota_core::event::Line;
use dfota_core::rig_check::Probe;
use std::time::{Duration, Instant};

/// How long a module with supply and without PWRKEY has to stay silent. Assumed: its boot ROM speaks within tens of
/// milliseconds.
const UNPRESSED: Duration = Duration::from_secs(1);

impl RigCheck<'_> {
    pub(super) fn reset(&mut self) -> Step {
        if !self.module().has(Line::Reset) {
            self.skip(Probe::Reset, "the rig file names no `reset`");
            return Ok(());
        }
        let limit = self.limits.boot;
        let result = self.pulsed(limit);
        let Some(ready) = self.stopped(Probe::Reset, result)? else {
            return Ok(());
        };
        let hold = Short(self.module().timing().reset_hold);
        if ready {
            let since = self.module().since;
            let seen = format!("RDY {} after a pulse of {hold}", self.shown(since));
            self.ok(Probe::Reset, seen);
            return self.settle(Probe::Reset);
        }
        let seen = format!("no RDY within {} of a pulse of {hold}", Short(limit));
        self.fail(
            Probe::Reset,
            seen,
            "check that the line reaches RESET_N, `active`, and that `hold` is at least 50ms (hardware design: 50 to 100 ms)",
        );
        self.settle(Probe::Reset)
    }

    /// Whether the module booted on a pulse. A program that pulses by itself may be over with it before `hold` is, so what
    /// is heard counts from the beginning.
    fn pulsed(&mut self, limit: Duration) -> Result<bool, Stop> {
        let module = self.module();
        module.awake = Awake::default();
        module.set(Line::Reset, true)?;
        module.pause(module.timing().reset_hold)?;
        module.set(Line::Reset, false)?;
        module.since = Instant::now();
        module.boot(limit)
    }

    /// PWRKEY starts a module that has a supply already, and nothing else does.
    pub(super) fn pwrkey(&mut self) -> Step {
        if !self.module().has(Line::Pwrkey) {
            self.skip(
                Probe::Pwrkey,
                "the rig file names no `pwrkey`: supply alone starts the module",
            );
            return Ok(());
        }
        let limit = self.limits.boot;
        let result = self.pressed(limit);
        let Some((alone, ready)) = self.stopped(Probe::Pwrkey, result)? else {
            return Ok(());
        };
        let hold = Short(self.module().timing().pwrkey_hold);
        if alone {
            self.skip(
                Probe::Pwrkey,
                "supply alone starts the module: PWRKEY is tied down on this board, and the line proves nothing",
            );
        } else if ready {
            let since = self.module().since;
            let seen = format!(
                "silent for {} with supply alone, RDY {} after a press of {hold}",
                Short(UNPRESSED),
                self.shown(since)
            );
            self.ok(Probe::Pwrkey, seen);
        } else {
            let seen = format!("no RDY within {} of a press of {hold}", Short(limit));
            self.fail(
                Probe::Pwrkey,
                seen,
                "check that the line reaches PWRKEY, `active`, and that `hold` is above 500ms",
            );
        }
        self.settle(Probe::Pwrkey)
    }

    /// Whether the module booted on supply alone, and whether it did when PWRKEY was pressed.
    fn pressed(&mut self, limit: Duration) -> Result<(bool, bool), Stop> {
        let module = self.module();
        module.power_off()?;
        module.awake = Awake::default();
        module.set(Line::Power, true)?;
        module.pause(UNPRESSED)?;
        let alone = module.awake.first.is_some();
        if !alone {
            module.pwrkey()?;
            module.since = Instant::now();
        }
        Ok((alone, module.boot(limit)?))
    }

    /// After a boot the module has forgotten its settings.
    fn settle(&mut self, probe: Probe) -> Step {
        let limit = self.limits.boot;
        let result = self.module().identify(limit);
        if let Some(None) = self.stopped(probe, result)? {
            self.fail(Probe::Answers, "no answer to `AT` any more after this", NO_ANSWER);
        }
        Ok(())
    }
}
