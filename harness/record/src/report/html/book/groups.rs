//! What did not pass, by the rule that fired and by where the cut was, in the order of an update.

use super::place::{CaseCut, Column};
use super::{CaseEntry, rank};
use dfota_core::verdict::{Rule, Verdict};
use std::collections::BTreeMap;

/// Percentages of UPDATING that are no farther apart are one place.
const NEAR: u8 = 5;

/// Where the cut of a case was: the stretch, and the percentage of UPDATING. Nothing for a case without a cut.
pub type Spot = Option<(Column, u8)>;

/// Cases on which one rule fired.
#[derive(Debug)]
pub struct FailureGroup {
    pub rule: Rule,
    /// Name of its anchor.
    pub anchor: String,
    /// Whether the module is at fault.
    pub of_module: bool,
    /// Where, in the order of an update.
    pub places: Vec<PlaceGroup>,
}

/// Cases of a group whose cuts were near each other.
#[derive(Debug)]
pub struct PlaceGroup {
    pub words: String,
    /// Their places in the plan, from 0, in its order.
    pub entries: Vec<usize>,
}

impl FailureGroup {
    /// How many cases it has.
    pub fn count(&self) -> usize {
        self.places.iter().map(|place| place.entries.len()).sum()
    }

    /// Its cases' places in the plan.
    pub fn entries(&self) -> impl Iterator<Item = usize> {
        self.places.iter().flat_map(|place| place.entries.iter().copied())
    }
}

/// Where the last cut was that was made; the last one that was not, where none was.
pub fn spot(cuts: &[CaseCut<'_>]) -> Spot {
    let made = cuts.iter().rfind(|cut| cut.late_ns.is_some());
    made.or(cuts.last())
        .map(|cut| (cut.cell.column, cut.percent.unwrap_or(0)))
}

/// The groups: those of the module before those of ours.
pub fn groups(entries: &[CaseEntry<'_, '_>]) -> Vec<FailureGroup> {
    let mut by_rule: BTreeMap<(u8, Rule), Vec<(Spot, usize)>> = BTreeMap::new();
    for (n, entry) in entries.iter().enumerate() {
        if let Some(finding) = entry.case.verdict.finding() {
            let group = by_rule.entry((rank(&entry.case.verdict), finding.rule));
            group.or_default().push((spot(&entry.cuts), n));
        }
    }
    let mut groups = Vec::new();
    for ((rank, rule), mut cases) in by_rule {
        cases.sort_by_key(|(spot, n)| (spot.is_none(), *spot, *n));
        let (first, verdict) = (cases[0].0, &entries[cases[0].1].case.verdict);
        let group = FailureGroup {
            rule,
            anchor: format!("{}-{rule}", verdict.name()),
            of_module: matches!(verdict, Verdict::Fail(_)),
            places: places(&cases),
        };
        groups.push(((rank, first.is_none(), first), group));
    }
    groups.sort_by_key(|(order, _)| *order);
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Sorted cases in stretches of their own.
fn places(cases: &[(Spot, usize)]) -> Vec<PlaceGroup> {
    let near = |one: &(Spot, usize), other: &(Spot, usize)| match (one.0, other.0) {
        (Some((Column::Updating(_), one)), Some((Column::Updating(_), other))) => other - one <= NEAR,
        (one, other) => one == other,
    };
    let together = |cases: &[(Spot, usize)]| {
        let mut entries: Vec<usize> = cases.iter().map(|(_, n)| *n).collect();
        entries.sort_unstable();
        let words = words(cases[0].0, cases[cases.len() - 1].0);
        PlaceGroup { words, entries }
    };
    cases.chunk_by(near).map(together).collect()
}

fn words(first: Spot, last: Spot) -> String {
    match (first, last) {
        (Some((Column::Updating(_), first)), Some((_, last))) if first == last => {
            format!("UPDATING {first} %")
        }
        (Some((Column::Updating(_), first)), Some((_, last))) => format!("UPDATING {first}–{last} %"),
        (Some((column, _)), _) => column.words(),
        (None, _) => "no cut".into(),
    }
}
