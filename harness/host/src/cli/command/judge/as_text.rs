//! A log for a terminal: each update as soon as it is over, then what is said of all.

use crate::terminal::paint::{BOLD, Paint, RED, YELLOW};
use dfota_core::escape::readable;
use dfota_core::log::found::{LogOutcome, LogUpdate};
use dfota_core::log::reader::LogReader;
use dfota_core::log::summary::{NO_LOG_TELLS, headline, not_known, steps, summary};
use dfota_record::log::opened::Log;
use dfota_record::log::summary::{LogTally, Times, facts, title};
use std::fmt::Write;

/// Updates whose steps are shown; behind them, those of illegal ones alone.
const STEPS_OF: u64 = 20;
/// Steps of an update that are shown.
const STEPS: usize = 60;

pub(super) fn head(log: &Log, paint: Paint) -> String {
    let path = readable(log.path.as_os_str().as_encoded_bytes());
    let how = if log.detected { "detected" } else { "as given" };
    format!(
        "{:>12} {}, format {} ({how})\n",
        "LOG",
        paint.styled(BOLD, &path),
        log.format
    )
}

pub(super) fn update(update: &LogUpdate, paint: Paint) -> String {
    let outcome = update.outcome();
    let colour = match outcome {
        LogOutcome::Illegal => RED,
        LogOutcome::NothingIllegal => BOLD,
        LogOutcome::NotKnown => YELLOW,
    };
    let mut text = format!("{:>12} {}\n", format!("Update {}", update.number), title(update));
    let mut line = |label: &str, said: &str| {
        let _ = writeln!(text, "{:12} {label}{said}", "");
    };
    line("", &paint.styled(colour, &headline(update)));
    line("", &paint.styled(BOLD, &summary(update)));
    for found in &update.findings {
        let rule = paint.styled(RED, found.rule.id());
        line(
            &rule,
            &format!(": {} (line {})", found.sentence, found.place.line),
        );
    }
    for note in &update.notes {
        let times = if note.times > 1 {
            format!(", {} times", note.times)
        } else {
            String::new()
        };
        line(
            "anomaly: ",
            &format!(
                "{} (line {}{times})",
                readable(note.odd.to_string().as_bytes()),
                note.place.line
            ),
        );
    }
    for unknown in not_known(update) {
        line("not known: ", &unknown);
    }
    if update.number <= STEPS_OF || outcome == LogOutcome::Illegal {
        text.push_str(&table(update));
    }
    text
}

/// The steps, with their lines, and their times where the log has them.
fn table(update: &LogUpdate) -> String {
    let times = Times::new(update);
    let steps = steps(update);
    let mut text = String::new();
    let seconds = if times.is_some() { "seconds" } else { "" };
    let _ = writeln!(text, "{seconds:>24} {:>8}", "line");
    for step in steps.iter().take(STEPS) {
        let at = times
            .as_ref()
            .map_or(String::new(), |times| times.shown(step.first));
        let took = times.as_ref().and_then(|times| times.took(step.first, step.last));
        let took = took.map_or(String::new(), |took| format!(", in {took}"));
        let _ = writeln!(text, "{at:>24} {:>8}  {}{took}", step.first.line, step.text);
    }
    let more = steps.len().saturating_sub(STEPS) as u64 + update.steps.left_out;
    if more > 0 {
        let _ = writeln!(text, "{:>33}  and {more} more", "");
    }
    text
}

pub(super) fn tail(reader: &LogReader, tally: &LogTally, paint: Paint) -> String {
    let mut text = String::from("------------\n");
    let _ = writeln!(text, "{:>12} {}", "Summary", paint.styled(BOLD, &tally.words()));
    for fact in facts(reader) {
        let _ = writeln!(text, "{:12} {}", "", fact);
    }
    if tally.all() > 0 {
        let _ = writeln!(text, "{:12} a log cannot tell:", "");
        for untold in NO_LOG_TELLS {
            let _ = writeln!(text, "{:12} - {untold}", "");
        }
    }
    text
}
