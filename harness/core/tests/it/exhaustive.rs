//! The judge is held against a table that was written independently of it, over every trace up to a stated length.

mod enumerate;
mod golden;
mod heard;
mod judge_adapter;
mod table;
mod trace;

use dfota_core::verdict::{Class, Rule};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use trace::Trace;

/// All traces on which the table and the judge differ in the same way.
struct Group {
    count: usize,
    shortest: Trace,
}

/// Differences by what was expected and what was judged.
type Groups = BTreeMap<(String, String), Group>;

fn note(groups: &mut Groups, key: (String, String), trace: &Trace) {
    let group = groups.entry(key).or_insert_with(|| Group {
        count: 0,
        shortest: trace.clone(),
    });
    group.count += 1;
    if trace.symbols.len() < group.shortest.symbols.len() {
        group.shortest = trace.clone();
    }
}

fn listed(groups: &Groups) -> String {
    let mut list = String::new();
    for ((expected, judged), group) in groups {
        let Group { count, shortest } = group;
        writeln!(
            list,
            "{count:7}  expected {expected}, judged {judged}: {shortest}"
        )
        .expect("a string");
    }
    list
}

/// Where the contract is silent and both answers can be defended: which of several boots with nothing between them are
/// explained, and a refusal that is declared, may have been said in a gap, and is followed by another cut.
fn is_undecided(trace: &Trace) -> bool {
    use trace::{Expectation, Symbol};
    let boots = trace
        .symbols
        .iter()
        .filter(|symbol| matches!(symbol, Symbol::BootRom | Symbol::Rdy));
    let refused =
        trace.expect != Expectation::Success && trace.cuts() > 1 && trace.symbols.contains(&Symbol::Gap);
    boots.count() > 1 || refused
}

/// Whose fault a verdict says it is; nobody's for a pass.
fn class(id: &str) -> Option<Class> {
    Rule::ALL
        .iter()
        .find(|rule| rule.id() == id)
        .map(|rule| rule.class())
}

#[test]
fn the_judge_agrees_with_the_table_on_every_trace() {
    let mut groups = Groups::new();
    let mut by_expected: BTreeMap<String, usize> = BTreeMap::new();
    let (mut traces, mut judged_traces, mut undecided) = (0_usize, 0_usize, 0_usize);
    enumerate::every(&mut |trace| {
        traces += 1;
        let expected = table::expected(trace);
        *by_expected.entry(expected.to_string()).or_default() += 1;
        let Some(judged) = judge_adapter::judged(trace) else {
            return;
        };
        judged_traces += 1;
        let differs = !expected.allows(&judged) && class(&judged) != class(expected.0[0]);
        undecided += usize::from(differs && is_undecided(trace));
        if differs && !is_undecided(trace) {
            note(&mut groups, (expected.to_string(), judged), trace);
        }
    });
    println!(
        "{traces} traces, {judged_traces} judged, {undecided} differ where the contract is silent, {} ways to differ",
        groups.len()
    );
    for (expected, count) in &by_expected {
        println!("{count:7}  {expected}");
    }
    assert!(undecided < 200, "{undecided} traces are undecided");
    assert!(traces > 100_000, "{traces} traces are not every trace");
    assert!(
        groups.is_empty(),
        "the judge differs from the table:\n{}",
        listed(&groups)
    );
}
