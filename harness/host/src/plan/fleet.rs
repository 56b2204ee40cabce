//! What a run on several rigs would do: the cases as one rig would have them, the batches that they are handed out in, and how
//! long all of it takes.

mod batching;
mod fleet_text;
mod spread;

use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::exit::CommandError;
use crate::plan::campaign::{self, CampaignCut, Outline};
use crate::plan::claim_share::ClaimShares;
use crate::plan::earlier::Earlier;
use crate::plan::flags::SelectionFlags;
use crate::plan::planner::{Planner, expand};
use crate::plan::selection::Selection;
use crate::plan::standing::Standing;
use crate::plan::{PlanError, Planned, Totals, parsed};
use batching::Batching;
use dfota_core::fleet::ClaimShare;
use dfota_core::seed::Seed;
use serde::{Serialize, Serializer};
use spread::spread;
use std::collections::{BTreeMap, BTreeSet};

/// Rigs that get a new delta before the others, where nothing else is said.
pub const CANARY: usize = 1;

/// What is let loose on canaries first: the packages of a suite, by their digests. A batch may need any of them to bring a module to
/// the version that a case starts from.
pub fn packages(suites: &[Suite], name: &str) -> Vec<String> {
    let suite = suites.iter().find(|suite| suite.name == name);
    let packages = suite.into_iter().flat_map(|suite| &suite.packages);
    let digests: BTreeSet<&String> = packages.map(|loaded| &loaded.package.sha256).collect();
    digests.into_iter().cloned().collect()
}

/// What a run on several rigs would do.
#[derive(Debug, Clone, Serialize)]
pub struct FleetPlan {
    /// The rigs, in the order in which they were given, each with its expected share.
    pub rigs: Vec<FleetRig>,
    /// The seed that every random choice derives from.
    pub seed: u64,
    /// The user named it. If not, `run` draws another one.
    pub seed_given: bool,
    /// Every case of the run, with the ids and in the order that one rig would have. What each rig does for itself has its
    /// name in the id: calibrations, and the cases of a suite with `on: each`.
    pub cases: Vec<Planned>,
    /// All of them together.
    pub totals: Totals,
    /// What is legal and probably not meant, each with its place.
    pub warnings: Vec<String>,
    pub campaigns: Vec<Outline>,
    /// Every cut that the rigs can make of the campaigns of the plan, selected or not: they are done when these are.
    #[serde(skip)]
    pub slots: Vec<CampaignCut>,
    /// What is handed out, in the order of the cases.
    pub batches: Vec<Batch>,
    /// Numbers of batches, in the order in which they are handed out: the longest first. A canary has the shortest before.
    pub order: Vec<usize>,
    /// How much of each claim one rig may do.
    pub quotas: Vec<ClaimQuota>,
    /// Until the last rig is done, in real time, if nothing is lost: the others wait for the canary.
    pub makespan_ms: u64,
}

/// Cases of one suite that one rig runs in order.
#[derive(Debug, Clone, Serialize)]
pub struct Batch {
    /// Unique in the run, and the name of a folder: `smoke-1`.
    pub name: String,
    pub suite: String,
    /// The campaign whose cuts it has. Such a batch ends with a control run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    #[serde(serialize_with = "ids")]
    pub cases: Vec<Planned>,
    /// The numbers of the rigs that can run it.
    pub rigs: Vec<usize>,
    /// What each of these rigs has to have run before, once.
    #[serde(skip)]
    pub calibrations: Vec<RigCalibration>,
    /// Cuts in it that its campaign's claim counts.
    pub claim_cuts: u32,
    /// The module's time that it is likely to take.
    pub module_ms: u64,
    /// The same in real time, on the slowest of these rigs.
    pub real_ms: u64,
    /// Updates written to flash at most.
    pub updates: u32,
}

/// A calibration of one rig.
#[derive(Debug, Clone)]
pub struct RigCalibration {
    /// The rig's number.
    pub rig: usize,
    pub planned: Planned,
}

/// How much of a claim one rig may do. A module has a share that is fixed beforehand, and at most twice the even one: the
/// claim is about the mean over these modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimQuota {
    pub suite: String,
    pub campaign: String,
    /// Cuts of the claim in this run.
    pub cuts: u32,
    /// Rigs that can make them.
    pub rigs: usize,
    /// Cuts that one rig may make, with those of earlier runs: twice the even share of all modules, or one batch where that is more.
    pub quota: u32,
    /// What earlier runs made on each rig, by its place in the run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub had: BTreeMap<usize, u32>,
}

/// A rig of the run, and what it is expected to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleetRig {
    pub name: String,
    pub module: &'static str,
    /// How much faster than real time its module lives.
    pub speed: f64,
    /// Names of its batches, in order.
    pub batches: Vec<String>,
    /// Cases in them, calibrations included.
    pub cases: usize,
    /// Updates written to the flash of its module, at most.
    pub updates: u32,
    /// Until it is done, in real time, with what it waits for the canary.
    pub real_ms: u64,
    /// How it stands, as far as its state is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

impl Batch {
    /// What this rig has to have run before.
    pub fn calibrations_on(&self, rig: usize) -> impl Iterator<Item = &Planned> {
        let own = self.calibrations.iter().filter(move |own| own.rig == rig);
        own.map(|own| &own.planned)
    }
}

fn ids<S: Serializer>(cases: &[Planned], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(cases.iter().map(|planned| &planned.case.id))
}

impl FleetPlan {
    /// Plans what the flags select; every mistake in them, and nothing selected, is one of usage.
    pub fn select(
        suites: &[Suite],
        rigs: &[Rig],
        flags: &SelectionFlags,
        seed: Seed,
        earlier: &Earlier,
    ) -> Result<Self, CommandError> {
        Self::new(suites, rigs, &parsed(flags, seed)?, earlier).map_err(CommandError::usage)
    }

    /// Plans `suites` on `rigs`. `earlier` is that of all of them.
    pub fn new(
        suites: &[Suite],
        rigs: &[Rig],
        selection: &Selection,
        earlier: &Earlier,
    ) -> Result<Self, PlanError> {
        let expanded = expand(suites, rigs, selection.seed);
        let mut planner = Planner::new(rigs, selection, earlier);
        planner.warnings = suites.iter().flat_map(|suite| suite.warnings.clone()).collect();
        let laid = planner.lay_out(suites, &expanded)?;
        let batches = Batching::new(&laid, rigs).batches();
        let cases: Vec<Planned> = laid.into_iter().map(|laid| laid.planned).collect();
        let mut order: Vec<usize> = (0..batches.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(batches[*at].real_ms));
        let ClaimsShared { quotas, warnings } = quotas(&batches, rigs, earlier);
        planner.warnings.extend(warnings);
        let rigs = spread(suites, rigs, &batches, &quotas);
        let slots = planner.slots(&cases, &expanded);
        let mut warnings = planner.warnings;
        warnings.extend(long_blocks(&batches));
        Ok(Self {
            makespan_ms: rigs.iter().map(|rig| rig.real_ms).max().unwrap_or(0),
            rigs,
            seed: selection.seed.0,
            seed_given: true,
            totals: Totals::new(&cases),
            campaigns: campaign::outlines(&cases, earlier),
            slots,
            warnings,
            quotas,
            cases,
            batches,
            order,
        })
    }

    /// The quota of the claim whose cuts the batch makes.
    pub fn quota(&self, batch: &Batch) -> Option<&ClaimQuota> {
        ClaimQuota::find(&self.quotas, batch)
    }
}

impl ClaimQuota {
    fn find<'q>(quotas: &'q [Self], batch: &Batch) -> Option<&'q Self> {
        let campaign = batch.campaign.as_ref()?;
        quotas
            .iter()
            .find(|quota| quota.suite == batch.suite && quota.campaign == *campaign)
    }

    /// What the queue has to know of it for a batch with so many of its cuts, in a run on these rigs.
    pub fn share(&self, cuts: u32, rigs: &[Rig]) -> ClaimShare {
        let named = |(rig, cuts): (&usize, &u32)| Some((rigs.get(*rig)?.name.clone(), *cuts));
        ClaimShare {
            campaign: self.campaign.clone(),
            cuts,
            quota: self.quota,
            had: self.had.iter().filter_map(named).collect(),
        }
    }
}

/// Warns of blocks that are longer than a batch should be.
fn long_blocks(batches: &[Batch]) -> BTreeSet<String> {
    let long = batches.iter().filter(|batch| batch.real_ms > batching::MOST_MS);
    let told = long.filter_map(|Batch { suite, campaign, .. }| {
        let campaign = campaign.as_ref()?;
        Some(format!(
            "{suite}::{campaign}: a block takes more than two hours, and a rig that is lost loses all of it: a smaller `block` in its `sweep` makes smaller batches"
        ))
    });
    told.collect()
}

/// How the claims of a run are shared.
struct ClaimsShared {
    quotas: Vec<ClaimQuota>,
    warnings: Vec<String>,
}

/// The quotas of the claims that the batches make cuts for.
fn quotas(batches: &[Batch], all: &[Rig], earlier: &Earlier) -> ClaimsShared {
    let mut claims: BTreeMap<(&str, &str), Vec<&Batch>> = BTreeMap::new();
    for batch in batches.iter().filter(|batch| batch.claim_cuts > 0) {
        if let Some(campaign) = &batch.campaign {
            claims.entry((&batch.suite, campaign)).or_default().push(batch);
        }
    }
    let mut warnings = Vec::new();
    let quota = |((suite, campaign), batches): ((&str, &str), Vec<&Batch>)| {
        let rigs: BTreeSet<usize> = batches
            .iter()
            .flat_map(|batch| batch.rigs.iter().copied())
            .collect();
        let cuts = batches.iter().map(|batch| batch.claim_cuts).sum::<u32>();
        let largest = batches.iter().map(|batch| batch.claim_cuts).max().unwrap_or(0);
        let names: Vec<&str> = rigs.iter().map(|rig| all[*rig].name.as_str()).collect();
        let shares = ClaimShares::new(cuts, &names, earlier.shares(suite, campaign));
        warnings.extend(shares.warnings(suite, campaign));
        let had = rigs.iter().map(|rig| (*rig, shares.had(&all[*rig].name)));
        ClaimQuota {
            suite: suite.to_owned(),
            campaign: campaign.to_owned(),
            cuts,
            rigs: rigs.len(),
            quota: shares.quota.max(largest),
            had: had.filter(|(_, cuts)| *cuts > 0).collect(),
        }
    };
    let quotas = claims.into_iter().map(quota).collect();
    ClaimsShared { quotas, warnings }
}
