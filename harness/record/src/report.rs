//! Reports: pure functions of the journal.
//!
//! [`Run`] orders the records by case; [`html`], [`junit`], [`transcript`] and [`summary`] turn it into the files of the
//! run folder.
//! `run` makes them when it ends and `report` makes them again, byte for byte.

pub mod anew;
pub mod campaigns;
mod case_order;
pub mod case_run;
pub mod fleet;
pub mod html;
pub mod junit;
pub mod reading;
pub mod summary;
pub mod test_report;
pub mod transcript;

pub use case_run::CaseRun;

use crate::rejudge::DerivedCount;
use crate::run_folder::{HTML, JUNIT, SUMMARY, TRANSCRIPTS, WriteError, replace};
use case_order::CaseOrder;
use case_run::RecordedIdentity;
use dfota_core::campaign::Tallied;
use dfota_core::event::bisected::Bisected;
use dfota_core::event::trend::Trend;
use dfota_core::event::{Event, JunitProfile, Record, RunStarted};
use dfota_core::exit_code::ExitCode;
use dfota_core::rig_check::{Check, CheckTime};
use dfota_core::verdict::{Verdict, exit_code};
use fleet::{FleetOrder, FleetRun};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
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
    /// The results of earlier runs of its cases.
    pub trend: Option<&'a Trend>,
    /// The result of a search.
    pub bisected: Option<&'a Bisected>,
    /// Why no further case was begun, if the module was given up.
    pub given_up: Option<&'a str>,
    pub rig_checks: Vec<SelfCheck<'a>>,
    /// `None` where the verdicts were not derived again, or cannot be.
    pub derived: Option<DerivedCount>,
    /// `None` when it was killed.
    pub ended: Option<RunEnding>,
    /// The rigs of a run on several.
    pub fleet: FleetRun<'a>,
}

/// A self-check of the rig.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RigCheck")]
pub struct SelfCheck<'a> {
    pub when: CheckTime,
    /// The suite before or after which it was made.
    pub suite: &'a str,
    pub checks: &'a [Check],
    /// The rig, of a run on several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rig: Option<&'a str>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunEnding {
    pub exit: u8,
    /// A signal ended it.
    pub interrupted: bool,
    /// The lines are in the state that the rig file declares.
    pub safe: bool,
}

/// A journal that this program did not write.
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
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Err(RunError::NoStart);
        };
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
            fleet: FleetRun::default(),
        };
        let mut cases = CaseOrder::new(records);
        let mut fleet = FleetOrder::default();
        for (at, record) in records.iter().enumerate() {
            fleet.take(&record.event);
            let part = fleet.part();
            // Each part has a clock of its own. What is decided after the end took no time of the run.
            if part.is_none() && run.ended.is_none() {
                run.took_ns = record.mono_ns;
            }
            run.take(&record.event, part.map(|part| part.taken.rig.as_str()));
            cases.take(at, part);
        }
        run.fleet = fleet.end();
        run.cases = cases.end(&run.fleet);
        Ok(run)
    }

    /// Why cases were not begun, where that is known: the module was given up, or no rig was to get another batch.
    pub fn why_not_reached(&self) -> Option<&'a str> {
        self.given_up.or(self.fleet.paused)
    }

    /// How the run ended, by its exit code; `None` when it was killed. Where parts of its journal are missing, it is what the rest
    /// gives, and never a success.
    pub fn exit(&self) -> Option<u8> {
        let ended = self.ended?;
        if self.fleet.unread().next().is_none() {
            return Some(ended.exit);
        }
        let exit = exit_code(self.cases.iter().map(|case| &case.verdict), ended.interrupted);
        Some(match exit {
            ExitCode::Success => ExitCode::Error.code(),
            other => other.code(),
        })
    }

    /// Takes what an event says of the run; of a run on several rigs, of this one.
    fn take(&mut self, event: &'a Event, rig: Option<&'a str>) {
        match event {
            Event::Trend(past) => self.trend = Some(past),
            Event::Tallied(cut) => self.tallied.push(cut),
            Event::Bisected(found) => self.bisected = Some(found),
            // A rig of several that gives up ends its batch alone.
            Event::GivenUp { cause } if rig.is_none() => self.given_up = Some(cause),
            &Event::RigChecked {
                when,
                ref suite,
                ref checks,
            } => self.rig_checks.push(SelfCheck {
                when,
                suite,
                checks,
                rig,
            }),
            &Event::RunEnded {
                exit,
                interrupted,
                safe,
            } => {
                self.ended = Some(RunEnding {
                    exit,
                    interrupted,
                    safe,
                });
            }
            _ => {}
        }
    }

    /// Orders the records of the journal in a run folder.
    pub fn of_folder(folder: &Path, records: &'a [Record]) -> Result<Self, ReportError> {
        Self::new(records).map_err(|why| ReportError::Run {
            path: folder.to_owned(),
            why,
        })
    }

    /// What the module said that it is, first and last.
    pub fn identities(&self) -> Option<[RecordedIdentity<'a>; 2]> {
        let mut all = self.cases.iter().flat_map(CaseRun::identities);
        let first = all.next()?;
        Some([first, all.last().unwrap_or(first)])
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

/// How reports are made, beyond what the journal says.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportOptions<'a> {
    /// Takes a copy of the JUnit file.
    pub junit: Option<&'a Path>,
    /// The profile of the JUnit file, in place of the run's.
    pub profile: Option<JunitProfile>,
    /// Without IMEI, IMSI, ICCID and IP addresses, whatever the run was asked for.
    pub masked: bool,
}

/// Makes every report of a run folder from its journal. Gives what `show` makes of the run.
pub fn make<T>(
    folder: &Path,
    options: &ReportOptions<'_>,
    show: impl FnOnce(&Run<'_>) -> T,
) -> Result<T, ReportError> {
    let mut read = reading::JournalReading::from_folder(folder, options.masked)?;
    let derived = read.rejudged().map(|rejudged| rejudged.counts());
    let mut run = Run::of_folder(folder, &read.records)?;
    run.derived = derived;
    let mut xml = Vec::new();
    each(&run, &read.written, options.profile, |name, bytes| {
        if name == JUNIT {
            xml = bytes.to_owned();
        }
        replace(&folder.join(name), bytes)
    })?;
    // The last: it may be anywhere, and the run folder is complete without it.
    if let Some(path) = options.junit {
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
    for case in run.cases.iter().filter(|case| case.was_begun()) {
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
