//! Expands the cases of suites for rigs, and works out what each of them does and costs, and which rigs can run it.

use crate::config::rig::{Link, Rig};
use crate::config::rig_set::plain_name;
use crate::config::suite::{Suite, SuiteCase};
use crate::plan::campaign::{self, CampaignCut};
use crate::plan::earlier::Earlier;
use crate::plan::estimate::{ExpectedUpdates, module_time};
use crate::plan::rig_lack::{RigLack, left_to_nobody};
use crate::plan::route::{Route, RouteLength};
use crate::plan::selection::Selection;
use crate::plan::{ExpandedCase, PlanError, Planned, RigTerms, case_id, near_miss, one_cut};
use dfota_core::campaign::Role;
use dfota_core::case::Case;
use dfota_core::cut::{Cut, CutKind, CutPlan};
use dfota_core::duration::Short;
use dfota_core::fault::UartFault;
use dfota_core::moment::Moment;
use dfota_core::seed::Seed;
use dfota_core::timeline::Timeline;
use dfota_core::transport::Via;
use dfota_core::version::Version;
use std::collections::BTreeMap;
use std::time::Duration;

/// The cases of the suites as these rigs run them, in order.
pub(super) fn expand<'s>(suites: &'s [Suite], rigs: &[Rig], seed: Seed) -> Vec<ExpandedCase<'s>> {
    let mut all = Vec::new();
    for suite in suites {
        let fits = |n: &usize| suite.demand.misfit(&rigs[*n]).is_none();
        let fitting: Vec<usize> = (0..rigs.len()).filter(fits).collect();
        let expansion = Expansion {
            suite,
            rigs,
            fitting,
            seed,
        };
        for case in &suite.cases {
            expansion.add(case, &mut all);
        }
    }
    all
}

struct Expansion<'s, 'r> {
    suite: &'s Suite,
    rigs: &'r [Rig],
    /// The numbers of those that fit the suite.
    fitting: Vec<usize>,
    seed: Seed,
}

impl<'s> Expansion<'s, '_> {
    fn add(&self, case: &'s SuiteCase, all: &mut Vec<ExpandedCase<'s>>) {
        let mut add = |case: SuiteCase, declared, terms| {
            all.push(ExpandedCase {
                suite: self.suite,
                declared,
                case,
                terms,
            });
        };
        let declared = case.case.id.as_str();
        if self.suite.demand.is_for_each() && !self.fitting.is_empty() {
            // Modules are compared by the same cuts, so each rig makes them as long as the slowest has to.
            let discharge = self.any().discharge;
            for &rig in &self.fitting {
                let case = self.on(rig, case);
                let terms = RigTerms {
                    discharge,
                    ..self.own(rig)
                };
                let parts = campaign::expand(self.suite, &case, terms.discharge, self.seed);
                parts.into_iter().for_each(|part| add(part, declared, terms));
            }
            return;
        }
        let any = self.any();
        // A calibration is of one module: with several rigs, each that may make the cuts has its own.
        let several = self.rigs.len() > 1 && !self.fitting.is_empty();
        for part in campaign::expand(self.suite, case, any.discharge, self.seed) {
            if several && is_calibration(&part.case) {
                for &rig in &self.fitting {
                    add(self.on(rig, &part), declared, self.own(rig));
                }
            } else {
                add(part, declared, any);
            }
        }
    }

    /// The case with the name of the one rig that runs it.
    fn on(&self, rig: usize, case: &SuiteCase) -> SuiteCase {
        let mut case = case.clone();
        case.case.id = case_id::on_rig(&case.case.id, &self.rigs[rig]);
        case.case.rig = Some(plain_name(&self.rigs[rig].name));
        case
    }

    fn own(&self, rig: usize) -> RigTerms {
        let rigs = &self.rigs[rig];
        RigTerms {
            rig: Some(rig),
            discharge: rigs.discharge(),
            speed: rigs.speed(),
        }
    }

    /// What holds wherever a case is run.
    fn any(&self) -> RigTerms {
        let all: Vec<usize> = (0..self.rigs.len()).collect();
        let rigs = if self.fitting.is_empty() {
            &all
        } else {
            &self.fitting
        };
        let rigs = || rigs.iter().map(|rig| &self.rigs[*rig]);
        RigTerms {
            rig: None,
            discharge: rigs().map(Rig::discharge).max().unwrap_or(Rig::DISCHARGE),
            speed: rigs().map(Rig::speed).reduce(f64::min).unwrap_or(1.0),
        }
    }
}

fn is_calibration(case: &Case) -> bool {
    matches!(&case.part, Some(part) if part.role == Role::Calibration)
}

/// What the module runs before the run, where the rig file says so; on a bench only the module itself knows. Of any rig:
/// what all of them run.
fn known_version(rigs: &[Rig], rig: Option<usize>) -> Option<Version> {
    let chosen = rig.map_or(rigs, |rig| &rigs[rig..=rig]);
    let mut known = chosen.iter().map(|rig| match &rig.link {
        Link::Simulated(simulated) => Some(&simulated.firmware),
        Link::Bench(_) => None,
    });
    let first = known.next().flatten()?;
    known.all(|other| other == Some(first)).then(|| first.clone())
}

/// A case of a plan, and who can run it.
pub(super) struct LaidCase {
    pub(super) planned: Planned,
    /// The numbers of the rigs that can; none of a case that is left out.
    pub(super) rigs: Vec<usize>,
    /// Which of several runs of the case it is, from 1.
    pub(super) run: u32,
}

/// Plans cases one after the other.
pub(super) struct Planner<'p> {
    rigs: &'p [Rig],
    selection: &'p Selection,
    earlier: &'p Earlier,
    /// Where the modules are thought to be: that of a rig with cases of its own, and that of any rig.
    routes: BTreeMap<Option<usize>, Route>,
    pub(super) warnings: Vec<String>,
}

impl<'p> Planner<'p> {
    pub(super) fn new(rigs: &'p [Rig], selection: &'p Selection, earlier: &'p Earlier) -> Self {
        Self {
            rigs,
            selection,
            earlier,
            routes: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Every selected case, with the calibrations that selected cuts need, in the order in which they run.
    pub(super) fn lay_out(
        &mut self,
        suites: &[Suite],
        expanded: &[ExpandedCase<'_>],
    ) -> Result<Vec<LaidCase>, PlanError> {
        let selection = self.selection;
        let takes = |expanded: &ExpandedCase<'_>, run| {
            let case = &expanded.case.case;
            // A run on several rigs tells how to make one of its calibrations again, on that rig alone.
            let on_its_rig = match self.rigs {
                [rig] if is_calibration(case) => case_id::on_rig(&case.id, rig),
                _ => case.id.clone(),
            };
            selection.takes_as(case, &[expanded.declared, &on_its_rig], run)
        };
        let mut cases = Vec::new();
        for run in 1..=selection.repeat.max(1) {
            let taken: Vec<_> = expanded.iter().filter(|case| takes(case, run)).collect();
            match &selection.cut {
                Some(cut) if !taken.is_empty() => {
                    cases.push(self.case(&one_cut::with_cut(&taken, cut)?, run));
                }
                _ => {
                    let needed = campaign::needed_calibrations(&taken);
                    let all = expanded
                        .iter()
                        .filter(|case| takes(case, run) || campaign::is_needed(&needed, &case.case.case));
                    cases.extend(all.map(|expanded| self.case(expanded, run)));
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
        Ok(cases)
    }

    /// Every cut that the rigs can make of the campaigns among the cases, selected or not.
    pub(super) fn slots(&self, cases: &[Planned], expanded: &[ExpandedCase<'_>]) -> Vec<CampaignCut> {
        campaign::slots(cases, expanded, |expanded| {
            self.left_out(expanded, &expanded.case.case).is_some()
        })
    }

    fn case(&mut self, expanded: &ExpandedCase<'_>, run: u32) -> LaidCase {
        let (declared, terms) = (&expanded.case, expanded.terms);
        let mut case = declared.case.clone();
        if self.selection.repeat > 1 {
            case.id = format!("{}#{run}", case.id);
        }
        if let Some(cut) = case.cut.as_mut().filter(|_| declared.off_is_discharge) {
            cut.off = terms.discharge;
        }
        let label = case.dice();
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
            .or_else(|| self.left_out(expanded, &case))
            .or_else(|| self.done(&case));
        let mut updates = ExpectedUpdates::default();
        if skip.is_none() && !case.is_claim() {
            self.glitch(terms.discharge, &case);
            updates = self.updates(expanded, &case);
        }
        let module = if case.is_claim() {
            Duration::ZERO
        } else {
            let measured = self.earlier.update_time(&case);
            module_time(&case, &cuts, updates, terms.discharge, measured)
        };
        let rigs = match skip {
            Some(_) => Vec::new(),
            None => self.able(expanded, &case),
        };
        let planned = Planned {
            needs: needs(&case),
            module_ms: millis(module),
            bound_ms: if case.is_claim() { 0 } else { millis(case.bound()) },
            real_ms: millis(module.div_f64(terms.speed)),
            case,
            cuts,
            skip,
            updates: updates.preparing + u32::from(updates.own),
        };
        LaidCase { planned, rigs, run }
    }

    /// A cut of a campaign that an earlier run has made.
    fn done(&self, case: &Case) -> Option<String> {
        let run = self.earlier.settled(case)?;
        Some(format!(
            "done in the earlier run `{run}`; `--cut` makes its cut again"
        ))
    }

    /// Updates until the module is at the version that the case starts from, and whether its own comes to the end.
    fn updates(&mut self, expanded: &ExpandedCase<'_>, case: &Case) -> ExpectedUpdates {
        let rig = expanded.terms.rig.filter(|_| self.rigs.len() > 1);
        let start = || Route::starting_at(known_version(self.rigs, rig));
        let route = self.routes.entry(rig).or_insert_with(start);
        let length = route.to(expanded.suite, case);
        let runs = route.runs().map(ToString::to_string).unwrap_or_default();
        let own = route.pass(case);
        if length == RouteLength::Nowhere {
            self.warn(format!(
                "{}: `{}` starts from `{}`, and no package of the suite leads there from `{runs}`: it will be an error",
                case.place, case.id, case.on
            ));
        }
        ExpectedUpdates {
            preparing: length.updates(),
            own,
        }
    }

    fn glitch(&mut self, discharge: Duration, case: &Case) {
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

    /// The rigs that may run the case, whether they can or not.
    fn asked(&self, expanded: &ExpandedCase<'_>) -> std::ops::Range<usize> {
        match expanded.terms.rig {
            Some(rig) => rig..rig + 1,
            None => 0..self.rigs.len(),
        }
    }

    /// The numbers of the rigs that can run the case.
    fn able(&self, expanded: &ExpandedCase<'_>, case: &Case) -> Vec<usize> {
        let demand = &expanded.suite.demand;
        let can = |rig: &usize| RigLack::find(demand, &self.rigs[*rig], case).is_none();
        self.asked(expanded).filter(can).collect()
    }

    /// Why no rig, or not this harness, can run the case.
    fn left_out(&self, expanded: &ExpandedCase<'_>, case: &Case) -> Option<String> {
        let asked = &self.rigs[self.asked(expanded)];
        left_to_nobody(&expanded.suite.demand, asked, case)
            .or_else(|| never_seen(case))
            .or_else(|| beyond(case))
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
