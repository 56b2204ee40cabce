//! The rig is checked before the first case of a suite and after its last one: what a rig says that does not remove power
//! is worth nothing, on whichever side of the night it broke.
//!
//! Between two suites one check stands for both.

use super::Runner;
use crate::check::{Interrupted, RigCheck, Said, Terms};
use crate::state::quarantine::Found;
use dfota_core::case::{Case, Limits};
use dfota_core::event::Event;
use dfota_core::rig_check::{Check, CheckTime, Probe, rigs_failure};
use dfota_core::verdict::{Rule, Verdict};

/// What is kept from check to check.
#[derive(Debug, Default)]
pub struct RigWatch {
    /// What a check is made with; without it none is made.
    terms: Option<Terms>,
    /// The suite whose cases are run, and their limits.
    suite: Option<(String, Limits)>,
    /// The module was found at fault since the last check.
    at_fault: bool,
    /// What of the rig failed first, and at which look.
    pub(super) failed: Option<(String, Probe)>,
    /// What of this machine failed first: it ends this run, and is nothing to hold against the rig.
    pub(super) machine: Option<String>,
    /// The quarantine in which the rig was found, until a check of this run ends it.
    pub(super) found: Option<Found>,
    /// How it was ended.
    pub(super) released: Option<String>,
}

impl RigWatch {
    /// Checks on these terms.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms: Some(terms),
            ..Self::default()
        }
    }

    /// The rig is in a quarantine that the first check may end.
    pub fn found_in(self, found: Option<Found>) -> Self {
        Self { found, ..self }
    }

    /// What stops the cases after a failure.
    pub(super) fn rule(&self) -> Rule {
        match (&self.machine, &self.found) {
            (Some(_), _) => Rule::HarnessFailed,
            (None, Some(_)) => Rule::RigQuarantined,
            (None, None) => Rule::RigBroken,
        }
    }

    fn is_over(&self) -> bool {
        self.failed.is_some() || self.machine.is_some()
    }

    /// A verdict that may say something about the module.
    pub(super) fn heed(&mut self, verdict: &Verdict) {
        self.at_fault |= matches!(verdict, Verdict::Fail(_));
    }
}

impl Runner<'_> {
    /// Before a case: checks the rig where its suite begins.
    pub(super) fn enter(&mut self, case: &Case) -> Result<(), Interrupted> {
        let suite = &self.watch.suite;
        if suite.as_ref().is_some_and(|(suite, _)| *suite == case.suite) {
            return Ok(());
        }
        if suite.is_some() {
            self.leave()?;
        } else {
            self.check(CheckTime::Before, &case.suite, case.limits)?;
        }
        self.watch.suite = Some((case.suite.clone(), case.limits));
        Ok(())
    }

    /// After the last case of a suite.
    pub(super) fn leave(&mut self) -> Result<(), Interrupted> {
        match self.watch.suite.take() {
            Some((suite, limits)) => self.check(CheckTime::After, &suite, limits),
            None => Ok(()),
        }
    }

    fn check(&mut self, when: CheckTime, suite: &str, limits: Limits) -> Result<(), Interrupted> {
        let journal = self.module().journal.clone();
        let at_fault = std::mem::take(&mut self.watch.at_fault);
        let Some(terms) = self.watch.terms.clone().filter(|_| !self.watch.is_over()) else {
            return Ok(());
        };
        if self.is_unwritten() {
            return Ok(());
        }
        journal.step(format!("checking the rig {} {suite}", when.name()));
        (self.known, self.bench.module.clean) = (None, false);
        let terms = Terms {
            boot: limits.boot,
            ..terms
        };
        let mut told = |_: Said<'_>| {};
        let check = RigCheck::new(self.bench, &terms, &mut told);
        let checked = match self.watch.found {
            Some(_) => check.of_quarantine()?,
            None => check.short(at_fault)?,
        };
        let failure = rigs_failure(&checked.checks, at_fault).map(|check| {
            let probe = check.probe.name();
            let why = format!(
                "the self-check {} `{suite}` failed: {probe}: {}",
                when.name(),
                check.seen
            );
            (why, check.probe)
        });
        let checks = checked.checks;
        journal.post(Event::RigChecked {
            when,
            suite: suite.to_owned(),
            checks: checks.clone(),
        });
        self.think_over();
        // What a check says whose journal ended under it is not kept either.
        if self.is_unwritten() {
            return Ok(());
        }
        match failure {
            Some((failure, probe)) => self.failed(failure, probe),
            None => self.passed(&checks, &format!("the self-check {} `{suite}`", when.name())),
        }
        Ok(())
    }

    fn failed(&mut self, failure: String, probe: Probe) {
        let of_the_machine = probe.is_of_the_machine();
        let failure = match &self.watch.found {
            Some(found) if !of_the_machine => found.goes_on(&failure),
            _ => failure,
        };
        // What broke before keeps its own rule.
        let first = self.broken.is_none();
        self.broken.get_or_insert_with(|| failure.clone());
        match of_the_machine {
            true if first => self.watch.machine = Some(failure),
            true => {}
            false => self.watch.failed = Some((failure, probe)),
        }
    }

    /// Ends the quarantine in which the rig was found, where this check has seen that it is over.
    fn passed(&mut self, checks: &[Check], check: &str) {
        let Some(found) = self.watch.found.take() else {
            return;
        };
        match found.end(checks, check) {
            Ok(Some(text)) => {
                let journal = self.module().journal.clone();
                journal.post(Event::Note { text: text.clone() });
                self.watch.released = Some(text);
            }
            Ok(None) => {
                let text = found.goes_on(&format!("{check} has not looked at what had failed"));
                self.broken.get_or_insert(text.clone());
                self.watch.failed = Some((text, Probe::Open));
                self.watch.found = Some(found);
            }
            Err(why) => {
                let text = format!("the quarantine of the rig could not be ended: {why}");
                self.broken.get_or_insert(text.clone());
                self.watch.machine.get_or_insert(text);
                self.watch.found = Some(found);
            }
        }
    }

    /// Whether the journal has ended before the run, as on a full disk: nothing that is seen from then on is kept.
    fn is_unwritten(&mut self) -> bool {
        if self.module().journal.look(|_| ()).is_some() {
            return false;
        }
        let why = "the journal could not be written".to_owned();
        self.broken.get_or_insert_with(|| why.clone());
        self.watch.machine.get_or_insert(why);
        true
    }
}
