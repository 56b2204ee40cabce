//! A module that no longer answers does not end the night: where the rig can restore it, the next cases go on.

use super::module_record::{Damage, ModuleContact};
use super::{RunProgress, Runner};
use crate::config::rig::reflash::Reflash;
use crate::device::dut::Stop;
use dfota_core::case::Limits;
use dfota_core::event::{CaseEnded, Event, Line};
use std::time::Duration;

/// How long the reader may take to close the port; it does nothing else in between.
const LEND: Duration = Duration::from_secs(5);

/// Why a module was not restored.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestoreError {
    #[error("the rig file has no `reflash` that could restore it")]
    NoReflash,
    #[error("it could not be restored: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
    #[error("`reflash` does not help either: {0}")]
    StillDead(Stop),
}

impl Runner<'_> {
    /// Restores a module that a case has damaged, or gives the rest of the run up. The verdict of the case stays. A wrong image
    /// stays where the rig cannot replace it: the cases after it tell what follows.
    pub(super) fn recover(&mut self, ended: &CaseEnded) {
        let Some(damage) = self.record.take_damage(ended) else {
            return;
        };
        if damage == Damage::WrongImage && self.rig.reflash.is_none() {
            return;
        }
        let Err(why) = self.restore() else { return };
        let finding = ended.verdict.finding();
        let found = finding.map_or(String::new(), |finding| {
            format!(" ({}: {})", finding.rule, finding.sentence)
        });
        let is = match damage {
            Damage::Dead => "is dead",
            Damage::WrongImage => "has had a wrong image",
        };
        let cause = format!("the module {is} since `{}`{found}; {why}", ended.id);
        self.reach(RunProgress::GivenUp);
        self.module().journal.post(Event::GivenUp { cause });
    }

    pub(super) fn restore(&mut self) -> Result<(), RestoreError> {
        let reflash = self.rig.reflash.clone().ok_or(RestoreError::NoReflash)?;
        self.module()
            .journal
            .step(format!("restoring the module: {reflash}"));
        self.reflash(&reflash).map_err(RestoreError::Failed)?;
        // What was known of the old firmware is gone with it.
        self.record.state = ModuleContact::Unknown;
        self.record.capabilities = None;
        self.give_up_proof();
        let identity = self.wake(&Limits::default()).map_err(RestoreError::StillDead)?;
        self.module().journal.post(Event::Recovered {
            by: "reflash".into(),
            version: identity.version,
        });
        Ok(())
    }

    /// Has the module restored, with the supply on and, for a program, with the port left to it.
    fn reflash(&mut self, reflash: &Reflash) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if let Reflash::Program { .. } = reflash {
            // A flash tool catches the boot ROM, which speaks right after a reset; the tool makes that reset itself.
            let module = self.module();
            module.set(Line::Power, true)?;
            if !module.reader.lend(LEND) {
                return Err("the serial port was not closed in time".into());
            }
        }
        let result = crate::bench::reflash::run(reflash);
        if let Reflash::Program { .. } = reflash {
            self.module().reader.take_back();
        }
        Ok(result?)
    }
}
