//! RESET and PWRKEY: each boots the module, where the rig has it.

use super::supply::SYNC;
use super::{CheckResult, RigChecker};
use crate::device::dut::{Dut, Stop};
use dfota_core::duration::Short;
use dfota_core::event::Line;
use dfota_core::rig_check::Probe;
use dfota_core::rig_check::mistake::Mistake;
use std::time::{Duration, Instant};

/// How long a module with supply and without PWRKEY has to stay silent. Assumed: its boot ROM speaks within tens of
/// milliseconds.
const UNPRESSED: Duration = Duration::from_secs(1);

enum Press {
    /// It starts a module that has a supply.
    Starts,
    Nothing,
    /// The module starts without it, and does not with it.
    Stops,
    /// The module starts either way.
    NotNeeded,
}

impl RigChecker<'_> {
    pub(super) fn reset(&mut self) -> CheckResult {
        if !self.module().has(Line::Reset) {
            self.skip(Probe::Reset, "the rig file names no `reset`");
            return Ok(());
        }
        let limit = self.limits.boot;
        let pulsed = self.pulsed(limit);
        let ready = self.reported(Probe::Reset, pulsed)?;
        let hold = Short(self.module().timing().reset_hold);
        if ready {
            let since = self.module().since();
            let seen = format!("{} {} after a pulse of {hold}", self.up(), self.elapsed(since));
            self.ok(Probe::Reset, seen);
            return self.settle(Probe::Reset);
        }
        let seen = format!("no RDY within {} of a pulse of {hold}", Short(limit));
        let advice = if self.terms.programs.reset {
            "check that the program `pulse` reaches RESET_N, and that its pulse is at least 50 ms long (hardware design: 50 to 100 ms)"
        } else {
            "check that the line reaches RESET_N, `active`, and that `hold` is at least 50ms (hardware design: 50 to 100 ms)"
        };
        self.fail(Probe::Reset, seen, advice);
        self.settle(Probe::Reset)
    }

    /// Whether the module booted on a pulse. A program that pulses by itself may end the pulse before `hold` is over, so that
    /// what is heard counts from the beginning.
    fn pulsed(&mut self, limit: Duration) -> Result<bool, Stop> {
        self.waits("RDY after a pulse of RESET", limit);
        let module = self.module();
        module.begin_boot();
        module.set(Line::Reset, true)?;
        module.pause(module.timing().reset_hold)?;
        module.set(Line::Reset, false)?;
        module.restart_boot_clock();
        module.starts(limit)
    }

    /// What showed that the module is up.
    fn up(&mut self) -> &'static str {
        if self.module().awake.ready {
            "RDY"
        } else {
            "boot ROM and answer to `AT`"
        }
    }

    /// PWRKEY starts a module that has a supply already, and nothing else does.
    pub(super) fn pwrkey(&mut self) -> CheckResult {
        if !self.module().has(Line::Pwrkey) {
            self.skip(
                Probe::Pwrkey,
                "the rig file names no `pwrkey`: supply alone starts the module",
            );
            return Ok(());
        }
        let limit = self.limits.boot;
        let pressed = self.pressed(limit);
        let press = self.reported(Probe::Pwrkey, pressed)?;
        let hold = Short(self.module().timing().pwrkey_hold);
        match press {
            Press::Starts => {
                let since = self.module().since();
                let seen = format!(
                    "silent for {} with supply alone, {} {} after a press of {hold}",
                    Short(UNPRESSED),
                    self.up(),
                    self.elapsed(since)
                );
                self.ok(Probe::Pwrkey, seen);
            }
            Press::Nothing => {
                let seen = format!("no RDY within {} of a press of {hold}", Short(limit));
                let advice = if self.terms.programs.pwrkey {
                    "check that the program `pulse` reaches PWRKEY, and that its pulse is longer than 500 ms"
                } else {
                    "check that the line reaches PWRKEY, `active`, and that `hold` is above 500ms"
                };
                self.fail(Probe::Pwrkey, seen, advice);
            }
            Press::Stops => {
                let mistake = Mistake::PwrkeyInverted;
                self.fail(Probe::Pwrkey, mistake.meaning(), self.advice(mistake));
            }
            Press::NotNeeded => self.skip(
                Probe::Pwrkey,
                "supply alone starts the module: PWRKEY is tied down on this board, so the line cannot be checked",
            ),
        }
        self.settle(Probe::Pwrkey)
    }

    /// What PWRKEY does: tried with supply alone, and where that starts the module, with the key down before.
    fn pressed(&mut self, limit: Duration) -> Result<Press, Stop> {
        self.waits("RDY after a press of PWRKEY", limit);
        let module = self.module();
        if !module.starts_with_key(false)? {
            module.pwrkey()?;
            module.restart_boot_clock();
            return Ok(if module.starts(limit)? {
                Press::Starts
            } else {
                Press::Nothing
            });
        }
        let starts = module.starts_with_key(true)?;
        module.set(Line::Pwrkey, false)?;
        module.boot(limit)?;
        Ok(if starts { Press::NotNeeded } else { Press::Stops })
    }

    /// After a boot the module has forgotten its settings.
    pub(super) fn settle(&mut self, probe: Probe) -> CheckResult {
        let began = Instant::now();
        let asked = self.ask_identity(self.limits.boot);
        match self.reported(probe, asked)? {
            Ok(_) => Ok(()),
            Err(no) => self.unanswered("it was started again", began, &no),
        }
    }
}

impl Dut {
    /// Whether it boots: RDY comes, or the boot ROM speaks and `AT` is answered, as by one that is autobauding.
    fn starts(&mut self, limit: Duration) -> Result<bool, Stop> {
        Ok(self.boot(limit)? || self.awake.boot_rom && self.sync(limit.min(SYNC))?)
    }

    /// Whether supply starts the module with PWRKEY held down or released.
    fn starts_with_key(&mut self, down: bool) -> Result<bool, Stop> {
        self.power_off()?;
        self.set(Line::Pwrkey, down)?;
        self.begin_boot();
        self.set(Line::Power, true)?;
        self.pause(UNPRESSED)?;
        Ok(self.awake.first.is_some())
    }
}
