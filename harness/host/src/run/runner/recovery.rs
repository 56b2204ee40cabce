//! A module that no longer answers is the finding of the night, not its end: where the rig can bring it back, the next
//! cases go on.

use super::Runner;
use crate::config::rig::reflash::Reflash;
use dfota_core::case::Limits;
use dfota_core::event::{CaseEnded, Event, Line};
use std::time::Duration;

/// How long the reader may take to close the port; it does nothing else in between.
const LEND: Duration = Duration::from_secs(5);

/// What a case was found to be, for the middle of a sentence.
fn found(ended: &CaseEnded) -> String {
    let finding = ended.verdict.finding();
    finding.map_or(String::new(), |finding| {
        format!(" ({}: {})", finding.rule, finding.sentence)
    })
}

impl Runner<'_> {
    /// Restores a module that power cycles, reset and PWRKEY did not wake, or gives the rest of the run up. The verdict of
    /// the case stays what it is.
    pub(super) fn bring_back(&mut self, ended: &CaseEnded) {
        if let Err(why) = self.restore() {
            let found = found(ended);
            self.give_up(format!("the module is dead since `{}`{found}; {why}", ended.id));
        }
    }

    /// Restores a module whose image no package of the suite fits: whatever came after it would fail for that alone.
    pub(super) fn replace_image(&mut self, ended: &CaseEnded) {
        if let Err(why) = self.restore() {
            let found = found(ended);
            self.give_up(format!(
                "the module has had a wrong image since `{}`{found}; {why}",
                ended.id
            ));
        }
    }

    fn give_up(&mut self, cause: String) {
        self.given_up = true;
        self.module().journal.post(Event::GivenUp { cause });
    }

    fn restore(&mut self) -> Result<(), String> {
        let Some(reflash) = self.bench.reflash.clone() else {
            return Err("the rig file has no `reflash` that could restore it".into());
        };
        self.module()
            .journal
            .step(format!("restoring the module: {reflash}"));
        self.reflash(&reflash)
            .map_err(|why| format!("it could not be restored: {why}"))?;
        // What was known of the old firmware is gone with it.
        (self.known, self.function) = (None, None);
        self.give_up_proof();
        match self.wake(&Limits::default()) {
            Ok(identity) => {
                let by = "reflash".into();
                let version = identity.version;
                self.module().journal.post(Event::Recovered { by, version });
                Ok(())
            }
            Err(stop) => Err(format!("nor does `reflash` help: {stop}")),
        }
    }

    /// Has the module restored, with the supply on and, for a program, with the port left to it.
    fn reflash(&mut self, reflash: &Reflash) -> Result<(), String> {
        let module = self.module();
        if let Reflash::Simulated { .. } = reflash {
            return crate::bench::reflash::run(reflash).map_err(|why| why.to_string());
        }
        // A flash tool catches the boot ROM, which speaks right after a reset: how the tool makes one is its own matter.
        module.set(Line::Power, true).map_err(|stop| stop.to_string())?;
        if !module.reader.lend(LEND) {
            return Err("the serial port was not closed in time".into());
        }
        let result = crate::bench::reflash::run(reflash);
        module.reader.take_back();
        result.map_err(|why| why.to_string())
    }
}
