//! The campaigns of a run: when their moments come, where each cut falls, and what was tallied, now and in earlier runs.

use super::{Judged, Runner};
use crate::plan::campaign::{self, CampaignCut};
use crate::plan::earlier::Earlier;
use crate::state::StateError;
use crate::state::campaign_store::{CampaignLine, CampaignStore};
use dfota_core::campaign::{Bin, CampaignPart, Role, Slot, Tallied};
use dfota_core::case::Case;
use dfota_core::cut::{CutKind, CutPlan};
use dfota_core::duration::Short;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::outcome::Outcome;
use dfota_core::timeline::Timeline;
use dfota_core::update::{AfterCut, Phase};
use dfota_core::verdict::{Rule, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// The campaigns of a run, by suite and id.
#[derive(Debug, Default)]
pub struct Campaigns {
    of: BTreeMap<(String, String), Campaign>,
    run: String,
    /// Suite and id of cuts that the rig cannot make.
    left_out: BTreeSet<(String, String)>,
    /// How campaigns stand: what their claim came to; of one without, that it is made.
    claims: BTreeMap<(String, String), String>,
    /// The last calibration, whatever it was for.
    pub(super) calibrated: Option<Timeline>,
}

#[derive(Debug)]
struct Campaign {
    store: CampaignStore,
    /// Those of this run: a calibration of another night is no more than an estimate.
    timelines: BTreeMap<String, Timeline>,
    /// The cut that was tallied last.
    last: Option<Tallied>,
    /// Good cuts that nothing has proved yet: only the next delta tells whether the image is what its version says. More
    /// than one where a cut came before the module had looked at its delta.
    unproved: Vec<Tallied>,
}

impl Campaigns {
    /// Those of earlier runs; `run` is the name that later runs know this one by.
    pub fn new(run: &str, earlier: Earlier) -> Self {
        let campaign = |store| Campaign {
            store,
            timelines: BTreeMap::new(),
            last: None,
            unproved: Vec::new(),
        };
        Self {
            of: earlier
                .into_stores()
                .map(|(name, store)| (name, campaign(store)))
                .collect(),
            run: run.to_owned(),
            left_out: BTreeSet::new(),
            claims: BTreeMap::new(),
            calibrated: None,
        }
    }

    fn get(&mut self, case: &Case, part: &CampaignPart) -> Option<&mut Campaign> {
        self.of.get_mut(&(case.suite.clone(), part.campaign.clone()))
    }

    /// Ends every campaign all of whose cuts are settled, and whose claim, where it has one, was judged.
    pub fn end(&mut self, cuts: &[CampaignCut]) -> Result<(), StateError> {
        let mut open: BTreeMap<(String, String), bool> = BTreeMap::new();
        for cut in cuts {
            let name = (cut.suite.clone(), cut.campaign.clone());
            let settled = |campaign: &Campaign| campaign.store.settled(&cut.case).is_some();
            let settled = self.of.get(&name).is_some_and(settled);
            let left_out = self.left_out.contains(&(cut.suite.clone(), cut.case.clone()));
            if !cut.claim {
                self.claims.insert(name.clone(), "made".into());
            }
            *open.entry(name).or_default() |= !settled && !left_out;
        }
        for (name, _) in open.iter().filter(|(_, open)| !**open) {
            if let Some((campaign, verdict)) = self.of.get_mut(name).zip(self.claims.get(name)) {
                campaign.store.end(&self.run, verdict)?;
            }
        }
        Ok(())
    }
}

impl Runner<'_> {
    /// The case with its cut, where it is one of a campaign's; `made_up` tries for it landed elsewhere.
    pub(super) fn placed(&mut self, case: &Case, made_up: usize) -> Result<Option<Case>, (Rule, String)> {
        let (Some(part), Some(slot)) = (&case.part, case.slot()) else {
            return Ok(None);
        };
        let mut label = format!("{}::{}", case.suite, case.id);
        if made_up > 0 {
            label.push_str(&format!("#again{made_up}"));
        }
        let seed = self.options.seed;
        let campaign = self.campaigns.get(case, part).map(|campaign| &*campaign);
        let timeline = campaign.and_then(|campaign| campaign.timelines.get(&case.package.name));
        let timeline = timeline.cloned().unwrap_or_default();
        // A cut that was made and never judged is made again, exactly: what it did is not to be lost.
        let again = campaign
            .filter(|_| made_up == 0)
            .and_then(|campaign| campaign.store.unjudged(&case.id));
        let drawn = campaign::cut(slot, &timeline, seed, &label);
        let cut = again.or(drawn).ok_or_else(|| {
            let seen: Vec<String> = timeline.moments().iter().map(|timed| timed.at.to_string()).collect();
            let sentence = format!(
                "the cut falls at {}, and no calibration of this run with `{}` has timed that; timed were: {}",
                slot.place,
                case.package.name,
                if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
            );
            (Rule::NotCalibrated, sentence)
        })?;
        let case = Case {
            cut: Some(CutPlan::from_cut(&cut, slot.times)),
            ..case.clone()
        };
        Ok(Some(case.with_its_measures()))
    }

    /// Why the rig cannot make a cut as short as that.
    pub(super) fn too_short(&mut self, case: &Case) -> Option<String> {
        let slot = case.slot()?;
        let line = if slot.kind == CutKind::Reset {
            "reset"
        } else {
            "supply"
        };
        let least = self.module().least_off(slot.kind)?;
        if slot.off >= least {
            return None;
        }
        let left_out = (case.suite.clone(), case.id.clone());
        self.campaigns.left_out.insert(left_out);
        Some(format!(
            "the {line} was measured to come back {} ms of the module's time after it is told to: off for {} cannot be made",
            (least.as_secs_f64() * 1e4).ceil() / 10.0,
            Short(slot.off)
        ))
    }

    /// What a part of a campaign has told, written down for the parts after it and for later runs.
    pub(super) fn tally(&mut self, case: &Case, judged: &Judged) {
        let Some(part) = &case.part else { return };
        match &part.role {
            Role::Calibration if judged.verdict == Verdict::Pass => {
                self.prove();
                self.calibrated(case, part);
            }
            Role::Control if judged.verdict == Verdict::Pass => self.prove(),
            Role::Cut(slot) => {
                if took_the_delta(judged) {
                    self.prove();
                }
                self.tallied(case, part, slot, judged);
            }
            Role::Calibration | Role::Control | Role::Claim(_) => {}
        }
    }

    fn calibrated(&mut self, case: &Case, part: &CampaignPart) {
        let timeline = std::mem::take(&mut self.module().timeline);
        self.module().journal.post(Event::Calibrated {
            suite: case.suite.clone(),
            campaign: part.campaign.clone(),
            package: case.package.name.clone(),
            timeline: timeline.clone(),
        });
        self.campaigns.calibrated = Some(timeline.clone());
        let package = case.package.name.clone();
        if let Some(campaign) = self.campaigns.get(case, part) {
            campaign.timelines.insert(package.clone(), timeline.clone());
        }
        self.keep(case, part, CampaignLine::Calibrated(package, timeline));
    }

    fn tallied(&mut self, case: &Case, part: &CampaignPart, slot: &Slot, judged: &Judged) {
        let Some(landed) = &judged.landed else {
            return self.unjudged(case, part, slot);
        };
        let inside = slot.holds(&judged.verdict, judged.landed.as_ref());
        let tallied = Tallied {
            suite: case.suite.clone(),
            campaign: part.campaign.clone(),
            case: case.id.clone(),
            cut: landed.cut.clone(),
            landed: landed.phase,
            bin: Bin::from_phase(landed.phase, landed.start),
            counts: inside && slot.claim.is_some(),
            drawn: slot.claim.is_some(),
            brick: judged.is_brick(),
            failed: matches!(judged.verdict, Verdict::Fail(_)),
            unjudged: false,
            // One that failed outside the claim's window has to be made up for by a later run: nothing is tried again
            // after a failure.
            settled: inside || (slot.claim.is_none() && matches!(judged.verdict, Verdict::Fail(_))),
            run: None,
        };
        if tallied.settled && !tallied.failed {
            if let Some(campaign) = self.campaigns.get(case, part) {
                campaign.last = Some(tallied.clone());
                campaign.unproved.push(tallied);
            }
            return;
        }
        self.post_tallied(case, part, tallied);
    }

    /// The module took the next delta: what it ran was what its version said, and the cut before counts.
    fn prove(&mut self) {
        let campaigns = self.campaigns.of.values_mut();
        let unproved = campaigns.flat_map(|campaign| std::mem::take(&mut campaign.unproved));
        for tallied in unproved.collect::<Vec<_>>() {
            self.write_tallied(tallied);
        }
    }

    /// The image of the last cut is gone: nothing can prove it any more, and it does not count.
    pub(super) fn give_up_proof(&mut self) {
        for campaign in self.campaigns.of.values_mut() {
            campaign.unproved.clear();
        }
    }

    /// A cut was made, and the try ended before anybody could ask what became of the module.
    fn unjudged(&mut self, case: &Case, part: &CampaignPart, slot: &Slot) {
        let Some(made) = self.made.take() else { return };
        let Some(landed) = made.phase else { return };
        let tallied = Tallied {
            suite: case.suite.clone(),
            campaign: part.campaign.clone(),
            case: case.id.clone(),
            cut: made.cut,
            landed: Some(landed),
            bin: Bin::from_phase(Some(landed), made.start),
            counts: false,
            drawn: slot.claim.is_some(),
            brick: false,
            failed: false,
            settled: false,
            unjudged: true,
            run: None,
        };
        self.post_tallied(case, part, tallied);
    }

    /// Something else is known now of a case that had ended: what was tallied for it is corrected.
    pub(super) fn tally_revised(&mut self, revised: &CaseEnded) {
        let mut campaigns = self.campaigns.of.values_mut();
        let last = campaigns.find_map(|campaign| {
            campaign
                .last
                .clone()
                .filter(|last| last.suite == revised.suite && last.case == revised.id)
        });
        let Some(mut tallied) = last else { return };
        tallied.brick |= revised.outcome.is_some_and(Outcome::is_brick);
        tallied.failed = true;
        self.give_up_proof();
        self.write_tallied(tallied);
    }

    fn post_tallied(&mut self, case: &Case, part: &CampaignPart, tallied: Tallied) {
        if let Some(campaign) = self.campaigns.get(case, part) {
            campaign.last = Some(tallied.clone());
        }
        self.write_tallied(tallied);
    }

    /// Writes a cut down, in the journal and for later runs.
    fn write_tallied(&mut self, mut tallied: Tallied) {
        self.module().journal.post(Event::Tallied(tallied.clone()));
        let name = (tallied.suite.clone(), tallied.campaign.clone());
        tallied.run = Some(self.campaigns.run.clone());
        if let Some(campaign) = self.campaigns.of.get_mut(&name)
            && let Err(why) = campaign.store.add(CampaignLine::Cut(tallied))
        {
            // The night goes on; what is lost is that the next one can go on with it.
            let text = why.to_string();
            self.module().journal.post(Event::Note { text });
        }
    }

    fn keep(&mut self, case: &Case, part: &CampaignPart, kept: CampaignLine) {
        let Some(campaign) = self.campaigns.get(case, part) else {
            return;
        };
        if let Err(why) = campaign.store.add(kept) {
            // The night goes on; what is lost is that the next one can go on with it.
            let text = why.to_string();
            self.module().journal.post(Event::Note { text });
        }
    }

    /// What the cuts say about the claim, written down for how the campaign ends.
    pub(super) fn claimed(&mut self, case: &Case, verdict: &Verdict) {
        let Some(part) = &case.part else { return };
        let name = (case.suite.clone(), part.campaign.clone());
        match verdict.finding().map(|finding| finding.rule) {
            None => drop(self.campaigns.claims.insert(name, "shown".into())),
            Some(Rule::ClaimNotShown) => drop(self.campaigns.claims.insert(name, "not shown".into())),
            Some(Rule::ClaimRefuted) => drop(self.campaigns.claims.insert(name, "refuted".into())),
            Some(_) => {}
        }
    }
}

/// Whether the module had found its image to be the one that the delta is for: it had begun to patch before the cut, or it
/// runs the new version, or the cut left nothing and the same update was done again, to its end.
fn took_the_delta(judged: &Judged) -> bool {
    let Some(phase) = judged.landed.as_ref().and_then(|landed| landed.phase) else {
        return false;
    };
    let done = matches!(judged.outcome, Some(Outcome::New | Outcome::NewAfterResume))
        || phase.after_cut() == AfterCut::SourceStays;
    matches!(phase, Phase::Updating { .. } | Phase::Ended { code: 0 })
        || (judged.verdict == Verdict::Pass && done)
}

/// Whether the same slot is cut once more: its cut did not land where it was meant to, and the module did nothing wrong.
pub(super) fn to_be_made_up(case: &Case, judged: &Judged) -> bool {
    let Some(slot) = case.slot() else {
        return false;
    };
    let elsewhere = match &judged.verdict {
        Verdict::Pass => !slot.holds(&judged.verdict, judged.landed.as_ref()),
        Verdict::Inconclusive(finding) => match finding.rule {
            // The first was made where it was meant to be; it is one in the resume that was not.
            Rule::CutMissed => judged
                .landed
                .as_ref()
                .is_some_and(|landed| landed.phase.is_none()),
            Rule::CutLate | Rule::FinishedBeforeCut => true,
            _ => false,
        },
        _ => false,
    };
    elsewhere && judged.landed.is_some()
}
