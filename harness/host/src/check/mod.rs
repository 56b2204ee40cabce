//! The self-check of a rig, wire by wire: a rig that cannot show that its power line removes power cannot judge modules.
//!
//! [`RigChecker::full`] looks at everything, for `check`; [`RigChecker::short`] at what must hold around the cases of a suite,
//! for one boot. Both end with the module supplied and known, or with a line that says why not. [`RigChecker::stage`] looks at
//! what a user has connected last, for `check --step`.

mod checked;
mod identity;
pub mod machine;
mod network;
mod pulse_lines;
mod servers;
mod supply;
mod terms;
pub mod walk;
pub mod wiring_stage;

use crate::device::dut::{Dut, Stop};
use crate::device::open_rig::OpenRig;
use dfota_core::case::Limits;
use dfota_core::duration::Short;
use dfota_core::event::Line;
use dfota_core::rig_check::mistake::Mistake;
use dfota_core::rig_check::{Check, CheckOutcome, Probe};
use dfota_core::verdict::Rule;
use std::time::{Duration, Instant};
use wiring_stage::WiringStage;

pub use checked::Checked;
pub use terms::{CheckTerms, WrittenFolder};

/// A signal came: nothing more is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// Why a part of a check ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Abort {
    Interrupted,
    /// The obstacle was reported, and what depends on it is not looked at.
    Reported,
}

impl From<Interrupted> for Abort {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted
    }
}

type CheckResult<T = ()> = Result<T, Abort>;

/// The result of a part of a check, if it came to its end. What does not depend on it is looked at all the same.
fn completed<T>(result: CheckResult<T>) -> Result<Option<T>, Interrupted> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Abort::Reported) => Ok(None),
        Err(Abort::Interrupted) => Err(Interrupted),
    }
}

/// What a check shows while it is made.
#[derive(Debug, Clone, Copy)]
pub enum CheckProgress<'s> {
    /// It waits for something, for so much of the module's time at most.
    Waits(&'s str, Duration),
    /// It has looked at something.
    Looked(&'s Check),
}

/// How far a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckDepth {
    Plain,
    /// The module was found at fault before: that it does not come up is the finding of that case.
    AtFault,
    /// There is time for a second look, and for what is tried only to tell one mistake from another.
    Thorough,
}

pub struct RigChecker<'c> {
    rig: &'c mut OpenRig,
    terms: &'c CheckTerms,
    show: &'c mut dyn FnMut(CheckProgress<'_>),
    limits: Limits,
    depth: CheckDepth,
    checked: Checked,
}

impl<'c> RigChecker<'c> {
    /// A check of an open rig; `show` is called after each look, and with what is waited for meanwhile.
    pub fn new(
        rig: &'c mut OpenRig,
        terms: &'c CheckTerms,
        show: &'c mut dyn FnMut(CheckProgress<'_>),
    ) -> Self {
        Self {
            rig,
            terms,
            show,
            limits: Limits {
                boot: terms.boot,
                ..Limits::default()
            },
            depth: CheckDepth::Plain,
            checked: Checked::default(),
        }
    }

    pub fn full(mut self) -> Result<Checked, Interrupted> {
        let started = machine::ClockReading::now();
        self.depth = CheckDepth::Thorough;
        if completed(self.answers())?.is_some() {
            completed(self.reset())?;
            completed(self.pwrkey())?;
            completed(self.on_the_air())?;
        }
        self.servers();
        self.report(machine::clock(Some(started)));
        self.disk();
        self.switch();
        Ok(self.checked)
    }

    /// Looks at what must hold around the cases of a suite. Where the module is `at_fault` by the cases before, it is not
    /// waited for: that it does not come up is their finding.
    pub fn short(mut self, at_fault: bool) -> Result<Checked, Interrupted> {
        if at_fault {
            self.depth = CheckDepth::AtFault;
        }
        self.around_cases()
    }

    /// The same thoroughly: it shows whether a rig in quarantine is mended, by a module that certainly had a supply before.
    pub fn of_quarantine(mut self) -> Result<Checked, Interrupted> {
        self.depth = CheckDepth::Thorough;
        self.around_cases()
    }

    fn around_cases(mut self) -> Result<Checked, Interrupted> {
        completed(self.answers())?;
        self.report(machine::clock(None));
        self.disk();
        Ok(self.checked)
    }

    /// Looks at what was connected last; `read_meter` is called while a meter shows the supply, and returns when it was read.
    pub fn stage(
        mut self,
        stage: WiringStage,
        read_meter: impl FnOnce() -> Result<(), Interrupted>,
    ) -> Result<Checked, Interrupted> {
        self.depth = CheckDepth::Thorough;
        completed(self.look_at(stage, read_meter))?;
        Ok(self.checked)
    }

    fn look_at(
        &mut self,
        stage: WiringStage,
        read_meter: impl FnOnce() -> Result<(), Interrupted>,
    ) -> CheckResult {
        match stage {
            WiringStage::Switch => self.meter(read_meter),
            WiringStage::Boot => self.boots(),
            WiringStage::Answers => {
                self.is_up()?;
                self.identify()
            }
            WiringStage::Reset => {
                if self.module().has(Line::Reset) {
                    self.is_up()?;
                }
                self.reset()
            }
            WiringStage::Pwrkey => self.pwrkey(),
            WiringStage::Air => {
                if self.terms.network {
                    self.is_up()?;
                    completed(self.settle(Probe::Sim))?;
                }
                self.on_the_air()
            }
            WiringStage::Machine => {
                self.servers();
                self.report(machine::clock(None));
                self.disk();
                Ok(())
            }
        }
    }

    fn answers(&mut self) -> CheckResult {
        self.boots()?;
        self.identify()
    }

    fn report(&mut self, check: Check) {
        (self.show)(CheckProgress::Looked(&check));
        self.checked.checks.push(check);
    }

    /// Shows what is waited for from here on.
    fn waits(&mut self, what: &str, limit: Duration) {
        let shown = Short(limit);
        self.module()
            .journal
            .step(format!("waiting for {what}, at most {shown}"));
        (self.show)(CheckProgress::Waits(what, limit));
    }

    fn ok(&mut self, probe: Probe, seen: impl Into<String>) {
        self.report(ok(probe, seen));
    }

    /// Reports a failure; gives what ends the part of the check that depends on it.
    fn fail(&mut self, probe: Probe, seen: impl Into<String>, advice: &str) -> Abort {
        self.report(fail(probe, seen, advice));
        Abort::Reported
    }

    /// What to do about a mistake on this rig.
    fn advice(&self, mistake: Mistake) -> &'static str {
        self.terms.programs.advice(mistake)
    }

    fn skip(&mut self, probe: Probe, why: impl Into<String>) {
        self.report(skip(probe, why));
    }

    /// What stops a procedure fails the probe that it was made for, or the one that the rule is about.
    fn reported<T>(&mut self, probe: Probe, result: Result<T, Stop>) -> CheckResult<T> {
        match result {
            Ok(value) => Ok(value),
            Err(Stop::Interrupted) => Err(Abort::Interrupted),
            Err(Stop::Unbounded) => Err(Abort::Reported),
            Err(Stop::Rule(rule, sentence)) => {
                let (probe, advice) = match rule {
                    Rule::PowerNotCut => (Probe::Power, self.advice(Mistake::NotCut)),
                    Rule::NoSupply => (Probe::Boot, "see what the sense line is wired to with a meter"),
                    Rule::SerialLost => (Probe::Open, SERIAL),
                    Rule::LineFailed => (probe, "see the program or the chip that the driver names"),
                    Rule::WrongModule => (
                        Probe::Module,
                        "the module or its firmware is another product: correct `module` in the rig file, or replace the module",
                    ),
                    Rule::NotRegistered => (Probe::Registration, NOT_REGISTERED),
                    _ => (probe, "run `dfota-hil check` with `-v` to see the dialogue"),
                };
                Err(self.fail(probe, sentence, advice))
            }
        }
    }

    fn module(&mut self) -> &mut Dut {
        &mut self.rig.module
    }

    /// How long ago `since` is, in the module's time.
    fn elapsed(&self, since: Instant) -> Short {
        self.module_time(since.elapsed())
    }

    fn module_time(&self, real: Duration) -> Short {
        let took = self.rig.module.clock.module_time(real);
        Short(Duration::from_millis(took.as_millis() as u64))
    }

    fn disk(&mut self) {
        for folder in &self.terms.folders {
            self.report(machine::disk(&folder.path, &folder.samples));
        }
    }

    fn switch(&mut self) {
        let switch = self.checked.switch;
        let (Some(off), Some(on)) = (switch.off, switch.on) else {
            self.skip(Probe::Switch, "the supply was not switched off and on again");
            return;
        };
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let seen = format!(
            "off in {:.1} ms, on in {:.1} ms: a cut cannot be shorter than {:.1} ms of real time",
            ms(off),
            ms(on),
            ms(off + on)
        );
        self.ok(Probe::Switch, seen);
    }
}

fn check(probe: Probe, outcome: CheckOutcome, seen: impl Into<String>) -> Check {
    Check {
        probe,
        outcome,
        seen: seen.into(),
        advice: None,
    }
}

fn ok(probe: Probe, seen: impl Into<String>) -> Check {
    check(probe, CheckOutcome::Ok, seen)
}

/// A look that failed, with what is likely wrong.
pub fn fail(probe: Probe, seen: impl Into<String>, advice: &str) -> Check {
    Check {
        advice: Some(advice.to_owned()),
        ..check(probe, CheckOutcome::Fail, seen)
    }
}

fn skip(probe: Probe, why: impl Into<String>) -> Check {
    check(probe, CheckOutcome::Skip, why)
}

const SERIAL: &str = "check the cable, and name the port by its id under `/dev/serial/by-id/`";
const NOT_REGISTERED: &str = "check antenna, SIM, `apn` and `pin`, and that the cell has NB-IoT; query the module with `dfota-hil console`";
