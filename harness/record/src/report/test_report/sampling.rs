//! How the cuts of the campaigns were sampled, and what was counted where.

use crate::count::count_of;
use crate::report::Run;
use crate::report::campaigns::{self, CampaignReport, CutWindow};
use dfota_core::campaign::Role;
use serde::Serialize;

/// How the cuts of a campaign were sampled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CampaignSampling {
    pub name: String,
    pub plan: Vec<String>,
    /// What was counted, by window of the update.
    pub windows: Vec<WindowCount>,
}

/// The cuts that landed in one window of the update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowCount {
    /// Which, or all of a kind.
    pub name: String,
    /// `counted` for the claim, or `directed`.
    pub kind: &'static str,
    pub cuts: u32,
    /// How many of them bricked the module.
    pub bricks: u32,
    /// How many of them were failed by the module, bricked or not.
    pub failed: u32,
    /// The brick rate is below this with the claim's confidence; nothing for directed cuts, which are no random sample.
    pub bound: Option<String>,
    /// The brick rate is above this, as surely; each bound has the confidence for itself.
    pub lower_bound: Option<String>,
}

/// The campaigns of a run.
pub(super) fn sampling(run: &Run<'_>) -> Vec<CampaignSampling> {
    campaigns::reports(run)
        .iter()
        .map(|report| sampled(run, report))
        .collect()
}

fn sampled(run: &Run<'_>, report: &CampaignReport) -> CampaignSampling {
    let all = report
        .claim
        .map(|_| report.all_counted("all of the claim's window"));
    // Without a claim the report bounds no rate.
    let counted = report.counted().map(|window| match report.claim {
        Some(_) => window,
        None => window.without_bounds(),
    });
    let windows = all.into_iter().chain(counted);
    CampaignSampling {
        name: format!("{}::{}", report.suite, report.campaign),
        plan: plan(run, report),
        windows: windows.chain(report.directed()).map(WindowCount::from).collect(),
    }
}

impl From<CutWindow> for WindowCount {
    fn from(window: CutWindow) -> Self {
        let bounds = window.bounds();
        Self {
            name: window.name,
            kind: window.kind,
            cuts: window.count.cuts,
            bricks: window.count.bricks,
            failed: window.count.failed,
            bound: bounds.map(|bounds| bounds.below()),
            lower_bound: bounds.map(|bounds| bounds.above()),
        }
    }
}

fn plan(run: &Run<'_>, report: &CampaignReport) -> Vec<String> {
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
