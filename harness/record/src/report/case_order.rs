//! Where the cases of a journal begin and end, on the way through it.

use super::CaseRun;
use super::case_run::{LostAttempt, Restored};
use super::fleet::{FleetRun, PartRun};
use crate::case_name::CaseName;
use crate::counted::{Counted, CountedResults};
use dfota_core::event::{CaseEnded, Event, Record};
use dfota_core::verdict::{Finding, Rule, Verdict};
use std::collections::HashMap;

/// The cases in the order of the plan, as far as the journal was read.
pub(super) struct CaseOrder<'a> {
    records: &'a [Record],
    cases: Vec<CaseRun<'a>>,
    /// Places of cases in the plan.
    index: HashMap<CaseName<'a>, usize>,
    /// The case that has begun and not ended, and the place of its first record.
    began: Option<Begun<'a>>,
    latest: Option<CaseName<'a>>,
    /// Which results count, of a run on several rigs.
    counted: CountedResults,
}

/// A case that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Begun<'a> {
    name: CaseName<'a>,
    /// Place of its first record.
    from: usize,
    /// What is lost if its part ends before it does.
    attempt: Option<LostAttempt<'a>>,
}

impl<'a> CaseOrder<'a> {
    pub(super) fn new(records: &'a [Record]) -> Self {
        Self {
            records,
            cases: Vec::new(),
            index: HashMap::new(),
            began: None,
            latest: None,
            counted: CountedResults::default(),
        }
    }

    /// The cases, once the journal was read to its end.
    pub(super) fn end(mut self, fleet: &FleetRun<'a>) -> Vec<CaseRun<'a>> {
        self.leave(self.records.len());
        for lost in self.cases.iter_mut().flat_map(|case| &mut case.lost) {
            let mut parts = fleet.parts.iter();
            let part =
                parts.find(|part| (&*part.taken.batch, part.taken.attempt) == (lost.batch, lost.attempt));
            lost.why = part.and_then(|part| part.lost);
        }
        self.cases
    }

    fn find(&mut self, name: CaseName<'_>) -> Option<&mut CaseRun<'a>> {
        self.cases.get_mut(*self.index.get(&name)?)
    }

    /// Takes what the record at this place says of a case; of a run on several rigs, the part says it.
    pub(super) fn take(&mut self, at: usize, part: Option<&PartRun<'a>>) {
        let record = &self.records[at];
        let counted = self.counted.on(&record.event);
        match &record.event {
            Event::CasePlanned { case, skip } => {
                // Of two cases of one name, events speak of the first.
                self.index
                    .entry(CaseName::from(&**case))
                    .or_insert(self.cases.len());
                self.cases.push(CaseRun::planned(case, skip.as_ref()));
            }
            // Another part speaks from here on, or the parent.
            Event::Fleet(_) => self.leave(at),
            Event::CaseStarted { id, suite } => {
                self.began = None;
                self.latest = None;
                if counted != Counted::Extra {
                    self.started(at, CaseName::new(suite, id), part);
                }
            }
            Event::Recovered { by, version } => {
                if let Some(case) = self.latest.and_then(|latest| self.find(latest)) {
                    case.restored = Some(Restored { by, version });
                }
            }
            Event::TryEnded(tried) if counted != Counted::Extra => {
                if let Some(case) = self.find(CaseName::new(&tried.suite, &tried.id)) {
                    case.earlier.push(tried);
                }
            }
            Event::CaseEnded(end) if counted != Counted::Extra => self.ended(at, end, part),
            _ => {}
        }
    }

    fn started(&mut self, at: usize, name: CaseName<'a>, part: Option<&PartRun<'a>>) {
        let (records, record) = (self.records, &self.records[at]);
        let ends = records.last().map_or(0, |last| last.mono_ns);
        let attempt = part.map(|part| LostAttempt {
            rig: &part.taken.rig,
            batch: &part.taken.batch,
            attempt: part.taken.attempt,
            why: None,
        });
        self.began = Some(Begun {
            name,
            from: at,
            attempt,
        });
        self.latest = Some(name);
        if let Some(case) = self.find(name) {
            if attempt.is_some() {
                // What an attempt that was lost came to is not a part of this one.
                let (planned, lost) = (case.case, std::mem::take(&mut case.lost));
                *case = CaseRun::planned(planned, None);
                case.lost = lost;
            }
            case.verdict = unfinished();
            case.rig = attempt.map(|attempt| attempt.rig);
            // Whatever comes until its end is its own, also when that end never comes.
            case.records = &records[at..];
            case.took_ns = ends.saturating_sub(record.mono_ns);
        }
    }

    fn ended(&mut self, at: usize, end: &'a CaseEnded, part: Option<&PartRun<'a>>) {
        let records = self.records;
        let name = CaseName::new(&end.suite, &end.id);
        let began = self.began.take_if(|began| began.name == name);
        let Some(case) = self.find(name) else { return };
        case.verdict = end.verdict.clone();
        // A later case may have the last word on this one; the records since then are its own.
        if let Some(began) = began {
            case.records = &records[began.from..=at];
        }
        if let Some(part) = part {
            case.rig = Some(&part.taken.rig);
        }
        (case.took_ns, case.summary, case.rerun) = (end.took_ns, &end.summary, &end.rerun);
        (case.outcome, case.evidence) = (end.outcome, &end.evidence);
    }

    /// The part that spoke is over: what had begun in it and not ended is lost.
    fn leave(&mut self, at: usize) {
        self.latest = None;
        let records = self.records;
        let Some(began) = self.began.take() else { return };
        let (Some(attempt), Some(last)) = (began.attempt, records[..at].last()) else {
            return;
        };
        if let Some(case) = self.find(began.name) {
            case.records = &records[began.from..at];
            case.took_ns = last.mono_ns.saturating_sub(records[began.from].mono_ns);
            case.lost.push(attempt);
        }
    }
}

fn unfinished() -> Verdict {
    let sentence = "the harness ended in the middle of this case".into();
    Verdict::Inconclusive(Finding {
        rule: Rule::Interrupted,
        sentence,
    })
}
