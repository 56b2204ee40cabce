//! `bisect`: from a cut that fails and one that does not to the smallest failing window.

use crate::cli::Common;
use crate::cli::command::run;
use crate::exit::{CommandError, ExitCode};
use crate::run::runner::BisectOptions;
use dfota_core::cut::Cut;
use std::time::Duration;

/// Narrow a failing cut down to the smallest window in which cuts fail
#[derive(Debug, clap::Args)]
#[command(mut_arg("resume", |resume| resume.hide(true)))]
#[group(skip)] // its name would be that of the flags of `run`, which are taken over
pub struct BisectArgs {
    #[command(flatten)]
    run: run::RunArgs,
    /// A cut after which the module comes back, for example `updating@50%+0ms/power/5s`
    #[arg(long, value_name = "CUT", value_parser = |text: &str| text.parse::<Cut>())]
    pass: Cut,
    /// A cut after which the module does not come back
    #[arg(long, value_name = "CUT", value_parser = |text: &str| text.parse::<Cut>())]
    fail: Cut,
    /// Run each probe this many times; one failure makes the probe fail
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    tries: u32,
    /// Resolution of the window's edges, in the module's time
    #[arg(long, value_name = "T", default_value = "1ms", value_parser = humantime::parse_duration)]
    resolution: Duration,
}

/// The command as its help shows it: without what `run` does with several rigs.
pub fn on_one_rig(bisect: clap::Command) -> clap::Command {
    let hide = |bisect: clap::Command, flag| bisect.mut_arg(flag, |arg| arg.hide(true));
    let bisect = ["canary", "max_bricks"].into_iter().fold(bisect, hide);
    bisect.mut_arg("rigs", |rig| {
        rig.help(
            "Rig file. There is no default, so that no nightly job goes green on a simulator by accident",
        )
    })
}

/// Searches; 0 when the window was found, 3 when not.
pub fn main(args: BisectArgs, common: Common) -> Result<ExitCode, CommandError> {
    let BisectArgs {
        run,
        pass,
        fail,
        tries,
        resolution,
    } = args;
    if (pass.kind, pass.off) != (fail.kind, fail.off) {
        return Err(CommandError::usage(format!(
            "`{pass}` and `{fail}` cut in different ways; a window in time lies between two cuts of the same kind and length"
        )));
    }
    let options = BisectOptions {
        good: pass,
        bad: fail,
        tries,
        resolution,
    };
    run::search(run, common, options)
}
