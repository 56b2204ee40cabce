//! What a run would do, with no I/O on the rig: each case with its cuts, what it costs, what it needs, and why it is left
//! out if it is.

pub mod campaign;
pub mod earlier;
pub mod estimate;
pub mod filter;
pub mod flags;
pub mod near_miss;
pub mod one_cut;
pub mod plan_text;
pub mod route;
pub mod selection;
pub mod standing;

use crate::config::rig::{Link, Rig, module_word};
use crate::config::suite::{Suite, SuiteCase};
use crate::exit::CommandError;
use crate::plan::campaign::{CampaignCut, Outline};
use crate::plan::earlier::Earlier;
use crate::plan::estimate::{ExpectedUpdates, module_time};
use crate::plan::flags::SelectionFlags;
use crate::plan::route::{Route, RouteLength};
use crate::plan::selection::Selection;
use crate::plan::standing::Standing;
use dfota_core::case::Case;
use dfota_core::cut::{Cut, CutKind, CutPlan};
use dfota_core::duration::Short;
use dfota_core::fault::UartFault;
use dfota_core::moment::Moment;
use dfota_core::seed::Seed;
use dfota_core::timeline::Timeline;
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
    pub case: SuiteCase,
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
        let parsed = Selection {
            filter: parse(flags.filter.as_deref())?,
            tags: flags.tags.clone(),
            shard: parse(flags.shard.as_deref())?,
            repeat: flags.repeat,
            seed,
            cut: flags.cut.clone(),
        };
        Self::new(suites, rig, &parsed, earlier).map_err(CommandError::usage)
    }

    /// Plans `suites` on `rig`.
    pub fn new(
        suites: &[Suite],
        rig: &Rig,
        selection: &Selection,
        earlier: &Earlier,
    ) -> Result<Self, PlanError> {
        let mut planner = Planner {
            rig,
            selection,
            earlier,
            route: Route::starting_at(known_version(rig)),
            warnings: suites.iter().flat_map(|suite| suite.warnings.clone()).collect(),
        };
        let expanded: Vec<ExpandedCase<'_>> = suites
            .iter()
            .flat_map(|suite| {
                let parts = |case| campaign::expand(suite, case, rig, selection.seed);
                let cases = suite.cases.iter().flat_map(parts);
                cases.map(move |case| ExpandedCase { suite, case })
            })
            .collect();
        let mut cases = Vec::new();
        for run in 1..=selection.repeat.max(1) {
            let taken: Vec<_> = expanded
                .iter()
                .filter(|expanded| selection.takes(&expanded.case.case, run))
                .collect();
            match &selection.cut {
                Some(cut) if !taken.is_empty() => {
                    cases.push(planner.case(&one_cut::with_cut(&taken, cut)?, run));
                }
                _ => {
                    let needed = campaign::needed_calibrations(&taken);
                    let all = expanded.iter().filter(|expanded| {
                        let case = &expanded.case.case;
                        selection.takes(case, run) || campaign::is_needed(&needed, case)
                    });
                    cases.extend(all.map(|expanded| planner.case(expanded, run)));
                }
            }
        }
        if cases.is_empty() {
            return Err(PlanError::NothingSelected {
                cases: suites.iter().map(|suite| suite.cases.len()).sum(),
                selection: selection.to_string(),
                advice: near_miss::advice(suites, selection),
            });
        }
        Ok(Self {
            rig: rig.name.clone(),
            module: module_word(rig.module),
            seed: selection.seed.0,
            seed_given: true,
            speed: rig.speed(),
            totals: Totals::new(&cases),
            warnings: std::mem::take(&mut planner.warnings),
            campaigns: campaign::outlines(&cases, earlier),
            slots: campaign::slots(&cases, &expanded, |case| planner.left_out(case).is_some()),
            standing: None,
            cases,
        })
    }
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

/// What the module runs before the run; on a bench only the module itself knows.
fn known_version(rig: &Rig) -> Option<dfota_core::version::Version> {
    match &rig.link {
        Link::Simulated(simulated) => Some(simulated.firmware.clone()),
        Link::Bench(_) => None,
    }
}

struct Planner<'p> {
    rig: &'p Rig,
    selection: &'p Selection,
    earlier: &'p Earlier,
    route: Route,
    warnings: Vec<String>,
}

impl Planner<'_> {
    fn case(&mut self, expanded: &ExpandedCase<'_>, run: u32) -> Planned {
        let ExpandedCase {
            suite,
            case: declared,
        } = expanded;
        let mut case = declared.case.clone();
        if self.selection.repeat > 1 {
            case.id = format!("{}#{run}", case.id);
        }
        if let Some(cut) = case.cut.as_mut().filter(|_| declared.off_is_discharge) {
            cut.off = self.rig.discharge();
        }
        let label = format!("{}::{}", case.suite, case.id);
        if let Some(slot) = case.slot() {
            // What a calibration has to tell first is not known yet.
            case.cut = campaign::cut(slot, &Timeline::default(), self.selection.seed, &label)
                .map(|cut| CutPlan::from_cut(&cut, slot.times));
        }
        let cuts: Vec<Cut> = case
            .cut
            .iter()
            .flat_map(|cut| (0..cut.times).map(|n| cut.cut(self.selection.seed, &label, n)))
            .collect();
        let skip = declared
            .skip
            .clone()
            .or_else(|| self.left_out(&case))
            .or_else(|| self.done(&case));
        let mut updates = ExpectedUpdates::default();
        if skip.is_none() && !case.is_claim() {
            self.glitch(&case);
            updates.preparing = self.preparing(suite, &case);
            updates.own = self.route.pass(&case);
        }
        let module = if case.is_claim() {
            Duration::ZERO
        } else {
            module_time(
                &case,
                &cuts,
                updates,
                self.rig.discharge(),
                self.earlier.update_time(&case),
            )
        };
        Planned {
            needs: needs(&case),
            module_ms: millis(module),
            bound_ms: if case.is_claim() { 0 } else { millis(case.bound()) },
            real_ms: millis(module.div_f64(self.rig.speed())),
            case,
            cuts,
            skip,
            updates: updates.preparing + u32::from(updates.own),
        }
    }

    /// A cut of a campaign that an earlier run has made.
    fn done(&self, case: &Case) -> Option<String> {
        let run = self.earlier.settled(case)?;
        Some(format!(
            "done in the earlier run `{run}`; `--cut` makes its cut again"
        ))
    }

    /// Updates until the module is at the version that the case starts from.
    fn preparing(&mut self, suite: &Suite, case: &Case) -> u32 {
        let length = self.route.to(suite, case);
        if length == RouteLength::Nowhere {
            let runs = self.route.runs().map(ToString::to_string).unwrap_or_default();
            self.warn(format!(
                "{}: `{}` starts from `{}`, and no package of the suite leads there from `{runs}`: it will be an error",
                case.place, case.id, case.on
            ));
        }
        length.updates()
    }

    fn glitch(&mut self, case: &Case) {
        let discharge = self.rig.discharge();
        if let Some(cut) = case
            .cut
            .as_ref()
            .filter(|cut| cut.kind != CutKind::Reset && cut.off < discharge)
        {
            self.warn(format!(
                "{}: `off: {}` is shorter than the {} that the rail needs: a glitch, which the module may ride through",
                case.place,
                Short(cut.off),
                Short(discharge)
            ));
        }
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Why this rig, or this harness, cannot run the case.
    fn left_out(&self, case: &Case) -> Option<String> {
        if let Link::Bench(_) = &self.rig.link {
            let network = &self.rig.network;
            let server = match case.via {
                Via::Http => network.http.is_none().then_some("network.http"),
                Via::Coap => network.coap.is_none().then_some("network.coap"),
                Via::Uart => None,
            };
            if let Some(key) = server {
                return Some(format!("the rig has no `{key}`"));
            }
        }
        let slot = case.slot().map(|slot| slot.kind);
        let cut_kind = case
            .cut
            .as_ref()
            .map(|cut| cut.kind)
            .or(slot)
            .filter(|kind| *kind != CutKind::Power);
        if let Some(kind) = cut_kind.filter(|_| !self.rig.has_reset()) {
            return Some(format!(
                "a cut of kind `{}` needs `reset`, which the rig does not have",
                kind.name()
            ));
        }
        never_seen(case).or_else(|| beyond(case))
    }
}

/// A moment that the transport's dialogue does not promise (AN §6.3.5).
fn never_seen(case: &Case) -> Option<String> {
    let at_start = case.cut.as_ref().is_some_and(|cut| cut.at == Moment::Start);
    (at_start && case.via == Via::Coap)
        .then(|| "over CoAP the note shows no START, so the moment may never come".to_owned())
}

/// A block that the package does not have.
fn beyond(case: &Case) -> Option<String> {
    let blocks = case.package.bytes.div_ceil(u64::from(case.block_size.max(1)));
    let cut = case.cut.as_ref().map(|cut| cut.at);
    let fault = case.faults.uart;
    let block = match cut {
        Some(Moment::UploadBlock(block)) => block,
        _ => fault.and_then(UartFault::block)?,
    };
    (u64::from(block) >= blocks).then(|| {
        format!(
            "there is no block {block}: the package has {blocks} of {} bytes, counted from 0",
            case.block_size
        )
    })
}

fn needs(case: &Case) -> Vec<&'static str> {
    if case.is_claim() {
        return Vec::new();
    }
    let via = match case.via {
        Via::Http => ["registration", "network.http"].as_slice(),
        Via::Uart => [].as_slice(),
        Via::Coap => ["registration", "network.coap"].as_slice(),
    };
    let slot = case.slot().map(|slot| slot.kind);
    let line = match case.cut.as_ref().map(|cut| cut.kind).or(slot) {
        Some(CutKind::Reset | CutKind::Both) => ["reset"].as_slice(),
        _ => [].as_slice(),
    };
    ["serial", "power"]
        .iter()
        .chain(via)
        .chain(line)
        .copied()
        .collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
