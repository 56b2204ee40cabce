//! The one line of progress of a run, on a terminal: how long it takes and is likely to take, what did not pass so far, and
//! the present case.

use dfota_core::transport::Via;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the times are shown anew.
const TICK: Duration = Duration::from_millis(200);

/// How a case ended, as far as progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It passed, or was left out.
    Good,
    Failed,
    /// It did not come to a verdict on the module.
    Other,
}

/// How far a run has come, and how long the rest is likely to take: what the plan says, at the pace that the cases so far
/// have had. The plan's guesses differ by transport, and so does their error.
#[derive(Debug)]
pub struct Pace {
    began: Instant,
    /// No case begins after this long.
    limit: Option<Duration>,
    planned: HashMap<(String, String), (Via, Duration)>,
    /// What the plan says of cases to come, and of those that are over; what these really took. By transport.
    ahead: HashMap<Via, Duration>,
    behind: HashMap<Via, (Duration, Duration)>,
    /// Cases that are to run, and that have begun.
    cases: usize,
    begun: usize,
    failed: usize,
    others: usize,
    /// The present case: its transport, when it began, and what the plan says of it.
    present: Option<(Via, Instant, Duration)>,
}

impl Pace {
    /// Of a plan: what it says of each case, by suite and id.
    pub fn new(planned: HashMap<(String, String), (Via, Duration)>, began: Instant) -> Self {
        Self {
            began,
            limit: None,
            planned,
            ahead: HashMap::new(),
            behind: HashMap::new(),
            cases: 0,
            begun: 0,
            failed: 0,
            others: 0,
            present: None,
        }
    }

    /// No case begins after so long.
    pub fn limit(&mut self, limit: Option<Duration>) {
        self.limit = limit;
    }

    /// A case is to run.
    pub fn plan(&mut self, suite: &str, id: &str) {
        self.cases += 1;
        if let Some((via, takes)) = self.planned.get(&(suite.to_owned(), id.to_owned())) {
            *self.ahead.entry(*via).or_default() += *takes;
        }
    }

    pub fn begin(&mut self, suite: &str, id: &str, now: Instant) {
        self.begun += 1;
        let planned = self.planned.get(&(suite.to_owned(), id.to_owned()));
        self.present = planned.map(|(via, takes)| (*via, now, *takes));
        if let Some((via, _, takes)) = self.present {
            let ahead = self.ahead.entry(via).or_default();
            *ahead = ahead.saturating_sub(takes);
        }
    }

    /// The present case is over.
    pub fn end(&mut self, end: End, took: Duration) {
        self.count(end, 1);
        if let Some((via, _, takes)) = self.present.take() {
            let behind = self.behind.entry(via).or_default();
            *behind = (behind.0 + takes, behind.1 + took);
        }
    }

    /// Another verdict is known of a case that had ended.
    pub fn revise(&mut self, before: End, now: End) {
        self.count(before, -1);
        self.count(now, 1);
    }

    fn count(&mut self, end: End, more: isize) {
        let counted = match end {
            End::Good => return,
            End::Failed => &mut self.failed,
            End::Other => &mut self.others,
        };
        *counted = counted.saturating_add_signed(more);
    }

    /// How much longer what the plan says takes: as for the cases over this transport so far, else as for all.
    fn slower(&self, via: Via) -> f64 {
        let ratio = |(planned, took): (Duration, Duration)| {
            (!planned.is_zero()).then(|| took.as_secs_f64() / planned.as_secs_f64())
        };
        let own = self.behind.get(&via).copied().and_then(ratio);
        let all = self
            .behind
            .values()
            .fold((Duration::ZERO, Duration::ZERO), |all, one| {
                (all.0 + one.0, all.1 + one.1)
            });
        own.or_else(|| ratio(all)).unwrap_or(1.0)
    }

    /// The time that is likely left; nothing where no plan tells.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        if self.planned.is_empty() {
            return None;
        }
        let ahead = self
            .ahead
            .iter()
            .map(|(via, takes)| takes.mul_f64(self.slower(*via)));
        let present = self.present.map_or(Duration::ZERO, |(via, began, takes)| {
            takes
                .mul_f64(self.slower(via))
                .saturating_sub(now.saturating_duration_since(began))
        });
        let all = ahead.sum::<Duration>() + present;
        let until = |limit: Duration| limit.saturating_sub(now.saturating_duration_since(self.began));
        // The present case ends when it ends.
        Some(self.limit.map_or(all, |limit| all.min(until(limit).max(present))))
    }

    /// `1m12s · 3/6, 1 failed · 2m10s left`
    pub fn shown(&self, now: Instant) -> String {
        let mut text = format!("{} · {}/{}", whole(now - self.began), self.begun, self.cases);
        for (count, what) in [(self.failed, "failed"), (self.others, "not decided")] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        if let Some(left) = self.left(now) {
            let _ = write!(text, " · {} left", whole(left));
        }
        text
    }
}

/// A time in two figures at most: what is shorter than a second is 0s.
pub fn whole(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// What the line shows.
#[derive(Debug)]
struct Shown {
    pace: Pace,
    /// When the present case began.
    case: Option<Instant>,
}

#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    shown: Arc<Mutex<Shown>>,
    case: String,
    doing: String,
    power: bool,
}

impl Progress {
    /// On standard error, where that is a terminal.
    pub fn new(planned: HashMap<(String, String), (Via, Duration)>) -> Self {
        let pace = Pace::new(planned, Instant::now());
        let shown = Arc::new(Mutex::new(Shown { pace, case: None }));
        let bar = std::io::stderr().is_terminal().then(|| {
            let shown = Arc::clone(&shown);
            let head = move |_: &ProgressState, to: &mut dyn Write| {
                let (shown, now) = (lock(&shown), Instant::now());
                let _ = to.write_str(&shown.pace.shown(now));
                if let Some(began) = shown.case {
                    let _ = write!(to, " · {}", whole(now - began));
                }
            };
            let style = ProgressStyle::with_template("{spinner} {head} {wide_msg}");
            let style = style
                .unwrap_or(ProgressStyle::default_spinner())
                .with_key("head", head);
            ProgressBar::new_spinner().with_style(style)
        });
        Self {
            bar,
            shown,
            case: String::new(),
            doing: String::new(),
            power: false,
        }
    }

    /// Writes beside the line.
    pub fn aside(&self, say: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// Changes what is known of the pace.
    pub fn pace(&self, change: impl FnOnce(&mut Pace)) {
        change(&mut lock(&self.shown).pace);
    }

    pub fn begin(&mut self, suite: &str, id: &str) {
        let now = Instant::now();
        let mut shown = lock(&self.shown);
        shown.pace.begin(suite, id, now);
        shown.case = Some(now);
        drop(shown);
        self.case = id.to_owned();
        self.doing("preparing");
        if let Some(bar) = &self.bar {
            bar.enable_steady_tick(TICK);
        }
    }

    /// The present case is over.
    pub fn end(&mut self, end: End, took: Duration) {
        let mut shown = lock(&self.shown);
        shown.pace.end(end, took);
        shown.case = None;
        drop(shown);
        self.case.clear();
        self.doing.clear();
        self.show();
    }

    /// What is done now.
    pub fn doing(&mut self, what: &str) {
        what.clone_into(&mut self.doing);
        self.show();
    }

    /// The supply was moved.
    pub fn power(&mut self, on: bool) {
        self.power = on;
        self.show();
    }

    fn show(&self) {
        let Some(bar) = &self.bar else { return };
        let power = if self.power { "power on" } else { "power off" };
        let parts = [self.case.as_str(), &self.doing, power];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        bar.set_message(parts.join(" · "));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(cases: &[(&str, Via, u32)], began: Instant) -> Pace {
        let planned = cases
            .iter()
            .map(|(id, via, takes)| (("s".to_owned(), (*id).to_owned()), (*via, SECOND * *takes)));
        let mut pace = Pace::new(planned.collect(), began);
        for (id, ..) in cases {
            pace.plan("s", id);
        }
        pace
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
        let mut pace = pace(&cases, t0);
        assert_eq!(pace.left(t0), Some(SECOND * 220));
        pace.begin("s", "a", t0);
        assert_eq!(pace.left(t0 + SECOND * 4), Some(SECOND * 216));
        // Twice as long as planned, and nothing is known of HTTP yet.
        pace.end(End::Good, SECOND * 20);
        assert_eq!(pace.left(t0), Some(SECOND * 420));
        pace.begin("s", "c", t0);
        pace.end(End::Good, SECOND * 50);
        assert_eq!(pace.left(t0), Some(SECOND * 70));
        // A case that takes longer than expected does not eat into the others.
        pace.begin("s", "b", t0);
        assert_eq!(pace.left(t0 + SECOND * 90), Some(SECOND * 50));
    }

    /// With `--max-time`, what cannot begin any more takes no time.
    #[test]
    fn time_left_before_the_limit() {
        let t0 = Instant::now();
        let mut pace = pace(&[("a", Via::Uart, 90), ("b", Via::Uart, 90)], t0);
        pace.limit(Some(SECOND * 60));
        assert_eq!(pace.left(t0), Some(SECOND * 60));
        pace.begin("s", "a", t0);
        assert_eq!(
            pace.left(t0 + SECOND * 10),
            Some(SECOND * 80),
            "the case that began ends"
        );
        pace.limit(Some(SECOND * 1000));
        assert_eq!(pace.left(t0 + SECOND * 10), Some(SECOND * 170));
    }

    #[test]
    fn what_is_shown() {
        let t0 = Instant::now();
        let mut pace = pace(&[("a", Via::Uart, 90), ("b", Via::Uart, 90)], t0);
        pace.begin("s", "a", t0);
        assert_eq!(pace.shown(t0 + SECOND * 30), "30s · 1/2 · 2m30s left");
        pace.end(End::Other, SECOND * 90);
        pace.begin("s", "b", t0 + SECOND * 90);
        pace.end(End::Failed, SECOND * 90);
        // Nothing begins any more, and a later case had the last word on an earlier one.
        pace.revise(End::Other, End::Failed);
        assert_eq!(pace.shown(t0 + SECOND * 200), "3m20s · 2/2, 2 failed · 0s left");
        assert_eq!(whole(SECOND * 7_265), "2h01m");
    }

    /// Where nothing is planned, as in a search, nothing is promised.
    #[test]
    fn no_plan() {
        let t0 = Instant::now();
        let mut pace = Pace::new(HashMap::new(), t0);
        pace.plan("s", "probe");
        pace.begin("s", "probe", t0);
        assert_eq!(pace.shown(t0), "0s · 1/1");
    }
}
