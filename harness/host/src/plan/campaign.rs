//! A campaign, laid out: calibrations, cuts in blocks that a control run closes, and the claim.
//!
//! Ids are numbers in the order of the file, so that a case keeps its name from night to night whatever order it runs in;
//! where its cut falls is data of the case.

use crate::config::suite::{ClaimCuts, Suite, SuiteCampaign, SuiteCase};
use crate::plan::case_id;
use crate::plan::earlier::Earlier;
use crate::plan::{ExpandedCase, Planned};
use crate::state::campaign_store::{CampaignEnd, LeftAside};
use dfota_core::campaign::{CampaignPart, Role, Slot};
use dfota_core::case::{Case, Package};
use dfota_core::cut::{Cut, CutKind};
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::seed::Seed;
use dfota_core::sweep::{CutPlace, Jitter, Spacing, Sweep};
use dfota_core::timeline::Timeline;
use dfota_core::transport::Via;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The case itself, or if it is a campaign all of its parts, in the order in which they run. A cut lasts for `discharge`
/// where the suite does not say how long.
pub fn expand(suite: &Suite, declared: &SuiteCase, discharge: Duration, seed: Seed) -> Vec<SuiteCase> {
    let Some(campaign) = &declared.campaign else {
        return vec![declared.clone()];
    };
    let layout = CampaignLayout {
        declared,
        there: &declared.case.package,
        back: package_back(suite, &declared.case.package),
        discharge,
    };
    layout.parts(campaign, seed)
}

/// A package that undoes this one.
fn package_back<'s>(suite: &'s Suite, there: &Package) -> Option<&'s Package> {
    let mut packages = suite.packages.iter().map(|loaded| &loaded.package);
    packages.find(|back| back.from == there.to && back.to == there.from)
}

struct CampaignLayout<'l> {
    declared: &'l SuiteCase,
    there: &'l Package,
    back: Option<&'l Package>,
    discharge: Duration,
}

impl CampaignLayout<'_> {
    fn parts(&self, campaign: &SuiteCampaign, seed: Seed) -> Vec<SuiteCase> {
        let directed = campaign
            .sweep
            .as_ref()
            .map_or(Vec::new(), |sweep| self.directed(sweep));
        let order = campaign.sweep.as_ref().map_or(Vec::new(), |sweep| {
            sweep
                .order
                .indices(directed.len(), seed, &self.declared.case.id_on_any_rig())
        });
        let drawn = campaign
            .claim
            .as_ref()
            .map_or(Vec::new(), |claim| self.drawn(claim));
        let digits = (directed.len() + drawn.len()).to_string().len().max(3);
        let numbers = order
            .into_iter()
            .chain(directed.len()..directed.len() + drawn.len());
        let slots: Vec<&Slot> = directed.iter().chain(&drawn).collect();
        let mut parts: Vec<SuiteCase> = std::iter::once(self.there)
            .chain(self.back.filter(|_| slots.len() > 1))
            .map(|package| {
                self.part(
                    package,
                    &format!("calibration={}", package.name),
                    Role::Calibration,
                )
            })
            .collect();
        // Directions alternate, so that the way back is a cut as well and no update is spent on returning.
        let mut runs = 0_usize;
        let mut package = || {
            runs += 1;
            self.back.filter(|_| runs.is_multiple_of(2)).unwrap_or(self.there)
        };
        let block = campaign.block.max(1) as usize;
        let total = slots.len();
        for (done, number) in numbers.enumerate() {
            let Some(slot) = slots.get(number) else { continue };
            let suffix = format!("cut={:0digits$}", number + 1);
            parts.push(self.part(package(), &suffix, Role::Cut((*slot).clone())));
            if (done + 1) % block == 0 || done + 1 == total {
                let suffix = format!("control={:02}", done / block + 1);
                parts.push(self.part(package(), &suffix, Role::Control));
            }
        }
        if let Some(ClaimCuts { claim, .. }) = campaign.claim {
            parts.push(self.part(self.there, "claim", Role::Claim(claim)));
        }
        parts
    }

    fn directed(&self, sweep: &Sweep) -> Vec<Slot> {
        let via = self.declared.case.via;
        let places = sweep.places(via != Via::Coap);
        let ways: Vec<(CutKind, Option<Duration>)> = sweep
            .kinds
            .iter()
            .flat_map(|kind| sweep.offs.iter().map(|off| (*kind, *off)))
            .collect();
        let slot = |place: CutPlace, (kind, off): (CutKind, Option<Duration>)| Slot {
            place,
            jitter: sweep.jitter,
            kind,
            off: off.unwrap_or(self.discharge),
            times: if resumes(place) { sweep.depth } else { 1 },
            claim: None,
        };
        match sweep.spacing {
            // The number is fixed: the ways of cutting take turns.
            Spacing::Cuts(_) => places
                .into_iter()
                .zip(ways.iter().cycle())
                .map(|(place, way)| slot(place, *way))
                .collect(),
            Spacing::Step(_) => places
                .into_iter()
                .flat_map(|place| ways.iter().map(move |way| (place, *way)))
                .map(|(place, way)| slot(place, way))
                .collect(),
        }
    }

    fn drawn(&self, ClaimCuts { claim, kind, off }: &ClaimCuts) -> Vec<Slot> {
        let slot = Slot {
            place: CutPlace::Anywhere(claim.over),
            jitter: Jitter::default(),
            kind: *kind,
            off: off.unwrap_or(self.discharge),
            times: 1,
            claim: Some(claim.over),
        };
        vec![slot; claim.cuts() as usize]
    }

    fn part(&self, package: &Package, suffix: &str, role: Role) -> SuiteCase {
        let base = &self.declared.case;
        let part = CampaignPart {
            campaign: base.id.clone(),
            role,
        };
        SuiteCase {
            case: Case {
                id: case_id::with(&base.id, suffix),
                package: package.clone(),
                on: package.from.clone(),
                part: Some(part),
                ..base.clone()
            }
            .with_its_measures(),
            campaign: None,
            ..self.declared.clone()
        }
    }
}

/// Whether a cut there leaves a resume that can be cut again.
fn resumes(place: CutPlace) -> bool {
    let at = match place {
        CutPlace::After(at, _) => at,
        CutPlace::Within(span, _) | CutPlace::Anywhere(span) => span.from(),
    };
    // After 100 % everything is patched: there is nothing to cut again.
    matches!(at, Moment::Start) || matches!(at, Moment::Updating(percent) if percent < Percent::FULL)
}

/// The cut of a slot: as `timeline` has the moments, and as the seed draws what is left to chance for `label`.
pub fn cut(slot: &Slot, timeline: &Timeline, seed: Seed, label: &str) -> Option<Cut> {
    timeline.cut(slot, seed, label)
}

/// Whether a calibration has to have been run before the slot's cut is known.
pub fn needs_calibration(slot: &Slot) -> bool {
    matches!(slot.place, CutPlace::Within(..) | CutPlace::Anywhere(_))
}

/// A cut of a campaign, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignCut {
    pub suite: String,
    pub campaign: String,
    /// The id of the case.
    pub case: String,
    /// The campaign has a claim.
    pub claim: bool,
}

/// Every cut that the rig can make of the campaigns among the cases, selected or not.
pub fn slots(
    cases: &[Planned],
    expanded: &[ExpandedCase<'_>],
    left_out: impl Fn(&ExpandedCase<'_>) -> bool,
) -> Vec<CampaignCut> {
    let name = |case: &Case| {
        case.slot()?;
        Some((case.suite.clone(), case.part.as_ref()?.campaign.clone()))
    };
    let claims: BTreeSet<_> = expanded
        .iter()
        .map(|expanded| &expanded.case.case)
        .filter(|case| case.is_claim())
        .filter_map(|case| Some((&case.suite, &case.part.as_ref()?.campaign)))
        .collect();
    let planned: BTreeSet<_> = cases.iter().filter_map(|planned| name(&planned.case)).collect();
    expanded
        .iter()
        .filter_map(|expanded| {
            let case = &expanded.case;
            let (suite, campaign) = name(&case.case).filter(|name| planned.contains(name))?;
            let claim = claims.contains(&(&suite, &campaign));
            (case.skip.is_none() && !left_out(expanded)).then(|| CampaignCut {
                claim,
                suite,
                campaign,
                case: case.case.id.clone(),
            })
        })
        .collect()
}

/// What the campaigns among the cases come to.
pub fn outlines(cases: &[Planned], earlier: &Earlier) -> Vec<Outline> {
    let mut outlines: Vec<Outline> = Vec::new();
    for Planned { case, .. } in cases {
        let Some(part) = &case.part else { continue };
        let same = |outline: &Outline| outline.suite == case.suite && outline.campaign == part.campaign;
        let at = outlines.iter().position(same).unwrap_or_else(|| {
            outlines.push(Outline::new(&case.suite, &part.campaign));
            outlines.len() - 1
        });
        outlines[at].add(part);
        let ended = earlier
            .ended()
            .filter(|ended| ended.suite == case.suite && ended.campaign == part.campaign);
        outlines[at].aside = earlier.left_aside(&case.suite, &part.campaign).cloned();
        outlines[at].earlier = ended.map(|ended| ended.end.clone()).collect();
        outlines[at].done += u32::from(earlier.settled(case).is_some());
        if earlier.update_time(case).is_some() {
            outlines[at].times = "those of the last calibration".to_owned();
        }
    }
    outlines
}

/// The update that a calibration measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Calibration<'c> {
    suite: &'c str,
    campaign: &'c str,
    package: &'c str,
}

impl<'c> Calibration<'c> {
    /// The one that the case belongs to, if it is of a campaign.
    fn of_case(case: &'c Case) -> Option<Self> {
        Some(Self {
            suite: &case.suite,
            campaign: &case.part.as_ref()?.campaign,
            package: &case.package.name,
        })
    }
}

/// Every calibration without which a selected cut has no place.
pub fn needed_calibrations<'t>(taken: &[&'t ExpandedCase<'_>]) -> BTreeSet<Calibration<'t>> {
    let cuts = taken.iter().map(|expanded| &expanded.case.case);
    cuts.filter(|case| case.slot().is_some_and(needs_calibration))
        .filter_map(Calibration::of_case)
        .collect()
}

/// Whether the case is one of these calibrations.
pub fn is_needed(needed: &BTreeSet<Calibration<'_>>, case: &Case) -> bool {
    let part = case.part.as_ref();
    part.is_some_and(|part| part.role == Role::Calibration)
        && Calibration::of_case(case).is_some_and(|calibration| needed.contains(&calibration))
}

/// What `plan` says of a campaign as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outline {
    pub suite: String,
    /// The id of the case it is made of.
    pub campaign: String,
    /// Cuts that are made for the claim.
    pub counted: u32,
    pub directed: u32,
    /// Cuts that earlier runs have made already.
    pub done: u32,
    /// Cuts by where they fall.
    pub by_phase: BTreeMap<String, u32>,
    /// Cuts by what is cut and for how long.
    pub by_kind: BTreeMap<String, u32>,
    /// The claim, in words.
    pub claim: Option<String>,
    /// Where the times come from.
    pub times: String,
    /// How campaigns with the same files ended that are over.
    pub earlier: Vec<CampaignEnd>,
    /// A campaign of the same name that this one does not go on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<LeftAside>,
}

impl Outline {
    /// Of a campaign without cuts yet.
    pub fn new(suite: &str, campaign: &str) -> Self {
        Self {
            suite: suite.to_owned(),
            campaign: campaign.to_owned(),
            counted: 0,
            directed: 0,
            done: 0,
            by_phase: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            claim: None,
            times: "guessed, until a calibration has been run".to_owned(),
            earlier: Vec::new(),
            aside: None,
        }
    }

    /// Takes a part in.
    pub fn add(&mut self, part: &CampaignPart) {
        match &part.role {
            Role::Cut(slot) => {
                match slot.claim {
                    Some(_) => self.counted += 1,
                    None => self.directed += 1,
                }
                *self.by_phase.entry(phase(slot.place)).or_default() += 1;
                let off = dfota_core::duration::Short(slot.off);
                let way = format!("{}/{off}", slot.kind.name());
                *self.by_kind.entry(way).or_default() += 1;
            }
            Role::Claim(claim) => {
                let survives = match claim.bricks {
                    0 => "none of them bricks the module".to_owned(),
                    1 => "at most one of them bricks the module".to_owned(),
                    more => format!("at most {more} of them brick the module"),
                };
                self.claim = Some(format!(
                    "fewer than {} of the cuts in `{}` brick the module, {} confidence: {} cuts have to count, and {survives}",
                    claim.brick_rate_below,
                    claim.over,
                    claim.confidence,
                    claim.cuts()
                ));
            }
            Role::Calibration | Role::Control => {}
        }
    }
}

/// The window in which a cut falls, for the outline.
fn phase(place: CutPlace) -> String {
    match place {
        CutPlace::After(Moment::Updating(percent), _) => match percent.get() {
            0..40 => "updating, below 40%".to_owned(),
            40..60 => "updating 40%..59%".to_owned(),
            60..80 => "updating 60%..79%".to_owned(),
            80..100 => "updating 80%..99%".to_owned(),
            100.. => "updating 100%".to_owned(),
        },
        CutPlace::After(Moment::Downloading(_), _) => "downloading".to_owned(),
        CutPlace::After(Moment::UploadBlock(_), _) => "uploading".to_owned(),
        CutPlace::After(moment, _) => moment.to_string(),
        CutPlace::Within(span, _) => format!("within {span}"),
        CutPlace::Anywhere(span) => format!("anywhere in {span}"),
    }
}
