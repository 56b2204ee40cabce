//! Who does what, as far as it can be expected: the longest batch first, to the rig that is done with it first.

use super::{Batch, ClaimQuota, FleetRig};
use crate::config::rig::{Rig, module_word};
use crate::plan::Planned;
use std::collections::{BTreeMap, HashSet};

/// The rigs, each with its expected share of the batches.
pub(super) fn spread(
    rigs: &[Rig],
    batches: &[Batch],
    order: &[usize],
    quotas: &[ClaimQuota],
) -> Vec<FleetRig> {
    let mut loads: Vec<Load<'_>> = rigs.iter().map(Load::new).collect();
    for batch in order.iter().map(|at| &batches[*at]) {
        let quota = ClaimQuota::find(quotas, batch);
        let may = |rig: &usize| quota.is_none_or(|quota| loads[*rig].may_take(batch, quota, *rig));
        let allowed = batch.rigs.iter().copied().filter(may);
        let first = allowed.min_by_key(|rig| loads[*rig].end_with(batch, *rig));
        // Quotas leave a rig for every batch: should they not, the estimate goes on without them.
        if let Some(rig) = first.or_else(|| batch.rigs.first().copied()) {
            loads[rig].take(batch, rig);
        }
    }
    loads.into_iter().map(|load| load.rig).collect()
}

/// What a rig has so far.
struct Load<'b> {
    rig: FleetRig,
    /// Ids of the calibrations that it has made.
    calibrated: HashSet<&'b str>,
    /// Cuts for each claim, by suite and campaign.
    cuts: BTreeMap<(&'b str, &'b str), u32>,
}

impl<'b> Load<'b> {
    fn new(rig: &Rig) -> Self {
        Self {
            rig: FleetRig {
                name: rig.name.clone(),
                module: module_word(rig.module),
                speed: rig.speed(),
                batches: Vec::new(),
                cases: 0,
                updates: 0,
                real_ms: 0,
                standing: None,
            },
            calibrated: HashSet::new(),
            cuts: BTreeMap::new(),
        }
    }

    fn may_take(&self, batch: &Batch, quota: &ClaimQuota, rig: usize) -> bool {
        let had = quota.had.get(&rig).copied().unwrap_or(0);
        let made = had + self.cuts.get(&claim(batch)).copied().unwrap_or(0);
        made.saturating_add(batch.claim_cuts) <= quota.quota
    }

    /// The calibrations that have to be made before the batch.
    fn missing(&self, batch: &'b Batch, rig: usize) -> impl Iterator<Item = &'b Planned> {
        let made = |planned: &&Planned| self.calibrated.contains(planned.case.id.as_str());
        batch.calibrations_on(rig).filter(move |planned| !made(planned))
    }

    fn end_with(&self, batch: &'b Batch, rig: usize) -> u64 {
        let calibrations: u64 = self.missing(batch, rig).map(|planned| planned.real_ms).sum();
        let own = (batch.module_ms as f64 / self.rig.speed) as u64;
        self.rig.real_ms + calibrations + own
    }

    fn take(&mut self, batch: &'b Batch, rig: usize) {
        self.rig.real_ms = self.end_with(batch, rig);
        let missing: Vec<&Planned> = self.missing(batch, rig).collect();
        self.rig.cases += batch.cases.len() + missing.len();
        self.rig.updates += batch.updates + missing.iter().map(|planned| planned.updates).sum::<u32>();
        self.rig.batches.push(batch.name.clone());
        *self.cuts.entry(claim(batch)).or_default() += batch.claim_cuts;
        self.calibrated
            .extend(missing.iter().map(|planned| planned.case.id.as_str()));
    }
}

/// The claim that a batch makes cuts for.
fn claim(batch: &Batch) -> (&str, &str) {
    (&batch.suite, batch.campaign.as_deref().unwrap_or_default())
}
