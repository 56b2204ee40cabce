//! What a run would do, with no I/O on the rig: each case with its cuts, what it costs, what it needs, and why it is left
//! out if it is.

pub mod campaign;
pub mod case_id;
pub mod claim_share;
pub mod earlier;
pub mod estimate;
pub mod filter;
pub mod flags;
pub mod fleet;
pub mod near_miss;
pub mod one_cut;
pub mod plan_text;
mod planner;
mod rig_lack;
pub mod route;
pub mod selection;
pub mod standing;

use crate::config::rig::{Rig, module_word};
use crate::config::suite::{Suite, SuiteCase};
use crate::exit::CommandError;
use crate::plan::campaign::{CampaignCut, Outline};
use crate::plan::earlier::Earlier;
use crate::plan::flags::SelectionFlags;
use crate::plan::planner::{Planner, expand};
use crate::plan::selection::Selection;
use crate::plan::standing::Standing;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::moment::Moment;
use dfota_core::seed::Seed;
use dfota_core::transport::Via;
use serde::Serialize;
use std::str::FromStr;
use std::time::Duration;

/// What a run would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub rig: String,
    pub module: &'static str,
    /// The seed that every random choice derives from.
    pub seed: u64,
    /// The user named it. If not, `run` draws another one.
    pub seed_given: bool,
    /// How much faster than real time the module lives.
    pub speed: f64,
    /// The selected cases, in the order in which they run.
    pub cases: Vec<Planned>,
    /// All of them together.
    pub totals: Totals,
    /// What is legal and probably not meant, each with its place.
    pub warnings: Vec<String>,
    /// How the rig stands, as far as its state is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    pub campaigns: Vec<Outline>,
    /// Every cut that this rig can make of the campaigns of the plan, selected or not: they are done when these are.
    #[serde(skip)]
    pub slots: Vec<CampaignCut>,
}

/// A case of a suite, or one that its campaign is made of.
#[derive(Debug, Clone)]
pub struct ExpandedCase<'s> {
    pub suite: &'s Suite,
    /// The id that the suite gives it, or the campaign.
    pub declared: &'s str,
    pub case: SuiteCase,
    pub terms: RigTerms,
}

/// What a case's cuts and its time depend on, of the rig or the rigs that may run it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RigTerms {
    /// The number of the one rig that may run it. `None`: any rig that fits.
    pub rig: Option<usize>,
    /// How long a cut lasts that leaves it to the rig: the longest discharge, so that it is the same cut on every rig.
    pub discharge: Duration,
    /// How much faster than real time the module lives: that of the slowest rig.
    pub speed: f64,
}

/// A case of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// The case; its id ends with `#k` when it is the k-th of several runs.
    pub case: Case,
    /// Its cuts, with nothing left to chance.
    pub cuts: Vec<Cut>,
    /// Why it is left out.
    pub skip: Option<String>,
    /// What it needs of the rig.
    pub needs: Vec<&'static str>,
    /// The module's time that it is likely to take, preparations included.
    pub module_ms: u64,
    /// The same in real time.
    pub real_ms: u64,
    /// The module's time that its own update and the questions after it may take at most, by its limits; the run keeps it.
    pub bound_ms: u64,
    /// Updates written to flash at most: the way to the version it starts from, and its own.
    pub updates: u32,
}

impl Planned {
    /// A case whose cost was worked out elsewhere.
    pub fn bare(case: Case) -> Self {
        Self {
            case,
            cuts: Vec::new(),
            skip: None,
            needs: Vec::new(),
            module_ms: 0,
            real_ms: 0,
            bound_ms: 0,
            updates: 0,
        }
    }
}

/// All cases of a plan together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub cases: usize,
    /// Left out with a reason.
    pub skipped: usize,
    pub module_ms: u64,
    pub real_ms: u64,
    /// Updates written to flash.
    pub updates: u32,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No case is selected.
    #[error("nothing selected: none of the {cases} cases fits `{selection}`; {advice}")]
    NothingSelected {
        cases: usize,
        /// The flags.
        selection: String,
        /// What may have been meant.
        advice: String,
    },
    /// `--cut` is about one case.
    #[error("`--cut` needs exactly one case, but {cases} are selected: {some}; select one with `--filter`")]
    CutOfMany { cases: usize, some: String },
    /// The case's transport never comes to the moment of `--cut`.
    #[error("`{cut}`: `{moment}` never comes in a case via `{via}`")]
    CutElsewhere { cut: Cut, moment: Moment, via: Via },
}

impl Plan {
    /// Plans what the flags select; every mistake in them, and nothing selected, is one of usage.
    pub fn select(
        suites: &[Suite],
        rig: &Rig,
        flags: &SelectionFlags,
        seed: Seed,
        earlier: &Earlier,
    ) -> Result<Self, CommandError> {
        Self::new(suites, rig, &parsed(flags, seed)?, earlier).map_err(CommandError::usage)
    }

    /// Plans `suites` on `rig`.
    pub fn new(
        suites: &[Suite],
        rig: &Rig,
        selection: &Selection,
        earlier: &Earlier,
    ) -> Result<Self, PlanError> {
        let rigs = std::slice::from_ref(rig);
        let expanded = expand(suites, rigs, selection.seed);
        let mut planner = Planner::new(rigs, selection, earlier);
        planner.warnings = suites.iter().flat_map(|suite| suite.warnings.clone()).collect();
        let mut cases: Vec<Planned> = planner
            .lay_out(suites, &expanded)?
            .into_iter()
            .map(|laid| laid.planned)
            .collect();
        let shares = claim_share::limit(&mut cases, &rig.name, earlier);
        planner.warnings.extend(shares);
        Ok(Self {
            rig: rig.name.clone(),
            module: module_word(rig.module),
            seed: selection.seed.0,
            seed_given: true,
            speed: rig.speed(),
            totals: Totals::new(&cases),
            campaigns: campaign::outlines(&cases, earlier),
            slots: planner.slots(&cases, &expanded),
            warnings: planner.warnings,
            standing: None,
            cases,
        })
    }
}

/// What the flags select.
fn parsed(flags: &SelectionFlags, seed: Seed) -> Result<Selection, CommandError> {
    Ok(Selection {
        filter: parse(flags.filter.as_deref())?,
        tags: flags.tags.clone(),
        shard: parse(flags.shard.as_deref())?,
        repeat: flags.repeat,
        seed,
        cut: flags.cut.clone(),
    })
}

fn parse<T: FromStr<Err = String>>(flag: Option<&str>) -> Result<Option<T>, CommandError> {
    flag.map(str::parse).transpose().map_err(CommandError::usage)
}

impl Totals {
    fn new(cases: &[Planned]) -> Self {
        let run = || cases.iter().filter(|case| case.skip.is_none());
        Self {
            cases: cases.len(),
            skipped: cases.len() - run().count(),
            module_ms: run().map(|case| case.module_ms).sum(),
            real_ms: run().map(|case| case.real_ms).sum(),
            updates: run().map(|case| case.updates).sum(),
        }
    }
}
