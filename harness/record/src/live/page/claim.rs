//! The claims: what counts so far, the bounds of now, what is open, and which module adds what.

use crate::live::LiveRun;
use crate::live::claims::{ClaimView, ModuleShare};
use dfota_core::claim::Claim;
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
    html! {
        h3 { (view.name.campaign) " " span.quiet { (view.name.suite) } }
        @if let Some(claim) = &view.claim { p { (words(claim)) } }
        @if let Some(needed) = view.needed {
            p.bar {
                progress value=(view.counted.cuts.min(needed)) max=(needed.max(1)) aria-label="Cuts that count" {}
                span { (view.counted.cuts) " of " (needed) " cuts count" }
            }
        }
        p.why { (view.standing) }
        dl.facts {
            dt { "Bricks" } dd { (view.counted.bricks) " of " (view.counted.cuts) " counted cuts" }
            @if let (Some(claim), true) = (&view.claim, view.counted.cuts > 0) {
                @let bounds = view.counted.bounds(claim.confidence);
                dt { "Bound now" }
                dd { strong { (bounds.below()) } " with " (claim.confidence) " confidence, "
                    strong { (bounds.above()) } " with " (claim.confidence) " confidence (each bound for itself)" }
            }
            @if view.open > 0 { dt { "Open" } dd { (view.open) " ordered without a verdict" } }
            @if view.directed.cuts > 0 { dt { "Directed" } dd { (view.directed.cuts) " cuts, " (view.directed.bricks) " bricks" } }
            @if view.outside > 0 { dt { "Outside" } dd { (view.outside) " cuts landed outside the window and are made up for" } }
        }
        @if view.modules.len() > 1 || view.open > 0 { (modules(view)) }
    }
}

fn words(claim: &Claim) -> Markup {
    html! {
        "Fewer than " (claim.brick_rate_below) " of the cuts in " code { (claim.over) } " brick the module, with "
        (claim.confidence) " confidence"
    }
}

fn modules(view: &ClaimView) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Counted cuts by module" {
            table {
                thead { tr {
                    th scope="col" { "Module" } th.number scope="col" { "Count" } th.number scope="col" { "Bricks" }
                    th.number scope="col" { "Open" } th.number scope="col" { "Bound" }
                } }
                tbody { @for share in &view.modules { (module(view, share)) } }
            }
        }
    }
}

fn module(view: &ClaimView, share: &ModuleShare) -> Markup {
    let bounds = view
        .claim
        .filter(|_| share.counted.cuts > 0)
        .map(|claim| share.counted.bounds(claim.confidence));
    html! {
        tr {
            th scope="row" {
                @match &share.module {
                    Some(module) => { (module.rig) @if let Some(imei) = &module.imei { br; span.quiet { (imei) } } }
                    None => { "earlier runs" }
                }
            }
            td.number { (share.counted.cuts) } td.number { (share.counted.bricks) } td.number { (share.open) }
            td.number { @if let Some(bounds) = bounds { (bounds.below()) } }
        }
    }
}
