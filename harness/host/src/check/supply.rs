//! The supply: switched off it is gone, and switched on the module boots.

use super::{Abort, CheckDepth, CheckProgress, CheckResult, Interrupted, RigChecker, completed, ok};
use crate::device::dut::supply::LISTEN;
use crate::device::dut::{Dut, Stop, UpdateWatch};
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

/// What a user may do about an adapter that goes with the supply.
const FED: &str = "it can be tested this way, but each boot takes its whole limit: give the adapter a supply of its own, and it hears the boot ROM and RDY";

impl RigChecker<'_> {
    /// Power removes power and brings it back, and the module boots. A thorough check does it twice: the module may have been
    /// without supply before, so that its first silence proves nothing.
    pub(super) fn boots(&mut self) -> CheckResult {
        let mut proof = self.silence()?;
        if self.depth == CheckDepth::Thorough {
            self.boot(None)?;
            proof = self.silence()?;
        }
        let booted = self.boot(Some(&proof))?;
        self.ok(Probe::Power, proof);
        self.report(booted);
        Ok(())
    }

    /// A boot that is reported only if it fails.
    pub(super) fn is_up(&mut self) -> CheckResult {
        self.silence()?;
        self.boot(None).map(drop)
    }

    /// Switches the supply on, and off again when the user has read a meter: nothing else sees the supply yet.
    pub(super) fn meter(&mut self, read_meter: impl FnOnce() -> Result<(), Interrupted>) -> CheckResult {
        self.switch_supply(false)?;
        let on = self.switch_supply(true)?;
        read_meter()?;
        let off = self.switch_supply(false)?;
        self.checked.switch.came_on(on);
        self.checked.switch.went_off(off);
        self.switch();
        Ok(())
    }

    /// Gives how long the switch took.
    fn switch_supply(&mut self, on: bool) -> CheckResult<Duration> {
        let began = Instant::now();
        let moved = self.module().set(Line::Power, on);
        let took = began.elapsed();
        self.reported(Probe::Power, moved)?;
        Ok(took)
    }

    /// Switches the supply off and asks into the silence: a module that idles is as silent as one without supply. Gives what
    /// proves that the supply is gone.
    fn silence(&mut self) -> CheckResult<String> {
        let asked = self.ask_with_supply(false);
        let heard = self.reported(Probe::Power, asked)?;
        let discharge = Short(self.module().timing().discharge);
        let sensed = self.module().prove_no_supply();
        if heard.bytes == 0 {
            self.reported(Probe::Power, sensed)?;
            return Ok(if self.module().hears() {
                format!("silent after the discharge of {discharge}, `AT` unanswered")
            } else {
                format!(
                    "the serial port is gone after the discharge of {discharge}: its adapter is fed by this supply"
                )
            });
        }
        let mut with_supply = None;
        if self.depth == CheckDepth::Thorough {
            let asked = self.ask_with_supply(true);
            with_supply = completed(self.reported(Probe::Power, asked))?;
        }
        let mistake = Mistake::while_off(&heard, with_supply.as_ref());
        let mut seen = format!(
            "{heard} on `AT`, with the supply off and the discharge of {discharge} over: {}",
            mistake.meaning()
        );
        if let Err(Stop::Rule(_, sentence)) = sensed {
            seen = format!("{seen}; {sentence}");
        }
        Err(self.fail(Probe::Power, seen, self.advice(mistake)))
    }

    /// Switches the supply, lets the discharge pass, and asks; gives what was heard from then on.
    fn ask_with_supply(&mut self, on: bool) -> Result<Overheard, Stop> {
        let timing = self.module().timing();
        let until = timing.discharge + timing.latency + LISTEN + ASK * ASKED;
        let what = if on {
            "what the module says"
        } else {
            "silence without supply"
        };
        self.waits(what, until);
        let began = Instant::now();
        self.module().set(Line::Power, on)?;
        if !on {
            self.checked.switch.went_off(began.elapsed());
        }
        let module = self.module();
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

    /// Switches the supply on and waits for the banner of a boot; gives the report of it. `proof` is what is known of the
    /// line when the module is what does not boot.
    fn boot(&mut self, proof: Option<&str>) -> CheckResult<Check> {
        let supplied = self.supplied();
        let over = self.reported(Probe::Boot, supplied)?;
        let (awake, since) = (self.module().awake, self.module().since());
        if awake.ready {
            let after = |at: Instant| self.module_time(at.saturating_duration_since(since));
            let first = after(awake.first.unwrap_or(since));
            let seen = format!("first word {first} after the supply, RDY {}", after(over));
            return Ok(ok(Probe::Boot, seen));
        }
        if self.depth == CheckDepth::AtFault {
            self.proven(proof);
            let limit = Short(self.limits.boot);
            self.skip(
                Probe::Boot,
                format!("no RDY within {limit} of the supply, as an earlier case has reported"),
            );
            return Err(Abort::Reported);
        }
        self.not_booted(proof)
    }

    /// Reports why there was no RDY. A module that is silent until it is sent something has booted all the same.
    fn not_booted(&mut self, proof: Option<&str>) -> CheckResult<Check> {
        let limit = self.limits.boot.min(SYNC);
        self.waits("an answer to `AT`", limit);
        let answer = self.ask_after_boot(limit);
        let BootAnswer {
            answers,
            before,
            heard,
        } = self.reported(Probe::Boot, answer)?;
        let limit = Short(self.limits.boot);
        let (awake, since) = (self.module().awake, self.module().since());
        if !answers {
            let mistake = self.why_no_boot(&heard)?;
            let seen = format!("{heard} within {limit} of the supply: {}", mistake.meaning());
            let probe = if mistake == Mistake::SupplyInverted {
                Probe::Power
            } else {
                self.proven(proof);
                Probe::Boot
            };
            return Err(self.fail(probe, seen, self.advice(mistake)));
        }
        if !awake.boot_rom && awake.missed {
            let back = awake.back_at.unwrap_or(since);
            let seen = format!(
                "`AT` is answered; the serial port was back {} after the supply, and what the module said before was not heard",
                self.module_time(back.saturating_duration_since(since))
            );
            return Ok(Check {
                advice: Some(FED.to_owned()),
                ..ok(Probe::Boot, seen)
            });
        }
        if !awake.boot_rom {
            return Err(self.fail(
                Probe::Power,
                "`AT` is answered although no boot was seen after the supply was off: the module never lost its supply",
                self.advice(Mistake::NotCut),
            ));
        }
        if !before.is_boot_rom_alone() {
            return Err(self.fail(
                Probe::Boot,
                format!("the boot ROM spoke and `AT` is answered, but no RDY came within {limit}"),
                "the firmware is another one, or the line drops bytes: see the dialogue with `-v`",
            ));
        }
        let mistake = Mistake::Autobaud;
        let seen = format!(
            "the boot ROM spoke, then silence for {limit} until `AT`, which is answered: {}",
            mistake.meaning()
        );
        Ok(Check {
            advice: Some(self.advice(mistake).to_owned()),
            ..ok(Probe::Boot, seen)
        })
    }

    fn ask_after_boot(&mut self, limit: Duration) -> Result<BootAnswer, Stop> {
        let module = self.module();
        let before = module.overhear()?;
        let answers = module.sync(limit)?;
        let mut heard = before;
        heard.add(&module.overhear()?);
        Ok(BootAnswer {
            answers,
            before,
            heard,
        })
    }

    /// What is wrong with a module that neither boots nor answers. Without a sign of life, its lines may be moved the wrong
    /// way round: a thorough check tries them so.
    fn why_no_boot(&mut self, heard: &Overheard) -> CheckResult<Mistake> {
        let mistake = Mistake::at_boot(heard);
        if self.depth != CheckDepth::Thorough || !matches!(mistake, Mistake::NoSign | Mistake::NotStarted) {
            return Ok(mistake);
        }
        let inverted = self.inverted_line();
        let inverted = completed(self.reported(Probe::Boot, inverted))?.flatten();
        Ok(inverted.unwrap_or(mistake))
    }

    /// Whether the module starts with the supply switched off and PWRKEY pressed, or runs with RESET asserted.
    fn inverted_line(&mut self) -> Result<Option<Mistake>, Stop> {
        let limit = self.limits.boot;
        let module = &mut self.rig.module;
        let switch_off = |module: &mut Dut| {
            module.set(Line::Power, false)?;
            module.fall_silent(Instant::now())?;
            module.begin_boot();
            Ok(())
        };
        if module.has(Line::Pwrkey) {
            let what = "bytes from the module while its supply is off";
            (self.show)(CheckProgress::Waits(what, limit));
            switch_off(module)?;
            module.pwrkey()?;
            if module.wait(limit, |module| module.awake.first.is_some())? {
                return Ok(Some(Mistake::SupplyInverted));
            }
        }
        if module.has(Line::Reset) {
            (self.show)(CheckProgress::Waits(
                "bytes from the module while it is held in reset",
                limit,
            ));
            switch_off(module)?;
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

    /// Switches the supply on and waits for RDY; an update that was under way may end. Gives when the wait was over.
    fn supplied(&mut self) -> Result<Instant, Stop> {
        let limits = self.limits;
        self.waits("RDY", limits.boot);
        let module = self.module();
        module.overhear()?;
        module.watch = UpdateWatch::update(Update::new(Via::Uart));
        let took = module.supply_on()?;
        self.checked.switch.came_on(took);
        let module = self.module();
        module.press_pwrkey()?;
        if !module.boot(limits.boot)? && module.watch.updates() && self.depth != CheckDepth::AtFault {
            self.waits("the end of an interrupted update", limits.update);
            self.module().boot(limits.update)?;
        }
        let ready = Instant::now();
        self.module().watch = UpdateWatch::default();
        Ok(ready)
    }
}

/// Whether `AT` is answered, what was heard before it was asked, and all that was heard.
struct BootAnswer {
    answers: bool,
    before: Overheard,
    heard: Overheard,
}
