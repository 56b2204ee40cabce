//! How the cuts of the campaigns were sampled, and what was counted where.

use crate::count::count_of;
use crate::report::{Run, campaigns};
use dfota_core::campaign::{Bin, Count, Role};
use dfota_core::rate::Rate;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sampled {
    pub name: String,
    pub plan: Vec<String>,
    /// What was counted, by stretch of the update.
    pub stretches: Vec<Stretch>,
}

/// The cuts that landed in one stretch of the update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// Which, or all of a kind.
    pub name: String,
    /// `counted` for the claim, or `directed`.
    pub kind: &'static str,
    pub cuts: u32,
    /// How many of them bricked the module.
    pub bricks: u32,
    /// How many of them were failed by the module, bricked or not.
    pub failed: u32,
    /// The rate that is not reached with the claim's confidence; nothing for directed cuts, which are no random sample.
    pub bound: Option<String>,
    /// The rate that is exceeded, as surely; each bound has the confidence for itself.
    pub lower_bound: Option<String>,
}

/// The campaigns of a run.
pub(super) fn of(run: &Run<'_>) -> Vec<Sampled> {
    campaigns::of(run)
        .iter()
        .map(|report| sampled(run, report))
        .collect()
}

fn sampled(run: &Run<'_>, report: &campaigns::CampaignReport) -> Sampled {
    let tally = &report.tally;
    let confidence = report.claim.map(|claim| claim.confidence);
    let mut stretches = vec![];
    if report.claim.is_some() {
        stretches.push(stretch(
            "all of the claim's window",
            "counted",
            tally.counted,
            confidence,
        ));
    }
    let bins = tally.by_bin.iter();
    stretches.extend(bins.map(|(bin, count)| in_bin(*bin, "counted", *count, confidence)));
    let bins = tally.directed_by_bin.iter();
    stretches.extend(bins.map(|(bin, count)| in_bin(*bin, "directed", *count, None)));
    Sampled {
        name: format!("{}::{}", report.suite, report.campaign),
        plan: plan(run, report),
        stretches,
    }
}

fn in_bin(bin: Bin, kind: &'static str, count: Count, confidence: Option<Rate>) -> Stretch {
    stretch(&bin.to_string(), kind, count, confidence)
}

fn stretch(name: &str, kind: &'static str, count: Count, confidence: Option<Rate>) -> Stretch {
    let bounds = confidence.map(|confidence| count.bounds(confidence));
    Stretch {
        name: name.to_owned(),
        kind,
        cuts: count.cuts,
        bricks: count.bricks,
        failed: count.failed,
        bound: bounds.map(|bounds| bounds.below()),
        lower_bound: bounds.map(|bounds| bounds.above()),
    }
}

fn plan(run: &Run<'_>, report: &campaigns::CampaignReport) -> Vec<String> {
    let parts = run.cases.iter().filter(|case| case.case.suite == report.suite);
    let parts = parts.filter_map(|case| case.case.part.as_ref());
    let (mut drawn, mut directed, mut controls, mut calibrations) = (0_u32, 0_u32, 0_u32, 0_u32);
    for part in parts.filter(|part| part.campaign == report.campaign) {
        match &part.role {
            Role::Calibration => calibrations += 1,
            Role::Control => controls += 1,
            Role::Cut(slot) if slot.claim.is_some() => drawn += 1,
            Role::Cut(_) => directed += 1,
            Role::Claim(_) => {}
        }
    }
    let mut plan = vec![format!(
        "Planned in this run: {} drawn at random for the claim, {}, {} before them, {} between them.",
        count_of(drawn, "cut"),
        count_of(directed, "directed cut"),
        count_of(calibrations, "uncut calibration run"),
        count_of(controls, "uncut control run"),
    )];
    if let Some(claim) = &report.claim {
        plan.push(format!(
            "Claim: fewer than {} of the cuts in `{}` brick the module, with {} confidence; it takes {} cuts that count and \
             survives {}, both fixed before the first cut. The cuts are drawn evenly in time over the window, out of \
             the run's seed.",
            claim.brick_rate_below,
            claim.over,
            claim.confidence,
            claim.cuts(),
            count_of(claim.bricks, "brick")
        ));
    }
    if !report.tally.earlier.is_empty() {
        plan.push(format!(
            "The campaign goes on from earlier runs, whose cuts are counted here: {}.",
            report.tally.earlier.join(", ")
        ));
    }
    plan
}
