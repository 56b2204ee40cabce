//! How far a run has come, and how long the rest is likely to take.

use dfota_core::transport::Via;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// A time in two figures at most: what is shorter than a second is 0s.
pub fn short_time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A case of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CaseKey {
    pub suite: String,
    pub id: String,
}

impl CaseKey {
    pub fn new(suite: &str, id: &str) -> Self {
        Self {
            suite: suite.to_owned(),
            id: id.to_owned(),
        }
    }
}

/// What the plan says of a case.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedTime {
    pub via: Via,
    /// The real time that it is likely to take.
    pub takes: Duration,
}

/// How a case ended, as far as progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseEnding {
    /// It passed, or was skipped.
    Good,
    Failed,
    /// There is no verdict on the module.
    Undecided,
}

/// What the plan says of some cases, and what they really took.
#[derive(Debug, Clone, Copy, Default)]
struct TransportPace {
    planned: Duration,
    took: Duration,
}

impl TransportPace {
    fn add(&mut self, planned: Duration, took: Duration) {
        self.planned += planned;
        self.took += took;
    }

    fn ratio(self) -> Option<f64> {
        (!self.planned.is_zero()).then(|| self.took.as_secs_f64() / self.planned.as_secs_f64())
    }
}

#[derive(Debug)]
struct PresentCase {
    expected: ExpectedTime,
    began: Instant,
}

/// The plan's times, corrected by the pace of the cases so far. The plan's error differs by transport.
#[derive(Debug)]
pub struct TimeEstimate {
    began: Instant,
    /// No case begins after this long.
    limit: Option<Duration>,
    planned: HashMap<CaseKey, ExpectedTime>,
    /// What the plan says of cases to come.
    ahead: HashMap<Via, Duration>,
    /// Cases that have ended.
    paces: HashMap<Via, TransportPace>,
    present: Option<PresentCase>,
    /// Cases that are to run, and that have begun.
    cases: usize,
    begun: usize,
    failed: usize,
    undecided: usize,
}

impl TimeEstimate {
    pub fn new(planned: HashMap<CaseKey, ExpectedTime>, began: Instant) -> Self {
        Self {
            began,
            limit: None,
            planned,
            ahead: HashMap::new(),
            paces: HashMap::new(),
            present: None,
            cases: 0,
            begun: 0,
            failed: 0,
            undecided: 0,
        }
    }

    /// No case begins after so long.
    pub fn limit(&mut self, limit: Option<Duration>) {
        self.limit = limit;
    }

    /// A case is to run.
    pub fn plan(&mut self, case: &CaseKey) {
        self.cases += 1;
        if let Some(expected) = self.planned.get(case) {
            *self.ahead.entry(expected.via).or_default() += expected.takes;
        }
    }

    pub fn begin(&mut self, case: &CaseKey, now: Instant) {
        self.begun += 1;
        self.present = self.planned.get(case).map(|expected| PresentCase {
            expected: *expected,
            began: now,
        });
        if let Some(PresentCase { expected, .. }) = &self.present {
            let ahead = self.ahead.entry(expected.via).or_default();
            *ahead = ahead.saturating_sub(expected.takes);
        }
    }

    /// The present case is over.
    pub fn end(&mut self, result: CaseEnding, took: Duration) {
        self.count(result, 1);
        if let Some(PresentCase { expected, .. }) = self.present.take() {
            let pace = self.paces.entry(expected.via).or_default();
            pace.add(expected.takes, took);
        }
    }

    /// A case that had ended has another verdict now.
    pub fn revise(&mut self, before: CaseEnding, now: CaseEnding) {
        self.count(before, -1);
        self.count(now, 1);
    }

    fn count(&mut self, result: CaseEnding, more: isize) {
        let counted = match result {
            CaseEnding::Good => return,
            CaseEnding::Failed => &mut self.failed,
            CaseEnding::Undecided => &mut self.undecided,
        };
        *counted = counted.saturating_add_signed(more);
    }

    /// The time that cases over this transport are likely to take: the plan's, at their own pace so far, else at that of all.
    fn at_pace(&self, via: Via, planned: Duration) -> Duration {
        let own = self.paces.get(&via).and_then(|pace| pace.ratio());
        let all = || {
            let mut all = TransportPace::default();
            let paces = self.paces.values();
            paces.for_each(|pace| all.add(pace.planned, pace.took));
            all.ratio()
        };
        planned.mul_f64(own.or_else(all).unwrap_or(1.0))
    }

    /// The time that is likely left; none without a plan.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        if self.planned.is_empty() {
            return None;
        }
        let ahead = self.ahead.iter().map(|(via, takes)| self.at_pace(*via, *takes));
        let present = self.present.as_ref().map_or(Duration::ZERO, |present| {
            let takes = self.at_pace(present.expected.via, present.expected.takes);
            takes.saturating_sub(now.saturating_duration_since(present.began))
        });
        let all = ahead.sum::<Duration>() + present;
        let until = |limit: Duration| limit.saturating_sub(now.saturating_duration_since(self.began));
        // A case that has begun is not stopped by the limit.
        Some(self.limit.map_or(all, |limit| all.min(until(limit).max(present))))
    }

    /// `1m12s · 3/6, 1 failed · 2m10s left`
    pub fn shown(&self, now: Instant) -> String {
        let time = short_time(now - self.began);
        let mut text = format!("{time} · {}/{}", self.begun, self.cases);
        for (count, what) in [(self.failed, "failed"), (self.undecided, "not decided")] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        if let Some(left) = self.left(now) {
            let _ = write!(text, " · {} left", short_time(left));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn name(id: &str) -> CaseKey {
        CaseKey::new("s", id)
    }

    fn estimate(cases: &[(&str, Via, u32)], began: Instant) -> TimeEstimate {
        let planned = cases.iter().map(|&(id, via, takes)| {
            let takes = SECOND * takes;
            (name(id), ExpectedTime { via, takes })
        });
        let mut estimate = TimeEstimate::new(planned.collect(), began);
        for (id, ..) in cases {
            estimate.plan(&name(id));
        }
        estimate
    }

    /// The plan's guess holds until a case has shown how good it is; each transport has its own pace.
    #[test]
    fn time_left() {
        let t0 = Instant::now();
        let cases = [
            ("a", Via::Uart, 10),
            ("b", Via::Uart, 10),
            ("c", Via::Http, 100),
            ("d", Via::Http, 100),
        ];
        let mut estimate = estimate(&cases, t0);
        assert_eq!(estimate.left(t0), Some(SECOND * 220));
        estimate.begin(&name("a"), t0);
        assert_eq!(estimate.left(t0 + SECOND * 4), Some(SECOND * 216));
        // Twice as long as planned, and nothing is known of HTTP yet.
        estimate.end(CaseEnding::Good, SECOND * 20);
        assert_eq!(estimate.left(t0), Some(SECOND * 420));
        estimate.begin(&name("c"), t0);
        estimate.end(CaseEnding::Good, SECOND * 50);
        assert_eq!(estimate.left(t0), Some(SECOND * 70));
        // A case that takes longer than expected does not eat into the others.
        estimate.begin(&name("b"), t0);
        assert_eq!(estimate.left(t0 + SECOND * 90), Some(SECOND * 50));
    }

    /// With `--max-time`, what cannot begin any more takes no time.
    #[test]
    fn time_left_before_the_limit() {
        let t0 = Instant::now();
        let mut estimate = estimate(&[("a", Via::Uart, 90), ("b", Via::Uart, 90)], t0);
        estimate.limit(Some(SECOND * 60));
        assert_eq!(estimate.left(t0), Some(SECOND * 60));
        estimate.begin(&name("a"), t0);
        assert_eq!(
            estimate.left(t0 + SECOND * 10),
            Some(SECOND * 80),
            "the case that began ends"
        );
        estimate.limit(Some(SECOND * 1000));
        assert_eq!(estimate.left(t0 + SECOND * 10), Some(SECOND * 170));
    }

    #[test]
    fn what_is_shown() {
        let t0 = Instant::now();
        let mut estimate = estimate(&[("a", Via::Uart, 90), ("b", Via::Uart, 90)], t0);
        estimate.begin(&name("a"), t0);
        assert_eq!(estimate.shown(t0 + SECOND * 30), "30s · 1/2 · 2m30s left");
        estimate.end(CaseEnding::Undecided, SECOND * 90);
        estimate.begin(&name("b"), t0 + SECOND * 90);
        estimate.end(CaseEnding::Failed, SECOND * 90);
        // Nothing begins any more, and a later case had the last word on an earlier one.
        estimate.revise(CaseEnding::Undecided, CaseEnding::Failed);
        assert_eq!(
            estimate.shown(t0 + SECOND * 200),
            "3m20s · 2/2, 2 failed · 0s left"
        );
        assert_eq!(short_time(SECOND * 7_265), "2h01m");
    }

    /// Where nothing is planned, as in a search, nothing is promised.
    #[test]
    fn no_plan() {
        let t0 = Instant::now();
        let mut estimate = TimeEstimate::new(HashMap::new(), t0);
        estimate.plan(&name("probe"));
        estimate.begin(&name("probe"), t0);
        assert_eq!(estimate.shown(t0), "0s · 1/1");
    }
}
