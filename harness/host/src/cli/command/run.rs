//! `run`: suites on a rig, from the files to the exit code.

mod begin;
mod fleet;
#[cfg(feature = "lab")]
mod in_lab;
mod report_args;
mod resume;
mod run_outcome;
mod session;
mod worker;

use crate::cli::Common;
use crate::cli::console::time_estimate::{CaseKey, ExpectedTime};
use crate::cli::console::{Console, page, signed, summary};
use crate::config::suite::Suite;
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::SelectionFlags;
use crate::plan::{Plan, Planned};
use crate::run::runner::BisectOptions;
use crate::state::RigState;
use crate::state::wear::Wear;
use crate::terminal::paint::Paint;
use crate::terminal::{print, print_warning};
use dfota_core::wear::WearCount;
use dfota_record::evidence::maker::{EvidenceOptions, make_with_reports};
use dfota_record::evidence::pack::pack;
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::history;
use dfota_record::journal::{Nobody, Observer};
use dfota_record::report;
use fleet::FleetArgs;
use report_args::JunitArgs;
pub use report_args::{ProfileArg, SignArg};
use run_outcome::{EndHooks, RunOutcome};
use session::{Open, Prepared};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Run suites on a rig and write a run folder.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    selection: SelectionFlags,
    /// Resume the run on several rigs in this folder, whose program was killed. It keeps its suites, rigs and options, and does
    /// not run a case again that has a verdict
    #[arg(long, value_name = "RUN_DIR")]
    resume: Option<PathBuf>,
    /// Run folder [default: reports/UTC-RIG-SUITE]
    #[arg(long, value_name = "DIR", env = "DFOTA_HIL_OUT", hide_env_values = true)]
    out: Option<PathBuf>,
    /// Stop after the first case that does not pass
    #[arg(long)]
    fail_fast: bool,
    /// Start no further case after this long, for example `90m`; the rest is "not reached"
    #[arg(long, value_name = "T", value_parser = humantime::parse_duration)]
    max_time: Option<Duration>,
    #[command(flatten)]
    junit: JunitArgs,
    /// Leave IMEI, IMSI, ICCID and IP addresses out of every report; the journal keeps them
    #[arg(long)]
    mask: bool,
    /// Show the run in a browser while it goes on, for example at `127.0.0.1:8090`; port 0 takes a free one. Anywhere but on
    /// loopback, the page needs the token that is printed
    #[arg(long, value_name = "ADDR")]
    live: Option<SocketAddr>,
    /// Run even if the plan exceeds the rig's `wear` budget
    #[arg(long)]
    over_budget: bool,
    #[command(flatten)]
    sign: SignArg,
    #[command(flatten)]
    fleet: FleetArgs,
    #[cfg(feature = "lab")]
    #[command(flatten)]
    lab: in_lab::LabArgs,
    #[command(flatten)]
    hooks: EndHooks,
    /// At the end, keep journal and transcripts in the bundle alone, compressed; every command reads them there
    #[arg(long)]
    pack: bool,
    /// Show the result as JSON (the run folder's run.json) in place of lines
    #[arg(long)]
    json: bool,
}

impl RunArgs {
    /// Whether agents on other machines do the work.
    fn is_in_lab(&self) -> bool {
        #[cfg(feature = "lab")]
        return self.lab.is_given();
        #[cfg(not(feature = "lab"))]
        false
    }

    /// How long a rig may be silent before it is lost.
    fn rig_silence(&self) -> Duration {
        #[cfg(feature = "lab")]
        if self.lab.is_given() {
            return self.lab.access.lease;
        }
        self.fleet.rig_silence
    }
}

pub fn main(args: &RunArgs, common: Common) -> Result<ExitCode, CommandError> {
    perform(args, common, None)
}

/// Bisects the one case that is selected.
pub fn search(mut args: RunArgs, common: Common, bisect: BisectOptions) -> Result<ExitCode, CommandError> {
    if args.resume.is_some() {
        return Err(CommandError::usage(
            "`--resume` is for runs on several rigs, and `bisect` takes one rig: start the search again",
        ));
    }
    if args.selection.cut.is_some() || args.selection.repeat > 1 {
        return Err(CommandError::usage(
            "`bisect` chooses its own cuts: remove `--cut` and `--repeat`; `--tries` sets how often each cut is made",
        ));
    }
    if args.fleet.canary.is_some() || args.fleet.max_bricks.is_some() {
        return Err(CommandError::usage(
            "`bisect` works on one rig: remove `--canary` and `--max-bricks`, which are for several",
        ));
    }
    // The plan is that of the failing cut; its result decides about the next.
    args.selection.cut = Some(bisect.bad.clone());
    perform(&args, common, Some(bisect))
}

fn perform(args: &RunArgs, common: Common, bisect: Option<BisectOptions>) -> Result<ExitCode, CommandError> {
    if let Some(folder) = &args.resume {
        return resume(args, folder, common);
    }
    if let Some(rig) = &args.fleet.worker {
        return worker::main(args, rig);
    }
    let mut outcome = RunOutcome::new(args);
    let result = to_its_end(args, common, bisect, &mut outcome);
    args.hooks.run(&outcome, &result);
    result
}

/// Goes on with a run, in its folder.
fn resume(given: &RunArgs, folder: &Path, common: Common) -> Result<ExitCode, CommandError> {
    if let Some(rig) = &given.fleet.worker {
        return worker::main(&resume::arguments(given, folder)?, rig);
    }
    let recorded = resume::typed().and_then(|()| resume::RecordedRun::open(folder));
    let args = recorded.and_then(|run| Ok((resume::arguments(given, folder)?, run)));
    let (args, recorded) = match args {
        Ok(args) => args,
        Err(error) => {
            let result = Err(error);
            given.hooks.run(&RunOutcome::new(given), &result);
            return result;
        }
    };
    let mut outcome = RunOutcome::new(&args);
    #[cfg(feature = "lab")]
    if let Some(url) = args.lab.lab.clone() {
        drop(recorded);
        let result = in_lab::resume(&args, &url, folder, common, &mut outcome);
        args.hooks.run(&outcome, &result);
        return result;
    }
    let result = fleet::resume(&args, recorded, common, &mut outcome);
    args.hooks.run(&outcome, &result);
    result
}

fn to_its_end(
    args: &RunArgs,
    common: Common,
    bisect: Option<BisectOptions>,
    outcome: &mut RunOutcome,
) -> Result<ExitCode, CommandError> {
    #[cfg(feature = "lab")]
    if let (None, Some(url)) = (&bisect, &args.lab.lab) {
        return in_lab::main(args, url, common, outcome);
    }
    if bisect.is_none() && args.selection.rig_files()?.len() > 1 {
        return fleet::main(args, common, outcome);
    }
    let prepared = Prepared::new(args, bisect.is_some(), outcome)?;
    let live = args.live.map(|addr| begin::live(addr, args.mask)).transpose()?;
    let mut open = Open::new(&prepared, args, common, live.as_ref(), outcome)?;
    let ran = open.run(args, bisect);
    let concluded = open.conclude(args, outcome, Paint::new(common.color));
    if let (Some(live), Some(folder)) = (live, &outcome.folder) {
        live.end(&folder.join(dfota_record::run_folder::HTML));
    }
    match concluded {
        // A failure of the module stays one, also when it cannot be reported.
        Err(error) if ran.exit == ExitCode::Failed => error.print(),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    ran.notes.iter().for_each(print_warning);
    Ok(ran.exit)
}

/// What is shown of a run while it goes on.
fn observer(
    args: &RunArgs,
    plan: &Plan,
    suites: &[Suite],
    searches: bool,
    common: Common,
) -> Box<dyn Observer> {
    if args.json {
        return Box::new(Nobody);
    }
    // How long a search takes, or a run that goes on until it is stopped, is not known.
    let endless = searches || suites.iter().any(|suite| suite.until_stopped);
    let planned = if endless { &[][..] } else { &plan.cases[..] };
    let run = planned.iter().filter(|planned| planned.skip.is_none());
    let takes = run.map(|Planned { case, real_ms, .. }| {
        let expected = ExpectedTime {
            via: case.via,
            takes: Duration::from_millis(*real_ms),
        };
        (CaseKey::new(&case.suite, &case.id), expected)
    });
    let (paint, verbose) = (Paint::new(common.color), common.verbose > 0);
    Box::new(Console::new(paint, verbose, takes.collect(), args.max_time))
}

/// Adds the updates of this run to those that the module has seen.
fn count_wear(state: &RigState, wear: &Mutex<WearCount>) {
    let count = wear.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Err(why) = Wear::add(state, &count) {
        print_warning(format_args!(
            "warning: {why}: the updates of this run are not counted"
        ));
    }
}

/// Makes the reports and the evidence, keeps the run in the history, and shows its result.
fn conclude(
    args: &RunArgs,
    out: &Path,
    key: Option<&SigningKey>,
    store: &Path,
    outcome: &mut RunOutcome,
    paint: Paint,
) -> Result<(), CommandError> {
    let wanted = EvidenceOptions {
        key,
        time_stamp: None,
    };
    let asked = report::ReportOptions {
        junit: args.junit.junit.as_deref(),
        ..report::ReportOptions::default()
    };
    let show = |run: &report::Run<'_>| {
        outcome.take(run);
        (summary(run, paint), history::HistoryRun::from_run(run))
    };
    let ((shown, entry), made) =
        make_with_reports(out, &asked, &wanted, show).map_err(CommandError::error)?;
    let keep = |entry| history::record(store, entry, out);
    if let Some(Err(why)) = entry.as_ref().map(keep) {
        print_warning(format_args!("note: this run is not in the history: {why}"));
    }
    let shown = if args.json {
        std::fs::read_to_string(out.join(dfota_record::run_folder::SUMMARY)).map_err(CommandError::error)?
    } else {
        shown + &page(out)
    };
    print(&shown);
    made.map_err(CommandError::error)?;
    if key.is_some() && !args.json {
        print(&signed(out));
    }
    if args.pack {
        pack(out).map_err(|why| CommandError::error(format!("`{}` was not packed: {why}", out.display())))
    } else {
        Ok(())
    }
}

fn unwritable(out: &Path, why: &std::io::Error) -> CommandError {
    CommandError::error(format!(
        "the run folder `{}` cannot be written: {why}",
        out.display()
    ))
}
