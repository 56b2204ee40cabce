//! The in-toto statement of a run: `test-result/v0.1` over the packages.
//!
//! That predicate knows three results. Nothing that is not a pass becomes one: an error, an inconclusive case and one that
//! was not reached are warnings at best. The exact verdicts are in `run.json`, whose digest the manifest holds.

use super::manifest::{self, Manifest};
use crate::rejudge::DerivedCount;
use crate::report::fleet::PartRun;
use crate::report::{Run, RunEnding};
use dfota_core::event::{FileFacts, RigFacts};
use dfota_core::verdict::Verdict;
use serde_json::{Value, json};

/// Type of the statement.
pub const TYPE: &str = "https://in-toto.io/Statement/v1";
/// Type of its predicate.
pub const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";

pub fn write(run: &Run<'_>, manifest: &Manifest) -> String {
    let is = |verdict: &Verdict| match verdict {
        Verdict::Pass => Some("passed"),
        Verdict::Fail(_) => Some("failed"),
        Verdict::Error(_) | Verdict::Inconclusive(_) | Verdict::NotReached => Some("warned"),
        Verdict::Skip { .. } => None,
    };
    let named = |result: &str| -> Vec<String> {
        let cases = run.cases.iter().filter(|case| is(&case.verdict) == Some(result));
        cases
            .map(|case| format!("{}::{}", case.case.suite, case.case.id))
            .collect()
    };
    let (passed, warned, failed) = (named("passed"), named("warned"), named("failed"));
    let statement = json!({
        "_type": TYPE,
        "subject": subjects(run),
        "predicateType": PREDICATE,
        "predicate": {
            "result": result(ending(run), passed.len(), warned.len(), failed.len()),
            "configuration": configuration(run, manifest),
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
        },
    });
    let mut text = serde_json::to_string_pretty(&statement).unwrap_or_default();
    text.push('\n');
    text
}

/// How the run ended, by what there is of it.
fn ending(run: &Run<'_>) -> Option<RunEnding> {
    let exit = run.exit()?;
    run.ended.map(|ended| RunEnding { exit, ..ended })
}

/// The result of a run by how it ended and how many cases passed, warned and failed.
fn result(ended: Option<RunEnding>, passed: usize, warned: usize, failed: usize) -> &'static str {
    let clean = RunEnding {
        exit: 0,
        interrupted: false,
        safe: true,
    };
    if failed > 0 || passed == 0 || ended.is_some_and(|ended| ended.exit == 1) {
        "FAILED"
    } else if ended == Some(clean) && warned == 0 {
        "PASSED"
    } else {
        "WARNED"
    }
}

/// What was tested: the packages, each once. Images have no digest here, for the suite does not name their files.
fn subjects(run: &Run<'_>) -> Vec<Value> {
    let mut subjects = Vec::new();
    for package in &run.started.packages {
        let subject = json!({
            "name": package.name,
            "digest": { "sha256": package.sha256 },
            "annotations": { "from": package.from, "to": package.to, "bytes": package.bytes },
        });
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    subjects
}

/// With what it was tested. The digest of the manifest binds everything in the bundle.
fn configuration(run: &Run<'_>, manifest: &Manifest) -> Vec<Value> {
    let started = run.started;
    let file = |kind: &str, facts: &FileFacts| {
        json!({
            "name": format!("{kind} {}", facts.name),
            "digest": { "sha256": facts.sha256 },
            "annotations": { "path": facts.path },
        })
    };
    let mut list: Vec<Value> = started.suites.iter().map(|suite| file("suite", suite)).collect();
    let rig = |facts: &RigFacts| {
        let mut rig = file("rig", &facts.file);
        rig["annotations"]["module"] = json!(facts.module);
        rig["annotations"]["simulated"] = json!(facts.simulated);
        rig
    };
    if run.fleet.is_fleet() {
        list.extend(run.fleet.rigs.iter().map(|of_run| {
            let mut rig = rig(of_run.facts);
            // Of a masked run it is masked.
            if let Some(identity) = of_run.identity {
                rig["annotations"]["model"] = json!(identity.model);
                rig["annotations"]["imei"] = json!(identity.imei);
            }
            rig
        }));
        list.extend(parts(run, manifest));
    } else {
        list.push(rig(&started.rig));
    }
    let mut tool = json!({
        "name": "dfota-hil",
        "uri": format!("pkg:cargo/dfota-hil@{}", started.tool),
    });
    if let Some(commit) = &started.commit {
        tool["annotations"] = json!({ "commit": commit });
    }
    if let Some(sha256) = &started.program_sha256 {
        tool["digest"] = json!({ "sha256": sha256 });
    }
    list.push(tool);
    list.push(json!({
        "name": manifest::FILE,
        "digest": { "sha256": manifest.sha256() },
        "annotations": { "run": started.run, "seed": started.seed.to_string() },
    }));
    // Anybody with the journal can do the same: `dfota-hil judge`.
    if let Some(DerivedCount { all, equal }) = run.derived {
        list.push(json!({
            "name": "verdicts",
            "annotations": { "recorded": all, "derived again from the journal alone": equal },
        }));
    }
    list
}

/// The manifest of each part of a run on several rigs. A part whose journal is missing has none.
fn parts(run: &Run<'_>, manifest: &Manifest) -> Vec<Value> {
    let part = |part: &PartRun<'_>| {
        let name = format!("{}/{}", part.taken.folder, manifest::FILE);
        let listed = manifest.find(&name);
        let mut value = json!({
            "name": name,
            "annotations": { "rig": part.taken.rig, "batch": part.taken.batch, "attempt": part.taken.attempt },
        });
        match listed {
            Some(listed) => value["digest"] = json!({ "sha256": listed.sha256 }),
            None => value["annotations"]["missing"] = json!(true),
        }
        if let Some(sha256) = part.started.and_then(|started| started.program_sha256.as_ref()) {
            value["annotations"]["program_sha256"] = json!(sha256);
        }
        value
    };
    run.fleet.parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn ended(exit: u8, interrupted: bool, safe: bool) -> Option<RunEnding> {
        Some(RunEnding {
            exit,
            interrupted,
            safe,
        })
    }

    #[rstest]
    #[case::all_passed(ended(0, false, true), [3, 0, 0], "PASSED")]
    #[case::one_failed(ended(1, false, true), [3, 0, 1], "FAILED")]
    #[case::error_or_not_reached(ended(3, false, true), [3, 1, 0], "WARNED")]
    #[case::the_exit_code_says_otherwise(ended(0, false, true), [3, 1, 0], "WARNED")]
    #[case::nothing_passed(ended(3, false, true), [0, 2, 0], "FAILED")]
    #[case::all_skipped(ended(3, false, true), [0, 0, 0], "FAILED")]
    #[case::rig_not_safe(ended(0, false, false), [3, 0, 0], "WARNED")]
    #[case::rig_unfit_at_the_end(ended(3, false, true), [3, 0, 0], "WARNED")]
    #[case::interrupted(ended(130, true, true), [3, 0, 0], "WARNED")]
    #[case::killed(None, [3, 0, 0], "WARNED")]
    #[case::killed_after_a_failure(None, [3, 0, 1], "FAILED")]
    fn results(#[case] ended: Option<RunEnding>, #[case] counts: [usize; 3], #[case] expected: &str) {
        let [passed, warned, failed] = counts;
        assert_eq!(result(ended, passed, warned, failed), expected);
    }
}
