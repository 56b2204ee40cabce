//! Divides the cases of a plan into batches.

use super::{Batch, RigCalibration};
use crate::config::rig::Rig;
use crate::plan::Planned;
use crate::plan::estimate::closing_time;
use crate::plan::planner::LaidCase;
use dfota_core::campaign::Role;
use dfota_core::case::Case;
use dfota_core::expect::Expect;
use dfota_core::folder_name;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The real time of a batch: so much is lost with a rig.
const USUAL_MS: u64 = 30 * 60 * 1000;
/// Longest real time of a batch of more than one part.
pub(super) const MOST_MS: u64 = 2 * 60 * 60 * 1000;
/// Batches that a rig has at least on average, so that no rig waits for another one for long.
const EACH: u64 = 3;
/// Characters of a suite's name in the name of a batch: it is that of a folder.
const NAME: usize = 100;

/// What one batch is made of, and what belongs in other ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey<'l> {
    suite: &'l str,
    /// The campaign, and which of several runs of it.
    campaign: Option<Turn<'l>>,
    rigs: Vec<usize>,
}

/// A campaign, and which of several runs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn<'l> {
    suite: &'l str,
    campaign: &'l str,
    run: u32,
}

/// Cases that stay together: one, or a block of cuts with the control that closes it.
#[derive(Debug, Default)]
struct Unit<'l> {
    cases: Vec<&'l Planned>,
    module_ms: u64,
    /// Nothing after it is needed to prove its cuts.
    closes: bool,
}

/// Units of one kind, in order.
struct Group<'l> {
    key: GroupKey<'l>,
    units: Vec<Unit<'l>>,
}

pub(super) struct Batching<'l> {
    groups: Vec<Group<'l>>,
    calibrations: BTreeMap<Turn<'l>, Vec<RigCalibration>>,
    rigs: &'l [Rig],
}

impl<'l> Batching<'l> {
    pub(super) fn new(laid: &'l [LaidCase], rigs: &'l [Rig]) -> Self {
        let mut batching = Self {
            groups: Vec::new(),
            calibrations: BTreeMap::new(),
            rigs,
        };
        let mut found = BTreeMap::new();
        let mut open: Option<Block<'l>> = None;
        for laid in laid.iter().filter(|laid| !laid.rigs.is_empty()) {
            let case = &laid.planned.case;
            let Some(part) = &case.part else {
                batching.close(&mut found, open.take());
                batching.add(&mut found, group_of(laid), Unit::single(&laid.planned));
                continue;
            };
            let turn = Turn {
                suite: &case.suite,
                campaign: &part.campaign,
                run: laid.run,
            };
            if open.as_ref().is_some_and(|open| open.turn != turn) {
                batching.close(&mut found, open.take());
            }
            match part.role {
                Role::Calibration => {
                    let own = laid.rigs.iter().map(|rig| RigCalibration {
                        rig: *rig,
                        planned: laid.planned.clone(),
                    });
                    batching.calibrations.entry(turn).or_default().extend(own);
                }
                Role::Cut(_) => open.get_or_insert_with(|| Block::new(turn)).add(laid),
                Role::Control => {
                    let mut block = open.take().unwrap_or_else(|| Block::new(turn));
                    block.add(laid);
                    block.unit.closes = true;
                    batching.close(&mut found, Some(block));
                }
                // No rig does it: the run judges it.
                Role::Claim(_) => {}
            }
        }
        batching.close(&mut found, open);
        batching
    }

    fn close(&mut self, found: &mut BTreeMap<GroupKey<'l>, usize>, block: Option<Block<'l>>) {
        if let Some(Block { turn, rigs, unit }) = block {
            let key = GroupKey {
                suite: turn.suite,
                campaign: Some(turn),
                rigs: rigs.unwrap_or_default(),
            };
            self.add(found, key, unit);
        }
    }

    fn add(&mut self, found: &mut BTreeMap<GroupKey<'l>, usize>, key: GroupKey<'l>, unit: Unit<'l>) {
        let at = *found.entry(key.clone()).or_insert_with(|| {
            self.groups.push(Group {
                key,
                units: Vec::new(),
            });
            self.groups.len() - 1
        });
        self.groups[at].units.push(unit);
    }

    /// The batches, those of one kind in the order of their cases.
    pub(super) fn batches(&self) -> Vec<Batch> {
        let limit = self.limit_ms();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut batches = Vec::new();
        for group in &self.groups {
            let speed = self.slowest(&group.key.rigs);
            for range in divide(&group.units, |unit| real_ms(unit.module_ms, speed), limit) {
                let name: String = folder_name::plain(group.key.suite).chars().take(NAME).collect();
                let count = counts.entry(name.clone()).or_default();
                *count += 1;
                batches.push(self.batch(format!("{name}-{count}"), group, range, speed));
            }
        }
        batches
    }

    fn batch(&self, name: String, group: &Group<'l>, range: Range<usize>, speed: f64) -> Batch {
        let units = &group.units[range];
        let cases: Vec<Planned> = units
            .iter()
            .flat_map(|unit| &unit.cases)
            .copied()
            .cloned()
            .collect();
        let key = &group.key;
        let closing = self.closing(key, &cases);
        let module_ms = units.iter().map(|unit| unit.module_ms).sum::<u64>() + closing.module_ms;
        let calibrations = key.campaign.and_then(|turn| self.calibrations.get(&turn));
        let own = |calibration: &&RigCalibration| key.rigs.contains(&calibration.rig);
        let claim_cuts = cases.iter().filter(|planned| counts(&planned.case)).count();
        Batch {
            name,
            suite: key.suite.to_owned(),
            campaign: key.campaign.map(|turn| turn.campaign.to_owned()),
            calibrations: calibrations.into_iter().flatten().filter(own).cloned().collect(),
            rigs: key.rigs.clone(),
            claim_cuts: u32::try_from(claim_cuts).unwrap_or(u32::MAX),
            module_ms,
            real_ms: real_ms(module_ms, speed),
            updates: cases.iter().map(|planned| planned.updates).sum::<u32>() + closing.updates,
            cases,
        }
    }

    /// The update at the end of a batch that proves the image which the last case left. A block of a campaign has its control.
    fn closing(&self, key: &GroupKey<'l>, cases: &[Planned]) -> ClosingUpdate {
        let is_run = |planned: &&Planned| planned.skip.is_none();
        match cases.iter().rfind(is_run).filter(|_| key.campaign.is_none()) {
            Some(last) => {
                let discharges = key.rigs.iter().map(|rig| self.rigs[*rig].discharge());
                let takes = closing_time(&last.case, discharges.max().unwrap_or_default());
                ClosingUpdate {
                    module_ms: u64::try_from(takes.as_millis()).unwrap_or(u64::MAX),
                    updates: 1,
                }
            }
            None => ClosingUpdate::default(),
        }
    }

    /// The real time that a batch may take.
    fn limit_ms(&self) -> u64 {
        let rigs: BTreeSet<usize> = self
            .groups
            .iter()
            .flat_map(|group| group.key.rigs.iter().copied())
            .collect();
        let real = |group: &Group<'l>| {
            let speed = self.slowest(&group.key.rigs);
            let module_ms = group.units.iter().map(|unit| unit.module_ms).sum();
            real_ms(module_ms, speed)
        };
        let total: u64 = self.groups.iter().map(real).sum();
        USUAL_MS.min(total / (EACH * rigs.len().max(1) as u64))
    }

    fn slowest(&self, rigs: &[usize]) -> f64 {
        let speeds = rigs.iter().map(|rig| self.rigs[*rig].speed());
        speeds.reduce(f64::min).unwrap_or(1.0)
    }
}

/// What the update at the end of a batch is likely to cost.
#[derive(Debug, Clone, Copy, Default)]
struct ClosingUpdate {
    module_ms: u64,
    updates: u32,
}

/// A block of a campaign that no control has closed yet.
struct Block<'l> {
    turn: Turn<'l>,
    /// Those that can run all of it.
    rigs: Option<Vec<usize>>,
    unit: Unit<'l>,
}

impl<'l> Block<'l> {
    fn new(turn: Turn<'l>) -> Self {
        Self {
            turn,
            rigs: None,
            unit: Unit::default(),
        }
    }

    fn add(&mut self, laid: &'l LaidCase) {
        match &mut self.rigs {
            Some(rigs) => rigs.retain(|rig| laid.rigs.contains(rig)),
            none => *none = Some(laid.rigs.clone()),
        }
        self.unit.cases.push(&laid.planned);
        self.unit.module_ms += laid.planned.module_ms;
    }
}

impl<'l> Unit<'l> {
    fn single(planned: &'l Planned) -> Self {
        let case = &planned.case;
        Self {
            cases: vec![planned],
            module_ms: planned.module_ms,
            closes: case.cut.is_none() && case.expect == Expect::success(),
        }
    }
}

fn group_of(laid: &LaidCase) -> GroupKey<'_> {
    GroupKey {
        suite: &laid.planned.case.suite,
        campaign: None,
        rigs: laid.rigs.clone(),
    }
}

/// Whether a claim counts the case's cut.
fn counts(case: &Case) -> bool {
    case.slot().is_some_and(|slot| slot.claim.is_some())
}

fn real_ms(module_ms: u64, speed: f64) -> u64 {
    (module_ms as f64 / speed) as u64
}

/// Where the units are divided. A batch is at most `limit` long, but for one unit that is longer; where its last cut would be
/// proven by none of its own cases, it ends a little earlier or later if that helps.
fn divide(units: &[Unit<'_>], real_ms: impl Fn(&Unit<'_>) -> u64, limit: u64) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < units.len() {
        let mut end = start + 1;
        let mut takes = real_ms(&units[start]);
        while end < units.len() && takes + real_ms(&units[end]) <= limit {
            takes += real_ms(&units[end]);
            end += 1;
        }
        if !units[end - 1].closes {
            let half = start + (end - start).div_ceil(2);
            let earlier = || (half..end).rev().find(|end| units[*end - 1].closes);
            let longest = MOST_MS.min(limit + limit / 2);
            end = later(&units[end..], &real_ms, takes, longest)
                .map(|more| end + more)
                .or_else(earlier)
                .unwrap_or(end);
        }
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// How many units more until one closes: one, or as many as fit into `longest`.
fn later(
    units: &[Unit<'_>],
    real_ms: impl Fn(&Unit<'_>) -> u64,
    mut takes: u64,
    longest: u64,
) -> Option<usize> {
    for (n, unit) in units.iter().enumerate() {
        takes += real_ms(unit);
        if takes > if n == 0 { MOST_MS } else { longest } {
            return None;
        }
        if unit.closes {
            return Some(n + 1);
        }
    }
    None
}
