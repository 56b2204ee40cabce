//! `run`: suites on a rig, from the files to the exit code.

mod begin;
mod ending;
mod session;
mod stood;

use crate::bench::lease::Lease;
use crate::bench::signals;
use crate::check::Terms;
use crate::cli::Common;
use crate::cli::console::{Console, page, signed, summary};
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::device::bench::Bench;
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
use dfota_core::event::{CaseEnded, Event, JunitProfile};
use dfota_core::verdict::{Rule, Verdict, exit_code};
use dfota_core::wear::WearCount;
use dfota_record::evidence::maker::{Wanted, make_with_reports};
use dfota_record::evidence::pack::pack;
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::history;
use dfota_record::journal::{Journal, Nobody, Observer};
use dfota_record::report;
use ending::{Ending, Told};
use session::{Open, Prepared};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use stood::{Stood, not_opened};

/// Run suites on a rig and write a run folder.
#[derive(Debug, clap::Args)]
pub struct Args {
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
    /// Write the JUnit file here as well
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,
    /// How JUnit names the transcripts
    #[arg(long, value_enum, default_value_t)]
    attachments: AttachmentsArg,
    /// What the JUnit file holds
    #[arg(long, value_enum, default_value_t)]
    junit_profile: ProfileArg,
    /// Leave IMEI, IMSI, ICCID and IP addresses out of every report; the journal keeps them
    #[arg(long)]
    mask: bool,
    /// Run also where the plan goes beyond the rig's `wear` budget
    #[arg(long)]
    over_budget: bool,
    /// Sign the evidence with this key: a PEM file of mode 0600, or `env` for the one in DFOTA_HIL_SIGNING_KEY
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    // a key that was typed is told without repeating it
    sign: Option<PathBuf>,
    /// At the end, also one with exit code 2, have `sh` do this, for mail and chat; DFOTA_HIL_RUN_EXIT, _FOLDER, _RIG, _SUITES,
    /// _SIMULATED, _SECONDS, _CASES, _PASSED, _FLAKY, _FAILED, _BRICKS, _ERRORS, _INCONCLUSIVE, _SKIPPED and _NOT_REACHED say
    /// what came of it. It has 30 s and changes nothing about the exit code
    #[arg(long, value_name = "CMD")]
    on_end: Option<String>,
    /// At the end, write exit code and counts to this file as well, for Prometheus (the textfile collector of a node exporter)
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// At the end, keep journal and transcripts in the bundle alone, compressed; every command reads them there
    #[arg(long)]
    pack: bool,
    /// Show the result as JSON (the run folder's run.json) in place of lines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum AttachmentsArg {
    /// By absolute path (Jenkins)
    Absolute,
    /// By a path relative to the working folder (GitLab)
    #[default]
    Relative,
    /// Not at all
    None,
}

/// What the JUnit file holds.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum ProfileArg {
    /// What Jenkins's strictest schema allows
    #[default]
    Strict,
    /// Properties, place and time of each case as well; TestRail's and Xray's properties
    Extended,
}

impl From<ProfileArg> for JunitProfile {
    fn from(arg: ProfileArg) -> Self {
        match arg {
            ProfileArg::Strict => Self::Strict,
            ProfileArg::Extended => Self::Extended,
        }
    }
}

/// Runs; the exit code is the contract's.
pub fn main(args: Args, common: Common) -> Result<ExitCode, CommandError> {
    perform(args, common, None)
}

/// Searches with the one case that is selected.
pub fn search(mut args: Args, common: Common, hunt: Hunt) -> Result<ExitCode, CommandError> {
    if args.selection.cut.is_some() || args.selection.repeat > 1 {
        return Err(CommandError::usage(
            "`bisect` chooses its cuts and how often each is made: leave `--cut` and `--repeat` out, see `--tries`",
        ));
    }
    // The plan is that of the failing cut; what comes of it decides about the next.
    args.selection.cut = Some(hunt.bad.clone());
    perform(args, common, Some(hunt))
}

fn perform(args: Args, common: Common, hunt: Option<Hunt>) -> Result<ExitCode, CommandError> {
    let (told, mut ending) = (Told::of(&args), Ending::of(&args));
    let result = to_its_end(args, common, hunt, &mut ending);
    told.tell(&ending, &result);
    result
}

fn to_its_end(
    args: Args,
    common: Common,
    hunt: Option<Hunt>,
    ending: &mut Ending,
) -> Result<ExitCode, CommandError> {
    let prepared = Prepared::new(&args, common, hunt.is_some(), ending)?;
    let mut open = Open::new(&prepared, &args, common, ending)?;
    let (exit, last) = open.run(&args, hunt);
    match open.conclude(&args, ending, Paint::new(common.color)) {
        // A failure of the module stays one, also when it cannot be reported.
        Err(failed) if exit == ExitCode::Failed => failed.print(),
        Err(failed) => return Err(failed),
        Ok(()) => {}
    }
    last.iter().for_each(print_warning);
    Ok(exit)
}

/// What is shown of a run while it goes on.
fn observer(args: &Args, plan: &Plan, suites: &[Suite], searches: bool, common: Common) -> Box<dyn Observer> {
    if args.json {
        return Box::new(Nobody);
    }
    // How long a search takes, or a run that is told when to stop, nobody knows.
    let endless = searches || suites.iter().any(|suite| suite.until_stopped);
    let planned = if endless { &[][..] } else { &plan.cases[..] };
    let takes = planned
        .iter()
        .filter(|planned| planned.skip.is_none())
        .map(|planned| {
            let Planned { case, real_ms, .. } = planned;
            let name = (case.suite.clone(), case.id.clone());
            (name, (case.via, Duration::from_millis(*real_ms)))
        });
    let paint = Paint::new(common.color);
    let console = Console::new(paint, common.verbose > 0, takes.collect());
    Box::new(console.with_limit(args.max_time))
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

/// Makes the reports and the evidence, keeps the run in the history, and shows what came of it.
fn conclude(
    args: &Args,
    out: &Path,
    (key, store): (Option<&SigningKey>, &Path),
    ending: &mut Ending,
    paint: Paint,
) -> Result<(), CommandError> {
    let wanted = Wanted {
        key,
        time_stamp: None,
    };
    let asked = report::Asked {
        junit: args.junit.as_deref(),
        ..report::Asked::default()
    };
    let show = |run: &report::Run<'_>| {
        ending.take(run);
        (summary(run, paint), history::Entry::of(run))
    };
    let ((shown, entry), made) =
        make_with_reports(out, &asked, &wanted, show).map_err(CommandError::error)?;
    let keep = |entry| history::keep(store, entry, out);
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

/// What a run keeps and is told beside its plan: the lease of a rig with wires, how the rig is checked around the suites
/// and where it is kept that it failed, the campaigns, and the search, where it is one.
struct Keeps<'r> {
    lease: Option<&'r Lease>,
    terms: Terms,
    run: RunState<'r>,
    /// The quarantine of the rig, which this run may end.
    found: Option<Found>,
    campaigns: Campaigns,
    hunt: Option<Hunt>,
}

/// Opens the rig, runs the cases and leaves it safe; gives the exit code, and what is to be said last.
fn on_rig(
    rig: &Rig,
    suites: &[Suite],
    plan: &Plan,
    (options, keeps): (Options, Keeps<'_>),
    clock: Clock,
    journal: &Journal,
) -> (ExitCode, Vec<String>) {
    let runtime = match crate::device::bench::runtime() {
        Ok(runtime) => runtime,
        Err(why) => {
            let why = format!("no runtime for the servers: {why}");
            return (unopened(plan, journal, Rule::HarnessFailed, &why), Vec::new());
        }
    };
    let _within = runtime.enter();
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("dfota-hil"));
    let mut bench = match Bench::open(rig, keeps.lease, &program, options.seed.0, clock, journal) {
        Ok(bench) => bench,
        Err(why) => return not_opened(plan, journal, keeps.found.as_ref(), &why),
    };
    signals::heed(&runtime, bench.inbox.clone(), &bench.lines);
    let model = rig.module.ati_model();
    let runner = Runner::new(&mut bench, suites, model, options, keeps.campaigns);
    let runner = runner.watched(RigWatch::new(keeps.terms).found_in(keeps.found));
    let (exit, interrupted, stood) = match (&keeps.hunt, &plan.cases[..]) {
        (Some(hunt), [Planned { case, skip: None, .. }, ..]) => searched(runner, case, hunt),
        _ => all_cases(runner, suites, plan, journal),
    };
    let failed = stood.unfit.is_some() || stood.machine.is_some();
    let last = stood.last_words(&keeps.run, journal);
    let safe = bench.lines.safe();
    if let Err(why) = &safe {
        journal.post(Event::Note {
            text: format!("the rig could not be made safe: {why}"),
        });
    }
    drop(bench);
    let exit = if exit == ExitCode::Success && (safe.is_err() || failed) {
        ExitCode::Error
    } else {
        exit
    };
    journal.post(Event::RunEnded {
        exit: exit.code(),
        interrupted,
        safe: safe.is_ok(),
    });
    (exit, last)
}

/// A search; gives the exit code, and whether it was interrupted.
fn searched(mut runner: Runner<'_>, case: &Case, hunt: &Hunt) -> (ExitCode, bool, Stood) {
    let (bisected, interrupted) = runner.hunt(case, hunt);
    (
        search_exit(&bisected, interrupted),
        interrupted,
        Stood::of(runner.finish()),
    )
}

/// The cases of the plan; gives the exit code, and whether they were interrupted.
fn all_cases(
    mut runner: Runner<'_>,
    suites: &[Suite],
    plan: &Plan,
    journal: &Journal,
) -> (ExitCode, bool, Stood) {
    let cases = plan.cases.iter();
    runner.run(cases.map(|planned| (&planned.case, planned.skip.as_deref())));
    again_until_stopped(&mut runner, suites, plan, journal);
    let mut ran = runner.finish();
    if let Err(why) = ran.campaigns.end(&plan.slots) {
        let text = why.to_string();
        journal.post(Event::Note { text });
    }
    (
        exit_code(&ran.verdicts, ran.interrupted),
        ran.interrupted,
        Stood::of(ran),
    )
}

/// Suites that go on until they are told to stop: their cases again and again, each planned when its turn comes.
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

/// What a search found is a success of the search, whatever the module did in it.
fn search_exit(bisected: &Bisected, interrupted: bool) -> ExitCode {
    match (interrupted, &bisected.lost) {
        (true, _) => ExitCode::Interrupted,
        (false, None) => ExitCode::Success,
        (false, Some(_)) => ExitCode::Error,
    }
}

/// A rig that cannot be opened, or must not be, makes an error of every case.
fn unopened(plan: &Plan, journal: &Journal, rule: Rule, why: &str) -> ExitCode {
    for Planned { case, skip, .. } in &plan.cases {
        if skip.is_none() {
            let verdict = Verdict::by(rule, why.to_owned());
            let sentence = why.to_owned();
            journal.halted(Halted { rule, sentence });
            journal.post(Event::CaseEnded(CaseEnded::untried(case, verdict)));
        }
    }
    journal.post(Event::RunEnded {
        exit: ExitCode::Error.code(),
        interrupted: false,
        safe: true,
    });
    ExitCode::Error
}
