//! Verdicts as they come, the newest first.

use super::{badge, case_href};
use crate::live::LiveRun;
use crate::live::cases::{LISTED, LiveCase, finding};
use crate::report::html::look::seconds;
use maud::{Markup, html};

pub(super) fn write(run: &LiveRun) -> Markup {
    let several = run.tiles.len() > 1;
    let counts = run.cases.counts();
    html! {
        section #verdicts aria-labelledby="verdicts-head" {
            h2 #verdicts-head { "Verdicts" }
            @if counts.over() == 0 { p.quiet { "None yet." } }
            @else if counts.over() > LISTED { p.quiet { "The newest " (LISTED) " of " (counts.over()) "." } }
            ol.verdicts { @for case in run.cases.newest() { (row(case, several)) } }
        }
    }
}

fn row(case: &LiveCase, several: bool) -> Markup {
    let verdict = case.verdict();
    let ended = case.ended.as_deref();
    let id = format!("v-{}-{}", case.suite, case.id);
    html! {
        li {
            @if let Some(verdict) = &verdict { (badge(verdict)) " " }
            a id=(id) href=(case_href(&case.suite, &case.id)) { (case.id) }
            @if let (Some(rig), true) = (&case.rig, several) { " " span.quiet { "on " (rig) } }
            @if let Some(ended) = ended { @if ended.took_ns > 0 { " " span.quiet { (seconds(ended.took_ns)) } } }
            @match verdict.as_ref().and_then(finding) {
                Some((rule, sentence)) => p { code { (rule) } ": " (sentence) },
                None => @if let Some(ended) = ended { @if !ended.summary.is_empty() { p { (ended.summary) } } },
            }
            @for lost in &case.lost { p.quiet { "lost before " (lost) } }
        }
    }
}
