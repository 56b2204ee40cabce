//! One line for each case.

use crate::report::{CaseRun, Run};
use dfota_core::event::{Event, Record};
use dfota_core::verdict::Verdict;
use serde::Serialize;

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    pub suite: String,
    pub id: String,
    /// How the package got in.
    pub via: &'static str,
    /// From which version to which.
    pub versions: String,
    /// Where each cut landed; `not met` where its moment never came.
    pub cuts: Vec<String>,
    /// The state of the module afterwards.
    pub outcome: Option<&'static str>,
    /// Pass, fail, error, inconclusive, skip, not-reached.
    pub verdict: &'static str,
    /// The rule that fired, or the reason.
    pub rule: Option<String>,
    /// What was expected and seen, or why it was not run.
    pub sentence: Option<String>,
    /// Where in the journal.
    pub evidence: String,
    /// How many tries it took.
    pub tries: usize,
}

/// The result of this case.
pub(super) fn result(run: &Run<'_>, case: &CaseRun<'_>) -> CaseResult {
    let (rule, sentence) = match &case.verdict {
        Verdict::Pass => (None, None),
        Verdict::Skip { reason } => (None, Some(reason.clone())),
        Verdict::NotReached => {
            let cause = run.why_not_reached().unwrap_or("the run ended before this case");
            (None, Some(cause.to_owned()))
        }
        Verdict::Fail(finding) | Verdict::Error(finding) | Verdict::Inconclusive(finding) => {
            (Some(finding.rule.to_string()), Some(finding.sentence.clone()))
        }
    };
    CaseResult {
        suite: case.case.suite.clone(),
        id: case.case.id.clone(),
        via: case.case.via.name(),
        versions: format!("{} → {}", case.case.on, case.case.package.to),
        cuts: last_try(case).iter().filter_map(landed).collect(),
        outcome: case.outcome.map(dfota_core::outcome::Outcome::words),
        verdict: case.verdict.name(),
        rule,
        sentence,
        evidence: case.evidence_lines(),
        tries: case.earlier.len() + usize::from(case.was_begun()),
    }
}

/// The records since the try before the last one ended.
fn last_try<'a>(case: &CaseRun<'a>) -> &'a [Record] {
    let ended = |record: &Record| matches!(record.event, Event::TryEnded(_));
    let from = case.records.iter().rposition(ended).map_or(0, |at| at + 1);
    &case.records[from..]
}

fn landed(record: &Record) -> Option<String> {
    match &record.event {
        Event::CutMade(made) => Some(made.landed.to_string()),
        Event::CutMissed { .. } => Some("not met".to_owned()),
        _ => None,
    }
}
