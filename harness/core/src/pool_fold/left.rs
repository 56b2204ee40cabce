//! The open attempts of a run: for later runs, and for `write-off`.

use super::attempts::{AttemptOn, CutName};
use super::{BrickingCase, PoolFold};
use crate::campaign::{Bin, Tallied};
use crate::cut::Cut;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A cut of a campaign with a claim that was ordered, and of which nobody knows what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCut {
    pub suite: String,
    pub campaign: String,
    pub case: String,
    /// The module, as [`super::module_key`] has it.
    pub module: String,
    /// What was ordered, where the journal has it.
    pub cut: Option<Cut>,
    /// It was drawn for the claim.
    pub drawn: bool,
}

impl OpenCut {
    /// The rig that had the module.
    pub fn rig(&self) -> &str {
        self.module.rsplit_once('/').map_or("", |(rig, _)| rig)
    }

    /// The same attempt as a brick, as a later run of the campaign is told it.
    pub fn as_brick(&self) -> Tallied {
        self.tallied(true)
    }

    fn tallied(&self, brick: bool) -> Tallied {
        Tallied {
            suite: self.suite.clone(),
            campaign: self.campaign.clone(),
            case: self.case.clone(),
            cut: self.cut.clone(),
            landed: None,
            bin: Bin::Missed,
            counts: brick && self.drawn,
            drawn: self.drawn,
            brick,
            failed: brick,
            settled: brick,
            unjudged: !brick,
            run: None,
            module: Some(self.module.clone()),
        }
    }
}

impl PoolFold {
    /// What a later run of the campaigns has to know beside the cuts that are tallied: attempts that this run has left open, and
    /// bricks without a verdict. To be asked when the run's parts are over.
    pub fn left_over(&self) -> Vec<Tallied> {
        let open = self.attempts.left_open().map(|open| (open, false));
        let bricks = self.attempts.bricks().map(|brick| (brick, true));
        open.chain(bricks)
            .filter_map(|(on, brick)| Some(self.of_campaign(on)?.tallied(brick)))
            .chain(self.bricked_without_a_cut())
            .collect()
    }

    /// The modules that something else than a cut of a claim's campaign has bricked: what they left of the claim's slots stays theirs
    /// in a later run as well.
    fn bricked_without_a_cut(&self) -> Vec<Tallied> {
        let claims: BTreeSet<(&str, &str)> = self
            .slots
            .iter()
            .filter(|_| self.is_fleet)
            .map(|slot| (slot.cut.suite.as_str(), slot.campaign.as_str()))
            .collect();
        let of_claim = |(suite, campaign): (&str, &str)| {
            let brick = |brick: &BrickingCase| Tallied {
                suite: suite.into(),
                campaign: campaign.into(),
                case: if brick.cut.suite == suite {
                    brick.cut.case.clone()
                } else {
                    format!("{}::{}", brick.cut.suite, brick.cut.case)
                },
                cut: None,
                landed: None,
                bin: Bin::Missed,
                counts: false,
                drawn: false,
                brick: true,
                failed: true,
                // The next run makes the case again, where it can.
                settled: false,
                unjudged: false,
                run: None,
                module: Some(self.module_of(brick.part)),
            };
            self.bricked_otherwise(suite, campaign)
                .map(brick)
                .collect::<Vec<_>>()
        };
        claims.into_iter().flat_map(of_claim).collect()
    }

    /// Every cut of a campaign with a claim of which nobody knows what it did, also those that earlier runs have left. To be asked when the run's
    /// parts are over.
    pub fn open_cuts(&self) -> Vec<OpenCut> {
        let open = self.attempts.open(None);
        open.iter().filter_map(|on| self.of_campaign(on)).collect()
    }

    /// Whether the case was written off, or turned out to be a brick without a verdict.
    pub fn is_brick_without_verdict(&self, suite: &str, case: &str) -> bool {
        let name = CutName::new(suite, case);
        self.attempts.bricks().any(|brick| brick.cut == name)
    }

    /// The attempt, if it is one at a cut of a campaign with a claim: one that was drawn for it, or a directed one.
    fn of_campaign(&self, on: &AttemptOn) -> Option<OpenCut> {
        let planned = self.index.get(&on.cut).and_then(|at| self.slots.get(*at));
        let earlier = || {
            let mut earlier = self.tallied.iter().map(|on| &on.tallied);
            let cut = earlier.find(|cut| cut.suite == on.cut.suite && cut.case == on.cut.case);
            cut.filter(|cut| cut.drawn).map(|cut| &cut.campaign)
        };
        let drawn = planned.map(|slot| &slot.campaign).or_else(earlier);
        let directed = || {
            let campaign = self.directed.get(&on.cut)?;
            self.has_claim(&on.cut.suite, campaign).then_some(campaign)
        };
        let campaign = drawn.or_else(directed)?;
        Some(OpenCut {
            suite: on.cut.suite.clone(),
            campaign: campaign.clone(),
            case: on.cut.case.clone(),
            module: on.module.clone(),
            cut: self.attempts.order(&on.cut).cloned(),
            drawn: drawn.is_some(),
        })
    }

    /// Whether cuts were drawn for a claim of the campaign, by this run or an earlier one.
    fn has_claim(&self, suite: &str, campaign: &str) -> bool {
        let mut slots = self.slots.iter();
        let mut tallied = self.tallied.iter().map(|on| &on.tallied);
        slots.any(|slot| slot.cut.suite == suite && slot.campaign == campaign)
            || tallied.any(|cut| cut.drawn && cut.suite == suite && cut.campaign == campaign)
    }
}
