//! `console`: an AT terminal on a rig.

use crate::bench::signals::Signalled;
use crate::cli::Common;
use crate::cli::at_terminal::{AtTerminal, HELP};
use crate::cli::on_rig::nameless_journal;
use crate::cli::screen::Screen;
use crate::config::rig::{Network, Rig};
use crate::device::dut::Stop;
use crate::device::open_rig::{RigHold, RigWork, with_rig};
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::RIG_VARIABLE;
use crate::state::StateFlag;
use crate::terminal::paint::Paint;
use crate::terminal::prompt::typed;
use dfota_clock::Clock;
use std::io::IsTerminal;
use std::path::PathBuf;

/// An AT terminal on a rig, with decoded URCs and orders for power and reset
///
/// Switches the supply off and on, so that the module boots. Shows each line of the module with the module's time in seconds,
/// and sends what you type with a carriage return. The rig always ends in its safe state. Lines from a pipe are sent one by
/// one: the terminal waits for the boot, and then for the result of each command.
#[derive(Debug, clap::Args)]
#[command(after_long_help = format!("Lines that begin with a colon are for the rig:\n{HELP}"))]
pub struct ConsoleArgs {
    /// Rig file
    #[arg(required = true, env = RIG_VARIABLE, hide_env_values = true)]
    rig: PathBuf,
    #[command(flatten)]
    state: StateFlag,
}

/// Runs the terminal until it ends, or a signal comes.
pub fn main(args: &ConsoleArgs, common: Common) -> Result<ExitCode, CommandError> {
    let rig = super::load_rig(&args.rig)?;
    let lease = super::lease(&rig, &args.state, "console")?;
    let clock = Clock::scaled(rig.speed());
    let screen = Screen::new(Paint::new(common.color));
    let (journal, writer) = nameless_journal(clock, Box::new(screen))
        .map_err(|why| CommandError::error(format!("no temporary journal: {why}")))?;
    // No package is offered here, and the ports of the servers may be in use.
    let rig = Rig {
        network: Network::default(),
        ..rig
    };
    let worked = with_rig(
        &rig,
        RigHold::by_lease(lease.as_ref()),
        0,
        clock,
        &journal,
        Signalled::ByUser,
        |bench| {
            let paced = !std::io::stdin().is_terminal();
            AtTerminal::new(&mut bench.module, paced).run(&typed())
        },
    );
    drop(journal);
    let _ = writer.finish();
    let RigWork { result, safe } = worked.map_err(CommandError::error)?;
    safe.map_err(|why| CommandError::error(format!("the rig could not be made safe: {why}")))?;
    Ok(match result {
        Err(Stop::Interrupted) => ExitCode::Interrupted,
        Ok(()) | Err(Stop::Rule(..) | Stop::Unbounded) => ExitCode::Success,
    })
}
