//! `run`: suites on a rig, from the files to the exit code.

mod begin;
mod report_args;
mod rig_after_run;
mod run_outcome;
mod session;

use crate::bench::lease::Lease;
use crate::check::Terms;
use crate::cli::Common;
use crate::cli::console::time_estimate::{CaseName, ExpectedTime};
use crate::cli::console::{Console, page, signed, summary};
use crate::cli::on_rig::{BenchResult, with_bench};
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::SelectionFlags;
use crate::plan::{Plan, Planned};
use crate::run::runner::rig_watch::RigWatch;
use crate::run::runner::{Campaigns, Hunt, Options, Runner};
use crate::state::RigState;
use crate::state::quarantine::Found;
use crate::state::run_state::RunState;
use crate::state::wear::Wear;
use crate::terminal::paint::Paint;
use crate::terminal::{print, print_warning};
use dfota_clock::Clock;
use dfota_core::case::Case;
use dfota_core::event::bisected::Bisected;
use dfota_core::event::watched::Halted;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::verdict::{Rule, Verdict, exit_code};
use dfota_core::wear::WearCount;
use dfota_record::evidence::maker::{EvidenceOptions, make_with_reports};
use dfota_record::evidence::pack::pack;
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::history;
use dfota_record::journal::{Journal, Nobody, Observer};
use dfota_record::report;
use report_args::JunitArgs;
pub use report_args::{ProfileArg, SignArg};
use rig_after_run::{RigAfterRun, not_opened};
use run_outcome::{EndHooks, RunOutcome};
use session::{Open, Prepared};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Run suites on a rig and write a run folder.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    selection: SelectionFlags,
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
    /// Run also where the plan goes beyond the rig's `wear` budget
    #[arg(long)]
    over_budget: bool,
    #[command(flatten)]
    sign: SignArg,
    #[command(flatten)]
    hooks: EndHooks,
    /// At the end, keep journal and transcripts in the bundle alone, compressed; every command reads them there
    #[arg(long)]
    pack: bool,
    /// Show the result as JSON (the run folder's run.json) in place of lines
    #[arg(long)]
    json: bool,
}

pub fn main(args: &RunArgs, common: Common) -> Result<ExitCode, CommandError> {
    perform(args, common, None)
}

/// Bisects the one case that is selected.
pub fn search(mut args: RunArgs, common: Common, hunt: Hunt) -> Result<ExitCode, CommandError> {
    if args.selection.cut.is_some() || args.selection.repeat > 1 {
        return Err(CommandError::usage(
            "`bisect` chooses its cuts and how often each is made: leave `--cut` and `--repeat` out, see `--tries`",
        ));
    }
    // The plan is that of the failing cut; its result decides about the next.
    args.selection.cut = Some(hunt.bad.clone());
    perform(&args, common, Some(hunt))
}

fn perform(args: &RunArgs, common: Common, hunt: Option<Hunt>) -> Result<ExitCode, CommandError> {
    let mut outcome = RunOutcome::new(args);
    let result = to_its_end(args, common, hunt, &mut outcome);
    args.hooks.run(&outcome, &result);
    result
}

fn to_its_end(
    args: &RunArgs,
    common: Common,
    hunt: Option<Hunt>,
    outcome: &mut RunOutcome,
) -> Result<ExitCode, CommandError> {
    let prepared = Prepared::new(args, hunt.is_some(), outcome)?;
    let mut open = Open::new(&prepared, args, common, outcome)?;
    let ran = open.run(args, hunt);
    match open.conclude(args, outcome, Paint::new(common.color)) {
        // A failure of the module stays one, also when it cannot be reported.
        Err(error) if ran.exit == ExitCode::Failed => error.print(),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    ran.last_words.iter().for_each(print_warning);
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
        (CaseName::new(&case.suite, &case.id), expected)
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

/// What a run has beside its plan: the lease of a rig with wires, how the rig is checked around the suites and where its
/// failures are kept, the campaigns, and the bisection, where it is one.
struct RunContext<'r> {
    lease: Option<&'r Lease>,
    terms: Terms,
    run: RunState<'r>,
    /// The quarantine of the rig, which this run may end.
    found: Option<Found>,
    campaigns: Campaigns,
    hunt: Option<Hunt>,
}

/// The end of a run.
struct RunEnd {
    exit: ExitCode,
    /// What is printed last.
    last_words: Vec<String>,
}

/// The end of its cases.
struct CasesEnd {
    exit: ExitCode,
    interrupted: bool,
    rig: RigAfterRun,
}

/// Opens the rig, runs the cases and leaves it safe.
fn on_rig(
    rig: &Rig,
    suites: &[Suite],
    plan: &Plan,
    options: Options,
    context: RunContext<'_>,
    clock: Clock,
    journal: &Journal,
) -> RunEnd {
    let RunContext {
        lease,
        terms,
        run,
        mut found,
        campaigns,
        hunt,
    } = context;
    let worked = with_bench(rig, lease, options.seed.0, clock, journal, |bench| {
        let runner = Runner::new(bench, suites, rig.module.ati_model(), options, campaigns);
        let runner = runner.watched(RigWatch::new(terms).found_in(found.take()));
        match (&hunt, &plan.cases[..]) {
            (Some(hunt), [Planned { case, skip: None, .. }, ..]) => searched(runner, case, hunt),
            _ => all_cases(runner, suites, plan, journal),
        }
    });
    let (end, safe) = match worked {
        Ok(BenchResult { result, safe }) => (result, safe),
        Err(why) => return not_opened(plan, journal, found.as_ref(), &why),
    };
    let failed = end.rig.unfit.is_some() || end.rig.machine.is_some();
    let last_words = end.rig.last_words(&run, journal);
    if let Err(why) = &safe {
        journal.post(Event::Note {
            text: format!("the rig could not be made safe: {why}"),
        });
    }
    let exit = match end.exit {
        ExitCode::Success if safe.is_err() || failed => ExitCode::Error,
        exit => exit,
    };
    journal.post(Event::RunEnded {
        exit: exit.code(),
        interrupted: end.interrupted,
        safe: safe.is_ok(),
    });
    RunEnd { exit, last_words }
}

fn searched(mut runner: Runner<'_>, case: &Case, hunt: &Hunt) -> CasesEnd {
    let (bisected, interrupted) = runner.hunt(case, hunt);
    CasesEnd {
        exit: search_exit(&bisected, interrupted),
        interrupted,
        rig: RigAfterRun::new(runner.finish()),
    }
}

fn all_cases(mut runner: Runner<'_>, suites: &[Suite], plan: &Plan, journal: &Journal) -> CasesEnd {
    let cases = plan.cases.iter();
    runner.run(cases.map(|planned| (&planned.case, planned.skip.as_deref())));
    again_until_stopped(&mut runner, suites, plan, journal);
    let mut ran = runner.finish();
    if let Err(why) = ran.campaigns.end(&plan.slots) {
        let text = why.to_string();
        journal.post(Event::Note { text });
    }
    CasesEnd {
        exit: exit_code(&ran.verdicts, ran.interrupted),
        interrupted: ran.interrupted,
        rig: RigAfterRun::new(ran),
    }
}

/// Suites that go on until they are stopped: their cases again and again, each planned when its turn comes.
fn again_until_stopped(runner: &mut Runner<'_>, suites: &[Suite], plan: &Plan, journal: &Journal) {
    let endless = |case: &Case| {
        let suite = suites.iter().find(|suite| suite.name == case.suite);
        suite.is_some_and(|suite| suite.until_stopped)
    };
    let run = |planned: &&Planned| planned.skip.is_none() && endless(&planned.case);
    let cases: Vec<&Planned> = plan.cases.iter().filter(run).collect();
    for (turn, planned) in cases.iter().cycle().enumerate() {
        if runner.is_over() {
            return;
        }
        let mut case = planned.case.clone();
        case.id = format!("{}#{}", case.id, turn / cases.len() + 2);
        journal.post(Event::CasePlanned {
            case: Box::new(case.clone()),
            skip: None,
        });
        runner.run([(&case, None)]);
    }
}

/// A bisection that has found its window is a success, whatever the module did in it.
fn search_exit(bisected: &Bisected, interrupted: bool) -> ExitCode {
    match (interrupted, &bisected.lost) {
        (true, _) => ExitCode::Interrupted,
        (false, None) => ExitCode::Success,
        (false, Some(_)) => ExitCode::Error,
    }
}

/// A rig that cannot be opened, or must not be, makes an error of every case.
fn unopened(plan: &Plan, journal: &Journal, rule: Rule, why: &str, last_words: Vec<String>) -> RunEnd {
    for Planned { case, .. } in plan.cases.iter().filter(|planned| planned.skip.is_none()) {
        let (verdict, sentence) = (Verdict::by(rule, why.to_owned()), why.to_owned());
        journal.halted(Halted { rule, sentence });
        journal.post(Event::CaseEnded(CaseEnded::untried(case, verdict)));
    }
    let exit = ExitCode::Error;
    journal.post(Event::RunEnded {
        exit: exit.code(),
        interrupted: false,
        safe: true,
    });
    RunEnd { exit, last_words }
}
