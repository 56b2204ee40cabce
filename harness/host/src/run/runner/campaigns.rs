//! The campaigns of a run: when their moments come, where each cut falls, and the tally of this and earlier runs.

use super::{Runner, TryResult};
use crate::device::dut::Stop;
use crate::plan::campaign::{self, CampaignCut};
use crate::plan::earlier::Earlier;
use crate::state::StateError;
use crate::state::campaign_store::{CampaignLine, CampaignStore, CutAttempt};
use dfota_core::campaign::{Bin, CampaignPart, Role, Slot, Tallied};
use dfota_core::case::Case;
use dfota_core::cut::{Cut, CutKind, CutPlan};
use dfota_core::duration::Short;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::landing::CutLanding;
use dfota_core::outcome::Outcome;
use dfota_core::pool_fold::ClosedAttempt;
use dfota_core::timeline::Timeline;
use dfota_core::update::{AfterCut, Phase};
use dfota_core::verdict::{Rule, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// The campaigns of a run.
#[derive(Debug, Default)]
pub struct Campaigns {
    all: Vec<CampaignProgress>,
    /// The name that later runs know this one by.
    run: String,
}

#[derive(Debug)]
struct CampaignProgress {
    suite: String,
    id: String,
    store: CampaignStore,
    /// Those of this run: a calibration of another night is only an estimate.
    timelines: BTreeMap<String, Timeline>,
    /// The cut that was tallied last.
    last: Option<Tallied>,
    /// Good cuts that nothing has proved yet: only the next delta tells whether the image is what its version says. More
    /// than one where a cut came before the module had looked at its delta.
    unproved: Vec<Tallied>,
    /// Cases whose cuts the rig cannot make.
    left_out: BTreeSet<String>,
    /// What its claim came to.
    claim: Option<&'static str>,
    /// Cuts to be made again exactly, by case, beside those that the store knows.
    again: BTreeMap<String, Cut>,
}

/// What the worker of a rig knows of its campaigns when a batch begins: the run's parent keeps the rest.
#[derive(Debug, Default)]
pub struct BatchCampaigns {
    /// The calibrations of this rig in this run, by suite, campaign and package.
    pub timelines: BTreeMap<(String, String, String), Timeline>,
    /// Cuts to be made again exactly, by case.
    pub again: BTreeMap<String, Cut>,
}

impl Campaigns {
    /// Goes on with those of earlier runs; `run` is the name that later runs know this one by.
    pub fn new(run: &str, earlier: Earlier) -> Self {
        let stores = earlier.into_stores();
        let all = stores.map(|((suite, id), store)| CampaignProgress {
            suite,
            id,
            store,
            timelines: BTreeMap::new(),
            last: None,
            unproved: Vec::new(),
            left_out: BTreeSet::new(),
            claim: None,
            again: BTreeMap::new(),
        });
        Self {
            all: all.collect(),
            run: run.to_owned(),
        }
    }

    /// Those that these cases are parts of, for one batch of a run on several rigs.
    pub fn for_batch(run: &str, cases: &[Case], known: &BatchCampaigns) -> Self {
        let names = cases.iter().filter_map(|case| {
            let part = case.part.as_ref()?;
            Some((case.suite.clone(), part.campaign.clone()))
        });
        let names: BTreeSet<(String, String)> = names.collect();
        let all = names.into_iter().map(|(suite, id)| {
            let own = known
                .timelines
                .iter()
                .filter(|((in_suite, campaign, _), _)| *in_suite == suite && *campaign == id);
            CampaignProgress {
                timelines: own
                    .map(|((_, _, package), timeline)| (package.clone(), timeline.clone()))
                    .collect(),
                suite,
                id,
                store: CampaignStore::in_memory(),
                last: None,
                unproved: Vec::new(),
                left_out: BTreeSet::new(),
                claim: None,
                again: known.again.clone(),
            }
        });
        Self {
            all: all.collect(),
            run: run.to_owned(),
        }
    }

    fn named(&mut self, suite: &str, id: &str) -> Option<&mut CampaignProgress> {
        let mut all = self.all.iter_mut();
        all.find(|campaign| campaign.suite == suite && campaign.id == id)
    }

    fn get(&mut self, case: &Case, part: &CampaignPart) -> Option<&mut CampaignProgress> {
        self.named(&case.suite, &part.campaign)
    }

    /// Whether the case is a control of a campaign that has cuts which nothing has proved yet.
    pub(super) fn is_proven_by(&self, case: &Case) -> bool {
        let control = case.part.as_ref().filter(|part| part.role == Role::Control);
        control.is_some_and(|part| {
            let own =
                |campaign: &&CampaignProgress| campaign.suite == case.suite && campaign.id == part.campaign;
            self.all
                .iter()
                .filter(own)
                .any(|campaign| !campaign.unproved.is_empty())
        })
    }

    /// Keeps what another process says of a campaign.
    pub fn keep(&mut self, suite: &str, campaign: &str, line: CampaignLine) -> Result<(), StateError> {
        match self.named(suite, campaign) {
            Some(campaign) => campaign.store.add(line),
            None => Ok(()),
        }
    }

    /// The rig that had the cut cannot make it.
    pub fn leave_out(&mut self, suite: &str, case: &str) {
        for campaign in self.all.iter_mut().filter(|campaign| campaign.suite == suite) {
            campaign.left_out.insert(case.to_owned());
        }
    }

    /// Takes what the claims came to, by suite and campaign.
    pub fn claimed(&mut self, claims: &BTreeMap<(String, String), &'static str>) {
        for campaign in &mut self.all {
            let name = (campaign.suite.clone(), campaign.id.clone());
            campaign.claim = claims.get(&name).copied();
        }
    }

    /// Keeps what the journal of a run says at its end: of cuts that nobody tallied, and of those that earlier runs left open.
    /// Gives what could not be written. What was kept before the run was killed and resumed is not kept again.
    pub fn leave_over(&mut self, left: Vec<Tallied>, closed: &[ClosedAttempt]) -> Vec<StateError> {
        let mut unwritten = Vec::new();
        for tallied in left {
            let run = Some(self.run.clone());
            let cut = Tallied { run, ..tallied };
            let Some(campaign) = self.named(&cut.suite, &cut.campaign) else {
                continue;
            };
            if !campaign.store.knows_result(&cut) {
                let line = CampaignLine::Cut(Box::new(cut));
                unwritten.extend(campaign.store.add(line).err());
            }
        }
        for ClosedAttempt { suite, case, module } in closed {
            let of_suite = self.all.iter_mut().filter(|campaign| campaign.suite == *suite);
            for campaign in of_suite {
                let (case, module) = (case.clone(), module.clone());
                let attempt = CutAttempt { case, module };
                if campaign.store.is_open(&attempt) {
                    let harmless = CampaignLine::Harmless(attempt);
                    unwritten.extend(campaign.store.add(harmless).err());
                }
            }
        }
        unwritten
    }

    /// Ends every campaign all of whose cuts are settled, and whose claim, where it has one, was judged. One whose claim is open
    /// waits for somebody to write a cut off, or for the next run.
    pub fn end(&mut self, cuts: &[CampaignCut]) -> Result<(), StateError> {
        for campaign in &mut self.all {
            let own = |cut: &&CampaignCut| cut.suite == campaign.suite && cut.campaign == campaign.id;
            let own: Vec<&CampaignCut> = cuts.iter().filter(own).collect();
            let done = |cut: &&CampaignCut| {
                campaign.store.settled(&cut.case).is_some() || campaign.left_out.contains(&cut.case)
            };
            if own.is_empty() || !own.iter().all(done) {
                continue;
            }
            match campaign.claim {
                _ if own.iter().any(|cut| !cut.claim) => campaign.store.end(&self.run, "made")?,
                Some(claim) => campaign.store.end(&self.run, claim)?,
                None => campaign.store.all_made(&self.run)?,
            }
        }
        Ok(())
    }
}

impl Runner<'_> {
    /// The case with its cut, where it is one of a campaign's; `made_up` tries for it landed elsewhere.
    pub(super) fn placed(&mut self, case: &Case, made_up: usize) -> Result<Option<Case>, Stop> {
        let (Some(part), Some(slot)) = (&case.part, case.slot()) else {
            return Ok(None);
        };
        let mut label = case.dice();
        if made_up > 0 {
            label.push_str(&format!("#again{made_up}"));
        }
        let seed = self.options.seed;
        let campaign = self.campaigns.get(case, part).map(|campaign| &*campaign);
        let timeline = campaign.and_then(|campaign| campaign.timelines.get(&case.package.name));
        let timeline = timeline.cloned().unwrap_or_default();
        // A cut that was made and never judged is made again, exactly: what it does has to be known.
        let again = campaign.filter(|_| made_up == 0).and_then(|campaign| {
            let given = campaign.again.get(&case.id).cloned();
            given.or_else(|| campaign.store.unjudged(&case.id))
        });
        let drawn = campaign::cut(slot, &timeline, seed, &label);
        let cut = again.or(drawn).ok_or_else(|| {
            let seen: Vec<String> = timeline.moments().iter().map(|timed| timed.at.to_string()).collect();
            let sentence = format!(
                "the cut is due at {}, but no calibration of this run with `{}` timed that moment; timed moments: {}",
                slot.place,
                case.package.name,
                if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
            );
            Stop::rule(Rule::NotCalibrated, sentence)
        })?;
        let case = Case {
            cut: Some(CutPlan::from_cut(&cut, slot.times)),
            ..case.clone()
        };
        Ok(Some(case.with_its_measures()))
    }

    /// Why the rig cannot make a cut as short as that.
    pub(super) fn too_short(&mut self, case: &Case) -> Option<String> {
        let (part, slot) = (case.part.as_ref()?, case.slot()?);
        let line = if slot.kind == CutKind::Reset {
            "reset"
        } else {
            "supply"
        };
        let least = self.module().least_off(slot.kind)?;
        if slot.off >= least {
            return None;
        }
        if let Some(campaign) = self.campaigns.get(case, part) {
            campaign.left_out.insert(case.id.clone());
        }
        Some(format!(
            "the {line} comes back {} ms of the module's time after the command, as measured: a cut of {} cannot be made",
            (least.as_secs_f64() * 1e4).ceil() / 10.0,
            Short(slot.off)
        ))
    }

    /// Writes the result of a part of a campaign down, for the parts after it and for later runs.
    pub(super) fn tally(&mut self, case: &Case, result: &TryResult) {
        let Some(part) = &case.part else { return };
        match &part.role {
            Role::Calibration if result.judgement.verdict == Verdict::Pass => {
                self.prove();
                self.calibrated(case, part);
            }
            Role::Control if result.judgement.verdict == Verdict::Pass => self.prove(),
            Role::Cut(slot) => {
                if took_the_delta(result) {
                    self.prove();
                }
                self.tallied(case, part, slot, result);
            }
            Role::Calibration | Role::Control | Role::Claim(_) => {}
        }
    }

    fn calibrated(&mut self, case: &Case, part: &CampaignPart) {
        let (package, timeline) = (case.package.name.clone(), self.seen.timeline.clone());
        self.module().journal.post(Event::Calibrated {
            suite: case.suite.clone(),
            campaign: part.campaign.clone(),
            package: package.clone(),
            timeline: timeline.clone(),
        });
        if let Some(campaign) = self.campaigns.get(case, part) {
            campaign.timelines.insert(package.clone(), timeline.clone());
        }
        self.store(
            &case.suite,
            &part.campaign,
            CampaignLine::Calibrated(package, timeline),
        );
    }

    fn tallied(&mut self, case: &Case, part: &CampaignPart, slot: &Slot, result: &TryResult) {
        let drawn = slot.claim.is_some();
        let tallied = |landed: &CutLanding| Tallied {
            suite: case.suite.clone(),
            campaign: part.campaign.clone(),
            case: case.id.clone(),
            cut: Some(landed.cut.clone()),
            landed: landed.phase,
            bin: Bin::from_phase(landed.phase, landed.start),
            counts: false,
            drawn,
            brick: false,
            failed: false,
            settled: false,
            unjudged: false,
            run: None,
            module: None,
        };
        let Some(landed) = &result.landed else {
            // A cut was made, and the try was halted before the module was asked what became of it.
            if let Some(made) = result.unjudged.as_ref().filter(|made| made.phase.is_some()) {
                self.post_tallied(Tallied {
                    unjudged: true,
                    ..tallied(made)
                });
            }
            return;
        };
        let inside = slot.holds(&result.judgement.verdict, Some(landed));
        let failed = matches!(result.judgement.verdict, Verdict::Fail(_));
        let tallied = Tallied {
            counts: inside && drawn,
            brick: result.judgement.outcome.is_some_and(Outcome::is_brick),
            failed,
            // One that failed outside the claim's window has to be made up for by a later run: nothing is tried again
            // after a failure.
            settled: inside || (!drawn && failed),
            ..tallied(landed)
        };
        if !tallied.settled || tallied.failed {
            self.post_tallied(tallied);
        } else if let Some(campaign) = self.campaigns.get(case, part) {
            campaign.last = Some(tallied.clone());
            campaign.unproved.push(tallied);
        }
    }

    /// The module took the next delta: what it ran was what its version said, and the cut before counts.
    fn prove(&mut self) {
        let campaigns = self.campaigns.all.iter_mut();
        let unproved = campaigns.flat_map(|campaign| std::mem::take(&mut campaign.unproved));
        for tallied in unproved.collect::<Vec<_>>() {
            self.write_tallied(tallied);
        }
    }

    /// The image after the last cut is gone: nothing can prove it any more, and the cut does not count.
    pub(super) fn give_up_proof(&mut self) {
        for campaign in &mut self.campaigns.all {
            campaign.unproved.clear();
        }
    }

    /// The verdict of a case that had ended was revised: what was tallied for it is corrected.
    pub(super) fn tally_revised(&mut self, revised: &CaseEnded) {
        let of_case = |last: &&Tallied| last.suite == revised.suite && last.case == revised.id;
        let mut last = self
            .campaigns
            .all
            .iter()
            .filter_map(|campaign| campaign.last.as_ref());
        let Some(mut tallied) = last.find(of_case).cloned() else {
            return;
        };
        tallied.brick |= revised.outcome.is_some_and(Outcome::is_brick);
        tallied.failed = true;
        self.give_up_proof();
        self.write_tallied(tallied);
    }

    fn post_tallied(&mut self, tallied: Tallied) {
        if let Some(campaign) = self.campaigns.named(&tallied.suite, &tallied.campaign) {
            campaign.last = Some(tallied.clone());
        }
        self.write_tallied(tallied);
    }

    /// Writes a cut down, in the journal and for later runs.
    fn write_tallied(&mut self, mut tallied: Tallied) {
        self.module().journal.post(Event::Tallied(tallied.clone()));
        tallied.run = Some(self.campaigns.run.clone());
        let module = self.module().journal.look(|fold| fold.pools().present_module());
        tallied.module = module.flatten();
        let (suite, campaign) = (tallied.suite.clone(), tallied.campaign.clone());
        self.store(&suite, &campaign, CampaignLine::Cut(Box::new(tallied)));
    }

    fn store(&mut self, suite: &str, campaign: &str, kept: CampaignLine) {
        if let Some(campaign) = self.campaigns.named(suite, campaign)
            && let Err(why) = campaign.store.add(kept)
        {
            // The run goes on; only the next run cannot go on with this campaign.
            let text = why.to_string();
            self.module().journal.post(Event::Note { text });
        }
    }

    /// Says what a masked journal does not show, before a claim is judged by it.
    pub(super) fn say_what_is_hidden(&mut self) {
        let journal = &self.module().journal;
        let rigs = journal
            .look(|fold| fold.pools().modules_to_hide())
            .unwrap_or_default();
        if !rigs.is_empty() {
            journal.post(Event::ModulesHidden { rigs });
        }
    }

    /// What the cuts say about the claim, for how the campaign ends.
    pub(super) fn claimed(&mut self, case: &Case, verdict: &Verdict) {
        let Some(part) = &case.part else { return };
        let (of, verdict) = (case.clone(), verdict.clone());
        let end = self
            .module()
            .journal
            .look(move |fold| fold.pools().claim_end(&of, &verdict));
        let Some(claim) = end.flatten() else { return };
        if let Some(campaign) = self.campaigns.get(case, part) {
            campaign.claim = Some(claim);
        }
    }
}

/// Whether the module had found its image to be the one that the delta is for: it had begun to patch before the cut, or it
/// runs the new version, or the cut left nothing and the same update was done again, to its end.
fn took_the_delta(result: &TryResult) -> bool {
    let Some(phase) = result.landed.as_ref().and_then(|landed| landed.phase) else {
        return false;
    };
    let done = matches!(
        result.judgement.outcome,
        Some(Outcome::New | Outcome::NewAfterResume)
    ) || phase.after_cut() == AfterCut::SourceStays;
    matches!(phase, Phase::Updating { .. } | Phase::Ended { code: 0 })
        || (result.judgement.verdict == Verdict::Pass && done)
}

/// Whether the same slot is cut once more: its cut did not land where it was meant to, and the module did nothing wrong.
pub(super) fn to_be_made_up(case: &Case, result: &TryResult) -> bool {
    let Some(slot) = case.slot() else {
        return false;
    };
    let elsewhere = match &result.judgement.verdict {
        Verdict::Pass => !slot.holds(&result.judgement.verdict, result.landed.as_ref()),
        Verdict::Inconclusive(finding) => match finding.rule {
            // The first cut may have landed where it was meant to; then one in the resume was missed.
            Rule::CutMissed => result
                .landed
                .as_ref()
                .is_some_and(|landed| landed.phase.is_none()),
            Rule::CutLate | Rule::FinishedBeforeCut => true,
            _ => false,
        },
        _ => false,
    };
    elsewhere && result.landed.is_some()
}
