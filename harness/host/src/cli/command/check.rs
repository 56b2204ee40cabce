//! `check`: a rig's self-check, wire by wire; with `--step`, as the wires are connected.

mod waiting_line;

use crate::bench::lease::Lease;
use crate::bench::line::LineError;
use crate::bench::signals::Signalled;
use crate::check::walk::{WalkStopped, walk};
use crate::check::wiring_stage::WiringStage;
use crate::check::{CheckProgress, CheckTerms, Checked, Interrupted, RigChecker, WrittenFolder, fail};
use crate::cli::Common;
use crate::cli::on_rig::nameless_journal;
use crate::cli::screen::Screen;
use crate::config::machine_config::{MachineConfig, PLACE};
use crate::config::rig::Rig;
use crate::device::open_rig::{RigHold, RigUnavailable, RigWork, with_rig};
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::RIG_VARIABLE;
use crate::state::history_place;
use crate::state::last_check::LastCheck;
use crate::state::quarantine::Quarantine;
use crate::state::wear::Wear;
use crate::state::{RigState, StateDir, StateFlag};
use crate::terminal::paint::Paint;
use crate::terminal::prompt::{Prompt, PromptAnswer};
use crate::terminal::width::Width;
use crate::terminal::{print, print_warning};
use dfota_clock::Clock;
use dfota_core::rig_check::{Check, CheckOutcome, Probe};
use dfota_record::journal::{Nobody, Observer};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waiting_line::WaitingLine;

/// The column in which a line says what was seen.
const SEEN_AT: usize = 18;

/// Check a rig wire by wire: power, reset, PWRKEY, the module, the network, the servers, this machine
///
/// Prints a line for each thing it looks at, with what was seen and, where that is wrong, what to do. Ends with 0 when
/// nothing failed, else with 3. The rig ends in its safe state, however this ends.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
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
pub fn main(args: &CheckArgs, common: Common) -> Result<ExitCode, CommandError> {
    let mut rig = super::load_rig(&args.rig)?;
    if args.step && !std::io::stdin().is_terminal() {
        return Err(CommandError::usage(
            "`--step` waits for Enter before each step, but standard input is not a terminal: leave it out to check everything at once",
        ));
    }
    let dir = StateDir::find(&args.state)?;
    let state = dir.rig(&rig);
    state.make()?;
    let lease = super::lease(&rig, &args.state, "check")?;
    let before = Quarantine::read_with_copies(&state)?;
    if !args.json {
        print(&head(&rig, before.as_ref()));
    }
    let session = CheckSession {
        args,
        common,
        dir: &dir,
    };
    let checked = if args.step {
        drop(lease);
        session.step_by_step(&mut rig)?
    } else {
        let checked = session.on_rig(&rig, lease.as_ref(), |check| check.full())?;
        checked.map_err(WalkStopped::from)
    };
    let checked = match checked {
        Ok(checked) => checked,
        Err(WalkStopped::Interrupted) => return Ok(ExitCode::Interrupted),
        Err(WalkStopped::ByUser(done)) => {
            print(&format!(
                "stopped after {done} of {} steps, with the rig in its safe state\n",
                WiringStage::ALL.len()
            ));
            return Ok(ExitCode::Error);
        }
    };
    concluded(&rig, &state, &checked, before, args)
}

/// Keeps the result of a check, and shows it.
fn concluded(
    rig: &Rig,
    state: &RigState,
    checked: &Checked,
    before: Option<Quarantine>,
    args: &CheckArgs,
) -> Result<ExitCode, CommandError> {
    let last = checked.last(rig);
    last.write(state)?;
    let identity = checked.identity.as_ref();
    if let Some(imei) = identity.and_then(|identity| identity.imei.as_ref()) {
        Wear::seen(state, imei)?;
    }
    let cleared = before.is_some() && args.clear && last.sound && Quarantine::end_with_copies(state)?;
    let clearing = match &before {
        _ if !args.clear => None,
        None => Some(Clearing::Nothing),
        Some(_) if cleared => Some(Clearing::Done),
        Some(_) => Some(Clearing::Refused),
    };
    let still = before.filter(|_| !cleared);
    let folder = state.folder().display();
    let nothing = format!("nothing to clear: the rig is not in quarantine in `{folder}`");
    if args.json {
        if clearing == Some(Clearing::Nothing) {
            print_warning(&nothing);
        }
        print(&json(&last, still.as_ref(), clearing)?);
    } else {
        print(&sound(&last));
        match clearing {
            Some(Clearing::Done) => print("out of quarantine\n"),
            Some(Clearing::Nothing) => print(&format!("{nothing}\n")),
            Some(Clearing::Refused) | None => {}
        }
        if still.is_some() {
            let mended = if last.sound {
                ""
            } else {
                "once what failed is corrected, "
            };
            let ends = state.check(&args.rig, " --clear");
            print(&format!("still in quarantine: {mended}`{ends}` ends it\n"));
        }
    }
    Ok(if last.sound {
        ExitCode::Success
    } else {
        ExitCode::Error
    })
}

/// How a rig is checked.
struct CheckSession<'a> {
    args: &'a CheckArgs,
    common: Common,
    dir: &'a StateDir,
}

impl CheckSession<'_> {
    /// Each step is a check of its own: it reads the rig file again, which may have been corrected, and between two steps the rig
    /// is free. `rig` is then as it was read last.
    fn step_by_step(&self, rig: &mut Rig) -> Result<Result<Checked, WalkStopped>, CommandError> {
        let prompt = Prompt::new().map_err(|why| CommandError::error(format!("no signals: {why}")))?;
        let looked = || match prompt.ask("       on: Enter switches it off again: ") {
            PromptAnswer::Interrupted => Err(Interrupted),
            PromptAnswer::Go | PromptAnswer::Stop => Ok(()),
        };
        let look = |rig: &mut Rig, stage| {
            let seen = super::load_rig(&self.args.rig).and_then(|reread| {
                *rig = reread;
                let lease = super::lease(rig, &self.args.state, "check")?;
                self.on_rig(rig, lease.as_ref(), |check| check.stage(stage, looked))
            });
            match seen {
                Ok(seen) => seen.map(Some),
                Err(error) => {
                    error.print();
                    Ok(None)
                }
            }
        };
        let boot = self.terms(rig).boot;
        let walked = walk(&prompt, rig, boot, look);
        if walked.is_err() {
            print("\n");
        }
        Ok(walked)
    }

    fn terms(&self, rig: &Rig) -> CheckTerms {
        let mut terms = CheckTerms::new(rig, self.dir, PathBuf::from("reports"));
        terms.boot = self.args.boot.unwrap_or(terms.boot);
        terms.folders[0].samples = history_place::room(&self.args.state, &terms.folders[0].path);
        // Where this machine's nightly runs go. A configuration that cannot be read is an error of `prune`, not of the check.
        let nights = MachineConfig::load(Path::new(PLACE))
            .ok()
            .and_then(|config| config.folder);
        if let Some(path) = nights.filter(|nights| nights.is_dir()) {
            let samples = history_place::room(&self.args.state, &path);
            terms.folders.push(WrittenFolder { path, samples });
        }
        terms
    }

    /// Opens the rig for a check and closes it again.
    fn on_rig(
        &self,
        rig: &Rig,
        lease: Option<&Lease>,
        check: impl FnOnce(RigChecker<'_>) -> Result<Checked, Interrupted>,
    ) -> Result<Result<Checked, Interrupted>, CommandError> {
        let clock = Clock::scaled(rig.speed());
        // With `-v` what is done is shown.
        let observer: Box<dyn Observer> = match self.common.verbose {
            0 => Box::new(Nobody),
            _ => Box::new(Screen::stderr(Paint::stderr(self.common.color))),
        };
        let (journal, writer) = nameless_journal(clock, observer)
            .map_err(|why| CommandError::error(format!("no temporary journal: {why}")))?;
        let mut waiting = WaitingLine::new(clock, self.common);
        let width = Width::of_stdout();
        let mut show = |said: CheckProgress<'_>| match said {
            CheckProgress::Waits(what, limit) => waiting.begin(what, limit),
            CheckProgress::Looked(seen) => {
                waiting.end();
                if !self.args.json {
                    print(&(width.hanging(SEEN_AT, &seen.to_string()) + "\n"));
                }
            }
        };
        let terms = self.terms(rig);
        let worked = with_rig(
            rig,
            RigHold::by_lease(lease),
            self.args.seed,
            clock,
            &journal,
            Signalled::ByUser,
            |bench| check(RigChecker::new(bench, &terms, &mut show)),
        );
        drop(journal);
        let _ = writer.finish();
        let (checked, failed) = match worked {
            Ok(RigWork { result, safe }) => (result, safe.err().map(|why| unsafe_rig(&why))),
            Err(why) => (Ok(Checked::default()), Some(unopened(&why))),
        };
        Ok(checked.map(|mut checked| {
            if let Some(failed) = failed {
                show(CheckProgress::Looked(&failed));
                checked.checks.push(failed);
            }
            checked
        }))
    }
}

/// A rig that could not be opened is a failed check.
fn unopened(why: &RigUnavailable) -> Check {
    let probe = match why {
        RigUnavailable::Runtime(_) => Probe::Open,
        RigUnavailable::Rig(why) => why.probe,
    };
    let advice = if probe.is_of_the_machine() {
        "nothing else could be checked, and the rig is not at fault"
    } else {
        "correct the rig file or the bench as the error says: nothing else could be checked"
    };
    fail(probe, why.to_string(), advice)
}

fn unsafe_rig(why: &LineError) -> Check {
    let seen = format!("the rig could not be made safe: {why}");
    fail(Probe::Power, seen, "switch the supply off by hand")
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

/// The effect of `--clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum Clearing {
    Done,
    Nothing,
    Refused,
}

fn sound(last: &LastCheck) -> String {
    let count = |outcome| {
        let checks = last.checks.iter();
        checks.filter(|check| check.outcome == outcome).count()
    };
    match (last.sound, count(CheckOutcome::Skip)) {
        (true, 0) => "sound\n".to_owned(),
        (true, skipped) => format!("sound, {skipped} not looked at\n"),
        (false, _) => format!("NOT SOUND: {} failed\n", count(CheckOutcome::Fail)),
    }
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
