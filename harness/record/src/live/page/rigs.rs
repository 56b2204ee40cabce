//! A tile for each rig.

use super::{case_href, clock};
use crate::live::LiveRun;
use crate::live::tile::{LiveRigState, LostBatch, PresentAttempt, PresentCase, RigTile};
use crate::live::{LivePart, short_time};
use dfota_core::event::watched::Purpose;
use dfota_core::update::Phase;
use maud::{Markup, html};

pub(super) fn all(run: &LiveRun, now_ms: u64) -> Markup {
    html! {
        section #rigs aria-label="Rigs" {
            @for (number, each) in run.tiles.iter().enumerate() { (tile(run, number, each, now_ms)) }
        }
    }
}

pub(super) fn tile(run: &LiveRun, number: usize, tile: &RigTile, now_ms: u64) -> Markup {
    let id = LivePart::Rig(number).id();
    html! {
        article.tile.(tile.state.word()) id=(id) aria-labelledby=(format!("{id}-name")) {
            div.top {
                h2 id=(format!("{id}-name")) { (tile.name) }
                span.state { (sign(tile.state)) " " (tile.state.word()) }
            }
            p.module { (module(tile)) }
            @if !tile.why.is_empty() { p.why { (tile.why) } }
            @if let Some(present) = &tile.present { (present_case(&id, present, now_ms)) }
            @if let Some(lost) = &tile.lost { (lost_batch(&id, lost)) }
            @if tile.state == LiveRigState::Waiting && run.ended.is_none() { p.step { (run.queue.why_idle()) } }
            @if !tile.step.is_empty() { p.step { (tile.step) } }
            dl.facts {
                @if let Some(batch) = &tile.batch { dt { "Batch" } dd { (batch) } }
                dt { "Last cut" } dd { @if let Some(cut) = &tile.last_cut { (cut) } @else { "none yet" } }
                dt { "Updates" } dd { (tile.wear()) " in this run" }
            }
        }
    }
}

/// A sign beside the word, so that a state is never told by its colour alone.
fn sign(state: LiveRigState) -> &'static str {
    match state {
        LiveRigState::Idle | LiveRigState::Waiting => "○",
        LiveRigState::Preparing => "◐",
        LiveRigState::Running => "●",
        LiveRigState::Lost | LiveRigState::Quarantined | LiveRigState::Out => "!",
        LiveRigState::Done => "✓",
    }
}

fn module(tile: &RigTile) -> Markup {
    let kind = tile.label.module.to_uppercase();
    html! {
        @match &tile.identity {
            Some(seen) => {
                (seen.model) ", " strong { (seen.version) }
                @if let Some(imei) = &seen.imei { br; "IMEI " (imei) }
            }
            None => { (kind) @if !kind.is_empty() { ", " } "it has not answered yet" }
        }
    }
}

fn present_case(id: &str, present: &PresentCase, now_ms: u64) -> Markup {
    let since = now_ms.saturating_sub(present.began_ms);
    html! {
        p.case { a id=(format!("{id}-case")) href=(case_href(&present.suite, &present.id)) { (present.id) } }
        @match &present.attempt {
            Some(attempt) => (update(attempt, since, now_ms)),
            None => p.times { span { "in the case for " (clock(since, true)) } },
        }
    }
}

/// Where the rig stood when it was lost.
fn lost_batch(id: &str, lost: &LostBatch) -> Markup {
    html! {
        dl.facts {
            dt { "Lost batch" } dd { (lost.batch) }
            @match &lost.case {
                None => { dt { "Lost case" } dd { "none: it was between two cases" } }
                Some(case) => {
                    dt { "Lost case" } dd { a id=(format!("{id}-lost")) href=(case_href(&case.suite, &case.id)) { (case.id) } }
                    dt { "Its cut" } dd {
                        @if case.was_ordered { strong { "had been ordered" } ": nobody knows what it did" }
                        @else { "had not been ordered" }
                    }
                    @if !case.last_line.is_empty() { dt { "Last line" } dd { code { (case.last_line) } } }
                }
            }
        }
    }
}

fn update(attempt: &PresentAttempt, in_case: u64, now_ms: u64) -> Markup {
    let percent = attempt.percent();
    let phase = match attempt.phase() {
        Phase::Idle => "no update under way".to_owned(),
        phase => phase.to_string(),
    };
    let what = match attempt.purpose() {
        Purpose::Preparation => "preparation: ",
        Purpose::CounterProof => "counter-proof: ",
        Purpose::Case => "",
        Purpose::Again => "once more: ",
    };
    let since = now_ms.saturating_sub(attempt.began_ms);
    html! {
        p.bar {
            // Without a value, a browser shows a bar that has no end.
            progress value=(percent.unwrap_or(0)) max="100" aria-label="Progress of the phase" {}
            span.phase { (what) (phase) }
        }
        p.bar.limit {
            progress value=(since) max=(attempt.limit_ms.max(1)) data-ms=(since) aria-label="Time of the update against its limit" {}
            span { (clock(since, true)) " of at most " (short_time(attempt.limit_ms)) }
            span { "in the case for " (clock(in_case, true)) }
        }
    }
}
