//! The rigs of a run on several, and the parts that its journal was merged from.

use super::CaseRun;
use super::case_run::RecordedIdentity;
use dfota_core::event::fleet::{FleetEvent, PartEnd, PauseCause, Taken};
use dfota_core::event::{Event, RigFacts, RunStarted};
use dfota_core::pool_fold::PoolFold;
use dfota_core::verdict::Verdict;
use std::collections::HashMap;

/// What a run on several rigs has beside one on one; empty for one on one.
#[derive(Debug, Default)]
pub struct FleetRun<'a> {
    /// In the order of the command line.
    pub rigs: Vec<RigRun<'a>>,
    /// In the order in which they were taken.
    pub parts: Vec<PartRun<'a>>,
    /// Why no rig got a further batch, if that was so.
    pub paused: Option<&'a str>,
    /// The modules, and their cuts for the claims.
    pub pools: PoolFold,
    /// What somebody decided about cuts that have no verdict.
    pub written_off: Vec<WrittenOffCut<'a>>,
}

/// A cut without a verdict that somebody counts as a brick.
#[derive(Debug, Clone, Copy)]
pub struct WrittenOffCut<'a> {
    pub suite: &'a str,
    pub case: &'a str,
    /// Who, or why, in their words.
    pub note: &'a str,
}

/// A rig of a run on several.
#[derive(Debug)]
pub struct RigRun<'a> {
    pub facts: &'a RigFacts,
    /// What its module said first that it is.
    pub first_identity: Option<RecordedIdentity<'a>>,
    /// What its module said last that it is.
    pub identity: Option<RecordedIdentity<'a>>,
    /// Why it got no further batch, if that was so.
    pub out: Option<&'a str>,
}

/// A batch on a rig: a part of the merged journal.
#[derive(Debug)]
pub struct PartRun<'a> {
    pub taken: &'a Taken,
    /// How its journal ends; nothing where the parent was killed.
    pub end: Option<&'a PartEnd>,
    /// Why the rig stopped in the middle of it, if it did.
    pub lost: Option<&'a str>,
    /// What it was started with, where its journal is there.
    pub started: Option<&'a RunStarted>,
    /// The suite and the cases that the rig was given.
    pub given: GivenCases<'a>,
    /// What of its journal is missing or was changed, if anything.
    pub unread: Option<&'a str>,
}

/// Cases of a suite that were given to a rig.
#[derive(Debug, Clone, Copy, Default)]
pub struct GivenCases<'a> {
    pub suite: &'a str,
    pub cases: &'a [String],
}

/// What the cases of a rig came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RigTally {
    /// Cases that were run on it.
    pub cases: usize,
    pub passed: usize,
    pub failed: usize,
    /// Runs of cases that do not count, because it was lost.
    pub lost: usize,
}

impl RigTally {
    /// Passes in all that was run; nothing where nothing was.
    pub fn pass_rate(&self) -> Option<f64> {
        (self.cases > 0).then(|| self.passed as f64 / self.cases as f64)
    }
}

impl<'a> RigRun<'a> {
    /// What its cases in a run came to.
    pub fn tally(&self, cases: &[CaseRun<'_>]) -> RigTally {
        let mut tally = RigTally::default();
        for case in cases {
            tally.lost += case.lost.iter().filter(|lost| lost.rig == self.name()).count();
            if case.rig != Some(self.name())
                || matches!(case.verdict, Verdict::Skip { .. } | Verdict::NotReached)
            {
                continue;
            }
            tally.cases += 1;
            tally.passed += usize::from(case.verdict == Verdict::Pass);
            tally.failed += usize::from(matches!(case.verdict, Verdict::Fail(_)));
        }
        tally
    }

    pub fn name(&self) -> &'a str {
        &self.facts.file.name
    }
}

impl<'a> FleetRun<'a> {
    /// Whether the run was made on several rigs.
    pub fn is_fleet(&self) -> bool {
        !self.rigs.is_empty()
    }

    /// The names of the rigs, in a line.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.rigs.iter().map(RigRun::name).collect();
        names.join(", ")
    }

    /// Parts of whose journal something is missing, each with what it is.
    pub fn unread(&self) -> impl Iterator<Item = String> {
        let parts = self.parts.iter();
        parts.filter_map(|part| Some(format!("{}: {}", part.taken.folder, part.unread?)))
    }

    /// A rig by its name.
    pub fn rig(&self, name: &str) -> Option<&RigRun<'a>> {
        self.rigs.iter().find(|rig| rig.name() == name)
    }
}

/// The rigs and parts of a journal, on the way through it.
#[derive(Debug, Default)]
pub(super) struct FleetOrder<'a> {
    fleet: FleetRun<'a>,
    /// Places of rigs by their names.
    rigs: HashMap<&'a str, usize>,
    /// The part that speaks, by its place; nothing: the parent.
    part: Option<usize>,
    /// What is left of each batch.
    batches: HashMap<&'a str, GivenCases<'a>>,
    /// Why the run was paused the last time.
    pause_cause: PauseCause,
}

impl<'a> FleetOrder<'a> {
    /// The part that speaks.
    pub(super) fn part(&self) -> Option<&PartRun<'a>> {
        self.fleet.parts.get(self.part?)
    }

    pub(super) fn take(&mut self, event: &'a Event) {
        self.fleet.pools.on(event);
        match event {
            Event::RunStarted(started) => self.started(started),
            Event::Fleet(fleet) => self.fleet(fleet),
            Event::Identity { model, version, imei } => {
                let rig = self.part().map(|part| part.taken.rig.as_str());
                let rig = rig.and_then(|rig| self.rigs.get(rig));
                if let Some(rig) = rig.and_then(|place| self.fleet.rigs.get_mut(*place)) {
                    let before = rig.identity.and_then(|identity| identity.imei);
                    rig.identity = Some(RecordedIdentity {
                        model,
                        version,
                        // The IMEI is not asked for each time.
                        imei: imei.as_ref().or(before),
                    });
                    rig.first_identity = rig.first_identity.or(rig.identity);
                }
            }
            _ => {}
        }
    }

    fn started(&mut self, started: &'a RunStarted) {
        match self.part.and_then(|part| self.fleet.parts.get_mut(part)) {
            None => started
                .rigs
                .iter()
                .for_each(|facts| self.add(&facts.file.name, facts)),
            Some(part) => {
                part.started = Some(started);
                let name = &part.taken.rig;
                self.add(name, &started.rig);
            }
        }
    }

    /// Adds a rig, unless it is known.
    fn add(&mut self, name: &'a str, facts: &'a RigFacts) {
        let rigs = &mut self.fleet.rigs;
        self.rigs.entry(name).or_insert_with(|| {
            rigs.push(RigRun {
                facts,
                first_identity: None,
                identity: None,
                out: None,
            });
            rigs.len() - 1
        });
    }

    fn fleet(&mut self, event: &'a FleetEvent) {
        self.part = None;
        match event {
            FleetEvent::Taken(taken) => {
                self.part = Some(self.fleet.parts.len());
                self.fleet.parts.push(PartRun {
                    taken,
                    end: None,
                    lost: None,
                    started: None,
                    given: self.batches.get(&*taken.batch).copied().unwrap_or_default(),
                    unread: None,
                });
            }
            FleetEvent::Queued {
                batch, suite, cases, ..
            } => {
                self.batches.insert(batch, GivenCases { suite, cases });
            }
            FleetEvent::Again { batch, cases } => {
                if let Some(given) = self.batches.get_mut(&**batch) {
                    given.cases = cases;
                }
            }
            FleetEvent::Unread { folder, why } => {
                let mut parts = self.fleet.parts.iter_mut();
                if let Some(part) = parts.find(|part| part.taken.folder == *folder) {
                    part.unread = Some(why);
                }
            }
            FleetEvent::Closed(end) => self.ended(end, None),
            FleetEvent::Lost { end, why, .. } => self.ended(end, Some(why)),
            FleetEvent::RigOut { rig, why } => {
                let place = self.rigs.get(rig.as_str());
                if let Some(rig) = place.and_then(|place| self.fleet.rigs.get_mut(*place)) {
                    rig.out = Some(why);
                }
            }
            FleetEvent::Paused { why, cause } => {
                self.fleet.paused = Some(why);
                self.pause_cause = *cause;
            }
            FleetEvent::Resumed { .. } if self.pause_cause.ends_when_resumed() => self.fleet.paused = None,
            FleetEvent::WrittenOff { suite, case, note } => {
                self.fleet.written_off.push(WrittenOffCut { suite, case, note });
            }
            _ => {}
        }
    }

    fn ended(&mut self, end: &'a PartEnd, lost: Option<&'a str>) {
        let same = |part: &&mut PartRun<'_>| {
            let taken = part.taken;
            (&taken.batch, taken.attempt, &taken.rig) == (&end.batch, end.attempt, &end.rig)
        };
        if let Some(part) = self.fleet.parts.iter_mut().rev().find(same) {
            part.end = Some(end);
            part.lost = lost;
        }
    }

    pub(super) fn end(self) -> FleetRun<'a> {
        self.fleet
    }
}
