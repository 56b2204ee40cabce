//! Who is on the rig: the module answers, is of the right type, and tells its version and IMEI.

use super::{CheckResult, RigChecker, completed};
use crate::device::dut::Stop;
use crate::device::identity::{Identified, ModuleIdentity, NoIdentity};
use dfota_core::reply::revision;
use dfota_core::rig_check::Probe;
use dfota_core::rig_check::mistake::Mistake;
use std::time::{Duration, Instant};

impl RigChecker<'_> {
    pub(super) fn identify(&mut self) -> CheckResult {
        let began = Instant::now();
        let asked = self.ask_identity(self.limits.boot);
        let identity = match self.reported(Probe::Answers, asked)? {
            Ok(identity) => identity,
            Err(no) => {
                let happened = if self.module().awake.ready {
                    "RDY came"
                } else {
                    "the boot ROM spoke"
                };
                return self.unanswered(happened, began, &no);
            }
        };
        let seen = format!("`AT` and `ATI` within {}", self.elapsed(began));
        self.ok(Probe::Answers, seen);
        self.model(&identity);
        completed(self.version(&identity))?;
        match &identity.imei {
            Some(imei) => self.ok(Probe::Imei, imei.as_str()),
            None => {
                self.fail(
                    Probe::Imei,
                    "`AT+CGSN=1` tells no IMEI of 15 digits",
                    "a module without its IMEI has lost its calibration: do not test on it",
                );
            }
        }
        self.checked.identity = Some(identity);
        Ok(())
    }

    /// Asks who the module is. What is overheard from here on tells why it does not answer.
    pub(super) fn ask_identity(&mut self, limit: Duration) -> Result<Identified, Stop> {
        self.waits("an answer to `AT`", limit);
        let module = self.module();
        module.overhear()?;
        module.identify(limit)
    }

    /// Reports why nothing answers `AT` after what `happened`.
    pub(super) fn unanswered(&mut self, happened: &str, since: Instant, no: &NoIdentity) -> CheckResult {
        let overheard = self.module().overhear();
        let mistake = Mistake::after_ready(&self.reported(Probe::Answers, overheard)?);
        let took = self.elapsed(since);
        let why = match &no.refused {
            Some(refused) => format!("it was answered with {refused}"),
            None => mistake.meaning().to_owned(),
        };
        let seen = format!("{happened}, `AT` got no OK within {took}: {why}");
        Err(self.fail(Probe::Answers, seen, self.advice(mistake)))
    }

    fn model(&mut self, identity: &ModuleIdentity) {
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

    fn version(&mut self, identity: &ModuleIdentity) -> CheckResult {
        let answer = self.module().query("AT+CGMR");
        let answer = self.reported(Probe::Version, answer)?;
        let mut lines = answer.iter().flat_map(|answer| &answer.info);
        let version = identity.version.as_str();
        let seen = match lines.find_map(|line| revision(line)) {
            Some(said) if said != version => {
                return Err(self.fail(
                    Probe::Version,
                    format!("`ATI` says {version}, `AT+CGMR` says {said}"),
                    "the two versions differ, so the image is broken: update the module by hand before testing",
                ));
            }
            Some(_) => format!("{version} by `ATI` and `AT+CGMR`"),
            None => format!("{version} by `ATI`; `AT+CGMR` tells none"),
        };
        self.ok(Probe::Version, seen);
        Ok(())
    }
}
