//! `plan`: everything `run` would do, with no I/O on the rig.

use crate::exit::{CommandError, ExitCode};
use crate::plan::Plan;
use crate::plan::earlier::Earlier;
use crate::plan::flags::SelectionFlags;
use crate::plan::standing::Standing;
use crate::state::StateDir;
use crate::terminal::print;
use crate::terminal::width::Width;
use dfota_core::seed::Seed;

/// Show what `run` would do, without touching the rig.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    selection: SelectionFlags,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn main(args: &PlanArgs) -> Result<ExitCode, CommandError> {
    let (rig, suites) = super::load(&args.selection)?;
    let dir = StateDir::find(&args.selection.state)?;
    let earlier = Earlier::read(&dir, &suites, &rig)?;
    let seed = Seed(args.selection.seed.unwrap_or_default());
    let mut plan = Plan::of(&suites, &rig, &args.selection, seed, &earlier)?;
    plan.seed_given = args.selection.seed.is_some();
    plan.standing = Some(Standing::of(&rig, &dir.rig(&rig), &plan)?);
    let shown = if args.json {
        serde_json::to_string_pretty(&plan).map_err(CommandError::error)? + "\n"
    } else {
        plan.text(Width::of_stdout())
    };
    print(&shown);
    Ok(ExitCode::Success)
}
