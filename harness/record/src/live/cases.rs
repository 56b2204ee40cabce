//! The cases of a run that goes on: how they ended, and the records of those that can be looked at.

use crate::report::CaseRun;
use crate::report::case_run::Restored;
use dfota_core::case::Case;
use dfota_core::event::{CaseEnded, Event, Record, TryEnded};
use dfota_core::verdict::{Finding, Rule, Verdict};
use dfota_core::version::Version;
use std::collections::{HashMap, VecDeque};

/// Cases that are over and whose records are kept. A page is for looking at what happens now; a run may last for days.
const KEPT: usize = 30;
/// Records of a case that are kept; of more, those in the middle are left out.
const MOST_RECORDS: usize = 4_000;
/// So many at once are left out, and the first ones stay.
const LEFT_OUT_AT_ONCE: usize = 1_000;
const FIRST: usize = 500;
/// Verdicts that are listed.
pub(super) const LISTED: usize = 60;

/// What was planned of a case, and what became of it.
#[derive(Debug, Default)]
pub(super) struct LiveCase {
    pub(super) suite: String,
    pub(super) id: String,
    /// Boxed: there may be ten thousand of them.
    pub(super) case: Option<Box<Case>>,
    pub(super) skip: Option<String>,
    pub(super) rig: Option<String>,
    pub(super) ended: Option<Box<CaseEnded>>,
    pub(super) lost: Vec<String>,
    pub(super) records: CaseRecords,
    earlier: Vec<TryEnded>,
    restored: Option<(String, Version)>,
}

/// The records of a case, as far as they are kept.
#[derive(Debug, Default)]
pub(super) struct CaseRecords {
    pub(super) kept: Vec<Record>,
    /// So many in the middle are not.
    pub(super) left_out: usize,
    /// They were there, and have made room.
    pub(super) gone: bool,
    /// The case goes on.
    pub(super) open: bool,
}

impl CaseRecords {
    fn begin() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    fn take(&mut self, record: &Record) {
        self.kept.push(Record {
            // Only a chain needs it.
            prev: String::new(),
            ..record.clone()
        });
        if self.kept.len() > MOST_RECORDS {
            self.kept.drain(FIRST..FIRST + LEFT_OUT_AT_ONCE);
            self.left_out += LEFT_OUT_AT_ONCE;
        }
    }
}

impl LiveCase {
    /// The verdict so far; of a case that goes on, one that says so.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match (&self.ended, &self.skip) {
            (Some(ended), _) => Some(ended.verdict.clone()),
            (None, Some(reason)) => Some(Verdict::Skip {
                reason: reason.clone(),
            }),
            (None, None) => None,
        }
    }

    /// The case as reports know one; nothing before it was planned.
    pub(super) fn as_run(&self) -> Option<CaseRun<'_>> {
        let case = self.case.as_deref()?;
        let ended = self.ended.as_deref();
        let first = self.records.kept.first().map_or(0, |record| record.mono_ns);
        let last = self.records.kept.last().map_or(0, |record| record.mono_ns);
        Some(CaseRun {
            case,
            verdict: self.verdict().unwrap_or(Verdict::NotReached),
            records: &self.records.kept,
            took_ns: ended.map_or(last.saturating_sub(first), |ended| ended.took_ns),
            summary: ended.map_or("", |ended| &ended.summary),
            rerun: ended.map_or("", |ended| &ended.rerun),
            earlier: self.earlier.iter().collect(),
            outcome: ended.and_then(|ended| ended.outcome),
            evidence: ended.map_or(&[], |ended| &ended.evidence),
            restored: self
                .restored
                .as_ref()
                .map(|(by, version)| Restored { by, version }),
            rig: None,
            lost: Vec::new(),
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct CaseShelf {
    cases: Vec<LiveCase>,
    index: HashMap<String, HashMap<String, usize>>,
    /// The case that each rig is at; the run's own journal has no name.
    present: HashMap<Option<String>, usize>,
    latest: HashMap<Option<String>, usize>,
    /// Cases with a verdict, the last one behind.
    verdicts: VecDeque<usize>,
    kept: VecDeque<usize>,
    pub(super) last_end_ms: Option<u64>,
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LiveCounts {
    pub planned: usize,
    pub pass: usize,
    pub fail: usize,
    pub error: usize,
    pub inconclusive: usize,
    pub skip: usize,
    pub not_reached: usize,
    /// Those whose outcome is a brick, whatever their verdict.
    pub bricks: usize,
    pub running: usize,
}

impl LiveCounts {
    /// Cases that are run or were.
    pub(super) fn wanted(self) -> usize {
        self.planned - self.skip
    }

    pub(super) fn over(self) -> usize {
        self.pass + self.fail + self.error + self.inconclusive + self.not_reached
    }
}

impl CaseShelf {
    pub(super) fn find(&self, suite: &str, id: &str) -> Option<&LiveCase> {
        self.cases.get(*self.index.get(suite)?.get(id)?)
    }

    pub(super) fn all(&self) -> &[LiveCase] {
        &self.cases
    }

    /// The newest verdicts, the last one first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &LiveCase> {
        self.verdicts.iter().rev().map(|&at| &self.cases[at])
    }

    pub(super) fn counts(&self) -> LiveCounts {
        let mut counts = LiveCounts {
            planned: self.cases.len(),
            ..LiveCounts::default()
        };
        for case in &self.cases {
            match case.verdict() {
                Some(Verdict::Pass) => counts.pass += 1,
                Some(Verdict::Fail(_)) => counts.fail += 1,
                Some(Verdict::Error(_)) => counts.error += 1,
                Some(Verdict::Inconclusive(_)) => counts.inconclusive += 1,
                Some(Verdict::Skip { .. }) => counts.skip += 1,
                Some(Verdict::NotReached) => counts.not_reached += 1,
                None => {}
            }
            let outcome = case.ended.as_ref().and_then(|ended| ended.outcome);
            counts.bricks += usize::from(outcome.is_some_and(|outcome| outcome.is_brick()));
            counts.running += usize::from(case.records.open);
        }
        counts
    }

    fn place(&mut self, suite: &str, id: &str) -> usize {
        let next = self.cases.len();
        let suites = self.index.entry(suite.to_owned()).or_default();
        let at = *suites.entry(id.to_owned()).or_insert(next);
        if at == next {
            self.cases.push(LiveCase {
                suite: suite.to_owned(),
                id: id.to_owned(),
                ..LiveCase::default()
            });
        }
        at
    }

    pub(super) fn plan(&mut self, case: &Case, skip: Option<&str>) {
        let at = self.place(&case.suite, &case.id);
        let known = &mut self.cases[at];
        known.case.get_or_insert_with(|| Box::new(case.clone()));
        known.skip = skip.map(str::to_owned);
    }

    /// A rig stopped in the middle of a case. What it did so far stays to be looked at until another rig begins the case.
    pub(super) fn lose(&mut self, rig: &str, why: &str) {
        if let Some(at) = self.present.remove(&Some(rig.to_owned())) {
            let case = &mut self.cases[at];
            case.records.open = false;
            case.lost.push(format!("on {rig}: {why}"));
        }
    }

    /// Takes a record; whether a verdict has changed or a case has begun.
    pub(super) fn on(&mut self, rig: Option<&str>, record: &Record, at_ms: u64) -> bool {
        let rig = rig.map(str::to_owned);
        if let Event::CaseStarted { id, suite } = &record.event {
            let at = self.place(suite, id);
            self.cases[at].records = CaseRecords::begin();
            self.cases[at].rig.clone_from(&rig);
            self.cases[at].earlier.clear();
            self.present.insert(rig.clone(), at);
            self.latest.insert(rig.clone(), at);
        }
        if let Some(&at) = self.present.get(&rig) {
            self.cases[at].records.take(record);
        }
        match &record.event {
            Event::TryEnded(tried) => {
                let at = self.place(&tried.suite, &tried.id);
                self.cases[at].earlier.push(tried.clone());
                false
            }
            Event::Recovered { by, version } => {
                if let Some(&at) = self.latest.get(&rig) {
                    self.cases[at].restored = Some((by.clone(), version.clone()));
                }
                false
            }
            Event::CaseEnded(ended) => {
                self.end(&rig, ended, at_ms);
                true
            }
            event => matches!(event, Event::CaseStarted { .. }),
        }
    }

    fn end(&mut self, rig: &Option<String>, ended: &CaseEnded, at_ms: u64) {
        let at = self.place(&ended.suite, &ended.id);
        if self.present.get(rig) == Some(&at) {
            self.present.remove(rig);
            self.kept.push_back(at);
        }
        let case = &mut self.cases[at];
        case.records.open = false;
        case.ended = Some(Box::new(ended.clone()));
        self.last_end_ms = Some(at_ms);
        self.verdicts.retain(|&listed| listed != at);
        self.verdicts.push_back(at);
        if self.verdicts.len() > LISTED {
            self.verdicts.pop_front();
        }
        self.make_room();
    }

    /// Lets the records of old cases go, those of cases that passed first.
    fn make_room(&mut self) {
        while self.kept.len() > KEPT {
            let passed = |&at: &usize| self.cases[at].verdict() == Some(Verdict::Pass);
            let oldest = self.kept.iter().position(passed).unwrap_or(0);
            let Some(at) = self.kept.remove(oldest) else {
                return;
            };
            // One that was begun again on another rig is not an old one.
            if !self.cases[at].records.open && !self.kept.contains(&at) {
                self.cases[at].records = CaseRecords {
                    gone: true,
                    ..CaseRecords::default()
                };
            }
        }
    }
}

/// Sentence and rule of a verdict, for a list.
pub(super) fn finding(verdict: &Verdict) -> Option<(Rule, &str)> {
    verdict
        .finding()
        .map(|Finding { rule, sentence }| (*rule, sentence.as_str()))
}
