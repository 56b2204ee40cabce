//! The supply: it is gone when it is switched off, and what it is given to boots.

use super::{RigCheck, Said, Step, ok};
use crate::device::module::supply::LISTEN;
use crate::device::module::{Awake, Module, Stop};
use dfota_core::duration::Short;
use dfota_core::event::Line;
use dfota_core::rig_check::mistake::Mistake;
use dfota_core::rig_check::overheard::Overheard;
use dfota_core::rig_check::{Check, Probe};
use dfota_core::transport::Via;
use dfota_core::update::Update;
use std::time::{Duration, Instant};

/// How long an answer to `AT` is waited for while the module has no supply: what the application note allows a command.
const ASK: Duration = bc66_spec::timing::MAX_RESPONSE;
/// The same for this machine's scheduler, in real time.
const ASK_GRACE: Duration = Duration::from_millis(10);
/// How often it is asked: the first `AT` may do no more than wake a module that sleeps (AL).
const ASKED: u32 = 3;

/// How long an answer to `AT` is waited for where there was no RDY, and never longer than RDY was.
pub(super) const SYNC: Duration = Duration::from_secs(3);

/// What a newcomer may do about an adapter that goes with the supply.
const FED: &str = "it can be tested so, but each boot is waited for to the end of its limit: give the adapter a supply of its own, and it hears the boot ROM and RDY";

impl RigCheck<'_> {
    /// Power removes power and brings it back, and the module boots. A thorough check does it twice: the module may have been
    /// without supply before, so that its first silence proves nothing.
    pub(super) fn boots(&mut self) -> Step<bool> {
        let Some(mut proof) = self.silence()? else {
            return Ok(false);
        };
        if self.thorough {
            if self.boot(None)?.is_none() {
                return Ok(false);
            }
            match self.silence()? {
                Some(again) => proof = again,
                None => return Ok(false),
            }
        }
        let Some(booted) = self.boot(Some(&proof))? else {
            return Ok(false);
        };
        self.ok(Probe::Power, proof);
        self.report(booted);
        Ok(true)
    }

    /// A boot that is no finding, unless it fails.
    pub(super) fn is_up(&mut self) -> Step<bool> {
        Ok(self.silence()?.is_some() && self.boot(None)?.is_some())
    }

    /// Switches the supply on, and off again when somebody has `looked` at a meter: nothing else sees it yet.
    pub(super) fn meter(&mut self, looked: impl FnOnce() -> Step) -> Step {
        let result = self.module().set(Line::Power, false);
        if self.stopped(Probe::Power, result)?.is_none() {
            return Ok(());
        }
        let began = Instant::now();
        let result = self.module().set(Line::Power, true);
        let on = began.elapsed();
        if self.stopped(Probe::Power, result)?.is_none() {
            return Ok(());
        }
        looked()?;
        let began = Instant::now();
        let result = self.module().set(Line::Power, false);
        if self.stopped(Probe::Power, result)?.is_some() {
            self.took(true, on);
            self.took(false, began.elapsed());
            self.switch();
        }
        Ok(())
    }

    /// Takes the supply away and asks into the silence: a module that idles is as silent as one without supply.
    fn silence(&mut self) -> Step<Option<String>> {
        let result = self.asked(false);
        let Some(heard) = self.stopped(Probe::Power, result)? else {
            return Ok(None);
        };
        let discharge = Short(self.module().timing().discharge);
        let sensed = self.module().prove_no_supply();
        if heard.bytes == 0 {
            let proof = if self.module().hears() {
                format!("silent after the discharge of {discharge}, `AT` unanswered")
            } else {
                format!(
                    "the serial port is gone after the discharge of {discharge}: its adapter is fed by this supply"
                )
            };
            return Ok(self.stopped(Probe::Power, sensed)?.map(|()| proof));
        }
        let mut with_supply = None;
        if self.thorough {
            let result = self.asked(true);
            with_supply = self.stopped(Probe::Power, result)?;
        }
        let mistake = Mistake::while_off(&heard, with_supply.as_ref());
        let mut seen = format!(
            "{heard} on `AT`, with the supply off and the discharge of {discharge} over: {}",
            mistake.meaning()
        );
        if let Err(Stop::Rule(_, sentence)) = sensed {
            seen = format!("{seen}; {sentence}");
        }
        self.fail(Probe::Power, seen, self.advice(mistake));
        Ok(None)
    }

    /// Switches the supply, lets the discharge pass, and asks; gives what was heard from then on.
    fn asked(&mut self, on: bool) -> Result<Overheard, Stop> {
        let timing = self.module().timing();
        let until = timing.discharge + timing.latency + LISTEN + ASK * ASKED;
        let what = if on {
            "what the module says"
        } else {
            "silence without supply"
        };
        self.waits(what, until);
        let module = &mut self.bench.module;
        let began = Instant::now();
        module.set(Line::Power, on)?;
        if !on {
            self.took(false, began.elapsed());
        }
        let module = &mut self.bench.module;
        module.fall_silent(Instant::now())?;
        module.overhear()?;
        module.pause(LISTEN)?;
        // An adapter that is fed by the supply has gone with it.
        let asked = if module.hears() { ASKED } else { 0 };
        for _ in 0..asked {
            module.send("AT")?;
            let until = Instant::now() + module.clock.real(ASK) + ASK_GRACE;
            module.pause_until(until)?;
        }
        module.overhear()
    }

    /// Gives the supply back and waits for the banner of a boot, and tells what is to be said of it. `proof` is what is known of
    /// the line when the module is what does not boot.
    fn boot(&mut self, proof: Option<&str>) -> Step<Option<Check>> {
        let result = self.supplied();
        let Some(over) = self.stopped(Probe::Boot, result)? else {
            return Ok(None);
        };
        let (awake, since) = (self.module().awake, self.module().since);
        if awake.ready {
            let clock = self.module().clock;
            let after = |at: Instant| {
                let took = clock.module_time(at.saturating_duration_since(since));
                Short(Duration::from_millis(took.as_millis() as u64))
            };
            let first = after(awake.first.unwrap_or(since));
            let seen = format!("first word {first} after the supply, RDY {}", after(over));
            return Ok(Some(ok(Probe::Boot, seen)));
        }
        if self.at_fault {
            self.proven(proof);
            let limit = Short(self.limits.boot);
            self.skip(
                Probe::Boot,
                format!("no RDY within {limit} of the supply, which is the finding of an earlier case"),
            );
            return Ok(None);
        }
        self.not_booted(proof)
    }

    /// Says why there was no RDY. A module that says nothing before it is spoken to has booted all the same.
    fn not_booted(&mut self, proof: Option<&str>) -> Step<Option<Check>> {
        let limit = self.limits.boot.min(SYNC);
        self.waits("an answer to `AT`", limit);
        let result = self.asked_at(limit);
        let Some((answers, before, heard)) = self.stopped(Probe::Boot, result)? else {
            return Ok(None);
        };
        let limit = Short(self.limits.boot);
        let (boot_rom, since) = (self.module().awake.boot_rom, self.module().since);
        match (answers, boot_rom) {
            (true, false) if self.module().awake.missed => {
                let back = self.module().awake.back_at.unwrap_or(since);
                let back = self
                    .module()
                    .clock
                    .module_time(back.saturating_duration_since(since));
                let seen = format!(
                    "`AT` is answered; the serial port was back {} after the supply, and what the module said before was not heard",
                    Short(Duration::from_millis(back.as_millis() as u64))
                );
                return Ok(Some(Check {
                    advice: Some(FED.to_owned()),
                    ..ok(Probe::Boot, seen)
                }));
            }
            (true, false) => self.fail(
                Probe::Power,
                "`AT` is answered although no boot was seen after the supply had been off: it was never gone",
                self.advice(Mistake::NotCut),
            ),
            (true, true) if before.is_boot_rom_alone() => {
                let mistake = Mistake::Autobaud;
                let seen = format!(
                    "the boot ROM spoke, then silence for {limit} until `AT`, which is answered: {}",
                    mistake.meaning()
                );
                return Ok(Some(Check {
                    advice: Some(self.advice(mistake).to_owned()),
                    ..ok(Probe::Boot, seen)
                }));
            }
            (true, true) => self.fail(
                Probe::Boot,
                format!("the boot ROM spoke and `AT` is answered, but no RDY came within {limit}"),
                "the firmware is another one, or the line drops bytes: see the dialogue with `-v`",
            ),
            (false, _) => {
                let mistake = self.why_no_boot(&heard)?;
                let seen = format!("{heard} within {limit} of the supply: {}", mistake.meaning());
                match mistake {
                    Mistake::SupplyInverted => self.fail(Probe::Power, seen, self.advice(mistake)),
                    _ => {
                        self.proven(proof);
                        self.fail(Probe::Boot, seen, self.advice(mistake));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether `AT` is answered; what was heard before it was asked, and all that was heard.
    fn asked_at(&mut self, limit: Duration) -> Result<(bool, Overheard, Overheard), Stop> {
        let module = self.module();
        let before = module.overhear()?;
        let answers = module.sync(limit)?;
        let mut heard = before;
        heard.add(&module.overhear()?);
        Ok((answers, before, heard))
    }

    /// What is wrong with a module that neither boots nor answers. Without a sign of life, its lines may be moved the wrong
    /// way round: a thorough check tries them so.
    fn why_no_boot(&mut self, heard: &Overheard) -> Step<Mistake> {
        let mistake = Mistake::at_boot(heard);
        if !(self.thorough && matches!(mistake, Mistake::NoSign | Mistake::NotStarted)) {
            return Ok(mistake);
        }
        let result = self.the_other_way_round();
        let other = self.stopped(Probe::Boot, result)?.flatten();
        Ok(other.unwrap_or(mistake))
    }

    /// Whether the module starts with the supply switched off and PWRKEY pressed, or runs with RESET asserted.
    fn the_other_way_round(&mut self) -> Result<Option<Mistake>, Stop> {
        let limit = self.limits.boot;
        let module = &mut self.bench.module;
        let gone = |module: &mut Module| {
            module.set(Line::Power, false)?;
            module.fall_silent(Instant::now())?;
            module.awake = Awake::default();
            Ok(())
        };
        if module.has(Line::Pwrkey) {
            (self.told)(Said::Waits(
                "a word of the module with its supply switched off",
                limit,
            ));
            gone(module)?;
            module.pwrkey()?;
            if module.wait(limit, |module| module.awake.first.is_some())? {
                return Ok(Some(Mistake::SupplyInverted));
            }
        }
        if module.has(Line::Reset) {
            (self.told)(Said::Waits("a word of the module held in reset", limit));
            gone(module)?;
            module.set(Line::Reset, true)?;
            module.power_on()?;
            let runs = module.wait(limit, |module| module.awake.first.is_some())?;
            module.set(Line::Reset, false)?;
            if runs {
                return Ok(Some(Mistake::ResetInverted));
            }
        }
        Ok(None)
    }

    fn proven(&mut self, proof: Option<&str>) {
        if let Some(proof) = proof {
            self.ok(Probe::Power, proof);
        }
    }

    /// Supply, and RDY within the limit; an update that was under way is let to its end. Gives when the waiting was over.
    fn supplied(&mut self) -> Result<Instant, Stop> {
        let (limits, at_fault) = (self.limits, self.at_fault);
        self.waits("RDY", limits.boot);
        let module = &mut self.bench.module;
        module.overhear()?;
        module.update = Some(Update::new(Via::Uart));
        let took = module.supply_on()?;
        self.took(true, took);
        let module = &mut self.bench.module;
        module.press_pwrkey()?;
        let resumes = |module: &Module| {
            module
                .update
                .as_ref()
                .is_some_and(|update| update.life().updates())
        };
        if !module.boot(limits.boot)? && resumes(module) && !at_fault {
            self.waits("the end of an interrupted update that goes on", limits.update);
            self.module().boot(limits.update)?;
        }
        let ready = Instant::now();
        self.module().update = None;
        Ok(ready)
    }
}
