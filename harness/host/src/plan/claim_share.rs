//! Shares of a claim's cuts over all of its runs: no module makes more than twice the even share of the modules of all of them.

use crate::plan::Planned;
use crate::plan::earlier::{Earlier, EarlierShare};
use dfota_core::campaign::Role;
use dfota_core::case::Case;
use dfota_core::pool::quota;
use std::collections::BTreeSet;

/// What the modules of all runs may make of a claim.
#[derive(Debug)]
pub struct ClaimShares {
    /// Cuts of the claim: those of this run, and those that earlier runs have made.
    pub cuts: u32,
    /// The modules of all runs. One on each rig of this run, and those that earlier runs had there.
    pub modules: u32,
    /// Cuts that one module may make.
    pub quota: u32,
    earlier: Vec<EarlierShare>,
}

impl ClaimShares {
    /// For a run that has so many cuts left to make on these rigs.
    pub fn new(left: u32, rigs: &[&str], earlier: Vec<EarlierShare>) -> Self {
        let count = |modules: usize| u32::try_from(modules).unwrap_or(u32::MAX);
        let before = |rig: &str| earlier.iter().filter(|share| share.rig == rig).count();
        let here: usize = rigs.iter().map(|rig| before(rig).max(1)).sum();
        let elsewhere = earlier.iter().filter(|share| !rigs.contains(&share.rig.as_str()));
        let modules = count(here + elsewhere.count());
        let cuts = left + earlier.iter().map(|share| share.cuts).sum::<u32>();
        Self {
            cuts,
            modules,
            quota: quota(cuts, modules).min(cuts),
            earlier,
        }
    }

    /// The most that a module of this rig has made in earlier runs.
    pub fn had(&self, rig: &str) -> u32 {
        let own = self.earlier.iter().filter(|share| share.rig == rig);
        own.map(|share| share.cuts).max().unwrap_or(0)
    }

    /// Whether earlier runs made cuts on another rig than this one.
    fn has_others(&self, rig: &str) -> bool {
        self.earlier.iter().any(|share| share.rig != rig)
    }

    /// Warns of modules that have made more than the modules of all runs allow: nothing can mend that any more.
    pub fn warnings(&self, suite: &str, campaign: &str) -> Vec<String> {
        let Self {
            cuts,
            modules,
            quota,
            earlier,
        } = self;
        let over = earlier.iter().filter(|share| share.cuts > *quota);
        over.map(|share| {
            format!(
                "{suite}::{campaign}: the module on `{}` made {} of the claim's {cuts} cuts in earlier runs; with {modules} modules none may make more than {quota}, so the claim would stay open: go on with fewer rigs",
                share.rig, share.cuts
            )
        })
        .collect()
    }
}

/// A claim among the cases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ClaimName {
    suite: String,
    campaign: String,
}

/// Leaves the cuts out that the module of the one rig must not make, because other modules have a share in the claim. Gives
/// warnings.
pub fn limit(cases: &mut [Planned], rig: &str, earlier: &Earlier) -> Vec<String> {
    let claims: BTreeSet<ClaimName> = cases
        .iter()
        .filter(|planned| planned.skip.is_none() && is_drawn(&planned.case))
        .filter_map(|planned| name(&planned.case))
        .collect();
    let mut warnings = Vec::new();
    for claim in claims {
        let left = cases.iter().filter(|planned| {
            planned.skip.is_none() && is_drawn(&planned.case) && name(&planned.case).as_ref() == Some(&claim)
        });
        let left = u32::try_from(left.count()).unwrap_or(u32::MAX);
        let shares = ClaimShares::new(left, &[rig], earlier.shares(&claim.suite, &claim.campaign));
        // One module alone makes all of them.
        if shares.has_others(rig) {
            warnings.extend(shares.warnings(&claim.suite, &claim.campaign));
            leave_out(cases, &claim, rig, &shares);
        }
    }
    warnings
}

fn leave_out(cases: &mut [Planned], claim: &ClaimName, rig: &str, shares: &ClaimShares) {
    let mut may_make = shares.quota.saturating_sub(shares.had(rig));
    let (mut has_cuts, mut has_left_out) = (false, false);
    let own = |planned: &&mut Planned| planned.skip.is_none() && name(&planned.case).as_ref() == Some(claim);
    for planned in cases.iter_mut().filter(own) {
        let reason = match planned.case.part.as_ref().map(|part| &part.role) {
            Some(Role::Cut(_)) if is_drawn(&planned.case) && may_make == 0 => {
                has_left_out = true;
                format!(
                    "the module on `{rig}` has its share of the claim's cuts ({} of {}, {} modules): another rig has to make it",
                    shares.quota, shares.cuts, shares.modules
                )
            }
            Some(Role::Cut(slot)) => {
                may_make -= u32::from(slot.claim.is_some());
                has_cuts = true;
                continue;
            }
            Some(Role::Control) if !has_cuts && has_left_out => {
                "the cuts that it closes are left to other rigs".to_owned()
            }
            Some(Role::Control) => {
                has_cuts = false;
                continue;
            }
            _ => continue,
        };
        planned.skip = Some(reason);
        planned.updates = 0;
    }
}

fn name(case: &Case) -> Option<ClaimName> {
    Some(ClaimName {
        suite: case.suite.clone(),
        campaign: case.part.as_ref()?.campaign.clone(),
    })
}

/// Whether the case is a cut that is drawn for a claim.
fn is_drawn(case: &Case) -> bool {
    case.slot().is_some_and(|slot| slot.claim.is_some())
}
