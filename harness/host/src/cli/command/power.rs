//! `power`: the lines of a rig, moved by hand.

use crate::bench::line::LineError;
use crate::bench::lines::RigLines;
use crate::bench::wires::Wires;
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::RIG_VARIABLE;
use crate::program;
use crate::state::StateFlag;
use dfota_core::event::Line;
use std::path::PathBuf;
use std::time::Duration;

/// Move the lines of a rig by hand.
#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)] // `power cycle`, with the rig of the environment
pub struct PowerArgs {
    /// Rig file
    #[arg(env = RIG_VARIABLE, hide_env_values = true)]
    rig: Option<PathBuf>,
    /// What to do
    #[arg(value_enum)]
    action: PowerAction,
    #[command(flatten)]
    state: StateFlag,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum PowerAction {
    /// Supply the module and leave it supplied; PWRKEY is pressed where the rig has it
    On,
    /// Switch the supply off and leave it off
    Off,
    /// Switch the supply off for the rig's discharge time, then `on`
    Cycle,
    /// Pulse reset
    Reset,
    /// Pulse PWRKEY
    Pwrkey,
    /// The safe state that the rig file declares, as at the end of a run
    Safe,
}

/// Moves them and leaves them where they were put.
pub fn main(args: &PowerArgs) -> Result<ExitCode, CommandError> {
    let rig = args.rig.as_deref().ok_or_else(|| {
        CommandError::usage(format!(
            "no rig given: expected a rig file, as in `dfota-hil power RIG cycle`, or its path in {RIG_VARIABLE}"
        ))
    })?;
    let rig = super::load_rig(rig)?;
    let lease = super::lease(&rig, &args.state, "power")?;
    let program = program::running();
    let wires = Wires::by_hand(&rig, &program, lease.as_ref()).map_err(|why| {
        let hint = "start `dfota-hil sim` and name its socket in the rig file: `power: {driver: simulated, control: PATH}`";
        match rig.link {
            crate::config::rig::Link::Simulated(_) => CommandError::usage(format!("rig `{}`: {why}; {hint}", rig.name)),
            crate::config::rig::Link::Bench(_) => CommandError::error(format!("rig `{}`: {why}", rig.name)),
        }
    })?;
    let timing = wires.timing;
    let lines = wires.lines.unguarded();
    let moved = match args.action {
        PowerAction::On => on(&lines, timing.pwrkey_hold),
        PowerAction::Off => lines.supply(false),
        PowerAction::Cycle => lines.supply(false).and_then(|()| {
            std::thread::sleep(timing.discharge);
            on(&lines, timing.pwrkey_hold)
        }),
        PowerAction::Reset => lines.pulse(Line::Reset, timing.reset_hold),
        PowerAction::Pwrkey => lines.pulse(Line::Pwrkey, timing.pwrkey_hold),
        PowerAction::Safe => lines.safe(),
    };
    moved.map_err(CommandError::error)?;
    Ok(ExitCode::Success)
}

fn on(lines: &RigLines, hold: Duration) -> Result<(), LineError> {
    lines.supply(true)?;
    if lines.has(Line::Pwrkey) {
        std::thread::sleep(crate::device::dut::supply::SETTLE);
        lines.pulse(Line::Pwrkey, hold)?;
    }
    Ok(())
}
