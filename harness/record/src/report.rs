//! Reports: pure functions of the journal.
//!
//! [`Run`] orders the records by case; [`html`], [`junit`], [`transcript`] and [`summary`] turn it into the files of the
//! run folder.
//! `run` makes them when it ends and `report` makes them again, byte for byte.

pub mod anew;
pub mod campaigns;
pub mod certificate;
pub mod html;
pub mod junit;
pub mod reading;
pub mod summary;
pub mod transcript;

use crate::journal::places;
use crate::run_folder::{HTML, JUNIT, SUMMARY, TRANSCRIPTS, WriteError, replace};
use dfota_core::campaign::Tallied;
use dfota_core::case::Case;
use dfota_core::event::bisected::Bisected;
use dfota_core::event::trend::Trend;
use dfota_core::event::{Event, JunitProfile, Record, RunStarted, TryEnded};
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::outcome::Outcome;
use dfota_core::rig_check::{Check, CheckTime};
use dfota_core::verdict::{Finding, Rule, Verdict};
use dfota_core::version::Version;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A journal, ordered by case.
#[derive(Debug)]
pub struct Run<'a> {
    /// What the run was started with.
    pub started: &'a RunStarted,
    /// UTC of the start.
    pub utc: &'a str,
    /// Real nanoseconds from the first to the last record.
    pub took_ns: u64,
    /// The cases, in the order of the plan.
    pub cases: Vec<CaseRun<'a>>,
    /// Every cut of a campaign that was judged, also in earlier runs, in the order of the journal.
    pub tallied: Vec<&'a Tallied>,
    /// What earlier runs of its cases came to.
    pub trend: Option<&'a Trend>,
    /// What a search came to.
    pub bisected: Option<&'a Bisected>,
    /// Why no further case was begun, if the module was given up.
    pub given_up: Option<&'a str>,
    /// The rig's self-checks: when, around which suite, and what was looked at.
    pub rig_checks: Vec<(CheckTime, &'a str, &'a [Check])>,
    /// How many verdicts its journal has, and how many are the same when they are derived again from its events; `None` where
    /// that was not done, or cannot be.
    pub derived: Option<(usize, usize)>,
    /// How the run ended: exit code, whether a signal ended it, whether the lines are safe. `None` when it was killed.
    pub ended: Option<(u8, bool, bool)>,
}

/// Where the cases of a journal begin and end, on the way through it.
struct Order<'a> {
    records: &'a [Record],
    /// Real nanoseconds of its last record.
    ends: u64,
    index: Index<'a>,
    /// Suite and id of the case that has begun, and where.
    began: Option<(&'a String, &'a String, usize)>,
    latest: Option<(&'a String, &'a String)>,
}

impl<'a> Order<'a> {
    fn new(records: &'a [Record]) -> Self {
        Self {
            records,
            ends: records.last().map_or(0, |record| record.mono_ns),
            index: Index::new(),
            began: None,
            latest: None,
        }
    }

    /// What a record says of a case.
    fn take(&mut self, cases: &mut Vec<CaseRun<'a>>, at: usize) {
        let record = &self.records[at];
        match &record.event {
            Event::CasePlanned { case, skip } => {
                // Of two cases of one name, events speak of the first.
                self.index.entry((&case.suite, &case.id)).or_insert(cases.len());
                cases.push(CaseRun::planned(case, skip.as_ref()));
            }
            Event::CaseStarted { id, suite } => {
                self.began = Some((suite, id, at));
                self.latest = Some((suite, id));
                if let Some(case) = find(cases, &self.index, suite, id) {
                    case.verdict = unfinished();
                    // Whatever comes until its end is its own, also when that end never comes.
                    case.records = &self.records[at..];
                    case.took_ns = self.ends.saturating_sub(record.mono_ns);
                }
            }
            Event::Recovered { by, version } => {
                let latest = self.latest;
                let case = latest.and_then(|(suite, id)| find(cases, &self.index, suite, id));
                if let Some(case) = case {
                    case.restored = Some((by, version));
                }
            }
            Event::TryEnded(tried) => {
                if let Some(case) = find(cases, &self.index, &tried.suite, &tried.id) {
                    case.earlier.push(tried);
                }
            }
            Event::CaseEnded(end) => {
                if let Some(case) = find(cases, &self.index, &end.suite, &end.id) {
                    case.verdict = end.verdict.clone();
                    // A later case may have the last word on this one; the records since then are its own.
                    if let Some((.., from)) = self
                        .began
                        .take_if(|(suite, id, _)| **suite == end.suite && **id == end.id)
                    {
                        case.records = &self.records[from..=at];
                    }
                    (case.took_ns, case.story, case.rerun) = (end.took_ns, &end.summary, &end.rerun);
                    (case.outcome, case.evidence) = (end.outcome, &end.evidence);
                }
            }
            _ => {}
        }
    }
}

/// One case of a run.
#[derive(Debug)]
pub struct CaseRun<'a> {
    /// The case as it was planned.
    pub case: &'a Case,
    /// How it ended; the last word counts, for a later case can find out that this one's image was corrupt.
    pub verdict: Verdict,
    /// Its records, from its start to its end.
    pub records: &'a [Record],
    /// Real nanoseconds it took.
    pub took_ns: u64,
    /// Where cuts landed and how the module came back.
    pub story: &'a str,
    pub rerun: &'a str,
    /// The tries before the last one.
    pub earlier: Vec<&'a TryEnded>,
    /// What became of the module, where it was asked.
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    pub evidence: &'a [u64],
    /// How the module was restored after it, and the version that it runs since.
    pub restored: Option<(&'a str, &'a Version)>,
}

/// A journal that is none of this program.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(
        "the journal does not begin with `run-started`: it is not one of this program, or its beginning is missing"
    )]
    NoStart,
    #[error(
        "the journal has schema {seen}, this version reads up to {known}: use the version that wrote it, or a newer one"
    )]
    Schema {
        seen: u32,
        /// The newest that is known.
        known: u32,
    },
}

impl<'a> Run<'a> {
    /// Orders the records of a journal.
    pub fn new(records: &'a [Record]) -> Result<Self, RunError> {
        let [first, .., last] = records else {
            return match records {
                [only] if matches!(only.event, Event::RunStarted(_)) => Self::of(records, only, only),
                _ => Err(RunError::NoStart),
            };
        };
        Self::of(records, first, last)
    }

    fn of(records: &'a [Record], first: &'a Record, last: &'a Record) -> Result<Self, RunError> {
        let Event::RunStarted(started) = &first.event else {
            return Err(RunError::NoStart);
        };
        let known = dfota_core::event::SCHEMA;
        if started.schema > known {
            return Err(RunError::Schema {
                seen: started.schema,
                known,
            });
        }
        let mut run = Self {
            started,
            utc: &first.utc,
            took_ns: last.mono_ns,
            cases: Vec::new(),
            tallied: Vec::new(),
            trend: None,
            bisected: None,
            given_up: None,
            rig_checks: Vec::new(),
            derived: None,
            ended: None,
        };
        let mut order = Order::new(records);
        for (at, record) in records.iter().enumerate() {
            match &record.event {
                Event::Trend(past) => run.trend = Some(past),
                Event::Tallied(cut) => run.tallied.push(cut),
                Event::Bisected(found) => run.bisected = Some(found),
                Event::GivenUp { cause } => run.given_up = Some(cause),
                Event::RigChecked { when, suite, checks } => run.rig_checks.push((*when, suite, checks)),
                Event::RunEnded {
                    exit,
                    interrupted,
                    safe,
                } => run.ended = Some((*exit, *interrupted, *safe)),
                _ => order.take(&mut run.cases, at),
            }
        }
        Ok(run)
    }

    /// Cases that passed, and not at the first try.
    pub fn flaky(&self) -> usize {
        self.cases.iter().filter(|case| case.is_flaky()).count()
    }

    /// Cases whose outcome counts as a brick.
    pub fn bricks(&self) -> usize {
        let outcomes = self.cases.iter().filter_map(|case| case.outcome);
        outcomes.filter(|outcome| outcome.is_brick()).count()
    }

    /// Cases whose verdict is like this one.
    pub fn count(&self, like: impl Fn(&Verdict) -> bool) -> usize {
        self.cases.iter().filter(|case| like(&case.verdict)).count()
    }
}

/// Places of cases in the plan, by suite and id.
type Index<'a> = HashMap<(&'a str, &'a str), usize>;

fn find<'r, 'a>(
    cases: &'r mut [CaseRun<'a>],
    index: &Index<'_>,
    suite: &str,
    id: &str,
) -> Option<&'r mut CaseRun<'a>> {
    cases.get_mut(*index.get(&(suite, id))?)
}

fn unfinished() -> Verdict {
    let sentence = "the harness ended in the middle of this case".into();
    Verdict::Inconclusive(Finding {
        rule: Rule::Interrupted,
        sentence,
    })
}

impl<'a> CaseRun<'a> {
    /// Whether it still has all records that its transcript has.
    pub fn is_whole(&self) -> bool {
        self.records
            .iter()
            .any(|record| matches!(record.event, Event::Line { .. } | Event::Tx { .. }))
            || !self
                .records
                .iter()
                .any(|record| matches!(record.event, Event::CaseEnded(_)))
    }

    /// The lines of the journal that the verdict rests on: `events.jsonl:17, events.jsonl:42`.
    pub fn evidence_lines(&self) -> String {
        places(self.evidence)
    }

    /// Whether it passed after an error. A cut that was made up for is no sign of anything.
    pub fn is_flaky(&self) -> bool {
        let mut earlier = self.earlier.iter();
        self.verdict == Verdict::Pass && earlier.any(|tried| matches!(tried.verdict, Verdict::Error(_)))
    }

    fn planned(case: &'a Case, skip: Option<&String>) -> Self {
        let verdict = match skip {
            Some(reason) => Verdict::Skip {
                reason: reason.clone(),
            },
            None => Verdict::NotReached,
        };
        Self {
            case,
            verdict,
            records: &[],
            took_ns: 0,
            story: "",
            rerun: "",
            earlier: Vec::new(),
            outcome: None,
            evidence: &[],
            restored: None,
        }
    }

    /// What the case declares for a measurement, if it was begun.
    pub fn declared(&self, measure: Measure) -> Option<&'a MeasureLimits> {
        let mut declared = self.case.measures.iter();
        let found = declared.find(|declared| declared.measure == measure);
        found.filter(|_| !self.records.is_empty())
    }
}

/// Reports that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Read(#[from] crate::journal::ReadError),
    #[error("`{}`: {why}", path.display())]
    Run { path: PathBuf, why: RunError },
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What is asked of the reports beyond what the journal says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Takes a copy of the JUnit file.
    pub junit: Option<&'a Path>,
    /// The profile of the JUnit file, in place of the run's.
    pub profile: Option<JunitProfile>,
    /// Without IMEI, IMSI, ICCID and IP addresses, whatever the run was asked for.
    pub masked: bool,
}

/// Makes every report of a run folder from its journal. Gives what `show` makes of the run.
pub fn make<T>(folder: &Path, asked: &Asked<'_>, show: impl FnOnce(&Run<'_>) -> T) -> Result<T, ReportError> {
    let Asked {
        junit,
        profile,
        masked,
    } = *asked;
    let mut read = reading::Reading::of(folder, masked)?;
    let derived = read.rejudged().map(|rejudged| rejudged.counts());
    let mut run = Run::new(&read.records).map_err(|why| ReportError::Run {
        path: folder.to_owned(),
        why,
    })?;
    run.derived = derived;
    let mut xml = Vec::new();
    each(&run, &read.written, profile, |name, bytes| {
        if name == JUNIT {
            xml = bytes.to_owned();
        }
        replace(&folder.join(name), bytes)
    })?;
    // The last: it may be anywhere, and the run folder is complete without it.
    if let Some(path) = junit {
        replace(path, &xml)?;
    }
    Ok(show(&run))
}

/// Every report of a run, by its path in the run folder: the one list of them, without the transcripts that were `written`
/// while the journal was read. The JUnit file has the `profile` that is asked for, else the run's.
pub fn each<E>(
    run: &Run<'_>,
    written: &HashSet<String>,
    profile: Option<JunitProfile>,
    mut take: impl FnMut(&str, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for case in run.cases.iter().filter(|case| !case.records.is_empty()) {
        let file = transcript::name(case.case);
        if !written.contains(&file) {
            take(
                &format!("{TRANSCRIPTS}/{file}"),
                transcript::write(case).as_bytes(),
            )?;
        }
    }
    take(
        JUNIT,
        &junit::write(run, profile.unwrap_or(run.started.junit_profile)),
    )?;
    take(SUMMARY, summary::write(run).as_bytes())?;
    take(HTML, html::write(run).as_bytes())
}
