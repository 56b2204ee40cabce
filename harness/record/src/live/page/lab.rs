//! The page of a lab: a tile for each rig, and the runs.

use super::{Reload, clock, encoded, shell};
use crate::count::count_of;
use crate::live::LiveHtml;
use crate::live::cases::LiveCounts;
use crate::live::lab::{LabPart, LabRigFacts, LabRigWord, LabRunFacts, LabRunWord, LiveLab};
use crate::report::html::visible;
use maud::{Markup, html};

/// Runs that are over and are listed.
const LISTED: usize = 60;

pub(in crate::live) fn page(lab: &LiveLab, now_ms: u64) -> LiveHtml {
    let body = html! {
        a.skip href="#main" { "To the lab" }
        main.live #main { (head(lab)) (rigs(lab, now_ms)) (runs(lab, now_ms)) }
        footer { p {
            "Made from what is on the server of the lab. Also as "
            a href="api/lab.json" { "JSON" } " and as " a href="metrics" { "metrics" } "."
        } }
    };
    shell("The lab", Some(Reload::WithoutScript), &body)
}

pub(in crate::live) fn part(lab: &LiveLab, part: LabPart, now_ms: u64) -> String {
    let markup = match part {
        LabPart::Head => head(lab),
        LabPart::Rigs => rigs(lab, now_ms),
        LabPart::Runs => runs(lab, now_ms),
    };
    visible(markup.into_string())
}

fn head(lab: &LiveLab) -> Markup {
    let facts = &lab.facts;
    let rigs = |state| facts.rigs.iter().filter(|rig| rig.state == state).count();
    let open = facts
        .runs
        .iter()
        .filter(|run| run.state == LabRunWord::Open)
        .count();
    html! {
        header #head {
            p.kicker { "dfota-hil live" span #link role="status" {} }
            h1 { "The lab" }
            @if facts.rigs.iter().any(|rig| rig.simulated) {
                p.simulated role="note" {
                    strong { "SIMULATED" } " Some modules are programs. The tile of their rig says so."
                }
            }
            @if !facts.connected { p.why { "The server of the lab is not reached. What is shown here may be old." } }
            ul.counts aria-label="Rigs by state, and open runs" {
                @for state in LabRigWord::ALL {
                    @let count = rigs(state);
                    li.(class(state)).none[count == 0] { span.number { (count) } (state.word()) }
                }
                li.none[open == 0] { span.number { (open) } "open runs" }
            }
            noscript { p.quiet { "This page loads itself again every few seconds. " a href="" { "Load it now" } "." } }
        }
    }
}

/// How the page of a run shows a rig that does alike.
fn class(state: LabRigWord) -> &'static str {
    match state {
        LabRigWord::Idle => "idle",
        LabRigWord::Working => "running",
        LabRigWord::Drained | LabRigWord::Waiting => "waiting",
        LabRigWord::Out => "out",
        LabRigWord::Gone => "lost",
    }
}

fn sign(state: LabRigWord) -> &'static str {
    match state {
        LabRigWord::Idle => "○",
        LabRigWord::Working => "●",
        LabRigWord::Drained | LabRigWord::Waiting => "◌",
        LabRigWord::Out | LabRigWord::Gone => "!",
    }
}

fn rigs(lab: &LiveLab, now_ms: u64) -> Markup {
    html! {
        section #rigs aria-label="Rigs" {
            @if lab.facts.rigs.is_empty() {
                p.quiet { "No rig is in the lab. Start " code { "dfota-hil agent" } " beside each rig." }
            }
            @for (number, rig) in lab.facts.rigs.iter().enumerate() { (tile(number + 1, rig, now_ms)) }
        }
    }
}

fn tile(number: usize, rig: &LabRigFacts, now_ms: u64) -> Markup {
    let id = format!("rig-{number}");
    html! {
        article.tile.(class(rig.state)) id=(id) aria-labelledby=(format!("{id}-name")) {
            div.top {
                h2 id=(format!("{id}-name")) { (rig.rig) }
                span.state { (sign(rig.state)) " " (rig.state.word()) }
            }
            p.module { (rig.module.to_uppercase()) @if rig.simulated { ", simulated" } " on " (rig.host) }
            @if !rig.why.is_empty() { p.why { (rig.why) } }
            dl.facts {
                @if let Some(run) = &rig.run { dt { "Run" } dd { a id=(format!("{id}-run")) href=(run_href(run)) { (run) } } }
                @if let Some(batch) = &rig.batch { dt { "Batch" } dd { (batch) } }
                @if let Some(since) = rig.since { dt { "Since" } dd { (since_then(since, now_ms)) } }
                dt { "Agent" } dd { "dfota-hil " (rig.version) }
            }
        }
    }
}

fn since_then(since: u64, now_ms: u64) -> Markup {
    html! { (clock(now_ms.saturating_sub(since.saturating_mul(1_000)), true)) }
}

fn runs(lab: &LiveLab, now_ms: u64) -> Markup {
    let (over, open): (Vec<_>, Vec<_>) = lab
        .facts
        .runs
        .iter()
        .partition(|run| run.state == LabRunWord::Over);
    html! {
        section #runs aria-labelledby="runs-head" {
            h2 #runs-head { "Runs" }
            @if lab.facts.runs.is_empty() {
                p.quiet { "The lab knows no run yet. Start one with " code { "dfota-hil run SUITE --lab URL" } "." }
            }
            ol.verdicts { @for run in open.iter().chain(over.iter().take(LISTED)) { (row(run, now_ms)) } }
            @if let Some(more @ 1..) = over.len().checked_sub(LISTED) { p.quiet { "and " (more) " more that are over" } }
        }
    }
}

fn row(run: &LabRunFacts, now_ms: u64) -> Markup {
    let (class, word) = badge(run);
    html! {
        li {
            span.badge.(class) { (word) } " "
            a id=(format!("run-{}", encoded(&run.run))) href=(run_href(&run.run)) { (run.run) } " "
            span.quiet { "priority " (run.priority) ", from " (run.owner) ", began " (since_then(run.began, now_ms)) " ago" }
            @if let Some(counts) = run.cases { (progress(counts)) }
            p.quiet { (run.suites.join(", ")) " on " (count_of(run.rigs.len(), "rig")) }
        }
    }
}

/// Class and word of how a run stands.
fn badge(run: &LabRunFacts) -> (&'static str, &'static str) {
    match (run.state, run.exit) {
        (_, Some(0)) => ("pass", "✓ passed"),
        (_, Some(1)) => ("fail", "✗ failed"),
        (_, Some(_)) => ("error", "! no verdict"),
        (LabRunWord::Open, None) => ("running", "● open"),
        (LabRunWord::Cancelled, None) => ("skip", "– cancelled"),
        (LabRunWord::Over, None) => ("skip", "– over"),
    }
}

fn progress(counts: LiveCounts) -> Markup {
    let (over, all) = (counts.over(), counts.wanted());
    let failed = [
        (counts.fail, "failed"),
        (counts.error, "with an error"),
        (counts.inconclusive, "inconclusive"),
        (counts.not_reached, "not reached"),
    ];
    html! {
        p.bar {
            progress value=(over) max=(all.max(1)) aria-label="Cases that are over" {}
            span { (over) " of " (count_of(all, "case")) " judged, " (counts.pass) " passed" }
            @for (count, word) in failed { @if count > 0 { span { ", " strong { (count) " " (word) } } } }
        }
    }
}

/// The address of the page of a run, from the page of the lab.
fn run_href(run: &str) -> String {
    format!("run/{}/", encoded(run))
}
