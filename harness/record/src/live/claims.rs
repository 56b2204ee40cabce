//! The claims of a run that goes on: what its cuts say so far, by module, and what is open.
//!
//! The report would have the same numbers if it were made now. The page judges nothing: only the claim's own case does.

use super::pools::LivePools;
use crate::report::campaigns::CampaignReport;
use dfota_core::campaign::{CampaignPart, Role, Tallied};
use dfota_core::case::Case;
use dfota_core::claim::{Claim, ClaimStatus};
use dfota_core::event::{CaseEnded, Event};
use dfota_core::pool::{PoolGap, PoolTally};
use dfota_core::pool_fold::PoolFold;
use dfota_core::verdict::Verdict;
use std::collections::BTreeMap;

/// A campaign of a suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct CampaignName {
    suite: String,
    campaign: String,
}

#[derive(Debug, Default)]
struct LiveCampaign {
    claim: Option<ClaimCase>,
    cuts: Vec<Tallied>,
}

/// The case that judges a claim.
#[derive(Debug)]
struct ClaimCase {
    id: String,
    claim: Claim,
    verdict: Option<Verdict>,
}

/// A campaign as the page shows it.
#[derive(Debug)]
pub(super) struct ClaimView {
    pub(super) report: CampaignReport,
    /// Cuts that have to count.
    pub(super) needed: Option<u32>,
    /// Cuts that were ordered, and of which nobody knows what they did.
    pub(super) open: usize,
    /// Where it stands, for people.
    pub(super) standing: String,
    status: Option<ClaimStatus>,
    /// Its own case has ended.
    is_judged: bool,
}

impl ClaimView {
    /// Whether anything bounds the rate.
    pub(super) fn has_bounds(&self) -> bool {
        self.report.claim.is_some() && (self.report.counted_cuts().cuts > 0 || self.open > 0)
    }

    /// For the colour of where it stands: `shown`, `bad`, or `open`.
    pub(super) fn kind(&self) -> &'static str {
        match self.status {
            Some(ClaimStatus::Refuted | ClaimStatus::NotShown { .. }) => "bad",
            Some(ClaimStatus::Shown) if self.is_judged => "shown",
            _ if self.open > 0 => "gap",
            _ => "open",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct LiveClaims {
    campaigns: BTreeMap<CampaignName, LiveCampaign>,
    pools: LivePools,
}

impl LiveClaims {
    fn plan(&mut self, case: &Case) {
        let Some(CampaignPart { campaign, role }) = &case.part else {
            return;
        };
        let known = self.campaign(&case.suite, campaign);
        if let (Role::Claim(claim), None) = (role, &known.claim) {
            known.claim = Some(ClaimCase {
                id: case.id.clone(),
                claim: *claim,
                verdict: None,
            });
        }
    }

    fn campaign(&mut self, suite: &str, campaign: &str) -> &mut LiveCampaign {
        let name = CampaignName {
            suite: suite.to_owned(),
            campaign: campaign.to_owned(),
        };
        self.campaigns.entry(name).or_default()
    }

    /// Takes an event of the run's own journal, or of the part of a `rig`; whether it may change what is shown.
    pub(super) fn on(&mut self, rig: Option<&str>, event: &Event) -> bool {
        if !PoolFold::concerns(event) {
            return false;
        }
        self.pools.on(rig, event);
        match event {
            Event::CasePlanned { case, .. } => self.plan(case),
            // Each part has the cuts of earlier runs as well.
            Event::Tallied(cut) if cut.run.is_none() || rig.is_none() => {
                self.campaign(&cut.suite, &cut.campaign).cuts.push(cut.clone());
            }
            Event::CaseEnded(ended) => self.judge(ended),
            _ => {}
        }
        !self.campaigns.is_empty()
    }

    fn judge(&mut self, ended: &CaseEnded) {
        for (name, campaign) in &mut self.campaigns {
            if let Some(claim) = &mut campaign.claim
                && name.suite == ended.suite
                && claim.id == ended.id
            {
                claim.verdict = Some(ended.verdict.clone());
            }
        }
    }

    pub(super) fn views(&self) -> Vec<ClaimView> {
        if self.campaigns.is_empty() {
            return Vec::new();
        }
        let pools = self.pools.now();
        let view = |(name, campaign): (&CampaignName, &LiveCampaign)| {
            let pool = pools
                .is_pooled(&name.suite, &name.campaign)
                .then(|| pools.pool(&name.suite, &name.campaign));
            campaign.view(name, pool.as_ref())
        };
        self.campaigns.iter().map(view).collect()
    }
}

impl LiveCampaign {
    fn view(&self, name: &CampaignName, pool: Option<&PoolTally>) -> ClaimView {
        let claim = self.claim.as_ref().map(|case| case.claim);
        let report = CampaignReport::new(&name.suite, &name.campaign, claim).with(&self.cuts, pool);
        let counted = report.counted_cuts();
        let status = claim.map(|claim| match pool {
            Some(pool) => pool.status(&claim),
            None => claim.status(counted.bricks, counted.cuts),
        });
        ClaimView {
            needed: claim.map(|claim| claim.cuts()),
            open: report.open_attempts(),
            standing: self.standing(status, pool),
            status,
            is_judged: self.verdict().is_some(),
            report,
        }
    }

    fn verdict(&self) -> Option<&Verdict> {
        self.claim.as_ref()?.verdict.as_ref()
    }

    fn standing(&self, status: Option<ClaimStatus>, pool: Option<&PoolTally>) -> String {
        if let Some(verdict) = self.verdict() {
            let why = verdict.finding().map(|finding| finding.sentence.as_str());
            return match (verdict, why) {
                (Verdict::Pass, _) => "shown".into(),
                (_, Some(why)) => why.to_owned(),
                (verdict, None) => verdict.name().replace('-', " "),
            };
        }
        match status {
            None => "no claim is made: the cuts are at chosen places".into(),
            Some(ClaimStatus::Refuted) => "refuted by the cuts so far".into(),
            Some(ClaimStatus::NotShown { survives: 0 }) => {
                "a cut bricked a module, and the claim survives none: these cuts cannot show it any more"
                    .into()
            }
            Some(ClaimStatus::NotShown { survives }) => {
                format!(
                    "more bricks than the {survives} that it survives: these cuts cannot show it any more"
                )
            }
            Some(ClaimStatus::Open { more }) => why_open(more, pool),
            Some(ClaimStatus::Shown) => why_open(0, pool),
        }
    }
}

/// Why nothing can be said yet. That not every slot is judged goes without saying before the run is over.
fn why_open(more: u32, pool: Option<&PoolTally>) -> String {
    let gaps = pool.into_iter().flat_map(PoolTally::gaps);
    let mut reasons: Vec<String> = gaps
        .filter(|gap| !matches!(gap, PoolGap::Slots { .. }))
        .map(|gap| gap.to_string())
        .collect();
    match more {
        0 if reasons.is_empty() => {
            return "open: enough cuts count; it is judged when all that were laid out are".into();
        }
        0 => {}
        1 => reasons.push("1 more cut has to count".into()),
        more => reasons.push(format!("{more} more cuts have to count")),
    }
    format!("open: {}", reasons.join("; "))
}
