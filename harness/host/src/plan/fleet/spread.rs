//! Who does what, as far as it can be expected: the queue of a run, played through with the times of the plan.

use super::{Batch, CANARY, ClaimQuota, FleetRig, packages};
use crate::config::rig::{Rig, module_word};
use crate::config::suite::Suite;
use crate::plan::Planned;
use dfota_core::fleet::{BatchResult, Fleet, FleetRules, QueuedBatch, Take};
use std::collections::{BTreeMap, HashSet};

/// The rigs, each with its expected share of the batches, if every batch passes and none is lost.
pub(super) fn spread(
    suites: &[Suite],
    rigs: &[Rig],
    batches: &[Batch],
    quotas: &[ClaimQuota],
) -> Vec<FleetRig> {
    let mut loads: Vec<Load<'_>> = rigs.iter().map(Load::new).collect();
    let rules = FleetRules {
        canary: CANARY,
        max_bricks: u32::MAX,
        max_possible: u32::MAX,
    };
    let mut fleet = Fleet::new(rigs.iter().map(|rig| rig.name.clone()).collect(), rules);
    let queued = |batch| queued(suites, rigs, quotas, batch);
    fleet.offer(batches.iter().map(queued).collect());
    let mut waiting: BTreeMap<&str, &Batch> =
        batches.iter().map(|batch| (batch.name.as_str(), batch)).collect();
    // When each rig is through with its batch; none where it has none.
    let mut busy: Vec<Option<u64>> = vec![None; rigs.len()];
    let mut now = 0;
    loop {
        for (rig, (load, until)) in loads.iter_mut().zip(&mut busy).enumerate() {
            if until.is_none()
                && let Take::Batch(order) = fleet.take(rig)
                && let Some(batch) = waiting.remove(order.taken.batch.as_str())
            {
                load.take(batch, rig, now);
                *until = Some(load.rig.real_ms);
            }
        }
        let working = busy.iter().enumerate();
        let Some((end, rig)) = working.filter_map(|(rig, end)| Some(((*end)?, rig))).min() else {
            break;
        };
        (now, busy[rig]) = (end, None);
        let result = BatchResult {
            passed: true,
            bricks: 0,
            is_open: false,
        };
        fleet.closed(rig, result);
    }
    // Quotas leave a rig for every batch: should they not, the estimate goes on without them.
    for batch in waiting.into_values() {
        if let Some(rig) = batch.rigs.first().copied() {
            let free = loads[rig].rig.real_ms;
            loads[rig].take(batch, rig, free);
        }
    }
    loads.into_iter().map(|load| load.rig).collect()
}

fn queued(suites: &[Suite], rigs: &[Rig], quotas: &[ClaimQuota], batch: &Batch) -> QueuedBatch {
    let quota = ClaimQuota::find(quotas, batch).filter(|_| batch.claim_cuts > 0);
    QueuedBatch {
        name: batch.name.clone(),
        suite: batch.suite.clone(),
        cases: Vec::new(),
        packages: packages(suites, &batch.suite),
        rigs: batch.rigs.clone(),
        share: quota.map(|quota| quota.share(batch.claim_cuts, rigs)),
        real_ms: batch.real_ms,
    }
}

/// What a rig has so far.
struct Load<'b> {
    rig: FleetRig,
    /// Ids of the calibrations that it has made.
    calibrated: HashSet<&'b str>,
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
        }
    }

    /// The calibrations that have to be made before the batch.
    fn missing(&self, batch: &'b Batch, rig: usize) -> impl Iterator<Item = &'b Planned> {
        let made = |planned: &&Planned| self.calibrated.contains(planned.case.id.as_str());
        batch.calibrations_on(rig).filter(move |planned| !made(planned))
    }

    /// Takes a batch at this time.
    fn take(&mut self, batch: &'b Batch, rig: usize, now: u64) {
        let missing: Vec<&Planned> = self.missing(batch, rig).collect();
        let calibrations: u64 = missing.iter().map(|planned| planned.real_ms).sum();
        self.rig.real_ms = now + calibrations + (batch.module_ms as f64 / self.rig.speed) as u64;
        self.rig.cases += batch.cases.len() + missing.len();
        self.rig.updates += batch.updates + missing.iter().map(|planned| planned.updates).sum::<u32>();
        self.rig.batches.push(batch.name.clone());
        self.calibrated
            .extend(missing.iter().map(|planned| planned.case.id.as_str()));
    }
}
