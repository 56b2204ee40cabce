//! Derives verdicts again from a journal alone, with the fold and the judge that a run uses.

mod shown;

use crate::counted::{Counted, CountedResults};
use crate::journal::{self, ReadError};
use dfota_core::event::{CaseEnded, Event, Record, SCHEMA_OF_VERDICTS, TryEnded};
use dfota_core::event_id::EventId;
use dfota_core::exit_code::ExitCode;
use dfota_core::judge::Judgement;
use dfota_core::outcome::Outcome;
use dfota_core::run_fold::RunFold;
use dfota_core::verdict::Verdict;
use dfota_core::verdict::exit_code;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A verdict of a journal beside the one that its events give.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Number of its record.
    pub seq: u64,
    pub suite: String,
    pub id: String,
    /// Which of its verdicts.
    pub which: Which,
    /// What stands in the journal.
    pub recorded: Stated,
    /// What its events give.
    pub derived: Stated,
}

/// Which verdict of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That of a try which was followed by another one.
    Try(u32),
    /// That of the case.
    Case,
    /// What a later case had to say about it.
    Revised,
}

/// A verdict, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    pub verdict: Verdict,
    /// The state of the module afterwards.
    pub outcome: Option<Outcome>,
    /// Numbers of the records.
    pub evidence: Vec<u64>,
}

/// What a journal's verdicts are when they are derived again.
#[derive(Debug, Default)]
pub struct Rejudged {
    /// Each of them, in the order of the journal.
    pub verdicts: Vec<Compared>,
    /// The exit code in the journal and the one that its verdicts give, where they differ.
    pub exit: Option<(u8, u8)>,
    /// Cases that were skipped or not reached: there is nothing to derive.
    pub untried: usize,
}

/// How many verdicts a journal has, and how many of them its events give again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedCount {
    pub all: usize,
    pub equal: usize,
}

/// Why verdicts cannot be derived again.
#[derive(Debug, thiserror::Error)]
pub enum RejudgeError {
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is of an older program.
    #[error(
        "the journal has schema {seen}: its verdicts can be read, but deriving them again needs schema {needed} or later"
    )]
    Schema {
        seen: u32,
        /// The first that can be judged again.
        needed: u32,
    },
    #[error("the journal does not begin with `run-started`: its beginning is missing")]
    NoStart,
}

impl Compared {
    /// Whether both say the same.
    pub fn is_equal(&self) -> bool {
        self.recorded == self.derived
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Try(number) => write!(f, "try {number}"),
            Self::Case => f.write_str("case"),
            Self::Revised => f.write_str("revised"),
        }
    }
}

/// Derives the verdicts of a run folder again.
pub fn folder(folder: &Path) -> Result<Rejudged, RejudgeError> {
    let mut deriving = Deriving::default();
    journal::each(folder, false, |record| deriving.take(&record))?;
    deriving.end()
}

/// The same out of the records of a journal.
pub fn records(records: &[Record]) -> Result<Rejudged, RejudgeError> {
    let mut deriving = Deriving::default();
    for record in records {
        deriving.take(record);
    }
    deriving.end()
}

/// The derivation, record by record.
#[derive(Debug, Default)]
pub struct Deriving {
    fold: RunFold,
    schema: Option<u32>,
    found: Rejudged,
    /// The last verdict of each case that began or ended.
    last: BTreeMap<(String, String), Verdict>,
    present: Option<(String, String)>,
    searched: bool,
    counted: CountedResults,
}

impl Deriving {
    /// Takes the next record.
    pub fn take(&mut self, record: &Record) {
        let counted = self.counted.on(&record.event);
        match &record.event {
            // Of a run on several rigs, each part has begun as well.
            Event::RunStarted(started) => {
                self.schema = Some(
                    self.schema
                        .map_or(started.schema, |seen| seen.min(started.schema)),
                );
            }
            Event::Fleet(_) => self.present = None,
            Event::CasePlanned { case, skip } => {
                let reason = skip.clone();
                let verdict = reason.map_or(Verdict::NotReached, |reason| Verdict::Skip { reason });
                self.last.insert((case.suite.clone(), case.id.clone()), verdict);
            }
            Event::CaseStarted { id, suite } => self.present = Some((suite.clone(), id.clone())),
            Event::TryEnded(tried) => self.try_ended(record.seq, tried),
            Event::CaseEnded(ended) => self.case_ended(record.seq, ended, counted),
            // A search succeeds by what it found, whatever the module did in it.
            Event::Bisected(_) => self.searched = true,
            Event::RunEnded {
                exit, interrupted, ..
            } if !self.searched => self.run_ended(*exit, *interrupted),
            _ => {}
        }
        self.fold.on(EventId(record.seq), &record.event);
    }

    /// The result, once the journal is at its end.
    pub fn end(self) -> Result<Rejudged, RejudgeError> {
        let needed = SCHEMA_OF_VERDICTS;
        match self.schema {
            None => Err(RejudgeError::NoStart),
            Some(seen) if seen < needed => Err(RejudgeError::Schema { seen, needed }),
            Some(_) => Ok(Rejudged {
                untried: self
                    .last
                    .values()
                    .filter(|verdict| matches!(verdict, Verdict::Skip { .. } | Verdict::NotReached))
                    .count(),
                ..self.found
            }),
        }
    }

    fn try_ended(&mut self, seq: u64, tried: &TryEnded) {
        let recorded = Stated {
            verdict: tried.verdict.clone(),
            outcome: tried.outcome,
            evidence: tried.evidence.clone(),
        };
        let derived = Stated::from(self.fold.judged());
        self.found.verdicts.push(Compared {
            seq,
            suite: tried.suite.clone(),
            id: tried.id.clone(),
            which: Which::Try(tried.number),
            recorded,
            derived,
        });
    }

    fn case_ended(&mut self, seq: u64, ended: &CaseEnded, counted: Counted) {
        let name = (ended.suite.clone(), ended.id.clone());
        let recorded = Stated::from(ended);
        let tried_nothing = self.fold.observation().is_none() && !self.fold.is_halted();
        let known = match counted {
            Counted::Extra => self.last.get(&name).cloned(),
            Counted::Counts | Counted::Revises => self.last.insert(name.clone(), ended.verdict.clone()),
        };
        // What one rig says after another one is no last word on a case: it has its own result, or none.
        let own = match counted {
            Counted::Counts => self.counted.has_parts(),
            Counted::Revises => false,
            Counted::Extra => self.fold.revision().is_none(),
        };
        let first = own || matches!(known, None | Some(Verdict::NotReached));
        let present = self.present.as_ref() == Some(&name);
        let (which, derived) = if present || first {
            self.present = None;
            if matches!(ended.verdict, Verdict::Skip { .. }) && tried_nothing {
                return;
            }
            (Which::Case, Stated::from(self.fold.settled()))
        } else {
            // Without a reason to say something else, what was said before stands.
            let revised = self.fold.revision().as_ref().map(Stated::from);
            let before = known.map(|verdict| Stated {
                verdict,
                ..recorded.clone()
            });
            (
                Which::Revised,
                revised.or(before).unwrap_or_else(|| recorded.clone()),
            )
        };
        self.found.verdicts.push(Compared {
            seq,
            suite: name.0,
            id: name.1,
            which,
            recorded,
            derived,
        });
    }

    fn run_ended(&mut self, exit: u8, interrupted: bool) {
        let given = exit_code(self.last.values(), interrupted).code();
        // A rig that failed its check, or could not be made safe, makes an error of a pass.
        let stands = given == exit || (given, exit) == (ExitCode::Success.code(), ExitCode::Error.code());
        // A run has a second end where somebody decided about it after the first: both have to stand.
        self.found.exit = self.found.exit.or((!stands).then_some((exit, given)));
    }
}

impl From<&CaseEnded> for Stated {
    fn from(ended: &CaseEnded) -> Self {
        Self {
            verdict: ended.verdict.clone(),
            outcome: ended.outcome,
            evidence: ended.evidence.clone(),
        }
    }
}

impl From<Judgement> for Stated {
    fn from(judged: Judgement) -> Self {
        Self {
            verdict: judged.verdict,
            outcome: judged.outcome,
            evidence: judged.evidence,
        }
    }
}

impl Rejudged {
    pub fn counts(&self) -> DerivedCount {
        let all = self.verdicts.len();
        DerivedCount {
            all,
            equal: all - self.differing().count(),
        }
    }

    pub fn differing(&self) -> impl Iterator<Item = &Compared> {
        self.verdicts.iter().filter(|compared| !compared.is_equal())
    }
}
