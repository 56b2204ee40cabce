//! What a check waits for, and for how long already: a line on standard error, where that is a terminal.

use crate::cli::Common;
use crate::cli::console::progress::whole;
use dfota_clock::Clock;
use dfota_core::duration::Short;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

/// How often the time is shown anew.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Waiting {
    clock: Clock,
    /// Standard error is a terminal, and not full of what the module says.
    shows: bool,
    bar: Option<ProgressBar>,
}

impl Waiting {
    /// Nothing is waited for yet.
    pub(super) fn new(clock: Clock, common: Common) -> Self {
        Self {
            clock,
            shows: common.verbose == 0 && std::io::stderr().is_terminal(),
            bar: None,
        }
    }

    /// Waits for something, for so much of the module's time at most.
    pub(super) fn begin(&mut self, what: &str, limit: Duration) {
        self.end();
        if !self.shows {
            return;
        }
        let clock = self.clock;
        let waited = move |state: &ProgressState, to: &mut dyn Write| {
            let _ = to.write_str(&whole(clock.module_time(state.elapsed())));
        };
        let style = ProgressStyle::with_template("{spinner} {waited} {wide_msg}");
        let style = style.unwrap_or(ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style.with_key("waited", waited));
        bar.set_message(format!("waiting for {what}, at most {}", Short(limit)));
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
    }

    /// Nothing is waited for any more.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
    }
}
