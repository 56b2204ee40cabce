//! What a run on several rigs came to, by its journal and those of its parts: the claims, and the exit code.

use dfota_core::campaign::{Role, Tallied};
use dfota_core::case::Case;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::event_id::EventId;
use dfota_core::exit_code::ExitCode;
use dfota_core::fleet::AbandonedCase;
use dfota_core::run_fold::RunFold;
use dfota_core::verdict::{Rule, Verdict, exit_code};
use dfota_record::counted::{Counted, CountedResults};
use dfota_record::journal::{self, Journal, ReadError};
use std::collections::BTreeMap;
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
}

impl FinalVerdicts {
    /// Reads the journals in a run folder.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        let mut all = Self::default();
        journal::each(folder, false, |record| all.take(&record.event))?;
        Ok(all)
    }

    fn take(&mut self, event: &Event) {
        let counted = self.counted.on(event);
        match event {
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
        let exit = exit_code(self.cases.iter().map(|(_, verdict)| verdict), ended.interrupted);
        let exit = if exit == ExitCode::Success && (!ended.safe || ended.has_failed) {
            ExitCode::Error
        } else {
            exit
        };
        journal.post(Event::RunEnded {
            exit: exit.code(),
            interrupted: ended.interrupted,
            safe: ended.safe,
        });
        exit
    }

    /// What later runs have to know of attempts whose cut was not tallied.
    pub fn left_over(&self) -> Vec<Tallied> {
        self.fold.pools().left_over()
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
        let word = match judged.verdict.finding().map(|finding| finding.rule) {
            None => Some("shown"),
            Some(Rule::ClaimNotShown) => Some("not shown"),
            Some(Rule::ClaimRefuted) => Some("refuted"),
            Some(_) => None,
        };
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
