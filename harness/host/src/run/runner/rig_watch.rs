//! Checks the rig before the first case of a suite and after the last one. If the rig does not remove power, its verdicts mean
//! nothing, whether it broke before the suite or during it.
//!
//! Between two suites one check stands for both.

use super::Runner;
use super::module_record::ModuleContact;
use crate::check::{CheckProgress, CheckTerms, Interrupted, RigChecker};
use crate::device::dut::Stop;
use crate::state::quarantine::Found;
use crate::state::run_state::RunState;
use dfota_core::case::{Case, Limits};
use dfota_core::event::{CaseEnded, Event};
use dfota_core::rig_check::{Check, CheckTime, Probe, rigs_failure};
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::journal::Journal;

/// How the rig stands, from check to check.
#[derive(Debug)]
pub struct RigWatch {
    terms: CheckTerms,
    suite: Option<WatchedSuite>,
    /// The module was found at fault since the last check.
    at_fault: bool,
    /// What broke first, which ends every case after it: a finding of a case, or one of the following two.
    broken: Option<String>,
    /// What of the rig failed its self-check first.
    failed: Option<RigFailure>,
    /// What of this machine failed first: it ends this run, and the rig is not at fault.
    machine: Option<String>,
    /// The quarantine in which the rig was found, until a check of this run ends it.
    found: Option<Found>,
    /// How it was ended.
    released: Option<String>,
}

/// The suite whose cases are run.
#[derive(Debug)]
struct WatchedSuite {
    name: String,
    limits: Limits,
}

#[derive(Debug)]
struct RigFailure {
    why: String,
    probe: Probe,
}

impl RigWatch {
    /// Checks on these terms a rig that may have been `found` in a quarantine, which the first check may end.
    pub fn new(terms: CheckTerms, found: Option<Found>) -> Self {
        Self {
            terms,
            suite: None,
            at_fault: false,
            broken: None,
            failed: None,
            machine: None,
            found,
            released: None,
        }
    }

    /// Why no case can be run any more.
    pub(super) fn refusal(&self) -> Option<Stop> {
        let rule = match (&self.machine, &self.found) {
            (Some(_), _) => Rule::HarnessFailed,
            (None, Some(_)) => Rule::RigQuarantined,
            (None, None) => Rule::RigBroken,
        };
        self.broken.as_ref().map(|first| Stop::rule(rule, first.clone()))
    }

    /// Whether a check has failed.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some() || self.machine.is_some()
    }

    /// Notes a verdict that may say something about the module.
    pub(super) fn note(&mut self, verdict: &Verdict) {
        self.at_fault |= matches!(verdict, Verdict::Fail(_));
    }

    pub(super) fn case_ended(&mut self, ended: &CaseEnded) {
        self.note(&ended.verdict);
        let finding = ended.verdict.finding();
        if let Some(finding) = finding.filter(|finding| finding.rule.breaks_the_rig()) {
            self.broken.get_or_insert_with(|| {
                format!(
                    "broken since `{}`: {}: {}",
                    ended.id, finding.rule, finding.sentence
                )
            });
        }
    }

    /// The journal has ended before the run, as on a full disk: nothing that is seen from then on is kept.
    fn unwritten(&mut self) {
        let why = "the journal could not be written";
        self.broken.get_or_insert_with(|| why.to_owned());
        self.machine.get_or_insert_with(|| why.to_owned());
    }

    fn check_failed(&mut self, why: String, probe: Probe) {
        let of_the_machine = probe.is_of_the_machine();
        let why = match &self.found {
            Some(found) if !of_the_machine => found.goes_on(&why),
            _ => why,
        };
        // What broke before keeps its own rule.
        let first = self.broken.is_none();
        self.broken.get_or_insert_with(|| why.clone());
        if !of_the_machine {
            self.failed = Some(RigFailure { why, probe });
        } else if first {
            self.machine = Some(why);
        }
    }

    /// Ends the quarantine in which the rig was found, where this check has seen that it is over.
    fn check_passed(&mut self, checks: &[Check], check: &str, journal: &Journal) {
        let Some(found) = self.found.take() else {
            return;
        };
        match found.end(checks, check) {
            Ok(Some(text)) => {
                journal.post(Event::Note { text: text.clone() });
                self.released = Some(text);
                return;
            }
            Ok(None) => {
                let why = found.goes_on(&format!("{check} did not repeat the probe that had failed"));
                self.broken.get_or_insert_with(|| why.clone());
                let probe = Probe::Open;
                self.failed = Some(RigFailure { why, probe });
            }
            Err(why) => {
                let text = format!("the quarantine of the rig could not be ended: {why}");
                self.broken.get_or_insert_with(|| text.clone());
                self.machine.get_or_insert(text);
            }
        }
        self.found = Some(found);
    }

    /// What a user has to know when the run is over: of a quarantine that it has ended, and of the one in which the rig is
    /// now. The journal has the first already.
    pub fn conclude(self, run: &RunState<'_>, journal: &Journal) -> Vec<String> {
        let stands = match (self.machine, self.found, self.failed) {
            (Some(why), found, _) => Some(ended_by_machine(found.as_ref(), &why)),
            (None, Some(_), Some(failed)) => Some(failed.why),
            (None, Some(found), None) => Some(found.goes_on("this run has not checked it")),
            (None, None, Some(failed)) => Some(run.quarantine(&failed.why, failed.probe)),
            (None, None, None) => None,
        };
        if let Some(text) = stands.clone() {
            journal.post(Event::Note { text });
        }
        self.released.into_iter().chain(stands).collect()
    }
}

/// What ended a run is wrong with the machine: the rig is not at fault for it.
pub fn ended_by_machine(found: Option<&Found>, why: &str) -> String {
    match found {
        None => format!(
            "the run was ended by this machine, not by the rig, so the rig is not put in quarantine: {why}"
        ),
        Some(found) => found.goes_on(&format!("this machine ended the run, not the rig: {why}")),
    }
}

impl Runner<'_> {
    /// Before a case: checks the rig where its suite begins.
    pub(super) fn enter(&mut self, case: &Case) -> Result<(), Interrupted> {
        match &self.watch.suite {
            Some(suite) if suite.name == case.suite => return Ok(()),
            Some(_) => self.leave()?,
            None => self.check(CheckTime::Before, &case.suite, case.limits)?,
        }
        self.watch.suite = Some(WatchedSuite {
            name: case.suite.clone(),
            limits: case.limits,
        });
        Ok(())
    }

    /// After the last case of a suite.
    pub(super) fn leave(&mut self) -> Result<(), Interrupted> {
        match self.watch.suite.take() {
            Some(suite) => self.check(CheckTime::After, &suite.name, suite.limits),
            None => Ok(()),
        }
    }

    fn check(&mut self, when: CheckTime, suite: &str, limits: Limits) -> Result<(), Interrupted> {
        let journal = self.module().journal.clone();
        let at_fault = std::mem::take(&mut self.watch.at_fault);
        if self.watch.has_failed() || self.is_unwritten() {
            return Ok(());
        }
        journal.step(format!("checking the rig {} {suite}", when.name()));
        self.record.state = ModuleContact::Unknown;
        let terms = CheckTerms {
            boot: limits.boot,
            ..self.watch.terms.clone()
        };
        let mut ignore = |_: CheckProgress<'_>| {};
        let check = RigChecker::new(self.rig, &terms, &mut ignore);
        let checked = match self.watch.found {
            Some(_) => check.of_quarantine()?,
            None => check.short(at_fault)?,
        };
        let checks = checked.checks;
        journal.post(Event::RigChecked {
            when,
            suite: suite.to_owned(),
            checks: checks.clone(),
        });
        self.revise_earlier();
        // What a check says whose journal ended under it is not kept either.
        if self.is_unwritten() {
            return Ok(());
        }
        let name = format!("the self-check {} `{suite}`", when.name());
        match rigs_failure(&checks, at_fault) {
            Some(Check { probe, seen, .. }) => {
                let why = format!("{name} failed: {}: {seen}", probe.name());
                self.watch.check_failed(why, *probe);
            }
            None => self.watch.check_passed(&checks, &name, &journal),
        }
        Ok(())
    }

    fn is_unwritten(&mut self) -> bool {
        let unwritten = self.module().journal.look(|_| ()).is_none();
        if unwritten {
            self.watch.unwritten();
        }
        unwritten
    }
}
