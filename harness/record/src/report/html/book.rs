//! The cases of a run as the page shows them: everything its parts need of a case, looked up once.

pub mod excerpt;
pub mod groups;
pub mod since;

use self::excerpt::Excerpt;
use self::groups::FailureGroup;
use self::since::Past;
use super::place::{self, CaseCut, MapCell};
use crate::report::{CaseRun, Run};
use dfota_core::event::Record;
use dfota_core::verdict::Verdict;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Cases that did not pass and are shown with timeline and transcript.
const FAILURES: usize = 50;
const OTHERS: usize = 30;

/// A case on its way into the page.
#[derive(Debug)]
pub struct CaseEntry<'r, 'a> {
    /// Its place in the plan, from 1: the name of its anchors.
    pub number: usize,
    pub case: &'r CaseRun<'a>,
    pub cuts: Vec<CaseCut<'a>>,
    /// What is quoted of it, if it is shown with timeline and transcript.
    pub excerpt: Option<Excerpt<'a>>,
}

/// The cases of a run, in the order of the plan.
#[derive(Debug)]
pub struct Book<'r, 'a> {
    pub run: &'r Run<'a>,
    pub entries: Vec<CaseEntry<'r, 'a>>,
    /// Those that did not pass, by rule and place.
    pub groups: Vec<FailureGroup>,
    /// What is known of them from earlier runs.
    pub past: Past<'a>,
    /// Numbers of the records that are quoted in any excerpt.
    quoted: HashSet<u64>,
}

impl<'r, 'a> Book<'r, 'a> {
    pub fn new(run: &'r Run<'a>) -> Self {
        let entry = |(n, case): (usize, &'r CaseRun<'a>)| CaseEntry {
            number: n + 1,
            case,
            cuts: place::cuts(case),
            excerpt: None,
        };
        let mut entries: Vec<CaseEntry<'r, 'a>> = run.cases.iter().enumerate().map(entry).collect();
        let groups = groups::groups(&entries);
        for n in chosen(&entries, &groups) {
            entries[n].excerpt = Some(Excerpt::new(entries[n].case));
        }
        let excerpts = entries.iter().filter_map(|entry| entry.excerpt.as_ref());
        let quoted = excerpts.flat_map(Excerpt::seqs).collect();
        Self {
            run,
            entries,
            groups,
            past: since::past(run.trend),
            quoted,
        }
    }

    /// The record with this number, of the case itself or of a later case that revised it.
    pub fn record(&self, case: &CaseRun<'a>, seq: u64) -> Option<&'a Record> {
        let of = |case: &CaseRun<'a>| {
            let at = case.records.binary_search_by_key(&seq, |record| record.seq);
            at.ok().map(|at| &case.records[at])
        };
        of(case).or_else(|| self.run.cases.iter().find_map(of))
    }

    /// Whether the page quotes this record.
    pub fn quotes(&self, seq: u64) -> bool {
        self.quoted.contains(&seq)
    }

    /// Cases that are shown with timeline and transcript: those that did not pass come first.
    pub fn detailed(&self) -> Vec<(&CaseEntry<'r, 'a>, &Excerpt<'a>)> {
        let mut detailed: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry, entry.excerpt.as_ref()?)))
            .collect();
        detailed.sort_by_key(|(entry, _)| rank(&entry.case.verdict));
        detailed
    }

    /// Cases that were begun.
    pub fn begun(&self) -> usize {
        self.entries.iter().filter(|entry| entry.case.was_begun()).count()
    }
}

impl CaseEntry<'_, '_> {
    /// Name of its row's anchor.
    pub fn row(&self) -> String {
        format!("case-{}", self.number)
    }

    /// Name of the anchor of its timeline.
    pub fn detail(&self) -> String {
        format!("detail-{}", self.number)
    }
}

/// The order in which verdicts are shown: failures first.
pub fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Fail(_) => 0,
        Verdict::Error(_) => 1,
        Verdict::Inconclusive(_) => 2,
        Verdict::Pass => 3,
        Verdict::Skip { .. } | Verdict::NotReached => 4,
    }
}

/// Those that are shown in full: what did not pass, an example of each rule and place before others, then one of each cell of the map, then flaky ones, then the first ones.
fn chosen(entries: &[CaseEntry<'_, '_>], groups: &[FailureGroup]) -> BTreeSet<usize> {
    let begun = |n: &usize| entries[*n].case.was_begun();
    let all = || (0..entries.len()).filter(begun);
    let mut bad: Vec<usize> = all().filter(|n| rank(&entries[*n].case.verdict) < 3).collect();
    let places = groups.iter().flat_map(|group| &group.places);
    let examples: HashSet<usize> = places
        .filter_map(|place| place.entries.first().copied())
        .collect();
    bad.sort_by_key(|n| (!examples.contains(n), rank(&entries[*n].case.verdict)));
    bad.truncate(FAILURES);
    // Of long runs, not every case that passed is still there as a whole.
    let passed = |n: &usize| rank(&entries[*n].case.verdict) >= 3 && entries[*n].case.is_whole();
    let mut first: HashMap<Option<MapCell>, usize> = HashMap::new();
    for n in all().filter(passed) {
        first
            .entry(entries[n].cuts.first().map(|cut| cut.cell))
            .or_insert(n);
    }
    let mut places: Vec<usize> = first.into_values().collect();
    places.sort_unstable();
    let flaky = all().filter(|n| entries[*n].case.is_flaky());
    let mut others = BTreeSet::new();
    for n in places.into_iter().chain(flaky).chain(all().filter(passed)) {
        if others.len() == OTHERS {
            break;
        }
        others.insert(n);
    }
    bad.into_iter().chain(others).collect()
}
