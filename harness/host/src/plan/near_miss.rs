//! Suggests ids and tags for a selection that matches no case.

use crate::config::suite::{Suite, SuiteCase};
use crate::config::yaml::nearest::{nearest, suggestion};
use crate::plan::selection::Selection;
use std::collections::BTreeSet;

/// The nearest names, and where all of them are to be seen.
pub fn advice(suites: &[Suite], selection: &Selection) -> String {
    let cases: Vec<&SuiteCase> = suites.iter().flat_map(|suite| &suite.cases).collect();
    let mut said: Vec<String> = Vec::new();
    let tags: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| case.case.tags.iter().map(String::as_str))
        .collect();
    let tags: Vec<&str> = tags.into_iter().collect();
    for tag in selection.tags.iter().filter(|tag| !tags.contains(&tag.as_str())) {
        said.push(format!(
            "no case has the tag `{tag}`: {}",
            suggestion(tag, &tags, "the tags are")
        ));
    }
    let names = names(&cases);
    for word in selection.filter.iter().flat_map(|filter| filter.words()) {
        if names.iter().any(|name| name.contains(&word)) {
            continue;
        }
        if let Some(meant) = nearest(&word, names.iter().map(String::as_str)) {
            said.push(format!("no id has `{word}` in it: did you mean `{meant}`?"));
        }
    }
    said.push("`dfota-hil list SUITE` shows ids and tags".to_owned());
    said.join("; ")
}

/// What a filter may look for: ids, with their suite and without, names of cases, and the values of their matrix.
fn names(cases: &[&SuiteCase]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for SuiteCase { case, .. } in cases {
        names.insert(case.suite.clone());
        names.insert(format!("{}::{}", case.suite, case.id));
        names.insert(case.id.clone());
        if let Some((name, values)) = case.id.split_once('[') {
            names.insert(name.to_owned());
            for value in values.trim_end_matches(']').split(',') {
                names.insert(value.to_owned());
                names.extend(value.split_once('=').map(|(_, value)| value.to_owned()));
            }
        }
    }
    names
}
