//! The batches of a run on several rigs. A run on one rig has none: then its cases ahead are counted in the head.

use super::clock;
use crate::count::count_of;
use crate::live::queue::{LiveBatch, LiveBatchState};
use crate::live::{LiveRun, short_time};
use maud::{Markup, html};

/// Batches that are listed; those that are done come last.
const LISTED: usize = 40;

pub(super) fn write(run: &LiveRun, now_ms: u64) -> Markup {
    let mut batches: Vec<&LiveBatch> = run.queue.batches.iter().collect();
    let place = |batch: &&LiveBatch| LiveBatchState::ALL.iter().position(|&state| state == batch.state);
    batches.sort_by_key(place);
    let more = batches.len().saturating_sub(LISTED);
    batches.truncate(LISTED);
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
            ul.batches { @for each in batches { (batch(run, each, now_ms)) } }
            @if more > 0 { p.quiet { "and " (count_of(more, "more batch").replace("batchs", "batches")) } }
        }
    }
}

fn batch(run: &LiveRun, batch: &LiveBatch, now_ms: u64) -> Markup {
    let class = match batch.state {
        LiveBatchState::Waiting => "waiting",
        LiveBatchState::Running => "running",
        LiveBatchState::Closed => "closed",
        LiveBatchState::GivenUp => "given-up",
    };
    let why = run.why(batch);
    html! {
        li.(class) {
            strong { (batch.name) } " " span.quiet { (count_of(batch.cases, "case")) ", planned " (short_time(batch.real_ms)) }
            br;
            (batch.state.word())
            @if let Some(rig) = &batch.rig { @if batch.state != LiveBatchState::Waiting { " on " (rig) } }
            @match batch.state {
                LiveBatchState::Running => { " for " (clock(now_ms.saturating_sub(batch.taken_ms), true)) }
                LiveBatchState::Closed => { " in " (short_time(batch.took_ms)) }
                LiveBatchState::Waiting | LiveBatchState::GivenUp => {}
            }
            @if !why.is_empty() { ": " (why) }
        }
    }
}
