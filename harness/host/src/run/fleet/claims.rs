//! Judges the claims of a run on several rigs and gives its exit code, from its journal and those of its parts.

use dfota_core::campaign::{Role, Tallied};
use dfota_core::case::Case;
use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::event_id::EventId;
use dfota_core::exit_code::ExitCode;
use dfota_core::fleet::AbandonedCase;
use dfota_core::pool_fold::{ClosedAttempt, OpenCut, PoolFold};
use dfota_core::run_fold::RunFold;
use dfota_core::verdict::{Class, Rule, Verdict, exit_code};
use dfota_record::counted::{Counted, CountedResults};
use dfota_record::journal::{self, Journal, ReadError};
use dfota_record::report::RunEnding;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How the batches ended.
#[derive(Debug)]
pub struct BatchesEnded {
    pub interrupted: bool,
    /// Nothing was handed out any more at the end.
    pub paused: bool,
    /// Every rig is in its safe state.
    pub safe: bool,
    /// A rig did not pass its check after cases that passed: the run is an error, as on one rig.
    pub has_failed: bool,
    /// Cases that no rig ran to their end.
    pub abandoned: Vec<AbandonedCase>,
}

/// The verdicts of a run whose batches are over.
#[derive(Debug, Default)]
pub struct FinalVerdicts {
    fold: RunFold,
    /// Every case, in the order of the plan, with its verdict.
    cases: Vec<(Case, Verdict)>,
    index: BTreeMap<(String, String), usize>,
    /// Which results count, as in every report.
    counted: CountedResults,
    events: u64,
    /// What the claims came to, by suite and campaign.
    claims: BTreeMap<(String, String), &'static str>,
    /// Of a masked run: its modules by their full names, for later runs.
    unmasked: Option<PoolFold>,
    /// How the run ended, if it did.
    ended: Option<RunEnding>,
    /// A cut was written off behind that end, and no other end was written.
    is_interrupted_write_off: bool,
    run: String,
    /// The names of this run and of those whose cuts it was told.
    runs: BTreeSet<String>,
}

/// A cut without a verdict that somebody counts as a brick.
#[derive(Debug, Clone)]
pub struct WriteOff {
    pub suite: String,
    pub campaign: String,
    pub case: String,
    /// Who, or why, in their words.
    pub note: String,
}

impl FinalVerdicts {
    /// Reads the journals in a run folder.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        let (mut all, mut masked) = (Self::default(), false);
        journal::each(folder, false, |record| {
            masked |= matches!(&record.event, Event::RunStarted(started) if started.masked);
            all.take(&record.event);
        })?;
        if masked {
            let mut pools = PoolFold::in_full();
            journal::each_unmasked(folder, |record| pools.on(&record.event))?;
            all.unmasked = Some(pools);
        }
        Ok(all)
    }

    fn take(&mut self, event: &Event) {
        let counted = self.counted.on(event);
        match event {
            // A part has begun as well, later.
            Event::RunStarted(started) if self.events == 0 => {
                self.run.clone_from(&started.run);
                self.runs.insert(started.run.clone());
            }
            Event::Tallied(tallied) => self.runs.extend(tallied.run.clone()),
            &Event::RunEnded {
                exit,
                interrupted,
                safe,
            } => {
                let ended = RunEnding {
                    exit,
                    interrupted,
                    safe,
                };
                (self.ended, self.is_interrupted_write_off) = (Some(ended), false);
            }
            Event::Fleet(FleetEvent::WrittenOff { .. }) => {
                self.is_interrupted_write_off = self.ended.is_some();
            }
            Event::CasePlanned { case, skip } => {
                let verdict = skip
                    .clone()
                    .map_or(Verdict::NotReached, |reason| Verdict::Skip { reason });
                let name = (case.suite.clone(), case.id.clone());
                self.index.entry(name).or_insert(self.cases.len());
                self.cases.push(((**case).clone(), verdict));
            }
            Event::CaseEnded(ended) if counted != Counted::Extra => self.end(ended),
            _ => {}
        }
        self.fold.on(EventId(self.events), event);
        if let Some(pools) = &mut self.unmasked {
            pools.on(event);
        }
        self.events += 1;
    }

    fn end(&mut self, ended: &CaseEnded) {
        let name = (ended.suite.clone(), ended.id.clone());
        let at = self.index.get(&name).copied();
        if let Some((_, verdict)) = at.and_then(|at| self.cases.get_mut(at)) {
            *verdict = ended.verdict.clone();
        }
    }

    /// Judges what is left to be judged, and writes the end of the run down.
    pub fn conclude(&mut self, journal: &Journal, ended: &BatchesEnded) -> ExitCode {
        for case in &ended.abandoned {
            self.abandon(journal, case);
        }
        let hidden = self.pools().modules_to_hide();
        if !hidden.is_empty() {
            self.say(journal, Event::ModulesHidden { rigs: hidden });
        }
        let open: Vec<Case> = self
            .cases
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::NotReached)
            .map(|(case, _)| case.clone())
            .collect();
        for case in open {
            match case.part.as_ref().map(|part| &part.role) {
                Some(Role::Claim(_)) => self.claim(journal, &case),
                Some(Role::Calibration) if !ended.interrupted && !ended.paused => {
                    let reason = "its rig got no batch of the campaign".to_owned();
                    self.say(
                        journal,
                        Event::CaseEnded(CaseEnded::untried(&case, Verdict::Skip { reason })),
                    );
                }
                _ => {}
            }
        }
        self.skip_calibrations(journal);
        self.end_run(journal, ended)
    }

    /// A calibration that failed with its rig is not needed any more, if other rigs have made all cuts of the campaign.
    fn skip_calibrations(&mut self, journal: &Journal) {
        let of = |case: &Case| {
            let part = case.part.as_ref()?;
            Some((case.suite.clone(), part.campaign.clone()))
        };
        let is =
            |case: &Case, role: fn(&Role) -> bool| case.part.as_ref().is_some_and(|part| role(&part.role));
        let is_cut = |role: &Role| matches!(role, Role::Cut(_) | Role::Control);
        let unmade = |verdict: &Verdict| matches!(verdict, Verdict::Error(_) | Verdict::NotReached);
        let cuts = self.cases.iter().filter(|(case, _)| is(case, is_cut));
        let owed: BTreeSet<_> = cuts
            .filter(|(_, verdict)| unmade(verdict))
            .filter_map(|(case, _)| of(case))
            .collect();
        let not_needed = |(case, verdict): &&(Case, Verdict)| {
            let of_rig = verdict.class() == Some(Class::Rig) && matches!(verdict, Verdict::Error(_));
            of_rig
                && is(case, |role| matches!(role, Role::Calibration))
                && of(case).is_some_and(|campaign| !owed.contains(&campaign))
        };
        let skipped: Vec<(Case, Verdict)> = self.cases.iter().filter(not_needed).cloned().collect();
        for (case, verdict) in skipped {
            let why = verdict.finding().map_or("", |finding| &finding.sentence);
            let reason = format!(
                "not needed: this calibration failed ({why}), but other rigs made all cuts of the campaign"
            );
            self.say(
                journal,
                Event::CaseEnded(CaseEnded::untried(&case, Verdict::Skip { reason })),
            );
        }
    }

    fn end_run(&mut self, journal: &Journal, ended: &BatchesEnded) -> ExitCode {
        let exit = exit_code(self.cases.iter().map(|(_, verdict)| verdict), ended.interrupted);
        let exit = if exit == ExitCode::Success && (!ended.safe || ended.has_failed) {
            ExitCode::Error
        } else {
            exit
        };
        let event = Event::RunEnded {
            exit: exit.code(),
            interrupted: ended.interrupted,
            safe: ended.safe,
        };
        self.say(journal, event);
        exit
    }

    /// Counts a cut without a verdict as a brick, judges its claim again, and writes the end of the run down anew. Where an earlier
    /// attempt at this was interrupted, it is brought to its end.
    pub fn write_off(&mut self, journal: &Journal, off: &WriteOff, ended: &BatchesEnded) -> ExitCode {
        if !self.is_written_off(&off.suite, &off.case) {
            let event = FleetEvent::WrittenOff {
                suite: off.suite.clone(),
                case: off.case.clone(),
                note: off.note.clone(),
            };
            self.say(journal, Event::Fleet(event));
        }
        let of_campaign = |(case, verdict): &&(Case, Verdict)| {
            let part = case.part.as_ref();
            let same = case.suite == off.suite && part.is_some_and(|part| part.campaign == off.campaign);
            let is_claim = part.is_some_and(|part| matches!(part.role, Role::Claim(_)));
            // A claim that was not selected, or that the run did not come to, is not judged by this.
            same && is_claim && !matches!(verdict, Verdict::Skip { .. } | Verdict::NotReached)
        };
        let claims: Vec<Case> = self
            .cases
            .iter()
            .filter(of_campaign)
            .map(|(case, _)| case.clone())
            .collect();
        for case in &claims {
            self.claim(journal, case);
        }
        self.end_run(journal, ended)
    }

    /// The modules and their attempts, by their full names.
    fn pools(&self) -> &PoolFold {
        self.unmasked.as_ref().unwrap_or_else(|| self.fold.pools())
    }

    /// What later runs have to know of attempts whose cut was not tallied.
    pub fn left_over(&self) -> Vec<Tallied> {
        self.pools().left_over()
    }

    /// Cuts of claims of which nobody knows what they did.
    pub fn open_cuts(&self) -> Vec<OpenCut> {
        self.pools().open_cuts()
    }

    /// Whether the case is counted as a brick without a verdict: written off, or reflashed.
    pub fn is_written_off(&self, suite: &str, case: &str) -> bool {
        self.pools().is_brick_without_verdict(suite, case)
    }

    /// The verdict of a case by its suite and id.
    pub fn verdict(&self, suite: &str, case: &str) -> Option<&Verdict> {
        let at = *self.index.get(&(suite.to_owned(), case.to_owned()))?;
        self.cases.get(at).map(|(_, verdict)| verdict)
    }

    /// The ids of all cases, with their suites.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().map(|(case, _)| case)
    }

    /// How the run ended, if it did.
    pub fn ended(&self) -> Option<RunEnding> {
        self.ended
    }

    /// The name that later runs know this one by.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The names of this run, and of the runs whose cuts it was told.
    pub fn runs(&self) -> &BTreeSet<String> {
        &self.runs
    }

    /// Whether somebody's write-off was interrupted before the claim was judged again.
    pub fn is_interrupted_write_off(&self) -> bool {
        self.is_interrupted_write_off
    }

    /// Attempts that earlier runs left open, and that this one has shown to be harmless.
    pub fn closed_earlier(&self) -> Vec<ClosedAttempt> {
        self.pools().closed_earlier()
    }

    /// How a campaign ends by the verdict of its claim, in words; nothing where a later run goes on with it.
    pub fn claim_end(&self, suite: &str, campaign: &str) -> Option<&'static str> {
        let is_it = |case: &Case| {
            let part = case.part.as_ref();
            case.suite == suite && part.is_some_and(|part| part.campaign == campaign)
        };
        let mut claims = self
            .cases
            .iter()
            .filter(|(case, _)| case.is_claim() && is_it(case));
        claims.find_map(|(case, verdict)| match verdict {
            Verdict::Skip { .. } | Verdict::NotReached => None,
            judged => self.fold.pools().claim_end(case, judged),
        })
    }

    /// What the claims came to, by suite and campaign.
    pub fn claims(&self) -> &BTreeMap<(String, String), &'static str> {
        &self.claims
    }

    fn abandon(&mut self, journal: &Journal, abandoned: &AbandonedCase) {
        let name = (abandoned.suite.clone(), abandoned.case.clone());
        let at = self.index.get(&name).copied();
        let Some((case, before)) = at.and_then(|at| self.cases.get(at)) else {
            return;
        };
        let verdict = Verdict::by(Rule::RigLost, abandoned.why.clone());
        if *before == verdict {
            // It was said before the run was resumed.
            return;
        }
        let ended = CaseEnded::untried(case, verdict);
        let halted = dfota_core::event::watched::Halted {
            rule: Rule::RigLost,
            sentence: abandoned.why.clone(),
        };
        self.say(journal, Event::Halted(halted));
        self.say(journal, Event::CaseEnded(ended));
    }

    fn claim(&mut self, journal: &Journal, case: &Case) {
        let started = Event::CaseStarted {
            id: case.id.clone(),
            suite: case.suite.clone(),
        };
        self.say(journal, started);
        let judged = self.fold.settled();
        let word = self.fold.pools().claim_end(case, &judged.verdict);
        if let (Some(word), Some(part)) = (word, &case.part) {
            self.claims
                .insert((case.suite.clone(), part.campaign.clone()), word);
        }
        let ended = CaseEnded {
            summary: judged.summary,
            tries: 1,
            ..CaseEnded::untried(case, judged.verdict)
        };
        self.say(journal, Event::CaseEnded(ended));
    }

    fn say(&mut self, journal: &Journal, event: Event) {
        journal.post(event.clone());
        self.take(&event);
    }
}
