//! The oracle: asks the module what it became, asks again after further power cycles, watches it for a while and asks once
//! more. Nothing else counts.

use super::Runner;
use crate::device::module::dialogue::COMMAND;
use crate::device::module::{Module, Stop};
use crate::device::prepare::Identity;
use dfota_core::capabilities::Capabilities;
use dfota_core::case::{Case, Limits};
use dfota_core::event::watched::{TimedOut, Watched};
use dfota_core::event::{CapabilityTime, Line};
use dfota_core::rig_check::overheard::Sound;

use std::time::{Duration, Instant};

/// How long a module that has come up may take to answer.
const AT_ONCE: Duration = Duration::from_secs(3);
/// How long the first boot of a new image is watched at least, where it is watched at all.
const FIRST_BOOT: Duration = Duration::from_secs(5);
/// How often a module that does not answer is given another supply before it counts as dead.
pub(super) const REVIVALS: u32 = 2;

/// What the module said of itself after an update.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Who it said it was, at the last asking; `None` of one that does not answer.
    pub(super) identity: Option<Identity>,
    /// How often it was asked after a further power cycle.
    pub(super) cycles: u32,
    /// What it could do.
    pub(super) function: Option<Capabilities>,
}

impl Answered {
    /// Whether it does not answer any more, or cannot do what it could do before.
    pub(super) fn has_lost(&self, before: &Capabilities) -> bool {
        let function = self.function.as_ref();
        self.identity.is_none() || function.is_some_and(|after| before.lost(after).is_some())
    }
}

impl Runner<'_> {
    /// Asks the module what it became, and gives it every chance to answer.
    pub(super) fn ask(&mut self, case: &Case, timed_out: Option<TimedOut>) -> Result<Answered, Stop> {
        let limits = &case.limits;
        let waited = matches!(timed_out, Some(TimedOut::Update | TimedOut::Resume));
        // One that has come up and said less than it should answers as it is; one that said nothing at all is off.
        let spoke = timed_out == Some(TimedOut::Update) || self.module().awake.first.is_some();
        let silent = waited && !(spoke && self.module().sync(AT_ONCE)?);
        if silent {
            self.module().cycle()?;
        }
        if silent || !waited {
            self.module().boot_if_needed(limits.boot)?;
        }
        let mut answered = Answered {
            identity: self.identify(limits)?,
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

    /// Asks again after as many power cycles as the suite says, and for more than the version: it has to be the same module,
    /// to do what it did before, and to go on doing it.
    pub(super) fn confirm(
        &mut self,
        case: &Case,
        before: &Capabilities,
        answered: &mut Answered,
    ) -> Result<(), Stop> {
        let limits = &case.limits;
        // What the application does first of all with its new image is heard before the supply is taken from it.
        let module = self.module();
        if let Some(up) = module.awake.ready_at {
            module.pause_until(up + module.clock.real(FIRST_BOOT.min(limits.settle)))?;
        }
        while answered.identity.is_some() && answered.cycles < limits.confirm {
            self.module()
                .journal
                .step("asking again after one more power cycle");
            self.ask_again(limits, answered)?;
        }
        self.can_do(limits, before, answered)?;
        if answered.identity.is_some() && !case.settle().is_zero() {
            self.settle(case, answered)?;
        }
        Ok(())
    }

    /// What it can do, where it answers; a second time after a further power cycle, where something is missing.
    fn can_do(
        &mut self,
        limits: &Limits,
        before: &Capabilities,
        answered: &mut Answered,
    ) -> Result<(), Stop> {
        // It is asked once at most for what it never did, and waited for where it did it.
        let wait = match before.registered {
            Some(true) => limits.attach,
            _ => Duration::ZERO,
        };
        let Some(who) = answered.identity.clone() else {
            return Ok(());
        };
        let mut function = self.module().function(CapabilityTime::After, &who, wait)?;
        if before.lost(&function).is_some() {
            self.module()
                .journal
                .step("something is missing that was there before: yet another power cycle");
            self.ask_again(limits, answered)?;
            let Some(who) = answered.identity.clone() else {
                return Ok(());
            };
            function = self.module().function(CapabilityTime::Again, &who, wait)?;
        }
        self.registers |= function.registered == Some(true);
        answered.function = Some(function);
        Ok(())
    }

    /// Watches the module from its last boot on for as long as the suite says, and asks once more without any help: a
    /// watchdog bites late, and a module that falls silent later is as dead as any.
    fn settle(&mut self, case: &Case, answered: &mut Answered) -> Result<(), Stop> {
        let limits = &case.limits;
        let module = self.module();
        let up = module.awake.ready_at.unwrap_or(module.since);
        let (from, began) = (module.drain()?, Instant::now());
        module.pause_until(up + module.clock.real(case.settle()))?;
        let bytes = module.drain()? - from;
        let watched = module.clock.module_time(up.elapsed());
        let alone = module.clock.module_time(began.elapsed());
        let busy = module.wire_time(bytes as usize).as_nanos() * 1_000 / alone.as_nanos().max(1);
        module.journal.watched(Watched::Settled {
            watched_ns: watched.as_nanos() as u64,
            busy: busy as u64,
        });
        if let Some(identity) = module.identify(limits.boot.max(COMMAND))? {
            answered.identity = Some(identity);
            return Ok(());
        }
        let seconds = watched.as_secs();
        let heard = format!("{} s after its boot {}", seconds, heard(module)?);
        module.journal.watched(Watched::NoAnswer { heard });
        // It has failed; whether a power cycle wakes it says what the next case finds.
        answered.identity = self.identify(limits)?;
        Ok(())
    }

    /// One more power cycle, and the same question.
    fn ask_again(&mut self, limits: &Limits, answered: &mut Answered) -> Result<(), Stop> {
        let module = self.module();
        module.cycle()?;
        come_up(module, limits)?;
        module.wait(limits.boot, |module| {
            module.awake.sim_ready || !module.awake.ready
        })?;
        answered.identity = self.identify(limits)?;
        answered.cycles += 1;
        Ok(())
    }

    /// Asks who the module is; one that does not answer gets further power cycles, a reset and PWRKEY, as far as the rig
    /// has them. What could be read before an update and cannot be read any more is as good as no answer.
    pub(super) fn identify(&mut self, limits: &Limits) -> Result<Option<Identity>, Stop> {
        let module = self.module();
        if let Some(identity) = module.identify(limits.boot)? {
            return Ok(Some(identity));
        }
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
        let heard = heard(module)?;
        module.tell_no_answer(heard);
        Ok(None)
    }

    /// The module did not come to rest within the bound of its case: that is its answer.
    pub(super) fn never_rests(&mut self, case: &Case) {
        let bound = humantime::format_duration(Duration::from_secs(case.bound().as_secs()));
        let module = self.module();
        module.bound = None;
        let heard = format!(
            "it did not come to rest within {bound}, the bound that follows from the limits of the case"
        );
        module.journal.watched(Watched::NoAnswer { heard });
    }
}

/// What came in place of an answer, for the middle of a sentence.
fn heard(module: &mut Module) -> Result<String, Stop> {
    let overheard = module.overhear()?;
    Ok(match (&module.refused, overheard.sound()) {
        (Some(refused), _) => format!("a command was answered with {refused}, expected OK"),
        (None, Sound::Noise) => format!(
            "noise comes in place of text ({overheard}): another rate of the UART than before is likely"
        ),
        (None, _) if module.awake.ready => "RDY came, and no command is answered".into(),
        (None, _) if module.awake.boot_rom => "the boot ROM's block came, and nothing after it".into(),
        (None, Sound::Silence) => "not a byte came".into(),
        (None, _) => format!("something came ({overheard}), and no answer"),
    })
}

/// Who the module is, once it has come up; what it says while it does is no answer.
fn answer(module: &mut Module, limits: &Limits) -> Result<Option<Identity>, Stop> {
    if come_up(module, limits)? || module.awake.boot_rom {
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
        self.journal.step(format!("no answer: {by}"));
        if self.update.is_some() {
            self.journal.watched(Watched::Revival { by: by.to_owned() });
        }
        self.overhear()?;
        how(self)
    }

    /// It did not answer, whatever the rig could do. Of one whose version could not be read that is known already.
    fn tell_no_answer(&mut self, heard: String) {
        let unreadable = self.unreadable.take().is_some();
        if self.update.is_some() && !unreadable {
            self.journal.watched(Watched::NoAnswer { heard });
        }
    }
}
