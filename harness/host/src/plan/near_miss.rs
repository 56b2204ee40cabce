//! Suggests ids and tags for a selection that matches no case, and names and labels for a suite that no rig fits.

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

/// The rig that `on` of a suite probably means, or `each`. A rig of the same bank is another rig: with `bench-a` alone, `bench-b` is
/// no slip.
pub(super) fn rig_name<'n>(typed: &str, rigs: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let other = |name: &&str| match name.rsplit_once('-') {
        Some((bank, _)) => !typed.starts_with(&format!("{bank}-")),
        None => true,
    };
    nearest(typed, rigs.filter(other).chain(["each"]))
}

/// The label that `needs` of a suite probably means.
pub(super) fn label<'n>(typed: &str, labels: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // One that a rig has is no slip: the rig lacks something else.
    nearest(typed, labels).filter(|label| *label != typed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("eacch", &["bench-a", "bench-b"], Some("each"))]
    #[case("Bench-b", &["bench-a", "bench-b"], Some("bench-b"))]
    #[case("bnech-b", &["bench-a", "bench-b"], Some("bench-b"))]
    #[case("bench-c", &["bench-a", "bench-b"], None)]
    #[case("bench-03", &["bench-01", "relay"], None)]
    #[case("realy", &["bench-01", "relay"], Some("relay"))]
    #[case("other", &["bench-01", "relay"], None)]
    fn rigs(#[case] typed: &str, #[case] names: &[&'static str], #[case] meant: Option<&str>) {
        assert_eq!(rig_name(typed, names.iter().copied()), meant);
    }

    #[rstest]
    #[case("simulatd", Some("simulated"))]
    #[case("Simulated", Some("simulated"))]
    #[case("sense", None)]
    #[case("lab-2", None)]
    fn labels(#[case] typed: &str, #[case] meant: Option<&str>) {
        assert_eq!(label(typed, ["simulated", "sense"].into_iter()), meant);
    }
}
