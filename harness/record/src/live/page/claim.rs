//! The claims: what counts so far, the bounds of now, what is open, and which module adds what.

use crate::live::LiveRun;
use crate::live::claims::ClaimView;
use crate::report::campaigns::{CampaignReport, PoolReport, StratumReport};
use dfota_core::claim::{Bounds, Claim};
use dfota_core::rate::Rate;
use maud::{Markup, html};

pub(super) fn write(run: &LiveRun) -> Markup {
    let views = run.claims.views();
    html! {
        section #claim aria-labelledby="claim-head" hidden[views.is_empty()] {
            h2 #claim-head { "Claim" }
            @for view in &views { (one(view)) }
        }
    }
}

fn one(view: &ClaimView) -> Markup {
    let report = &view.report;
    let counted = report.counted_cuts();
    let tally = &report.tally;
    html! {
        h3 { (report.campaign) " " span.quiet { (report.suite) } }
        @if let Some(claim) = &report.claim { p { (words(claim)) } }
        @if let Some(needed) = view.needed {
            p.bar {
                progress value=(counted.cuts.min(needed)) max=(needed.max(1)) aria-label="Cuts that count" {}
                span { (counted.cuts) " of " (needed) " cuts count" }
            }
        }
        p.standing.(view.kind()) { (view.standing) }
        dl.facts {
            dt { "Bricks" } dd { (counted.bricks) " of " (counted.cuts) " counted cuts" }
            @if let Some(claim) = &report.claim { @if view.has_bounds() { (bounds(report, claim.confidence)) } }
            @if view.open > 0 { dt { "Open attempts" } dd { (view.open) " ordered, and nobody knows what they did" } }
            @if tally.directed.cuts > 0 {
                dt { "Directed" } dd { (tally.directed.cuts) " cuts, " (tally.directed.bricks) " bricks" }
            }
            @if tally.outside.cuts > 0 {
                dt { "Outside" } dd { (tally.outside.cuts) " cuts landed elsewhere, or were not judged, and count for nothing" }
            }
        }
        @if let (Some(pool), Some(confidence)) = (&report.pool, report.confidence()) {
            @if !pool.strata.is_empty() { (modules(pool, confidence)) }
        }
    }
}

fn bounds(report: &CampaignReport, confidence: Rate) -> Markup {
    let bounds = report.bounds();
    html! {
        dt { "Bound now" }
        dd { strong { (bounds.below()) } " with " (confidence) " confidence, "
            strong { (bounds.above()) } " with " (confidence) " confidence (each bound for itself)" }
    }
}

fn words(claim: &Claim) -> Markup {
    html! {
        "Fewer than " (claim.brick_rate_below) " of the cuts in " code { (claim.over) } " brick the module, with "
        (claim.confidence) " confidence"
    }
}

fn modules(pool: &PoolReport, confidence: Rate) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Counted cuts by module" {
            table {
                thead { tr {
                    th scope="col" { "Module" } th.number scope="col" { "Count" } th.number scope="col" { "Bricks" }
                    th.number scope="col" { "Open" } th.number scope="col" { "Rate below" }
                } }
                tbody { @for share in &pool.strata { (module(share, confidence)) } }
            }
        }
    }
}

/// The upper bound, in a column that says what it is.
fn percent(bounds: Bounds) -> String {
    let words = bounds.below();
    words.split_whitespace().last().unwrap_or_default().to_owned()
}

fn module(StratumReport { stratum, .. }: &StratumReport, confidence: Rate) -> Markup {
    let has_bounds = stratum.counted.cuts > 0 || !stratum.open.is_empty();
    html! {
        tr {
            th scope="row" { (stratum.name()) @if let Some(imei) = &stratum.imei { br; span.imei { (imei) } } }
            td.number { (stratum.counted.cuts) } td.number { (stratum.counted.bricks) } td.number { (stratum.open.len()) }
            td.number { @if has_bounds { (percent(stratum.bounds(confidence))) } }
        }
    }
}
