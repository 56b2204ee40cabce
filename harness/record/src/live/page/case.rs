//! One case: its timeline and its transcript so far.

use super::badge;
use crate::live::cases::LiveCase;
use crate::report::html::drawing;
use crate::report::html::look::seconds;
use crate::report::html::timeline::CaseTimeline;
use crate::report::{CaseRun, transcript};
use dfota_core::event::Event;
use maud::{Markup, html};

pub(super) fn write(case: &LiveCase) -> Markup {
    let run = case.as_run();
    html! {
        main.live #main {
            p.kicker { a href="../../" { "Back to the run" } }
            h1 { (case.id) }
            p { @match (case.records.open, case.verdict()) {
                (true, _) => { span.badge.running { "● running" } }
                (false, Some(verdict)) => (badge(&verdict)),
                (false, None) => { span.badge.skip { "– it has no verdict yet" } }
            } }
            @for lost in &case.lost { p.why { "Lost " (lost) } }
            @if let Some(run) = &run { (facts(case, run)) (records(case, run)) }
            @else { p { "Nothing is known of its plan." } }
        }
        footer { p { "Made from the journal as it is written." } }
    }
}

fn facts(case: &LiveCase, run: &CaseRun<'_>) -> Markup {
    let package = &run.case.package;
    let finding = run.verdict.finding().filter(|_| !case.records.open);
    html! {
        @if let Some(finding) = finding { p.sentence { code { (finding.rule) } ": " (finding.sentence) } }
        @if let Some(reason) = &case.skip { p.sentence { "It is left out: " (reason) } }
        @if !run.summary.is_empty() { p { (run.summary) } }
        dl.facts {
            dt { "Suite" } dd { (case.suite) ", " code { (run.case.place) } }
            @if let Some(rig) = &case.rig { dt { "Rig" } dd { (rig) } }
            dt { "Update" } dd { (package.name) " over " (run.case.via) ", " (package.from) " → " (package.to) }
            @if run.took_ns > 0 { dt { "Took" } dd { (seconds(run.took_ns)) @if case.records.open { " so far" } } }
            @if let Some(outcome) = run.outcome { dt { "The module" } dd { (outcome.words()) } }
            @if let Some(restored) = run.restored { dt { "Afterwards" } dd { "restored by " (restored.by) " to " (restored.version) } }
            @for tried in &run.earlier {
                dt { "Try " (tried.number) }
                dd { (badge(&tried.verdict)) " " @if let Some(finding) = tried.verdict.finding() { (finding.sentence) "; " } (tried.again) }
            }
            @if !run.rerun.is_empty() { dt { "Again" } dd { code.command { (run.rerun) } } }
        }
    }
}

fn records(case: &LiveCase, run: &CaseRun<'_>) -> Markup {
    if case.records.gone {
        return html! { p.why { "It is not shown here any more: its transcript is in the run folder once the run is over." } };
    }
    if run.records.is_empty() {
        return html! { p.quiet { "It has not begun." } };
    }
    let timeline = CaseTimeline::new(run);
    html! {
        h2 #timeline { "Timeline" }
        (drawing::draw(&timeline, &run.case.id, |_| true))
        h2 #transcript { "Transcript" }
        @if case.records.left_out > 0 {
            p.quiet { (case.records.left_out) " records in the middle are left out here; the run folder has all." }
        }
        div.transcript.whole tabindex="0" role="region" aria-label=(format!("Transcript of {}", run.case.id)) {
            ol { @for record in run.records {
                @if let Some(text) = transcript::shown(record) {
                    li id=(format!("e{}", record.seq)) .cut[matches!(record.event, Event::CutMade(_) | Event::CutMissed { .. })]
                        .evidence[run.evidence.contains(&record.seq)] {
                        span.at { (record.seq + 1) } " "
                        span.time { (format!("{:.6}", record.mono_ns as f64 / 1e9)) } " "
                        (text)
                    }
                }
            } }
        }
    }
}
