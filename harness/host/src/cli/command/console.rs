//! `console`: an AT terminal on a rig.

use crate::bench::lease::Lease;
use crate::bench::signals;
use crate::cli::Common;
use crate::cli::at_terminal::{AtTerminal, HELP};
use crate::cli::screen::Screen;
use crate::config::rig::{Network, Rig};
use crate::device::bench::Bench;
use crate::device::module::Stop;
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::RIG_VARIABLE;
use crate::state::StateFlag;
use crate::terminal::paint::Paint;
use crate::terminal::prompt::typed;
use dfota_clock::Clock;
use dfota_record::journal::{Journal, Writer};
use std::io::IsTerminal;
use std::path::PathBuf;

/// An AT terminal on a rig, with decoded URCs and orders for power and reset
///
/// Takes the supply away and gives it back, so that the module boots; shows every line from it with the seconds of its time,
/// and sends what is typed with a carriage return. The rig ends in its safe state, however this ends. Lines out of a pipe are sent one by one: the boot is
/// waited for, and the result of each command before the next.
#[derive(Debug, clap::Args)]
#[command(after_long_help = format!("Lines that begin with a colon are for the rig:\n{HELP}"))]
pub struct Args {
    /// Rig file
    #[arg(required = true, env = RIG_VARIABLE, hide_env_values = true)]
    rig: PathBuf,
    #[command(flatten)]
    state: StateFlag,
}

/// Runs the terminal; 0, or 130 after a signal.
pub fn main(args: &Args, common: Common) -> Result<ExitCode, CommandError> {
    let rig = super::load_rig(&args.rig)?;
    let lease = super::lease(&rig, &args.state, "console")?;
    let clock = Clock::scaled(rig.speed());
    let (journal, writer) = journal(clock, Screen::new(Paint::new(common.color)))
        .map_err(|why| CommandError::error(format!("no temporary journal: {why}")))?;
    let exit = on_rig(rig, lease.as_ref(), clock, &journal);
    drop(journal);
    let _ = writer.finish();
    exit
}

/// A journal without a name: its file is gone when this program is, however it ends.
fn journal(clock: Clock, screen: Screen) -> std::io::Result<(Journal, Writer)> {
    let folder = tempfile::Builder::new().prefix("dfota-hil-").tempdir()?;
    Writer::start(folder.path(), clock, Box::new(screen))
}

fn on_rig(
    rig: Rig,
    lease: Option<&Lease>,
    clock: Clock,
    journal: &Journal,
) -> Result<ExitCode, CommandError> {
    // No package is offered here, and the ports of the servers may be in use.
    let rig = Rig {
        network: Network::default(),
        ..rig
    };
    let runtime =
        crate::device::bench::runtime().map_err(|why| CommandError::error(format!("no runtime: {why}")))?;
    let _within = runtime.enter();
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("dfota-hil"));
    let mut bench = Bench::open(&rig, lease, &program, 0, clock, journal).map_err(CommandError::error)?;
    signals::heed(&runtime, bench.inbox.clone(), &bench.lines);
    let paced = !std::io::stdin().is_terminal();
    let ended = AtTerminal::new(&mut bench.module, paced).run(&typed());
    bench
        .lines
        .safe()
        .map_err(|why| CommandError::error(format!("the rig could not be made safe: {why}")))?;
    Ok(match ended {
        Err(Stop::Interrupted) => ExitCode::Interrupted,
        Ok(()) | Err(Stop::Rule(..) | Stop::Unbounded) => ExitCode::Success,
    })
}
