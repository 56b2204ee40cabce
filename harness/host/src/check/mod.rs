//! The self-check of a rig, wire by wire: a rig that cannot show that its power line removes power is no judge of modules.
//!
//! [`RigCheck::full`] looks at everything, for `check`; [`RigCheck::short`] at what must hold around the cases of a suite,
//! for one boot. Both end with the module supplied and known, or with a line that says why not. [`RigCheck::stage`] looks at
//! what somebody has connected last, for `check --step`.

mod identity;
pub mod machine;
mod network;
mod pulse_lines;
mod servers;
pub mod stage;
mod supply;
pub mod walk;

use crate::config::rig::{Driver, Link, Pulse, Rig};
use crate::device::bench::Bench;
use crate::device::module::{Module, Stop};
use crate::device::prepare::Identity;
use crate::state::last_check::{CheckedModule, LastCheck, Switch, now};
use dfota_core::case::Limits;
use dfota_core::duration::Short;
use dfota_core::event::Line;
use dfota_core::rig_check::mistake::Mistake;
use dfota_core::rig_check::{Check, CheckOutcome, Probe, is_sound};
use dfota_core::verdict::Rule;
use dfota_record::retention::growth::DiskSample;
use stage::Stage;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A signal came: nothing more is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// What a check says while it is made.
#[derive(Debug, Clone, Copy)]
pub enum Said<'s> {
    /// It waits for something, for so much of the module's time at most.
    Waits(&'s str, Duration),
    /// It has looked at something.
    Looked(&'s Check),
}

/// What a check is made with.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What `ATI` has to call the module.
    pub model: &'static str,
    /// Folders that are written to, and need room.
    pub folders: Vec<PathBuf>,
    /// How much room there was in some of them after earlier runs.
    pub room: Vec<(PathBuf, Vec<DiskSample>)>,
    /// The rig's cases go over the air.
    pub network: bool,
    /// The longest time from supply to RDY.
    pub boot: Duration,
    /// Which lines programs move.
    pub programs: Programs,
}

/// The lines that are moved by a program, which has no `active`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Programs {
    pub power: bool,
    pub reset: bool,
    pub pwrkey: bool,
}

impl Programs {
    /// Those of a rig.
    pub fn of(rig: &Rig) -> Self {
        let Link::Bench(bench) = &rig.link else {
            return Self::default();
        };
        let moves = |pulse: &Option<Pulse>| {
            let driver = pulse.as_ref().map(|pulse| &pulse.driver);
            matches!(driver, Some(Driver::PulseCommand { .. }))
        };
        Self {
            power: matches!(bench.power.driver, Driver::Command { .. }),
            reset: moves(&bench.reset),
            pwrkey: moves(&bench.pwrkey),
        }
    }

    /// What to do about a mistake, in the words of the rig file.
    pub fn advice(self, mistake: Mistake) -> &'static str {
        let by_program = match mistake {
            Mistake::NotCut | Mistake::SupplyInverted => self.power,
            Mistake::ResetInverted => self.reset,
            Mistake::PwrkeyInverted => self.pwrkey,
            // About whatever of the two is wired.
            _ => self.reset || self.pwrkey || self.power,
        };
        if by_program {
            mistake.advice_with_programs()
        } else {
            mistake.advice()
        }
    }
}

pub struct RigCheck<'c> {
    bench: &'c mut Bench,
    terms: &'c Terms,
    told: &'c mut dyn FnMut(Said<'_>),
    limits: Limits,
    checks: Vec<Check>,
    identity: Option<Identity>,
    /// How long the supply took to go off and to come on, in real time, each time.
    /// The longest that the supply took to go off, and to come on.
    moved: [Option<Duration>; 2],
    /// The module was found at fault before.
    at_fault: bool,
    /// There is time for a second look, and for what is tried only to tell one mistake from another.
    thorough: bool,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Checked {
    /// What was looked at.
    pub checks: Vec<Check>,
    /// Who the module said it was.
    pub identity: Option<Identity>,
    /// The longest that the supply took to go off and to come on, in real time.
    pub moves: Option<(Duration, Duration)>,
}

impl Checked {
    /// What the state folder keeps of it.
    pub fn last(&self, rig: &Rig) -> LastCheck {
        let identity = self.identity.clone();
        LastCheck {
            rig: rig.name.clone(),
            file: rig.canonical.display().to_string(),
            checked: now(),
            sound: is_sound(&self.checks),
            module: identity.map(|identity| CheckedModule {
                model: identity.model,
                version: identity.version,
                imei: identity.imei,
            }),
            switch: self.moves.map(|(off, on)| Switch {
                off_ns: off.as_nanos() as u64,
                on_ns: on.as_nanos() as u64,
            }),
            checks: self.checks.clone(),
        }
    }

    /// Takes what a later part of the same check came to.
    fn add(&mut self, later: Self) {
        self.checks.extend(later.checks);
        self.identity = later.identity.or(self.identity.take());
        self.moves = longest(self.moves.into_iter().chain(later.moves));
    }
}

/// The longest that the supply took to go off and to come on.
fn longest(moves: impl Iterator<Item = (Duration, Duration)>) -> Option<(Duration, Duration)> {
    moves.reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)))
}

type Step<T = ()> = Result<T, Interrupted>;

impl<'c> RigCheck<'c> {
    /// A check of an open rig; `told` hears of each look when it was made, and what is waited for meanwhile.
    pub fn new(bench: &'c mut Bench, terms: &'c Terms, told: &'c mut dyn FnMut(Said<'_>)) -> Self {
        Self {
            bench,
            terms,
            told,
            limits: Limits {
                boot: terms.boot,
                ..Limits::default()
            },
            checks: Vec::new(),
            identity: None,
            moved: [None; 2],
            at_fault: false,
            thorough: false,
        }
    }

    pub fn full(mut self) -> Step<Checked> {
        let started = machine::Moment::now();
        self.thorough = true;
        if self.boots()? && self.identify()? {
            self.reset()?;
            self.pwrkey()?;
            self.on_the_air()?;
        }
        self.servers();
        self.report(machine::clock(Some(started)));
        self.disk();
        self.switch();
        Ok(self.end())
    }

    /// Looks at what must hold around the cases of a suite. Where the module is `at_fault` by the cases before, it is not
    /// waited for: that it does not come up is their finding.
    pub fn short(mut self, at_fault: bool) -> Step<Checked> {
        self.at_fault = at_fault;
        if self.boots()? {
            self.identify()?;
        }
        self.report(machine::clock(None));
        self.disk();
        Ok(self.end())
    }

    /// The same, so that it shows that a rig in quarantine is mended: the supply is taken from a module that had it.
    pub fn of_quarantine(mut self) -> Step<Checked> {
        self.thorough = true;
        self.short(false)
    }

    /// Looks at what was connected last; `looked` is called while a meter shows the supply, and returns when it was read.
    pub fn stage(mut self, stage: Stage, looked: impl FnOnce() -> Step) -> Step<Checked> {
        self.thorough = true;
        match stage {
            Stage::Switch => self.meter(looked)?,
            Stage::Boot => drop(self.boots()?),
            Stage::Answers => drop(self.is_up()? && self.identify()?),
            Stage::Reset => {
                if !self.module().has(Line::Reset) || self.is_up()? {
                    self.reset()?;
                }
            }
            Stage::Pwrkey => self.pwrkey()?,
            Stage::Air => {
                if !self.terms.network {
                    self.on_the_air()?;
                } else if self.is_up()? {
                    self.settle(Probe::Sim)?;
                    self.on_the_air()?;
                }
            }
            Stage::Machine => {
                self.servers();
                self.report(machine::clock(None));
                self.disk();
            }
        }
        Ok(self.end())
    }

    fn end(self) -> Checked {
        Checked {
            moves: self.moves(),
            checks: self.checks,
            identity: self.identity,
        }
    }

    // What is said.

    fn report(&mut self, check: Check) {
        (self.told)(Said::Looked(&check));
        self.checks.push(check);
    }

    /// Says what is waited for from here on.
    fn waits(&mut self, what: &str, limit: Duration) {
        let shown = Short(limit);
        self.module()
            .journal
            .step(format!("waiting for {what}, at most {shown}"));
        (self.told)(Said::Waits(what, limit));
    }

    fn ok(&mut self, probe: Probe, seen: impl Into<String>) {
        self.report(ok(probe, seen));
    }

    fn fail(&mut self, probe: Probe, seen: impl Into<String>, advice: &str) {
        self.report(fail(probe, seen, advice));
    }

    /// What to do about a mistake on this rig.
    fn advice(&self, mistake: Mistake) -> &'static str {
        self.terms.programs.advice(mistake)
    }

    fn skip(&mut self, probe: Probe, why: impl Into<String>) {
        self.report(skip(probe, why));
    }

    /// What stopped a procedure fails the probe that it was made for, or the one that it is about.
    fn stopped<T>(&mut self, probe: Probe, result: Result<T, Stop>) -> Step<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Interrupted) => Err(Interrupted),
            Err(Stop::Unbounded) => Ok(None),
            Err(Stop::Rule(rule, sentence)) => {
                let (probe, advice) = match rule {
                    Rule::PowerNotCut => (Probe::Power, self.advice(Mistake::NotCut)),
                    Rule::NoSupply => (Probe::Boot, "see what the sense line is wired to with a meter"),
                    Rule::SerialLost => (Probe::Open, SERIAL),
                    Rule::LineFailed => (probe, "see the program or the chip that the driver names"),
                    Rule::WrongModule => (Probe::Module, "it is another product, or its firmware is"),
                    Rule::NotRegistered => (Probe::Registration, NOT_REGISTERED),
                    _ => (probe, "run `dfota-hil check` with `-v` to see the dialogue"),
                };
                self.fail(probe, sentence, advice);
                Ok(None)
            }
        }
    }

    fn module(&mut self) -> &mut Module {
        &mut self.bench.module
    }

    fn shown(&self, since: Instant) -> Short {
        let took = self.bench.module.clock.module_time(since.elapsed());
        Short(Duration::from_millis(took.as_millis() as u64))
    }

    // This machine.

    fn disk(&mut self) {
        for folder in &self.terms.folders {
            let known = self.terms.room.iter().find(|(of, _)| of == folder);
            let room = known.map_or(&[][..], |(_, room)| room);
            self.report(machine::disk(folder, room));
        }
    }

    /// The supply took so long to go off, or to come on.
    fn took(&mut self, on: bool, time: Duration) {
        let longest = &mut self.moved[usize::from(on)];
        *longest = (*longest).max(Some(time));
    }

    /// The longest of both, where it did both.
    fn moves(&self) -> Option<(Duration, Duration)> {
        let [off, on] = self.moved;
        off.zip(on)
    }

    fn switch(&mut self) {
        let Some((off, on)) = self.moves() else {
            self.skip(Probe::Switch, "the supply was not switched off and on again");
            return;
        };
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let seen = format!(
            "off in {:.1} ms, on in {:.1} ms: no `off` shorter than {:.1} ms of real time",
            ms(off),
            ms(on),
            ms(off + on)
        );
        self.ok(Probe::Switch, seen);
    }
}

fn ok(probe: Probe, seen: impl Into<String>) -> Check {
    Check {
        probe,
        outcome: CheckOutcome::Ok,
        seen: seen.into(),
        advice: None,
    }
}

/// A look that failed, with what is likely wrong.
pub fn fail(probe: Probe, seen: impl Into<String>, advice: &str) -> Check {
    Check {
        probe,
        outcome: CheckOutcome::Fail,
        seen: seen.into(),
        advice: Some(advice.to_owned()),
    }
}

fn skip(probe: Probe, why: impl Into<String>) -> Check {
    Check {
        probe,
        outcome: CheckOutcome::Skip,
        seen: why.into(),
        advice: None,
    }
}

const SERIAL: &str = "check the cable, and name the port by its id under `/dev/serial/by-id/`";
const NOT_REGISTERED: &str = "check antenna, SIM, `apn` and `pin`, and that the cell has NB-IoT; `dfota-hil console` is for asking the module";
