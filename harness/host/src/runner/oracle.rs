//! The oracle: asks the module what it became, and asks again after one more power cycle. Nothing else counts.

use super::Runner;
use crate::attempt::Tried;
use crate::module::{Module, Stop};
use crate::prepare::Identity;
use dfota_core::case::{Case, Limits};
use dfota_core::event::{Line, When};
use dfota_core::function::Function;
use dfota_core::judge::{Became, TimedOut};
use dfota_core::version::{Imei, Version};
use std::time::Duration;

/// How often a module that does not answer is given another supply before it counts as dead.
pub(super) const REVIVALS: u32 = 2;

/// What the module said of itself after an update.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Who it said it was, at the last asking; `None` of one that does not answer.
    pub(super) identity: Option<Identity>,
    /// What it ran at the first asking, where it was asked twice.
    pub(super) first: Option<Version>,
    /// An IMEI of the first asking that is another one than before the update.
    pub(super) strange: Option<Imei>,
    /// It was asked a second time.
    pub(super) twice: bool,
    /// What it could do.
    pub(super) function: Option<Function>,
}

impl Answered {
    /// What the module became.
    pub(super) fn became(&self) -> Became {
        match &self.identity {
            Some(identity) => Became::Runs(identity.version.clone()),
            None => Became::Unresponsive,
        }
    }

    /// Whether it does not answer any more, or cannot do what it could do before.
    pub(super) fn has_lost(&self, before: &Function) -> bool {
        let function = self.function.as_ref();
        self.identity.is_none() || function.is_some_and(|after| before.lost(after).is_some())
    }

    /// The IMEI that it has now: one that is not what it was, if it ever told one.
    pub(super) fn imei(&self) -> Option<Imei> {
        let last = self.identity.as_ref().and_then(|identity| identity.imei.clone());
        self.strange.clone().or(last)
    }
}

impl Runner<'_> {
    /// Asks the module what it became, and gives it every chance to answer.
    pub(super) fn ask(&mut self, case: &Case, tried: &Tried) -> Result<Answered, Stop> {
        let limits = &case.limits;
        if matches!(tried.timed_out, Some(TimedOut::Update | TimedOut::Resume)) {
            self.module().cycle()?;
        }
        self.module().boot_if_needed(limits.boot)?;
        let identity = self.identify(limits)?;
        let mut answered = Answered {
            identity,
            ..Answered::default()
        };
        let update = self.bench.module.update.as_ref();
        let silent = update.is_some_and(|update| update.ends().next().is_none());
        let updated = answered
            .identity
            .as_ref()
            .is_some_and(|identity| identity.version == case.package.to);
        if silent && updated && case.on != case.package.to {
            self.module()
                .journal
                .step("no END was reported: one further boot");
            self.ask_again(limits, &mut answered)?;
        }
        Ok(answered)
    }

    /// Asks a second time, after one more power cycle, and for more than the version: it has to be the same module, and to
    /// do what it did before.
    pub(super) fn confirm(
        &mut self,
        case: &Case,
        before: &Function,
        answered: &mut Answered,
    ) -> Result<(), Stop> {
        if answered.identity.is_none() {
            return Ok(());
        }
        let limits = &case.limits;
        if !answered.twice {
            self.module()
                .journal
                .step("asking again after one more power cycle");
            self.ask_again(limits, answered)?;
        }
        // It is asked once at most for what it never did, and waited for where it did it.
        let wait = match before.registered {
            Some(true) => limits.attach,
            _ => Duration::ZERO,
        };
        let Some(who) = answered.identity.clone() else {
            return Ok(());
        };
        let mut function = self.module().function(When::After, &who, wait)?;
        if before.lost(&function).is_some() {
            self.module()
                .journal
                .step("something is missing that was there before: yet another power cycle");
            self.ask_again(limits, answered)?;
            let Some(who) = answered.identity.clone() else {
                return Ok(());
            };
            function = self.module().function(When::Again, &who, wait)?;
        }
        self.registers |= function.registered == Some(true);
        answered.function = Some(function);
        let strange = |imei: &Imei| before.imei.as_ref().is_some_and(|before| before != imei);
        answered.strange = answered.strange.take().filter(strange);
        Ok(())
    }

    /// One more power cycle, and the same question.
    fn ask_again(&mut self, limits: &Limits, answered: &mut Answered) -> Result<(), Stop> {
        let module = self.module();
        module.cycle()?;
        come_up(module, limits)?;
        module.wait(limits.boot, |module| module.awake.sim_ready)?;
        let again = self.identify(limits)?;
        if let Some(before) = std::mem::replace(&mut answered.identity, again) {
            answered.first.get_or_insert(before.version);
            answered.strange = answered.strange.take().or(before.imei);
        }
        answered.twice = true;
        Ok(())
    }

    /// Asks who the module is; one that does not answer gets further power cycles, a reset and PWRKEY, as far as the rig
    /// has them.
    pub(super) fn identify(&mut self, limits: &Limits) -> Result<Option<Identity>, Stop> {
        let module = self.module();
        if let Some(identity) = module.identify(limits.boot)? {
            return Ok(Some(identity));
        }
        module.revivals.clear();
        for _ in 0..REVIVALS {
            module.revive("a power cycle", Module::cycle)?;
            if let Some(identity) = answer(module, limits)? {
                return Ok(Some(identity));
            }
        }
        for (line, name) in [(Line::Reset, "a reset"), (Line::Pwrkey, "PWRKEY")] {
            if !module.has(line) {
                continue;
            }
            match line {
                Line::Reset => module.revive(name, Module::reset)?,
                _ => module.revive(name, Module::pwrkey)?,
            }
            if let Some(identity) = answer(module, limits)? {
                return Ok(Some(identity));
            }
        }
        module.must_be_supplied()?;
        Ok(None)
    }
}

/// Who the module is, once it has come up; what it says while it does is no answer.
fn answer(module: &mut Module, limits: &Limits) -> Result<Option<Identity>, Stop> {
    if come_up(module, limits)? {
        module.identify(limits.boot)
    } else {
        Ok(None)
    }
}

/// Waits for RDY; a module that goes on with an update instead gets the time for it.
fn come_up(module: &mut Module, limits: &Limits) -> Result<bool, Stop> {
    let updates = |module: &Module| {
        let update = module.update.as_ref();
        update.is_some_and(|update| update.life().updates())
    };
    module.wait(limits.boot, |module| module.awake.ready || updates(module))?;
    if !module.awake.ready && updates(module) {
        module.wait(limits.update, |module| module.awake.ready)?;
    }
    module.measure_first_urc();
    Ok(module.awake.ready)
}

impl Module {
    fn revive(
        &mut self,
        by: &'static str,
        how: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mark = self.journal.step(format!("no answer: {by}"));
        self.marks.revivals.push(mark);
        self.revivals.push(by);
        how(self)
    }
}
