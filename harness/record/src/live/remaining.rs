//! Estimates the time left of a run from its finished cases or batches. Before the first one has finished, there is no
//! estimate.

use super::LiveRun;
use super::queue::{LiveBatchState, Queue};

/// An estimate, and what it rests on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TimeLeft {
    pub(super) ms: u64,
    pub(super) from: String,
}

/// The time left at `now_ms`; nothing where nothing is over, or the run is.
pub(super) fn time_left(run: &LiveRun, now_ms: u64) -> Option<TimeLeft> {
    if run.ended.is_some() {
        return None;
    }
    if run.queue.batches.is_empty() {
        by_cases(run, now_ms)
    } else {
        by_batches(run, now_ms)
    }
}

/// Every case to come takes as long as those that are over did on average.
fn by_cases(run: &LiveRun, now_ms: u64) -> Option<TimeLeft> {
    let counts = run.cases.counts();
    let (over, all) = (counts.over() as u64, counts.wanted() as u64);
    let took_ms = run.cases.last_end_ms?.saturating_sub(run.began_ms);
    let each = took_ms.checked_div(over)?;
    let since = now_ms.saturating_sub(run.cases.last_end_ms?);
    let ms = (each * all.saturating_sub(over)).saturating_sub(since);
    Some(TimeLeft {
        ms,
        from: format!("at the pace of the {over} of {all} cases that are over"),
    })
}

/// What is left of the plan's estimates, at the pace of the batches that are over, shared by the rigs that are left.
fn by_batches(run: &LiveRun, now_ms: u64) -> Option<TimeLeft> {
    let Queue { batches, .. } = &run.queue;
    let closed = || {
        batches
            .iter()
            .filter(|batch| batch.state == LiveBatchState::Closed)
    };
    let planned: u64 = closed().map(|batch| batch.real_ms).sum();
    let took: u64 = closed().map(|batch| batch.took_ms).sum();
    if planned == 0 {
        return None;
    }
    let pace = took as f64 / planned as f64;
    let scaled = |real_ms: u64| (real_ms as f64 * pace) as u64;
    let of = |state| batches.iter().filter(move |batch| batch.state == state);
    let running: Vec<u64> = of(LiveBatchState::Running)
        .map(|batch| scaled(batch.real_ms).saturating_sub(now_ms.saturating_sub(batch.taken_ms)))
        .collect();
    let rigs = rigs_left(run) as u64;
    // Nobody takes what waits in a run that is paused, or has no rig left.
    let goes_on = run.queue.paused.is_none() && rigs > 0;
    let waiting: Vec<u64> = of(LiveBatchState::Waiting)
        .filter(|_| goes_on)
        .map(|batch| scaled(batch.real_ms))
        .collect();
    if running.is_empty() && waiting.is_empty() {
        return None;
    }
    let all: u64 = running.iter().chain(&waiting).sum();
    // No batch is shared by rigs: it takes at least the longest.
    let longest = running.iter().chain(&waiting).copied().max().unwrap_or(0);
    Some(TimeLeft {
        ms: (all / rigs.max(1)).max(longest),
        from: format!(
            "at the pace of the {} of {} batches that are over",
            closed().count(),
            batches.len()
        ),
    })
}

/// Rigs that may have a further batch.
pub(super) fn rigs_left(run: &LiveRun) -> usize {
    run.tiles.iter().filter(|tile| !tile.state.is_out()).count()
}

/// Rigs that have no batch and may have one.
pub(super) fn rigs_free(run: &LiveRun) -> usize {
    let free = |tile: &&super::tile::RigTile| tile.batch.is_none() && !tile.state.is_out();
    run.tiles.iter().filter(free).count()
}
