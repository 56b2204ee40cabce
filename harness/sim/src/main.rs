//! `bc66-sim`: the simulator by itself, and the packer of its packages.

use bc66_sim::cli::{self, SimulatorArgs};
use bc66_sim::package;
use bc66_sim::version::FirmwareVersion;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A simulated BC66.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<SimulatorCommand>,
    #[command(flatten)]
    simulator: SimulatorArgs,
}

#[derive(Subcommand)]
enum SimulatorCommand {
    /// Make the delta package that leads from one version to another
    Pack {
        /// Source version
        from: FirmwareVersion,
        /// Target version
        to: FirmwareVersion,
        /// File to write
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    bc66_sim::run_module_if_asked();
    let cli = Cli::parse();
    match cli.command {
        Some(SimulatorCommand::Pack { from, to, out }) => pack(&from, &to, &out),
        None => cli::main(cli.simulator),
    }
}

fn pack(from: &FirmwareVersion, to: &FirmwareVersion, out: &std::path::Path) -> ExitCode {
    let package = match package::pack(from, to) {
        Ok(package) => package,
        Err(error) => {
            eprintln!("bc66-sim: {error}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = std::fs::write(out, &package) {
        eprintln!("bc66-sim: `{}`: {error}", out.display());
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
