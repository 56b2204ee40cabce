//! The batches of a run on several rigs. A run on one rig has none: then its cases ahead are counted in the head.

use super::clock;
use crate::count::count_of;
use crate::live::queue::{LiveBatch, LiveBatchState};
use crate::live::{LiveRun, short_time};
use maud::{Markup, html};

/// Batches of one kind that are listed.
const LISTED: usize = 40;

pub(super) fn write(run: &LiveRun, now_ms: u64) -> Markup {
    let batches = &run.queue.batches;
    let of = |state| batches.iter().filter(move |batch| batch.state == state);
    html! {
        section #queue aria-labelledby="queue-head" hidden[batches.is_empty()] {
            h2 #queue-head { "Queue" }
            @if let Some(why) = &run.queue.paused { p.why { "Paused: " (why) } }
            p.quiet {
                @for state in LiveBatchState::ALL {
                    @let count = run.queue.count(state);
                    @if count > 0 { span.count { (count) " " (state.word()) } " " }
                }
            }
            ul.batches {
                @for each in of(LiveBatchState::Running) { (running(run, each, now_ms)) }
                @for (why, waiting) in waiting(run) { (group(&why, &waiting)) }
                @for each in of(LiveBatchState::GivenUp) {
                    li.given-up { (name(each)) " given up: " (run.why(each)) }
                }
            }
            (closed(of(LiveBatchState::Closed).collect()))
        }
    }
}

fn name(batch: &LiveBatch) -> Markup {
    html! {
        strong { (batch.name) } " "
        span.quiet { (count_of(batch.cases, "case")) ", planned " (short_time(batch.real_ms)) }
    }
}

fn running(run: &LiveRun, batch: &LiveBatch, now_ms: u64) -> Markup {
    let why = run.why(batch);
    html! {
        li.running {
            (name(batch)) br;
            "running" @if let Some(rig) = &batch.rig { " on " (rig) }
            " for " (clock(now_ms.saturating_sub(batch.taken_ms), true))
            @if !why.is_empty() { ": " (why) }
        }
    }
}

/// The batches that wait, by the reason: most have the same.
fn waiting(run: &LiveRun) -> Vec<(String, Vec<&LiveBatch>)> {
    let mut groups: Vec<(String, Vec<&LiveBatch>)> = Vec::new();
    let batches = run.queue.batches.iter();
    for batch in batches.filter(|batch| batch.state == LiveBatchState::Waiting) {
        let why = run.why(batch);
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, group)) => group.push(batch),
            None => groups.push((why, vec![batch])),
        }
    }
    groups
}

fn group(why: &str, batches: &[&LiveBatch]) -> Markup {
    let planned: u64 = batches.iter().map(|batch| batch.real_ms).sum();
    html! {
        li.waiting {
            @if let [only] = batches { (name(only)) }
            @else { strong { (batches.len()) " batches" } " " span.quiet { "planned " (short_time(planned)) " in all" } }
            br;
            "waiting" @if !why.is_empty() { ": " (why) }
            @if batches.len() > 1 { p.names { (names(batches)) } }
        }
    }
}

fn closed(batches: Vec<&LiveBatch>) -> Markup {
    html! {
        @if !batches.is_empty() {
            ul.batches.closed {
                @for batch in batches.iter().rev().take(LISTED) {
                    li.closed {
                        strong { (batch.name) } " done" @if let Some(rig) = &batch.rig { " on " (rig) }
                        " in " (short_time(batch.took_ms))
                        @if !batch.why.is_empty() { ": " (batch.why.join("; ")) }
                    }
                }
            }
            @if let Some(more @ 1..) = batches.len().checked_sub(LISTED) { p.quiet { "and " (more) " more that are done" } }
        }
    }
}

fn names(batches: &[&LiveBatch]) -> String {
    let listed: Vec<&str> = batches
        .iter()
        .take(LISTED)
        .map(|batch| batch.name.as_str())
        .collect();
    match batches.len().checked_sub(LISTED) {
        Some(more @ 1..) => format!("{} and {more} more", listed.join(", ")),
        _ => listed.join(", "),
    }
}
