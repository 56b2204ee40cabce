//! A log for programs: one JSON document, written update by update, for a log may hold any number.

use dfota_core::log::found::LogUpdate;
use dfota_core::log::reader::LogReader;
use dfota_core::log::summary::{NO_LOG_TELLS, StepText, headline, not_known, steps, summary};
use dfota_record::log::opened::Log;
use dfota_record::log::summary::{LogTally, Times, facts};
use serde_json::{Value, json};

/// What comes before the updates.
pub(super) fn head(log: &Log) -> String {
    let head = json!({
        "log": log.path.display().to_string(),
        "format": log.format.name(),
        "format_found_out": log.detected,
    });
    let head = head.to_string();
    format!("{},\"updates\":[", head.trim_end_matches('}'))
}

pub(super) fn update(update: &LogUpdate, is_first: bool) -> String {
    let times = Times::new(update);
    let step = |step: StepText| {
        json!({
            "what": step.text,
            "line": step.first.line,
            "last_line": step.last.line,
            "seconds": times.as_ref().map(|times| times.seconds(step.first)),
            "last_seconds": times.as_ref().map(|times| times.seconds(step.last)),
            "reset": step.reset,
        })
    };
    let findings = update.findings.iter().map(
        |found| json!({ "rule": found.rule.id(), "sentence": found.sentence, "line": found.place.line }),
    );
    let notes = update
        .notes
        .iter()
        .map(|note| json!({ "anomaly": note.odd.to_string(), "line": note.place.line, "times": note.times }));
    let value = json!({
        "update": update.number,
        "outcome": update.outcome().name(),
        "headline": headline(update),
        "story": summary(update),
        "first_line": update.first().line,
        "last_line": update.last.line,
        "via": update.via.map(|via| via.value.name()),
        "from": update.from.as_ref().map(|from| from.value.as_str()),
        "from_told": update.from.as_ref().is_some_and(|from| from.told),
        "runs": update.after.last().map(|version| version.as_str()),
        "illegal": findings.collect::<Vec<Value>>(),
        "anomalies": notes.collect::<Vec<Value>>(),
        "not_known": not_known(update),
        "steps": steps(update).into_iter().map(step).collect::<Vec<Value>>(),
        "steps_left_out": update.steps.left_out,
    });
    format!("{}\n{value}", if is_first { "" } else { "," })
}

/// What comes behind them.
pub(super) fn tail(reader: &LogReader, tally: &LogTally) -> String {
    let read = reader.read();
    let tail = json!({
        "lines": read.lines,
        "bytes": read.bytes,
        "stamped_lines": read.stamped,
        "module": reader.fold().model,
        "facts": facts(reader),
        "illegal": tally.illegal,
        "nothing_illegal_seen": tally.nothing_illegal,
        "not_known": tally.not_known,
        "no_log_tells": NO_LOG_TELLS,
        "exit": tally.exit().code(),
    });
    let tail = tail.to_string();
    format!("\n],{}\n", tail.trim_start_matches('{'))
}
