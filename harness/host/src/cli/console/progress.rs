//! The one line of progress of a run, on a terminal: how long it takes and is likely to take, what did not pass so far, and
//! the present case.

use super::time_estimate::{CaseEnding, CaseKey, ExpectedTime, TimeEstimate, short_time};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the times are shown anew.
const TICK: Duration = Duration::from_millis(200);

/// A line that ends with a message and has, before it, what `head` writes at each tick.
pub fn spinner(head: impl Fn(&ProgressState, &mut dyn Write) + Clone + Send + Sync + 'static) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {head} {wide_msg}");
    let style = style.unwrap_or(ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style.with_key("head", head))
}

/// What the thread of the line shows as well.
#[derive(Debug)]
struct ProgressTimes {
    estimate: TimeEstimate,
    /// When the present case began.
    case: Option<Instant>,
}

#[derive(Debug)]
pub struct ProgressLine {
    bar: Option<ProgressBar>,
    times: Arc<Mutex<ProgressTimes>>,
    case: String,
    doing: String,
    power: bool,
    silent: bool,
}

impl ProgressLine {
    /// On standard error, where that is a terminal.
    pub fn new(planned: HashMap<CaseKey, ExpectedTime>) -> Self {
        let estimate = TimeEstimate::new(planned, Instant::now());
        let times = Arc::new(Mutex::new(ProgressTimes { estimate, case: None }));
        let bar = std::io::stderr().is_terminal().then(|| {
            let times = Arc::clone(&times);
            spinner(move |_, to| {
                let (times, now) = (lock(&times), Instant::now());
                let _ = to.write_str(&times.estimate.shown(now));
                if let Some(began) = times.case {
                    let _ = write!(to, " · {}", short_time(now - began));
                }
            })
        });
        Self {
            bar,
            times,
            case: String::new(),
            doing: String::new(),
            power: false,
            silent: false,
        }
    }

    /// Writes beside another line, and shows nothing itself: that of a run on several rigs is somebody else's.
    pub fn replace(&mut self, bar: Option<ProgressBar>) {
        self.bar = bar;
        self.silent = true;
    }

    /// Writes beside the line.
    pub fn aside(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    pub fn estimate(&self, change: impl FnOnce(&mut TimeEstimate)) {
        change(&mut lock(&self.times).estimate);
    }

    pub fn begin(&mut self, case: &CaseKey) {
        let now = Instant::now();
        let mut times = lock(&self.times);
        times.estimate.begin(case, now);
        times.case = Some(now);
        drop(times);
        self.case.clone_from(&case.id);
        self.doing("preparing");
        if let Some(bar) = self.bar.as_ref().filter(|_| !self.silent) {
            bar.enable_steady_tick(TICK);
        }
    }

    /// The present case is over.
    pub fn end(&mut self, result: CaseEnding, took: Duration) {
        let mut times = lock(&self.times);
        times.estimate.end(result, took);
        times.case = None;
        drop(times);
        self.case.clear();
        self.doing("");
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
        let Some(bar) = self.bar.as_ref().filter(|_| !self.silent) else {
            return;
        };
        let power = if self.power { "power on" } else { "power off" };
        let parts = [self.case.as_str(), &self.doing, power];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        bar.set_message(parts.join(" · "));
    }

    /// Removes the line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn lock(times: &Mutex<ProgressTimes>) -> MutexGuard<'_, ProgressTimes> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}
