//! `agent`: one rig of a lab.

use crate::config::rig::{Rig, module_word};
use crate::exit::{CommandError, ExitCode};
use crate::plan::flags::RIG_VARIABLE;
use crate::plan::standing::Standing;
use crate::program;
use crate::run::lab::SOURCES;
use crate::run::lab::agent::{self, Agent, AgentSetup, WorkerCommand};
use crate::run::lab::board::{LabRigState, NO_PIN, RigCard};
use crate::run::lab::labgrid::Labgrid;
use crate::run::lab::server::{LabAccess, LabServer};
use crate::run::lab::subjects::token;
use crate::state::{StateDir, StateFlag};
use crate::terminal::print_warning;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Work for a lab with the rig of this machine, until it is stopped.
#[derive(Debug, clap::Args)]
pub struct AgentArgs {
    /// Rig file
    #[arg(long, value_name = "RIG", env = RIG_VARIABLE, hide_env_values = true)]
    rig: PathBuf,
    /// The NATS server of the lab, for example `nats://lab`
    #[arg(long, value_name = "URL", env = "DFOTA_HIL_LAB", hide_env_values = true)]
    lab: String,
    /// If the run says nothing for this long, finish the present case and leave the rest of the batch
    #[arg(long, value_name = "T", default_value = "10m", value_parser = humantime::parse_duration)]
    orphaned_after: Duration,
    #[command(flatten)]
    access: LabAccess,
    #[command(flatten)]
    state: StateFlag,
}

pub fn main(args: &AgentArgs) -> Result<ExitCode, CommandError> {
    let rig = super::load_rig(&args.rig)?;
    let dir = StateDir::find(&args.state)?;
    // A worker is started in the folder of its run.
    let folder = std::path::absolute(dir.folder()).unwrap_or_else(|_| dir.folder().to_owned());
    let folder = folder.join("lab").join(token(&rig.name));
    std::fs::create_dir_all(&folder)
        .map_err(|why| CommandError::usage(format!("`{}` cannot be written: {why}", folder.display())))?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|why| CommandError::error(format!("signals cannot be handled: {why}")))?;
    }
    let only = agent::lock(&folder)
        .map_err(|why| CommandError::usage(format!("`{}` cannot be written: {why}", folder.display())))?;
    if only.is_none() {
        return Err(CommandError::error(format!(
            "another agent of the rig `{}` works in `{}`: stop it first",
            rig.name,
            folder.display()
        )));
    }
    // The worker of an agent that was killed has the rig until its case is over.
    agent::await_workers(&folder, &stop);
    let labgrid = labgrid(args, &rig, &folder);
    make_safe(args, &rig, labgrid.as_ref(), &stop)?;
    let stopped = || stop.load(Ordering::Relaxed);
    let lab = LabServer::await_connection(&args.lab, &token(&rig.name), &args.access, stopped)?;
    let Some(lab) = lab else {
        return Ok(ExitCode::Success);
    };
    let name = rig.name.clone();
    let setup = AgentSetup {
        card: card(&rig)?,
        folder,
        silence: args.access.lease,
        orphaned_after: args.orphaned_after,
        stop,
        worker: worker(args, &rig),
        labgrid,
        why_out: why_out(&rig, &dir),
    };
    print_warning(format_args!(
        "agent: rig `{name}` works for the lab `{}`",
        args.lab
    ));
    Agent::new(Arc::new(lab), setup).work()?;
    Ok(ExitCode::Success)
}

/// The place of labgrid that the rig is.
fn labgrid(args: &AgentArgs, rig: &Rig, folder: &Path) -> Option<Labgrid> {
    let make_safe = safe_command(args, rig).map(|command| command.get_args().map(Into::into).collect());
    Some(Labgrid {
        place: rig.lab.labgrid.clone()?,
        folder: folder.to_owned(),
        make_safe: make_safe.unwrap_or_default(),
    })
}

/// What makes the rig safe, where it has lines.
fn safe_command(args: &AgentArgs, rig: &Rig) -> Option<Command> {
    let mut command = Command::new(program::running());
    command
        .arg0(program::NAME)
        .arg("power")
        .arg(&args.rig)
        .arg("safe");
    state_flag(&mut command, &args.state);
    (!rig.is_simulated()).then_some(command)
}

/// What ended before this agent may have left the module supplied. A place of labgrid is acquired first, which the next batch would do
/// as well; a board that somebody else has is left alone.
fn make_safe(
    args: &AgentArgs,
    rig: &Rig,
    labgrid: Option<&Labgrid>,
    stop: &AtomicBool,
) -> Result<(), CommandError> {
    let place = labgrid.map(|labgrid| labgrid.try_hold(stop)).transpose();
    let _place = match place {
        Ok(place) => place,
        Err(why) => {
            print_warning(format_args!(
                "agent: rig `{}` is left as it is for now: {why}",
                rig.name
            ));
            return Ok(());
        }
    };
    let Some(mut command) = safe_command(args, rig) else {
        return Ok(());
    };
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.map_err(|why| CommandError::error(format!("rig `{}`: {why}", rig.name)))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
    Err(CommandError::error(format!(
        "rig `{}` cannot be made safe: {said}",
        rig.name
    )))
}

fn card(rig: &Rig) -> Result<RigCard, CommandError> {
    let text = match &rig.network.pin {
        Some(pin) => rig.text.replace(pin.as_str(), NO_PIN),
        None => rig.text.clone(),
    };
    Ok(RigCard {
        name: rig.name.clone(),
        file: rig.file.display().to_string(),
        text,
        sha256: rig.sha256.clone(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        sources: SOURCES.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        module: module_word(rig.module).to_owned(),
        simulated: rig.is_simulated(),
        state: LabRigState::Idle,
        since: agent::seconds_now(),
    })
}

/// The command of a worker, started in the folder of its run: suites have the names that they have where the run was planned.
fn worker(args: &AgentArgs, rig: &Rig) -> Box<WorkerCommand> {
    let file = std::path::absolute(&args.rig).unwrap_or_else(|_| args.rig.clone());
    let (name, state) = (rig.name.clone(), absolute(&args.state));
    Box::new(move |folder, suites, flags| {
        let mut command = Command::new(program::running());
        command
            .arg0(program::NAME)
            .current_dir(folder)
            .arg("run")
            .args(suites);
        command
            .arg("--rig")
            .arg(&file)
            .arg("--worker")
            .arg(&name)
            .args(flags);
        state_flag(&mut command, &state);
        // The worker is one of this machine.
        command.env_remove("DFOTA_HIL_LAB").env_remove("DFOTA_HIL_OUT");
        program::pass_digest(&mut command);
        command
    })
}

fn absolute(flag: &StateFlag) -> StateFlag {
    let folder = flag.state_dir.as_ref();
    StateFlag {
        state_dir: folder.map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone())),
    }
}

fn state_flag(command: &mut Command, flag: &StateFlag) {
    if let Some(folder) = &flag.state_dir {
        command.arg("--state-dir").arg(folder);
    }
}

/// Why the rig is to have no batch: its quarantine, as it is now.
fn why_out(rig: &Rig, dir: &StateDir) -> Box<dyn Fn() -> Option<String>> {
    let (rig, state) = (rig.clone(), dir.rig(rig));
    Box::new(move || Standing::new(&rig, &state, &[], 0).ok()?.refused())
}
