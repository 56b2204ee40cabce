//! The run as `/api/run.json`.

use super::LiveRun;
use super::cases::LiveCase;
pub use super::cases::LiveCounts;
use super::claims::ClaimView;
use super::queue::{LiveBatch, LiveBatchState};
use super::remaining;
use super::tile::{LostBatch, RigTile};
use crate::report::campaigns::StratumReport;
use serde::Serialize;

/// Version of this form; what is there keeps its meaning within one.
const SCHEMA: u32 = 1;

/// What the page knows.
#[derive(Debug, Serialize)]
pub struct LiveJson<'r> {
    schema: u32,
    run: &'r str,
    masked: bool,
    simulated: bool,
    /// `running` or `ended`.
    state: &'static str,
    exit: Option<u8>,
    seconds: f64,
    seconds_left: Option<f64>,
    cases: LiveCounts,
    progress: ProgressJson<'r>,
    claims: Vec<ClaimJson>,
}

/// Rigs, batches and verdicts.
#[derive(Debug, Serialize)]
struct ProgressJson<'r> {
    rigs: Vec<RigJson<'r>>,
    batches: Vec<BatchJson<'r>>,
    paused: Option<&'r str>,
    given_up: Option<&'r str>,
    /// Every case that has a verdict, in the order of the plan.
    verdicts: Vec<VerdictJson<'r>>,
}

#[derive(Debug, Serialize)]
struct RigJson<'r> {
    rig: &'r str,
    state: &'static str,
    why: &'r str,
    module: ModuleJson<'r>,
    batch: Option<&'r str>,
    suite: Option<&'r str>,
    case: Option<&'r str>,
    phase: Option<String>,
    percent: Option<u8>,
    seconds_in_case: Option<f64>,
    last_cut: Option<&'r str>,
    updates: u64,
    /// Where it stood when it was lost.
    lost: Option<LostJson<'r>>,
}

/// Nothing of a case that was lost between two.
#[derive(Debug, Serialize)]
struct LostJson<'r> {
    batch: &'r str,
    suite: Option<&'r str>,
    case: Option<&'r str>,
    last_line: Option<&'r str>,
    /// Its cut had been ordered, and nobody knows what it did.
    cut_ordered: bool,
}

#[derive(Debug, Serialize)]
struct ModuleJson<'r> {
    r#type: &'r str,
    model: Option<&'r str>,
    version: Option<&'r str>,
    imei: Option<&'r str>,
}

#[derive(Debug, Serialize)]
struct BatchJson<'r> {
    batch: &'r str,
    suite: &'r str,
    state: &'static str,
    rig: Option<&'r str>,
    cases: usize,
    planned_seconds: f64,
    why: String,
}

#[derive(Debug, Serialize)]
struct VerdictJson<'r> {
    suite: &'r str,
    id: &'r str,
    rig: Option<&'r str>,
    verdict: &'static str,
    rule: Option<&'static str>,
    sentence: Option<String>,
    summary: Option<&'r str>,
}

#[derive(Debug, Serialize)]
struct ClaimJson {
    suite: String,
    campaign: String,
    standing: String,
    counted: u32,
    needed: Option<u32>,
    bricks: u32,
    open: usize,
    /// Bounds of the rate, each with the confidence of the claim.
    lower: Option<f64>,
    upper: Option<f64>,
    modules: Vec<ShareJson>,
}

#[derive(Debug, Serialize)]
struct ShareJson {
    rig: Option<String>,
    imei: Option<String>,
    counted: u32,
    bricks: u32,
    open: usize,
}

impl LiveRun {
    /// What the page knows, as JSON.
    pub fn json(&self, now_ms: u64) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(&self.as_json(now_ms))?;
        text.push('\n');
        Ok(text)
    }

    fn as_json(&self, now_ms: u64) -> LiveJson<'_> {
        let left = remaining::time_left(self, now_ms);
        let started = self.started.as_deref();
        LiveJson {
            schema: SCHEMA,
            run: started.map_or("", |started| &started.run),
            masked: self.masked,
            simulated: self.is_simulated(),
            state: if self.ended.is_some() { "ended" } else { "running" },
            exit: self.ended.map(|ended| ended.exit),
            seconds: seconds(self.took_ms(now_ms)),
            seconds_left: left.map(|left| seconds(left.ms)),
            cases: self.cases.counts(),
            progress: ProgressJson {
                rigs: self.tiles.iter().map(|tile| rig(tile, now_ms)).collect(),
                batches: self.queue.batches.iter().map(|each| self.batch(each)).collect(),
                paused: self.queue.paused.as_deref(),
                given_up: self.given_up.as_deref(),
                verdicts: self.cases.all().iter().filter_map(verdict).collect(),
            },
            claims: self.claims.views().into_iter().map(claim).collect(),
        }
    }

    /// How long it has run.
    pub(super) fn took_ms(&self, now_ms: u64) -> u64 {
        let until = self.ended.map_or(now_ms, |ended| ended.at_ms);
        if self.started.is_some() {
            until.saturating_sub(self.began_ms)
        } else {
            0
        }
    }

    pub(super) fn is_simulated(&self) -> bool {
        self.tiles.iter().any(|tile| tile.label.simulated)
    }

    /// Why a batch is where it is.
    pub(super) fn why(&self, batch: &LiveBatch) -> String {
        let mut why = batch.why.clone();
        if batch.state == LiveBatchState::Waiting && self.ended.is_none() {
            let (free, left) = (remaining::rigs_free(self), remaining::rigs_left(self));
            why.push(self.queue.reason(batch, free, left));
        }
        why.join("; ")
    }

    fn batch<'r>(&'r self, batch: &'r LiveBatch) -> BatchJson<'r> {
        BatchJson {
            batch: &batch.name,
            suite: &batch.suite,
            state: batch.state.word(),
            rig: batch.rig.as_deref(),
            cases: batch.cases,
            planned_seconds: seconds(batch.real_ms),
            why: self.why(batch),
        }
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

fn rig(tile: &RigTile, now_ms: u64) -> RigJson<'_> {
    let present = tile.present.as_ref();
    let attempt = present.and_then(|present| present.attempt.as_ref());
    let seen = tile.identity.as_ref();
    RigJson {
        rig: &tile.name,
        state: tile.state.word(),
        why: &tile.why,
        module: ModuleJson {
            r#type: &tile.label.module,
            model: seen.map(|seen| seen.model.as_str()),
            version: seen.map(|seen| seen.version.as_str()),
            imei: seen.and_then(|seen| seen.imei.as_ref()).map(|imei| imei.as_str()),
        },
        batch: tile.batch.as_deref(),
        suite: present.map(|present| present.suite.as_str()),
        case: present.map(|present| present.id.as_str()),
        phase: attempt.map(|attempt| attempt.phase().to_string()),
        percent: attempt.and_then(|attempt| attempt.percent()),
        seconds_in_case: present.map(|present| seconds(now_ms.saturating_sub(present.began_ms))),
        last_cut: tile.last_cut.as_deref(),
        updates: tile.wear(),
        lost: tile.lost.as_ref().map(lost),
    }
}

fn lost(lost: &LostBatch) -> LostJson<'_> {
    let case = lost.case.as_ref();
    LostJson {
        batch: &lost.batch,
        suite: case.map(|case| case.suite.as_str()),
        case: case.map(|case| case.id.as_str()),
        last_line: case.map(|case| case.last_line.as_str()),
        cut_ordered: case.is_some_and(|case| case.was_ordered),
    }
}

fn verdict(case: &LiveCase) -> Option<VerdictJson<'_>> {
    let verdict = case.verdict()?;
    let finding = verdict.finding();
    let ended = case.ended.as_deref();
    Some(VerdictJson {
        suite: &case.suite,
        id: &case.id,
        rig: case.rig.as_deref(),
        verdict: verdict.name(),
        rule: finding.map(|finding| finding.rule.id()),
        sentence: finding.map(|finding| finding.sentence.clone()),
        summary: ended.map(|ended| ended.summary.as_str()).or(case.skip.as_deref()),
    })
}

fn claim(view: ClaimView) -> ClaimJson {
    let ClaimView {
        needed,
        open,
        ref standing,
        ref report,
        ..
    } = view;
    let counted = report.counted_cuts();
    let bounds = Some(report.bounds()).filter(|_| view.has_bounds());
    let share = |StratumReport { stratum, .. }: &StratumReport| ShareJson {
        rig: Some(stratum.rigs.join(" and ")).filter(|rigs| !rigs.is_empty()),
        imei: stratum.imei.clone(),
        counted: stratum.counted.cuts,
        bricks: stratum.counted.bricks,
        open: stratum.open.len(),
    };
    let modules = report.pool.iter().flat_map(|pool| &pool.strata);
    ClaimJson {
        suite: report.suite.clone(),
        campaign: report.campaign.clone(),
        standing: standing.clone(),
        counted: counted.cuts,
        needed,
        bricks: counted.bricks,
        open,
        lower: bounds.map(|bounds| bounds.lower),
        upper: bounds.map(|bounds| bounds.upper),
        modules: modules.map(share).collect(),
    }
}
