//! Who is on the rig: the module answers, is of the right type, and tells its version and IMEI.

use super::{RigCheck, Step};
use crate::device::module::Stop;
use crate::device::prepare::Identity;
use dfota_core::reply::revision;
use dfota_core::rig_check::Probe;
use dfota_core::rig_check::mistake::Mistake;
use std::time::{Duration, Instant};

impl RigCheck<'_> {
    pub(super) fn identify(&mut self) -> Step<bool> {
        let began = Instant::now();
        let limit = self.limits.boot;
        let result = self.asked_who(limit);
        let Some(identity) = self.stopped(Probe::Answers, result)? else {
            return Ok(false);
        };
        let Some(identity) = identity else {
            let happened = if self.module().awake.ready {
                "RDY came"
            } else {
                "the boot ROM spoke"
            };
            self.unanswered(happened, began)?;
            return Ok(false);
        };
        let seen = format!("`AT` and `ATI` within {}", self.shown(began));
        self.ok(Probe::Answers, seen);
        self.model(&identity);
        self.version(&identity)?;
        match &identity.imei {
            Some(imei) => self.ok(Probe::Imei, imei.as_str()),
            None => self.fail(
                Probe::Imei,
                "`AT+CGSN=1` tells no IMEI of 15 digits",
                "a module without its IMEI has lost its calibration: do not test on it",
            ),
        }
        self.identity = Some(identity);
        Ok(true)
    }

    /// Who answers; what is overheard from here on tells why nobody does.
    pub(super) fn asked_who(&mut self, limit: Duration) -> Result<Option<Identity>, Stop> {
        self.waits("an answer to `AT`", limit);
        let module = self.module();
        module.overhear().and_then(|_| module.identify(limit))
    }

    /// Says why nothing answers `AT` after what `happened`.
    pub(super) fn unanswered(&mut self, happened: &str, since: Instant) -> Step {
        let result = self.module().overhear();
        let Some(heard) = self.stopped(Probe::Answers, result)? else {
            return Ok(());
        };
        let mistake = Mistake::after_ready(&heard);
        let took = self.shown(since);
        let why = match &self.bench.module.refused {
            Some(refused) => format!("it was answered with {refused}"),
            None => mistake.meaning().to_owned(),
        };
        let seen = format!("{happened}, `AT` got no OK within {took}: {why}");
        self.fail(Probe::Answers, seen, self.advice(mistake));
        Ok(())
    }

    fn model(&mut self, identity: &Identity) {
        let (said, named) = (&identity.model, self.terms.model);
        if said == named {
            self.ok(Probe::Module, said.clone());
            return;
        }
        let seen = format!("`ATI` says `{said}`, the rig file names a module that says `{named}`");
        self.fail(
            Probe::Module,
            seen,
            "correct `module` in the rig file, or the module on the rig",
        );
    }

    fn version(&mut self, identity: &Identity) -> Step {
        let result = self.module().query("AT+CGMR");
        let Some(answer) = self.stopped(Probe::Version, result)? else {
            return Ok(());
        };
        let told = answer.and_then(|answer| {
            answer
                .info
                .iter()
                .find_map(|line| revision(line).map(str::to_owned))
        });
        let version = identity.version.as_str();
        match told {
            Some(told) if told == version => {
                self.ok(Probe::Version, format!("{version} by `ATI` and `AT+CGMR`"))
            }
            Some(told) => self.fail(
                Probe::Version,
                format!("`ATI` says {version}, `AT+CGMR` says {told}"),
                "an image of two versions is a broken one: update it by hand before it is tested on",
            ),
            None => self.ok(
                Probe::Version,
                format!("{version} by `ATI`; `AT+CGMR` tells none"),
            ),
        }
        Ok(())
    }
}
