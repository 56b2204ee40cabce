//! Since when cases do not pass, by the results of earlier runs.

use super::{Book, CaseEntry, rank};
use crate::case_name::CaseName;
use dfota_core::event::trend::{PastRun, Trend};
use std::collections::HashMap;

/// The results of each case in earlier runs: a letter for each run.
pub type Past<'a> = HashMap<CaseName<'a>, &'a str>;

/// When a case began to end as it does.
enum Since {
    /// In this run; an earlier one, by its place, ended otherwise.
    Now(usize),
    /// In an earlier run, by its place; `known` says that one before it ended otherwise.
    Run { at: usize, known: bool },
    /// No earlier run had it.
    First,
}

/// What is known of the cases of a run.
pub fn past<'a>(trend: Option<&'a Trend>) -> Past<'a> {
    let cases = trend.map_or(&[][..], |trend| &trend.cases);
    let case = cases
        .iter()
        .map(|past| (CaseName::new(&past.suite, &past.id), past.verdicts.as_str()));
    case.collect()
}

/// In words, for cases that ended alike; nothing where no earlier run is known.
pub fn words(book: &Book<'_, '_>, cases: impl Iterator<Item = usize>) -> Option<String> {
    let runs = &book.run.trend.filter(|trend| !trend.runs.is_empty())?.runs;
    let (mut older, mut now, mut first, mut all) = (Vec::new(), Vec::new(), 0, 0);
    for case in cases {
        all += 1;
        match since(book, &book.entries[case]) {
            Since::Run { at, known } => older.push((at, known)),
            Since::Now(before) => now.push(before),
            Since::First => first += 1,
        }
    }
    let how_many = |some: usize| {
        if some == all {
            String::new()
        } else {
            format!("{some} of them ")
        }
    };
    let mut parts = Vec::new();
    if let Some((at, known)) = older.iter().min() {
        let at_least = if *known { "" } else { "at least " };
        parts.push(format!(
            "{}{at_least}since {}",
            how_many(older.len()),
            run(runs, *at)
        ));
    }
    if let Some(before) = now.iter().max() {
        let before = run(runs, *before);
        parts.push(format!(
            "{}new in this run, not so in {before}",
            how_many(now.len())
        ));
    }
    if first > 0 {
        parts.push(format!("{}not run before", how_many(first)));
    }
    Some(parts.join("; "))
}

fn since(book: &Book<'_, '_>, entry: &CaseEntry<'_, '_>) -> Since {
    let name = CaseName::from(entry.case.case).without_turn();
    let marks = book.past.get(&name).copied().unwrap_or_default();
    let alike = |mark: char| match rank(&entry.case.verdict) {
        0 => mark == 'F',
        _ => matches!(mark, 'E' | 'I'),
    };
    let mut since = Since::First;
    let ran = |(_, mark): &(usize, char)| !matches!(mark, '.' | 'S' | 'N');
    let marks: Vec<(usize, char)> = marks.chars().enumerate().filter(ran).collect();
    for (at, mark) in marks.into_iter().rev() {
        since = match (since, alike(mark)) {
            (_, true) => Since::Run { at, known: false },
            (Since::Run { at, .. }, false) => return Since::Run { at, known: true },
            (_, false) => return Since::Now(at),
        };
    }
    since
}

fn run(runs: &[PastRun], at: usize) -> String {
    runs.get(at).map_or(String::new(), |run| {
        format!("{} ({})", run.utc.get(..10).unwrap_or(&run.utc), run.run)
    })
}
