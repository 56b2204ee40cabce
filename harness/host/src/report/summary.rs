//! `run.json`: what ran, with what, on what, and how it ended.

use super::{CaseRun, Run, class, word};
use dfota_core::event::{Event, FileFacts, Record, TryEnded};
use dfota_core::measure::Measure;
use dfota_core::outcome::Outcome;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// What is written.
#[derive(Serialize)]
struct Summary<'r, 'a> {
    #[serde(flatten)]
    of_run: Value,
    #[serde(serialize_with = "each")]
    cases: &'r [CaseRun<'a>],
}

/// One case after the other: all of a night at once would be the largest thing in memory.
fn each<S: Serializer>(cases: &&[CaseRun<'_>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(cases.iter().map(case))
}

/// The file's text.
pub fn write(run: &Run<'_>) -> String {
    let started = run.started;
    let files = |files: &[FileFacts]| files.iter().map(file).collect::<Vec<_>>();
    let mut rig = file(&started.rig.file);
    rig["module"] = json!(started.rig.module);
    rig["simulated"] = json!(started.rig.simulated);
    rig["speed"] = json!(started.rig.speed);
    let of_run = json!({
        "schema": started.schema,
        "run": started.run,
        "tool": { "name": "dfota-hil", "version": started.tool, "commit": started.commit },
        "args": started.args,
        "seed": started.seed,
        "host": started.host,
        "started": run.utc,
        "seconds": seconds(run.took_ns),
        "rig": rig,
        "suites": files(&started.suites),
        "packages": started.packages,
        "module": { "before": identity(run, false), "after": identity(run, true) },
        "rig_checks": run.rig_checks.iter().map(|(when, suite, checks)| json!({ "when": when, "suite": suite, "checks": checks })).collect::<Vec<_>>(),
        "exit": run.ended.map(|(exit, ..)| exit),
        "interrupted": run.ended.is_none_or(|(_, interrupted, _)| interrupted),
        "rig_safe": run.ended.map(|(_, _, safe)| safe),
        "bisected": run.bisected,
        "campaigns": super::campaigns::of(run),
        "bricks": run.bricks(),
        "brick_means": Outcome::BRICK,
        "not_reached_because": run.given_up,
    });
    let cases = &run.cases;
    let mut text = serde_json::to_string_pretty(&Summary { of_run, cases }).unwrap_or_default();
    text.push('\n');
    text
}

fn case(run: &CaseRun<'_>) -> Value {
    let finding = run.verdict.finding();
    json!({
        "id": run.case.id,
        "suite": run.case.suite,
        "place": run.case.place,
        "via": run.case.via,
        "package": run.case.package.name,
        "verdict": word(&run.verdict),
        "class": class(&run.verdict).map(|class| class.to_string()),
        "rule": finding.map(|finding| finding.rule),
        "sentence": finding.map(|finding| &finding.sentence),
        "outcome": run.outcome,
        "brick": run.outcome.map(Outcome::is_brick),
        "evidence": run.evidence,
        "tries": run.earlier.iter().map(|tried| earlier(tried)).collect::<Vec<_>>(),
        "flaky": run.is_flaky(),
        "measurements": measurements(run),
        "story": run.story,
        "seconds": seconds(run.took_ns),
        "cuts": run.records.iter().filter_map(cut).collect::<Vec<_>>(),
        "requirements": run.case.requirements,
        "rerun": run.rerun,
    })
}

/// A try that was followed by another one.
fn earlier(tried: &TryEnded) -> Value {
    let finding = tried.verdict.finding();
    json!({
        "number": tried.number,
        "verdict": word(&tried.verdict),
        "class": class(&tried.verdict).map(|class| class.to_string()),
        "rule": finding.map(|finding| finding.rule),
        "sentence": finding.map(|finding| &finding.sentence),
        "outcome": tried.outcome,
        "evidence": tried.evidence,
        "again": tried.again,
        "story": tried.story,
        "seconds": seconds(tried.took_ns),
    })
}

/// What was measured, in the order in which it was; the times that answers took are the transcript's.
fn measurements(run: &CaseRun<'_>) -> Vec<Value> {
    let known = |name: &str| Measure::ALL.iter().any(|measure| measure.name() == name);
    let taken = run.records.iter().filter_map(|record| match &record.event {
        Event::Measured {
            name,
            value,
            unit,
            min,
            limit,
        } if known(name) => {
            Some(json!({ "name": name, "value": value, "unit": unit, "min": min, "max": limit }))
        }
        _ => None,
    });
    taken.collect()
}

fn cut(record: &Record) -> Option<Value> {
    let Event::CutMade {
        cut,
        landed,
        due_ns,
        commanded_ns,
        returned_ns,
        ..
    } = &record.event
    else {
        return None;
    };
    Some(json!({
        "id": cut,
        "landed": landed,
        "commanded_late_ns": commanded_ns.saturating_sub(*due_ns),
        "done_late_ns": returned_ns.saturating_sub(*due_ns),
    }))
}

fn file(facts: &FileFacts) -> Value {
    json!({ "name": facts.name, "path": facts.path, "sha256": facts.sha256, "text": facts.text })
}

/// Who the module said it was, first or last.
fn identity(run: &Run<'_>, last: bool) -> Value {
    let mut said = run
        .cases
        .iter()
        .flat_map(|case| case.records)
        .filter_map(|record| match &record.event {
            Event::Identity { model, version, imei } => {
                Some(json!({ "model": model, "version": version, "imei": imei }))
            }
            _ => None,
        });
    if last { said.next_back() } else { said.next() }.unwrap_or(Value::Null)
}

fn seconds(ns: u64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}
