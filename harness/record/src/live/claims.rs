//! The claims of a run that goes on: what its cuts say so far, by module, and what is open.
//!
//! The page judges nothing: only the claim's own case does. What is shown before is the number of cuts that count, the bounds
//! that they give now, and why nothing can be said yet.

use super::tile::ModuleKey;
use dfota_core::campaign::{CampaignPart, Count, Role, Tallied, Tally};
use dfota_core::case::Case;
use dfota_core::claim::{Claim, ClaimStatus};
use dfota_core::event::{CaseEnded, Event, Record};
use dfota_core::verdict::Verdict;
use std::collections::BTreeMap;

/// A campaign of a suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CampaignName {
    pub(super) suite: String,
    pub(super) campaign: String,
}

#[derive(Debug, Default)]
struct LiveCampaign {
    claim: Option<ClaimCase>,
    /// Ids of its cuts that are drawn for the claim.
    slots: Vec<String>,
    cuts: Vec<TalliedBy>,
    open: Vec<OpenAttempt>,
}

/// The case that judges a claim.
#[derive(Debug)]
struct ClaimCase {
    id: String,
    claim: Claim,
    verdict: Option<Verdict>,
}

#[derive(Debug)]
struct TalliedBy {
    cut: Tallied,
    module: Option<ModuleKey>,
}

/// A cut that had been ordered when its rig was lost, and that has no verdict.
#[derive(Debug)]
struct OpenAttempt {
    case: String,
    module: ModuleKey,
    became: AttemptEnd,
}

/// What an open attempt became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttemptEnd {
    Open,
    /// The same module answered later, and nobody had brought it back: it was no brick.
    Alive,
    /// It had to be brought back, or somebody wrote the attempt off.
    Brick,
}

/// A campaign as the page shows it.
#[derive(Debug)]
pub(super) struct ClaimView {
    pub(super) name: CampaignName,
    pub(super) claim: Option<Claim>,
    pub(super) counted: Count,
    pub(super) directed: Count,
    pub(super) outside: u32,
    /// Cuts that have to count.
    pub(super) needed: Option<u32>,
    pub(super) open: usize,
    pub(super) modules: Vec<ModuleShare>,
    /// Where it stands, for people.
    pub(super) standing: String,
}

/// What one module adds.
#[derive(Debug)]
pub(super) struct ModuleShare {
    pub(super) module: Option<ModuleKey>,
    pub(super) counted: Count,
    pub(super) open: usize,
}

#[derive(Debug, Default)]
pub(super) struct LiveClaims {
    campaigns: BTreeMap<CampaignName, LiveCampaign>,
}

impl LiveClaims {
    pub(super) fn plan(&mut self, case: &Case) {
        let Some(CampaignPart { campaign, role }) = &case.part else {
            return;
        };
        let known = self.campaign(&case.suite, campaign);
        match role {
            Role::Claim(claim) if known.claim.is_none() => {
                known.claim = Some(ClaimCase {
                    id: case.id.clone(),
                    claim: *claim,
                    verdict: None,
                });
            }
            Role::Cut(slot) if slot.claim.is_some() && !known.slots.contains(&case.id) => {
                known.slots.push(case.id.clone());
            }
            _ => {}
        }
    }

    fn campaign(&mut self, suite: &str, campaign: &str) -> &mut LiveCampaign {
        let name = CampaignName {
            suite: suite.to_owned(),
            campaign: campaign.to_owned(),
        };
        self.campaigns.entry(name).or_default()
    }

    /// Takes a record of a module; whether it changes what is shown.
    pub(super) fn on(&mut self, module: Option<&ModuleKey>, record: &Record) -> bool {
        match (&record.event, module) {
            (Event::Tallied(cut), _) => self.tally(cut, module),
            (Event::CaseEnded(ended), _) => self.judge(ended),
            (Event::Identity { imei, .. }, Some(module)) => {
                let imei = imei.as_ref().map(|imei| imei.as_str());
                // A masked number may be that of any module.
                let same = |open: &OpenAttempt| {
                    let known = open.module.imei.as_deref();
                    known.is_some_and(|known| Some(known) == imei && !known.contains('*'))
                };
                self.settle(AttemptEnd::Alive, |_, open| {
                    open.module.rig == module.rig && same(open)
                })
            }
            (Event::Recovered { .. }, Some(module)) => {
                self.settle(AttemptEnd::Brick, |_, open| open.module.rig == module.rig)
            }
            _ => false,
        }
    }

    fn tally(&mut self, cut: &Tallied, module: Option<&ModuleKey>) -> bool {
        let known = self.campaign(&cut.suite, &cut.campaign);
        // Each part of a run may tell the cuts of earlier runs again.
        let told = cut.run.is_some() && known.cuts.iter().any(|known| known.cut == *cut);
        if !told {
            known.cuts.push(TalliedBy {
                cut: cut.clone(),
                module: match cut.run {
                    None => module.cloned(),
                    Some(_) => cut.module.as_deref().map(ModuleKey::named),
                },
            });
        }
        !told
    }

    fn judge(&mut self, ended: &CaseEnded) -> bool {
        for (name, campaign) in &mut self.campaigns {
            if let Some(claim) = &mut campaign.claim
                && name.suite == ended.suite
                && claim.id == ended.id
            {
                claim.verdict = Some(ended.verdict.clone());
                return true;
            }
        }
        false
    }

    /// A rig was lost with these cases open.
    pub(super) fn lose(&mut self, suite: &str, cases: &[String], module: &ModuleKey) {
        for (name, campaign) in &mut self.campaigns {
            let of_it = |case: &&String| name.suite == suite && campaign.slots.contains(case);
            let open: Vec<OpenAttempt> = cases
                .iter()
                .filter(of_it)
                .map(|case| OpenAttempt {
                    case: case.clone(),
                    module: module.clone(),
                    became: AttemptEnd::Open,
                })
                .collect();
            campaign.open.extend(open);
        }
    }

    pub(super) fn write_off(&mut self, suite: &str, case: &str) {
        self.settle(AttemptEnd::Brick, |name, open| {
            name.suite == suite && open.case == case
        });
    }

    fn settle(&mut self, as_what: AttemptEnd, is: impl Fn(&CampaignName, &OpenAttempt) -> bool) -> bool {
        let mut settled = false;
        for (name, campaign) in &mut self.campaigns {
            for open in &mut campaign.open {
                if open.became == AttemptEnd::Open && is(name, open) {
                    open.became = as_what;
                    settled = true;
                }
            }
        }
        settled
    }

    pub(super) fn views(&self) -> Vec<ClaimView> {
        self.campaigns
            .iter()
            .map(|(name, campaign)| campaign.view(name))
            .collect()
    }
}

impl LiveCampaign {
    fn view(&self, name: &CampaignName) -> ClaimView {
        let tally = tally_of(self.cuts.iter());
        let became = |end: AttemptEnd| self.open.iter().filter(|open| open.became == end).count();
        let (open, bricks) = (became(AttemptEnd::Open), became(AttemptEnd::Brick) as u32);
        let counted = with_bricks(tally.counted, bricks);
        let claim = self.claim.as_ref().map(|case| case.claim);
        ClaimView {
            name: name.clone(),
            claim,
            counted,
            directed: tally.directed,
            outside: tally.outside.cuts,
            needed: claim.map(|claim| claim.cuts()),
            open,
            modules: self.modules(),
            standing: self.standing(counted, open),
        }
    }

    fn standing(&self, counted: Count, open: usize) -> String {
        let Some(case) = &self.claim else {
            return "no claim is made: the cuts are at chosen places".into();
        };
        match &case.verdict {
            Some(Verdict::Pass) => return "shown".into(),
            Some(verdict) => {
                let why = verdict.finding().map(|finding| finding.sentence.as_str());
                return why.map_or_else(|| verdict.name().replace('-', " "), str::to_owned);
            }
            None => {}
        }
        match case.claim.status(counted.bricks, counted.cuts) {
            ClaimStatus::Refuted => "refuted by the cuts so far".into(),
            ClaimStatus::NotShown { survives } => {
                format!(
                    "more bricks than the {survives} that it survives: these cuts cannot show it any more"
                )
            }
            _ if open > 0 => format!(
                "open: {open} ordered cut(s) have no verdict; each counts as a brick if it is written off"
            ),
            ClaimStatus::Open { more } => format!("open: {more} more cuts have to count"),
            ClaimStatus::Shown => {
                "open: enough cuts count; it is judged when all that were laid out are".into()
            }
        }
    }

    fn modules(&self) -> Vec<ModuleShare> {
        let mut by: BTreeMap<Option<&ModuleKey>, Vec<&TalliedBy>> = BTreeMap::new();
        for cut in &self.cuts {
            by.entry(cut.module.as_ref()).or_default().push(cut);
        }
        for open in &self.open {
            by.entry(Some(&open.module)).or_default();
        }
        let share = |(module, cuts): (Option<&ModuleKey>, Vec<&TalliedBy>)| {
            let of_it = self.open.iter().filter(|open| Some(&open.module) == module);
            let became = |end: AttemptEnd| of_it.clone().filter(|open| open.became == end).count();
            let counted = tally_of(cuts.into_iter()).counted;
            ModuleShare {
                module: module.cloned(),
                counted: with_bricks(counted, became(AttemptEnd::Brick) as u32),
                open: became(AttemptEnd::Open),
            }
        };
        by.into_iter().map(share).collect()
    }
}

/// A brick that was never judged is one cut more.
fn with_bricks(count: Count, bricks: u32) -> Count {
    Count {
        cuts: count.cuts + bricks,
        bricks: count.bricks + bricks,
        failed: count.failed + bricks,
    }
}

fn tally_of<'c>(cuts: impl Iterator<Item = &'c TalliedBy>) -> Tally {
    let cuts: Vec<Tallied> = cuts.map(|by| by.cut.clone()).collect();
    Tally::from_cuts(&cuts)
}
