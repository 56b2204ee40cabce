//! What a check waits for, and for how long already: a line on standard error, where that is a terminal.

use crate::cli::Common;
use crate::cli::console::progress::spinner;
use crate::cli::console::time_estimate::short_time;
use dfota_clock::Clock;
use dfota_core::duration::Short;
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::time::Duration;

/// How often the time is shown anew.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct WaitingLine {
    clock: Clock,
    /// Standard error is a terminal, and not full of what the module says.
    shows: bool,
    bar: Option<ProgressBar>,
}

impl WaitingLine {
    pub(super) fn new(clock: Clock, common: Common) -> Self {
        Self {
            clock,
            shows: common.verbose == 0 && std::io::stderr().is_terminal(),
            bar: None,
        }
    }

    /// Shows what is waited for, for so much of the module's time at most.
    pub(super) fn begin(&mut self, what: &str, limit: Duration) {
        self.end();
        if !self.shows {
            return;
        }
        let clock = self.clock;
        let bar = spinner(move |state, to| {
            let _ = to.write_str(&short_time(clock.module_time(state.elapsed())));
        });
        bar.set_message(format!("waiting for {what}, at most {}", Short(limit)));
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
    }

    /// Removes the line.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for WaitingLine {
    fn drop(&mut self) {
        self.end();
    }
}
