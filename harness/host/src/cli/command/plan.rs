//! `plan`: everything `run` would do, with no I/O on the rigs.

use crate::exit::{CommandError, ExitCode};
use crate::plan::Plan;
use crate::plan::earlier::Earlier;
use crate::plan::flags::SelectionFlags;
use crate::plan::fleet::FleetPlan;
use crate::plan::standing::Standing;
use crate::state::StateDir;
use crate::terminal::print;
use crate::terminal::width::Width;
use dfota_core::seed::Seed;
use serde::Serialize;

/// Show what `run` would do, without touching a rig.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    selection: SelectionFlags,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn main(args: &PlanArgs) -> Result<ExitCode, CommandError> {
    let shown = if args.selection.rig_files()?.len() > 1 {
        let plan = fleet(&args.selection)?;
        args.shown(&plan, |width| plan.text(width))
    } else {
        let plan = single(&args.selection)?;
        args.shown(&plan, |width| plan.text(width))
    };
    print(&shown?);
    Ok(ExitCode::Success)
}

impl PlanArgs {
    fn shown(&self, plan: &impl Serialize, text: impl Fn(Width) -> String) -> Result<String, CommandError> {
        if self.json {
            Ok(serde_json::to_string_pretty(plan).map_err(CommandError::error)? + "\n")
        } else {
            Ok(text(Width::of_stdout()))
        }
    }
}

fn single(selection: &SelectionFlags) -> Result<Plan, CommandError> {
    let (rig, suites) = super::load(selection, "plan")?;
    let dir = StateDir::find(&selection.state)?;
    let earlier = Earlier::read(&dir, &suites, std::slice::from_ref(&rig))?;
    let seed = Seed(selection.seed.unwrap_or_default());
    let mut plan = Plan::select(&suites, &rig, selection, seed, &earlier)?;
    plan.seed_given = selection.seed.is_some();
    let updates = plan.totals.updates;
    plan.standing = Some(Standing::new(&rig, &dir.rig(&rig), &plan.cases, updates)?);
    Ok(plan)
}

fn fleet(selection: &SelectionFlags) -> Result<FleetPlan, CommandError> {
    let (rigs, suites) = super::load_fleet(selection)?;
    let dir = StateDir::find(&selection.state)?;
    let earlier = Earlier::read(&dir, &suites, &rigs)?;
    let seed = Seed(selection.seed.unwrap_or_default());
    let mut plan = FleetPlan::select(&suites, &rigs, selection, seed, &earlier)?;
    plan.seed_given = selection.seed.is_some();
    for (rig, share) in rigs.iter().zip(&mut plan.rigs) {
        let state = dir.rig(rig);
        share.standing = Some(Standing::new(rig, &state, &plan.cases, share.updates)?);
    }
    Ok(plan)
}
