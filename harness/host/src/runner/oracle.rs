//! The oracle: asks the module what it became.

use super::Runner;
use crate::attempt::Tried;
use crate::module::Stop;
use crate::prepare::Identity;
use dfota_core::case::{Case, Limits};
use dfota_core::event::Line;
use dfota_core::judge::{Became, TimedOut};

/// How often a module that does not answer is given another supply before it counts as dead.
pub(super) const REVIVALS: u32 = 2;

impl Runner<'_> {
    /// Asks the module what it became, and gives it every chance to answer.
    pub(super) fn ask(&mut self, case: &Case, tried: &Tried) -> Result<(Became, Option<Identity>), Stop> {
        let limits = &case.limits;
        if matches!(tried.timed_out, Some(TimedOut::Update | TimedOut::Resume)) {
            self.module().cycle()?;
        }
        self.module().boot_if_needed(limits.boot)?;
        let Some(mut identity) = self.identify(limits)? else {
            return Ok((Became::Unresponsive, None));
        };
        let silent = self
            .bench
            .module
            .update
            .as_ref()
            .is_some_and(|update| update.ends().next().is_none());
        if silent && identity.version == case.package.to && case.on != case.package.to {
            self.module()
                .journal
                .step("no END was reported: one further boot");
            self.module().cycle()?;
            self.module().boot(limits.boot)?;
            self.module().wait(limits.boot, |module| module.awake.sim_ready)?;
            match self.identify(limits)? {
                Some(again) => identity = again,
                None => return Ok((Became::Unresponsive, None)),
            }
        }
        Ok((Became::Runs(identity.version.clone()), Some(identity)))
    }

    /// Asks who the module is; one that does not answer gets further power cycles, and a reset where the rig can.
    pub(super) fn identify(&mut self, limits: &Limits) -> Result<Option<Identity>, Stop> {
        let module = self.module();
        if let Some(identity) = module.identify(limits.boot)? {
            return Ok(Some(identity));
        }
        for _ in 0..REVIVALS {
            module.journal.step("no answer: another power cycle");
            module.cycle()?;
            if module.boot(limits.boot)?
                && let Some(identity) = module.identify(limits.boot)?
            {
                return Ok(Some(identity));
            }
        }
        if module.has(Line::Reset) {
            module.journal.step("no answer: a reset");
            module.reset()?;
            if module.boot(limits.boot)? {
                return module.identify(limits.boot);
            }
        }
        Ok(None)
    }
}
