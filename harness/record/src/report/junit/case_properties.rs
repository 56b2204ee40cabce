//! The properties of a case in the extended profile: what the run knows of it, under names that never change.
//!
//! The names `test_id`, `testrail_*`, `test_key`, `requirements` and `testrun_comment` belong to TestRail and Xray, and are
//! written for cases alone that the suite gives ids there. No name stands twice in a case.

use super::super::{CaseRun, Run, transcript};
use dfota_core::event::Attachments;
use dfota_core::measure::Measure;

/// Names and values of a case, in the order in which they are written; values as they are, not yet fit for XML.
pub(super) fn properties(run: &Run<'_>, case: &CaseRun<'_>) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            list.push((name.to_owned(), value));
        }
    };
    let (planned, finding) = (case.case, case.verdict.finding());
    add("verdict", case.verdict.name().into());
    add(
        "outcome",
        case.outcome.map_or(String::new(), |outcome| outcome.to_string()),
    );
    add(
        "class",
        case.verdict
            .class()
            .map_or(String::new(), |class| class.to_string()),
    );
    add(
        "rule",
        finding.map_or(String::new(), |finding| finding.rule.to_string()),
    );
    add("evidence", case.evidence_lines());
    add("requirement-ids", planned.requirements.join("; "));
    let rig = case.rig.and_then(|rig| run.fleet.rig(rig));
    let facts = rig.map_or(&run.started.rig, |rig| rig.facts);
    add("module", facts.module.clone());
    add("rig", case.rig.unwrap_or_default().to_owned());
    add("via", planned.via.name().into());
    add("package", planned.package.name.clone());
    add("package.sha256", planned.package.sha256.clone());
    let mut versions = case.identities().map(|identity| identity.version.to_string());
    let before = versions.next();
    let after = versions.last().or_else(|| before.clone());
    add("version.before", before.unwrap_or_default());
    add("version.after", after.unwrap_or_default());
    let joined = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join("; ");
    add(
        "cut",
        joined(&mut case.cuts_made().map(|made| made.cut.to_string())),
    );
    add(
        "landed",
        joined(&mut case.cuts_made().map(|made| made.landed.to_string())),
    );
    for measure in Measure::ALL {
        let taken = case.values(measure);
        let mut shown = taken.map(|taken| format!("{} {}", taken.value, taken.unit));
        add(&format!("measure.{measure}"), joined(&mut shown));
    }
    if case.was_begun() {
        add("tries", (case.tries_before() + 1).to_string());
    }
    add("rerun", case.rerun.into());
    for (name, value) in managed(run, case) {
        add(name, value);
    }
    list
}

/// Properties of TestRail's and Xray's importers.
fn managed(run: &Run<'_>, case: &CaseRun<'_>) -> Vec<(&'static str, String)> {
    let ids = &case.case.ids;
    let sentence = case.verdict.finding().map(|finding| finding.sentence.clone());
    let mut list = Vec::new();
    if let Some(id) = &ids.testrail {
        list.push(("test_id", id.clone()));
        list.push(("testrail_result_comment", sentence.clone().unwrap_or_default()));
        let path = format!("{}/{}", super::super::TRANSCRIPTS, transcript::name(case.case));
        let folder = match run.started.attachments {
            _ if case.records.is_empty() => None,
            Attachments::Absolute => Some(&run.started.folder),
            Attachments::Relative => Some(&run.started.out),
            Attachments::None => None,
        };
        list.push((
            "testrail_attachment",
            folder.map_or(String::new(), |folder| format!("{folder}/{path}")),
        ));
    }
    if let Some(key) = &ids.xray {
        list.push(("test_key", key.clone()));
        list.push(("testrun_comment", sentence.unwrap_or_default()));
    }
    list.push(("requirements", ids.xray_requirements.join(",")));
    list
}
