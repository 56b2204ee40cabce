//! `check`: a rig's self-check, wire by wire; with `--step`, as the wires are connected.

mod waiting;

use crate::bench::lease::Lease;
use crate::bench::signals;
use crate::check::stage::Stage;
use crate::check::walk::{Left, walk};
use crate::check::{Checked, Interrupted, Programs, RigCheck, Said, Terms, fail};
use crate::cli::Common;
use crate::cli::screen::Screen;
use crate::config::machine_config::{Config, PLACE};
use crate::config::rig::Rig;
use crate::device::bench::Bench;
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::RIG_VARIABLE;
use crate::state::history_place;
use crate::state::last_check::LastCheck;
use crate::state::quarantine::Quarantine;
use crate::state::wear::Wear;
use crate::state::{RigState, StateDir, StateFlag};
use crate::terminal::paint::Paint;
use crate::terminal::prompt::{Answer, Prompt};
use crate::terminal::width::Width;
use crate::terminal::{print, print_warning};
use dfota_clock::Clock;
use dfota_core::case::Limits;
use dfota_core::rig_check::{CheckOutcome, Probe};
use dfota_record::journal::{Journal, Nobody, Observer, Writer};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waiting::Waiting;

/// The column in which a line says what was seen.
const SEEN_AT: usize = 18;

/// Check a rig wire by wire: power, reset, PWRKEY, the module, the network, the servers, this machine
///
/// Prints a line for each thing it looks at, with what was seen and, where that is wrong, what to do. Ends with 0 when
/// nothing failed, else with 3. The rig ends in its safe state, however this ends.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Rig file
    #[arg(required = true, env = RIG_VARIABLE, hide_env_values = true)]
    rig: PathBuf,
    /// Step by step, for a new bench: says what to connect, waits for Enter, and looks at that alone
    #[arg(long, conflicts_with = "json")]
    step: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Bring a rig out of quarantine when nothing fails
    #[arg(long)]
    clear: bool,
    /// Longest time from supply to RDY [default: 30s]
    #[arg(long, value_name = "T", value_parser = humantime::parse_duration)]
    boot: Option<Duration>,
    /// Seed of a simulated module
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    state: StateFlag,
}

/// Checks; 0 sound, 3 not, 130 after a signal.
pub fn main(args: &Args, common: Common) -> Result<ExitCode, CommandError> {
    let mut rig = super::load_rig(&args.rig)?;
    if args.step && !std::io::stdin().is_terminal() {
        return Err(CommandError::usage(
            "`--step` waits for Enter before each step, but standard input is no terminal: leave it out to check everything at once",
        ));
    }
    let dir = StateDir::find(&args.state)?;
    let state = dir.rig(&rig);
    state.make()?;
    let lease = super::lease(&rig, &args.state, "check")?;
    let before = Quarantine::read(&state)?;
    if !args.json {
        print(&head(&rig, before.as_ref()));
    }
    let look = Look {
        args,
        common,
        dir: &dir,
    };
    let checked = if args.step {
        drop(lease);
        look.step_by_step(&mut rig)?
    } else {
        let checked = look.at(&rig, lease.as_ref(), |check| check.full())?;
        checked.map_err(Left::from)
    };
    let checked = match checked {
        Ok(checked) => checked,
        Err(Left::Interrupted) => return Ok(ExitCode::Interrupted),
        Err(Left::Stopped(done)) => {
            print(&format!(
                "stopped after {done} of {} steps, with the rig in its safe state\n",
                Stage::ALL.len()
            ));
            return Ok(ExitCode::Error);
        }
    };
    concluded(&rig, &state, &checked, before, args)
}

/// Keeps what a check came to, and shows it.
fn concluded(
    rig: &Rig,
    state: &RigState,
    checked: &Checked,
    before: Option<Quarantine>,
    args: &Args,
) -> Result<ExitCode, CommandError> {
    let last = checked.last(rig);
    last.write(state)?;
    if let Some(imei) = checked
        .identity
        .as_ref()
        .and_then(|identity| identity.imei.as_ref())
    {
        Wear::seen(state, imei)?;
    }
    let cleared = before.is_some() && args.clear && last.sound && Quarantine::end(state)?;
    let clearing = match (args.clear, cleared, &before) {
        (false, ..) => None,
        (true, _, None) => Some(Clearing::Nothing),
        (true, true, Some(_)) => Some(Clearing::Done),
        (true, false, Some(_)) => Some(Clearing::Refused),
    };
    let still = before.filter(|_| !cleared);
    let nothing = format!(
        "nothing to clear: the rig is in no quarantine in `{}`",
        state.folder().display()
    );
    if args.json {
        if clearing == Some(Clearing::Nothing) {
            print_warning(&nothing);
        }
        print(&json(&last, still.as_ref(), clearing)?);
    } else {
        let ends = state.check(&args.rig, " --clear");
        print(&tail(
            &last,
            still.is_some().then_some(&ends),
            (clearing, &nothing),
        ));
    }
    Ok(if last.sound {
        ExitCode::Success
    } else {
        ExitCode::Error
    })
}

/// How a rig is looked at.
struct Look<'a> {
    args: &'a Args,
    common: Common,
    dir: &'a StateDir,
}

impl Look<'_> {
    /// Each step is a check of its own, so that a rig file that was mended counts, and the rig is free meanwhile. `rig` is then
    /// as it was read last.
    fn step_by_step(&self, rig: &mut Rig) -> Result<Result<Checked, Left>, CommandError> {
        let prompt = Prompt::new().map_err(|why| CommandError::error(format!("no signals: {why}")))?;
        let looked = || match prompt.ask("       on: Enter switches it off again: ") {
            Answer::Interrupted => Err(Interrupted),
            Answer::Go | Answer::Stop => Ok(()),
        };
        let look = |rig: &mut Rig, stage| {
            let seen = super::load_rig(&self.args.rig).and_then(|mended| {
                *rig = mended;
                let lease = super::lease(rig, &self.args.state, "check")?;
                self.at(rig, lease.as_ref(), |check| check.stage(stage, looked))
            });
            seen.map_or_else(
                |failed| {
                    failed.print();
                    Ok(None)
                },
                |seen| seen.map(Some),
            )
        };
        let boot = self.terms(rig).boot;
        let walked = walk(&prompt, rig, boot, look);
        if walked.is_err() {
            print("\n");
        }
        Ok(walked)
    }

    fn terms(&self, rig: &Rig) -> Terms {
        let reports = PathBuf::from("reports");
        let mut terms = Terms::of(rig, self.dir, reports.clone());
        terms.boot = self.args.boot.unwrap_or(terms.boot);
        let mut runs = vec![reports];
        // Where the nights of this machine are, whoever asks; a file that is wrong is for `prune` to tell.
        let nights = Config::load(Path::new(PLACE))
            .ok()
            .and_then(|config| config.folder);
        if let Some(nights) = nights.filter(|nights| nights.is_dir()) {
            terms.folders.push(nights.clone());
            runs.push(nights);
        }
        let room = |runs: PathBuf| {
            let room = history_place::room(&self.args.state, &runs);
            (runs, room)
        };
        terms.room = runs.into_iter().map(room).collect();
        terms
    }

    /// Opens the rig for a check and closes it again.
    fn at(
        &self,
        rig: &Rig,
        lease: Option<&Lease>,
        check: impl FnOnce(RigCheck<'_>) -> Result<Checked, Interrupted>,
    ) -> Result<Result<Checked, Interrupted>, CommandError> {
        let clock = Clock::scaled(rig.speed());
        let (journal, writer) = journal(clock, self.common)
            .map_err(|why| CommandError::error(format!("no temporary journal: {why}")))?;
        let mut waiting = Waiting::new(clock, self.common);
        let width = Width::of_stdout();
        let mut told = |said: Said<'_>| match said {
            Said::Waits(what, limit) => waiting.begin(what, limit),
            Said::Looked(seen) => {
                waiting.end();
                if !self.args.json {
                    print(&(width.hanging(SEEN_AT, &seen.to_string()) + "\n"));
                }
            }
        };
        let terms = self.terms(rig);
        let on = (rig, lease, self.args.seed);
        let checked = on_rig(on, clock, &journal, &mut told, |bench, told| {
            check(RigCheck::new(bench, &terms, told))
        });
        drop(journal);
        let _ = writer.finish();
        Ok(checked)
    }
}

impl Terms {
    /// What a rig is checked with; `reports` is where run folders are made.
    pub fn of(rig: &Rig, dir: &StateDir, reports: PathBuf) -> Self {
        Self {
            model: rig.module.ati_model(),
            folders: vec![reports, dir.folder().to_owned()],
            room: Vec::new(),
            network: rig.has_network(),
            boot: Limits::default().boot,
            programs: Programs::of(rig),
        }
    }
}

/// A journal without a name: a check is no run. With `-v` what was done is shown.
fn journal(clock: Clock, common: Common) -> std::io::Result<(Journal, Writer)> {
    let observer: Box<dyn Observer> = match common.verbose {
        0 => Box::new(Nobody),
        _ => Box::new(Screen::stderr(Paint::stderr(common.color))),
    };
    let folder = tempfile::Builder::new().prefix("dfota-hil-").tempdir()?;
    Writer::start(folder.path(), clock, observer)
}

fn on_rig(
    (rig, lease, seed): (&Rig, Option<&Lease>, u64),
    clock: Clock,
    journal: &Journal,
    told: &mut dyn FnMut(Said<'_>),
    check: impl FnOnce(&mut Bench, &mut dyn FnMut(Said<'_>)) -> Result<Checked, Interrupted>,
) -> Result<Checked, Interrupted> {
    let unopened = |probe: Probe, why: String, told: &mut dyn FnMut(Said<'_>)| {
        let advice = if probe.is_of_the_machine() {
            "nothing else could be looked at, and nothing is held against the rig"
        } else {
            "mend what it names, in the rig file or at the bench: nothing else could be looked at"
        };
        let check = fail(probe, why, advice);
        told(Said::Looked(&check));
        Checked {
            checks: vec![check],
            ..Checked::default()
        }
    };
    let runtime = match crate::device::bench::runtime() {
        Ok(runtime) => runtime,
        Err(why) => {
            let why = format!("no runtime for the servers: {why}");
            return Ok(unopened(Probe::Open, why, told));
        }
    };
    let _within = runtime.enter();
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("dfota-hil"));
    let mut bench = match Bench::open(rig, lease, &program, seed, clock, journal) {
        Ok(bench) => bench,
        Err(why) => return Ok(unopened(why.probe, why.to_string(), told)),
    };
    signals::heed(&runtime, bench.inbox.clone(), &bench.lines);
    let checked = check(&mut bench, told);
    let safe = bench.lines.safe();
    drop(bench);
    let mut checked = checked?;
    if let Err(why) = safe {
        let seen = format!("the rig could not be made safe: {why}");
        let check = fail(Probe::Power, seen, "take the supply away by hand");
        told(Said::Looked(&check));
        checked.checks.push(check);
    }
    Ok(checked)
}

fn head(rig: &Rig, quarantine: Option<&Quarantine>) -> String {
    let simulated = match rig.link {
        crate::config::rig::Link::Simulated(_) => format!(" (SIMULATED, speed {})", rig.speed()),
        crate::config::rig::Link::Bench(_) => String::new(),
    };
    let mut head = format!("rig {}{simulated}, `{}`\n", rig.name, rig.file.display());
    if let Some(quarantine) = quarantine {
        head += &format!("{quarantine}\n");
    }
    head
}

/// What became of `--clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum Clearing {
    Done,
    Nothing,
    Refused,
}

/// The end of what is shown; `still` is the command that ends a quarantine which goes on.
fn tail(last: &LastCheck, still: Option<&String>, (clearing, nothing): (Option<Clearing>, &str)) -> String {
    let count = |outcome| {
        last.checks
            .iter()
            .filter(|check| check.outcome == outcome)
            .count()
    };
    let mut tail = match (last.sound, count(CheckOutcome::Skip)) {
        (true, 0) => "sound\n".to_owned(),
        (true, skipped) => format!("sound, {skipped} not looked at\n"),
        (false, _) => format!("NOT SOUND: {} failed\n", count(CheckOutcome::Fail)),
    };
    match clearing {
        Some(Clearing::Done) => tail += "out of quarantine\n",
        Some(Clearing::Nothing) => tail += &format!("{nothing}\n"),
        Some(Clearing::Refused) | None => {}
    }
    if let Some(ends) = still {
        tail += &if last.sound {
            format!("still in quarantine: `{ends}` ends it\n")
        } else {
            format!("still in quarantine: once what failed is mended, `{ends}` ends it\n")
        };
    }
    tail
}

fn json(
    last: &LastCheck,
    still: Option<&Quarantine>,
    clearing: Option<Clearing>,
) -> Result<String, CommandError> {
    let mut value = serde_json::to_value(last).map_err(CommandError::error)?;
    value["clear"] = serde_json::to_value(clearing).map_err(CommandError::error)?;
    value["quarantine"] = serde_json::to_value(still).map_err(CommandError::error)?;
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(CommandError::error)
}
