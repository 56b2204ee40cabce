//! The oracle: asks the module what it became, asks again after further power cycles, watches it for a while and asks once
//! more. A module is judged by its own answers alone.

use super::Runner;
use crate::device::dut::dialogue::COMMAND;
use crate::device::dut::{Dut, Stop};
use crate::device::identity::{ModuleIdentity, NoIdentity};
use dfota_core::capabilities::Capabilities;
use dfota_core::case::{Case, Limits};
use dfota_core::event::watched::{TimedOut, Watched};
use dfota_core::event::{CapabilityTime, Line};
use dfota_core::rig_check::overheard::Sound;
use std::time::{Duration, Instant};

/// How long a module that has come up may take to answer.
const AT_ONCE: Duration = Duration::from_secs(3);
/// How long the first boot of a new image is watched at least, where `settle` is not shorter.
const FIRST_BOOT: Duration = Duration::from_secs(5);
/// How long it is left without a question at least, where it is watched: in a shorter time, one late line would fill the line.
const ALONE: Duration = Duration::from_secs(1);
/// How often a module that does not answer is given another supply before it counts as dead.
pub(super) const REVIVALS: u32 = 2;

/// What the module said of itself after an update.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Who it said it was when it was last asked; `None` where it does not answer.
    pub(super) identity: Option<ModuleIdentity>,
    /// How often it was asked after a further power cycle.
    pub(super) cycles: u32,
    pub(super) capabilities: Option<Capabilities>,
}

/// What may wake a module that does not answer.
#[derive(Clone, Copy)]
enum Revival {
    PowerCycle,
    Reset,
    Pwrkey,
}

impl Answered {
    /// Whether it does not answer any more, or cannot do what it could do before.
    pub(super) fn has_lost(&self, before: &Capabilities) -> bool {
        let after = self.capabilities.as_ref();
        self.identity.is_none() || after.is_some_and(|after| before.lost(after).is_some())
    }
}

impl Runner<'_> {
    /// Asks the module what it became, and gives it every chance to answer.
    pub(super) fn ask(&mut self, case: &Case, timed_out: Option<TimedOut>) -> Result<Answered, Stop> {
        let limits = &case.limits;
        let waited = matches!(timed_out, Some(TimedOut::Update | TimedOut::Resume));
        // A module that has come up answers as it is, even where it said less than expected; a silent one is off.
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
        let watch = &self.rig.module.watch;
        let silent = watch.update.is_some() && !watch.has_end();
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
        // What the new application does first is heard before its supply is switched off.
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
        // Registration is waited for only where it was there before.
        let wait = match before.registered {
            Some(true) => limits.attach,
            _ => Duration::ZERO,
        };
        let Some(who) = answered.identity.clone() else {
            return Ok(());
        };
        let mut after = self.module().capabilities(CapabilityTime::After, &who, wait)?;
        if before.lost(&after).is_some() {
            self.module()
                .journal
                .step("a capability seen before is missing: one more power cycle");
            self.ask_again(limits, answered)?;
            let Some(who) = answered.identity.clone() else {
                return Ok(());
            };
            after = self.module().capabilities(CapabilityTime::Again, &who, wait)?;
        }
        self.record.saw_network(after.registered == Some(true));
        answered.capabilities = Some(after);
        Ok(())
    }

    /// Watches the module from its last boot on for as long as the suite says, and asks once more without any help: a watchdog
    /// may reset it late, and a module that falls silent later is dead too.
    fn settle(&mut self, case: &Case, answered: &mut Answered) -> Result<(), Stop> {
        let limits = &case.limits;
        let module = self.module();
        let up = module.awake.ready_at.unwrap_or(module.since());
        let (from, began) = (module.drain()?, Instant::now());
        let until = up + module.clock.real(case.settle());
        module.pause_until(until.max(began + module.clock.real(ALONE)))?;
        let bytes = module.drain()? - from;
        let watched = module.clock.module_time(up.elapsed());
        let alone = module.clock.module_time(began.elapsed());
        let busy = module.wire_time(bytes as usize).as_nanos() * 1_000 / alone.as_nanos().max(1);
        module.journal.watched(Watched::Settled {
            watched_ns: watched.as_nanos() as u64,
            busy: busy as u64,
        });
        let no = match module.identify(limits.boot.max(COMMAND))? {
            Ok(identity) => {
                answered.identity = Some(identity);
                return Ok(());
            }
            Err(no) => no,
        };
        let heard = format!("{} s after its boot {}", watched.as_secs(), heard(module, &no)?);
        module.journal.watched(Watched::NoAnswer { heard });
        // The case has failed. Whether a power cycle wakes the module decides how the next case begins.
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
    /// has them. What could be read before an update and cannot be read any more counts as no answer.
    pub(super) fn identify(&mut self, limits: &Limits) -> Result<Option<ModuleIdentity>, Stop> {
        let module = self.module();
        let mut no = match module.identify(limits.boot)? {
            Ok(identity) => return Ok(Some(identity)),
            Err(no) => no,
        };
        let mut revivals = vec![Revival::PowerCycle; REVIVALS as usize];
        revivals.extend(module.has(Line::Reset).then_some(Revival::Reset));
        revivals.extend(module.has(Line::Pwrkey).then_some(Revival::Pwrkey));
        for revival in revivals {
            module.revive(revival)?;
            // What the module says while it comes up is no answer.
            if come_up(module, limits)? || module.awake.boot_rom {
                match module.identify(limits.boot)? {
                    Ok(identity) => return Ok(Some(identity)),
                    Err(again) => no = again,
                }
            }
        }
        module.must_be_supplied()?;
        let heard = heard(module, &no)?;
        // That its version could not be read is known already.
        if module.watch.update.is_some() && !no.unreadable {
            module.journal.watched(Watched::NoAnswer { heard });
        }
        Ok(None)
    }

    /// The module did not come to rest within the bound of its case: that is its answer.
    pub(super) fn never_rests(&mut self, case: &Case) {
        let bound = humantime::format_duration(Duration::from_secs(case.bound().as_secs()));
        let heard =
            format!("it did not settle within {bound}, the time limit derived from the limits of the case");
        self.module().journal.watched(Watched::NoAnswer { heard });
    }
}

/// What came in place of an answer, for the middle of a sentence.
fn heard(module: &mut Dut, no: &NoIdentity) -> Result<String, Stop> {
    let overheard = module.overhear()?;
    Ok(match (&no.refused, overheard.sound()) {
        (Some(refused), _) => format!("a command was answered with {refused}, expected OK"),
        (None, Sound::Noise) => format!(
            "noise comes in place of text ({overheard}): another rate of the UART than before is likely"
        ),
        (None, _) if module.awake.ready => "RDY came, and no command is answered".into(),
        (None, _) if module.awake.boot_rom => "the boot ROM's block came, and nothing after it".into(),
        (None, Sound::Silence) => "not a byte came".into(),
        (None, _) => format!("bytes came ({overheard}), but no answer"),
    })
}

/// Waits for RDY; a module that goes on with an update instead gets the time for it.
fn come_up(module: &mut Dut, limits: &Limits) -> Result<bool, Stop> {
    module.wait(limits.boot, |module| module.awake.ready || module.watch.updates())?;
    if !module.awake.ready && module.watch.updates() {
        module.wait(limits.update, |module| module.awake.ready)?;
    }
    module.measure_first_urc();
    Ok(module.awake.ready)
}

impl Dut {
    fn revive(&mut self, revival: Revival) -> Result<(), Stop> {
        let by = match revival {
            Revival::PowerCycle => "a power cycle",
            Revival::Reset => "a reset",
            Revival::Pwrkey => "PWRKEY",
        };
        self.journal.step(format!("no answer: {by}"));
        if self.watch.update.is_some() {
            self.journal.watched(Watched::Revival { by: by.to_owned() });
        }
        self.overhear()?;
        match revival {
            Revival::PowerCycle => self.cycle(),
            Revival::Reset => self.reset(),
            Revival::Pwrkey => self.pwrkey(),
        }
    }
}
