//! What the cases say about each requirement that the suites name.
//!
//! A requirement counts as passed when at least one case that names it passed and every other that was to be run passed
//! too. Whether the cases cover what the requirement asks for is for the assessor to say, not for a program.

use crate::report::{CaseRun, Run};
use dfota_core::verdict::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;

/// A requirement, and the verdict on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// Its id, as the suite has it.
    pub id: String,
    /// `pass`, `fail`, `not decided` or `not tested`.
    pub verdict: &'static str,
    pub families: Vec<Family>,
}

/// The cases that one entry of a suite was multiplied into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Family {
    pub name: String,
    /// What stands in the brackets of each, with its verdict; all of them are in the list of results.
    pub cases: Vec<(String, &'static str)>,
    pub passed: usize,
    pub failed: usize,
    /// How many were to be run and were not decided.
    pub undecided: usize,
    /// How many were left out with a reason.
    pub left_out: usize,
}

/// Every requirement, in the order of the plan; those of cases that were not selected at the end.
pub(super) fn requirements(run: &Run<'_>) -> Vec<Requirement> {
    let mut ids: Vec<String> = Vec::new();
    let planned = run
        .cases
        .iter()
        .flat_map(|case| case.case.requirements.iter().cloned());
    let named = run.started.suites.iter().flat_map(|suite| named_in(&suite.text));
    for id in planned.chain(named) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter().map(|id| requirement(run, id)).collect()
}

fn requirement(run: &Run<'_>, id: String) -> Requirement {
    let mut families: Vec<Family> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for case in run
        .cases
        .iter()
        .filter(|case| case.case.requirements.contains(&id))
    {
        let (name, rest) = case.case.id.split_once('[').unwrap_or((&case.case.id, ""));
        let name = format!("{}::{name}", case.case.suite);
        let at = *places.entry(name.clone()).or_insert_with(|| {
            families.push(Family {
                name,
                ..Family::default()
            });
            families.len() - 1
        });
        families[at].add(rest.trim_end_matches(']'), case);
    }
    Requirement {
        id,
        verdict: verdict(&families),
        families,
    }
}

impl Family {
    fn add(&mut self, brackets: &str, case: &CaseRun<'_>) {
        self.cases.push((brackets.to_owned(), case.verdict.name()));
        *match case.verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Fail(_) => &mut self.failed,
            Verdict::Error(_) | Verdict::Inconclusive(_) | Verdict::NotReached => &mut self.undecided,
            Verdict::Skip { .. } => &mut self.left_out,
        } += 1;
    }
}

fn verdict(families: &[Family]) -> &'static str {
    let sum = |pick: fn(&Family) -> usize| families.iter().map(pick).sum::<usize>();
    match (sum(|f| f.failed), sum(|f| f.undecided), sum(|f| f.passed)) {
        (1.., ..) => "fail",
        (0, 0, 1..) => "pass",
        (0, 1.., _) => "not decided",
        (0, 0, 0) => "not tested",
    }
}

/// The ids that a suite's text names, whether its cases were selected or not.
fn named_in(text: &str) -> Vec<String> {
    // It was read when the run began: what cannot be read now names nothing.
    let suite: serde_yaml::Value = serde_yaml::from_str(text).unwrap_or_default();
    let cases = suite.get("cases").and_then(|cases| cases.as_sequence());
    let lists = cases
        .into_iter()
        .flatten()
        .filter_map(|case| case.get("requirements"));
    let ids = lists.filter_map(|list| list.as_sequence()).flatten();
    ids.filter_map(|id| id.as_str())
        .filter(|id| !id.contains('{'))
        .map(str::to_owned)
        .collect()
}
