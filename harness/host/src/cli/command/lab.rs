//! `lab`: what a lab does, and who is in it.

use super::report::{self, ReportArgs};
use super::run::SignArg;
use crate::cli::Common;
use crate::cli::live::LabPages;
use crate::exit::{CommandError, ExitCode};
use crate::run::lab::board::{LabRunState, RunCard};
use crate::run::lab::collected::{CollectedRun, has_owner};
use crate::run::lab::server::{LabAccess, LabServer, READS, RUNS};
use crate::run::lab::users::LabUser;
use crate::terminal::{print, print_warning};
use dfota_core::event::fleet::FleetEvent;
use dfota_core::verdict::Verdict;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Show and control a lab
#[derive(Debug, clap::Args)]
pub struct LabCommandArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LabCommand {
    /// List rigs and runs
    List(LabAddress),
    /// Show the state of each batch of a run, and its verdicts so far
    Show {
        /// Name of the run, as `lab list` shows it
        run: String,
        #[command(flatten)]
        lab: LabAddress,
    },
    /// End a run: each rig finishes its case
    Cancel {
        /// Name of the run, as `lab list` shows it
        run: String,
        #[command(flatten)]
        lab: LabAddress,
    },
    /// Collect the journals of a run whose program was killed into a run folder, and make its reports
    Collect {
        /// Name of the run, as `lab list` shows it
        run: String,
        /// Run folder [default: reports/RUN]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        sign: SignArg,
        #[command(flatten)]
        lab: LabAddress,
    },
    /// Show the lab in a browser, with the page of each run, until it is stopped
    Serve {
        /// Where to listen; port 0 takes a free one. Off loopback the pages need the token that is printed
        #[arg(long, value_name = "ADDR")]
        listen: SocketAddr,
        /// Show no IMEI, IMSI, ICCID and IP address
        #[arg(long)]
        mask: bool,
        #[command(flatten)]
        lab: LabAddress,
    },
    /// Make a key for an agent, for starting runs, or for reading only, and print the entry for the server's configuration file
    User {
        /// Name of the agent's rig
        #[arg(required_unless_present_any = ["runs", "reads"], conflicts_with_all = ["runs", "reads"])]
        rig: Option<String>,
        /// For programs that start runs, or steer the lab
        #[arg(long, conflicts_with = "reads")]
        runs: bool,
        /// For `lab serve`, `lab list` and `lab show`: it changes nothing
        #[arg(long)]
        reads: bool,
        /// New file for the secret seed of the key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Give a rig no further batch
    Drain {
        /// Name of the rig
        rig: String,
        /// Give it batches again
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        lab: LabAddress,
    },
}

#[derive(Debug, clap::Args)]
struct LabAddress {
    /// The NATS server of the lab, for example `nats://lab`
    #[arg(long, value_name = "URL", env = "DFOTA_HIL_LAB", hide_env_values = true)]
    lab: String,
    #[command(flatten)]
    access: LabAccess,
}

impl LabAddress {
    fn connect(&self) -> Result<LabServer, CommandError> {
        Ok(LabServer::connect(&self.lab, RUNS, &self.access)?)
    }

    /// To look, and change nothing.
    fn look(&self) -> Result<LabServer, CommandError> {
        Ok(LabServer::connect(&self.lab, READS, &self.access)?)
    }
}

pub fn main(args: &LabCommandArgs, common: Common) -> Result<ExitCode, CommandError> {
    match &args.command {
        LabCommand::List(lab) => list(&lab.look()?)?,
        LabCommand::Show { run, lab } => show(&lab.look()?, run)?,
        LabCommand::Cancel { run, lab } => cancel(&lab.connect()?, run)?,
        LabCommand::Collect { run, out, sign, lab } => {
            let out = out.clone().unwrap_or_else(|| Path::new("reports").join(run));
            collect(&lab.connect()?, run, &out)?;
            return report::main(&ReportArgs::new(out, sign.clone()), common);
        }
        LabCommand::Serve { listen, mask, lab } => serve(*listen, *mask, lab)?,
        LabCommand::User { rig, reads, key, .. } => {
            let looks = if *reads { LabUser::Reads } else { LabUser::Runs };
            make_user(&rig.clone().map_or(looks, LabUser::Agent), key)?;
        }
        LabCommand::Drain { rig, undo, lab } => drain(&lab.connect()?, rig, !undo)?,
    }
    Ok(ExitCode::Success)
}

fn list(lab: &LabServer) -> Result<(), CommandError> {
    let mut shown = String::new();
    let mut rigs = lab.rigs()?;
    rigs.sort_by(|a, b| a.name.cmp(&b.name));
    for rig in &rigs {
        let _ = writeln!(shown, "rig {} on {}: {}", rig.name, rig.host, rig.state);
    }
    let mut runs = lab.runs()?;
    runs.sort_by_key(|run| run.began);
    for run in &runs {
        shown += &line_of(run);
    }
    if shown.is_empty() {
        shown = "nothing is in this lab yet: start `dfota-hil agent` beside each rig\n".to_owned();
    }
    print(&shown);
    Ok(())
}

fn line_of(run: &RunCard) -> String {
    let RunCard {
        run,
        priority,
        host,
        state,
        suites,
        ..
    } = run;
    format!(
        "run {run} from {host}, priority {priority}: {state} ({})\n",
        suites.join(", ")
    )
}

fn show(lab: &LabServer, run: &str) -> Result<(), CommandError> {
    let mut shown = line_of(&card_of(lab, run)?);
    let collected = CollectedRun::read(lab, run)?;
    let mut batches: BTreeMap<String, String> = BTreeMap::new();
    for event in collected.fleet() {
        match event {
            FleetEvent::Queued { batch, .. } | FleetEvent::Again { batch, .. } => {
                batches.insert(batch, "waits".to_owned());
            }
            FleetEvent::Taken(taken) => {
                batches.insert(taken.batch, format!("at {}", taken.rig));
            }
            FleetEvent::Closed(end) => {
                batches.insert(end.batch, format!("closed by {}", end.rig));
            }
            FleetEvent::Lost { end, why, .. } => {
                batches.insert(end.batch, format!("lost with {}: {why}", end.rig));
            }
            FleetEvent::GivenUp { batch, why } => {
                batches.insert(batch, format!("given up: {why}"));
            }
            FleetEvent::RigOut { rig, why } => {
                let _ = writeln!(shown, "rig {rig} gets no further batch: {why}");
            }
            FleetEvent::Paused { why, .. } => {
                let _ = writeln!(shown, "no further batch is begun: {why}");
            }
            _ => {}
        }
    }
    for (batch, state) in batches {
        let _ = writeln!(shown, "batch {batch}: {state}");
    }
    let verdicts = collected.verdicts();
    let count = |verdict: &str| verdicts.iter().filter(|of| of.name() == verdict).count();
    let names: BTreeSet<&str> = verdicts.iter().map(Verdict::name).collect();
    let counts: Vec<String> = names
        .into_iter()
        .map(|name| format!("{} {name}", count(name)))
        .collect();
    if !counts.is_empty() {
        let _ = writeln!(shown, "verdicts so far: {}", counts.join(", "));
    }
    print(&shown);
    Ok(())
}

fn card_of(lab: &LabServer, run: &str) -> Result<RunCard, CommandError> {
    if let Some(card) = lab.run(run)? {
        return Ok(card);
    }
    let known: Vec<String> = lab.runs()?.into_iter().map(|card| card.run).collect();
    Err(CommandError::usage(format!(
        "the lab knows no run `{run}`: expected one of {}",
        known.join(", ")
    )))
}

fn collect(lab: &LabServer, run: &str, out: &Path) -> Result<(), CommandError> {
    let card = card_of(lab, run)?;
    if card.state == LabRunState::Open && has_owner(lab, run)? {
        return Err(CommandError::error(format!(
            "`{run}` goes on, on `{}`: wait for its end, or end it with `dfota-hil lab cancel {run}`",
            card.host
        )));
    }
    let collected = CollectedRun::read(lab, run)?;
    collected
        .write(out)
        .map_err(|why| CommandError::usage(format!("`{}` cannot be written: {why}", out.display())))?;
    let open = CollectedRun::open(out).map_err(CommandError::usage)?;
    for taken in open.iter().filter(|taken| !collected.has_ended(&taken.folder)) {
        print_warning(format_args!(
            "note: rig `{}` has not sent all of `{}` yet: collect again when it is idle",
            taken.rig, taken.folder
        ));
    }
    Ok(())
}

fn cancel(lab: &LabServer, run: &str) -> Result<(), CommandError> {
    let card = card_of(lab, run)?;
    if card.state != LabRunState::Open {
        return Err(CommandError::usage(format!("`{run}` is {} already", card.state)));
    }
    lab.put_run(&RunCard {
        state: LabRunState::Cancelled,
        ..card
    })?;
    print(&format!("`{run}` is cancelled: each rig finishes its case\n"));
    Ok(())
}

/// Serves the pages of the lab until a signal comes.
fn serve(listen: SocketAddr, mask: bool, lab: &LabAddress) -> Result<(), CommandError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|why| CommandError::error(format!("signals cannot be handled: {why}")))?;
    let stopped = || signals.pending().next().is_some();
    let Some(lab) = LabServer::await_connection(&lab.lab, READS, &lab.access, stopped)? else {
        return Ok(());
    };
    let lab = Arc::new(lab);
    let pages = LabPages::start(listen, mask, &lab)?;
    print_warning(format_args!("live: {}", pages.url()));
    signals.forever().next();
    drop(pages);
    Ok(())
}

fn make_user(user: &LabUser, path: &Path) -> Result<(), CommandError> {
    let key = nkeys::KeyPair::new_user();
    let seed = key.seed().map_err(CommandError::error)?;
    let mut options = std::fs::File::options();
    let made = options.write(true).create_new(true).mode(0o600).open(path);
    let written = made.and_then(|mut file| writeln!(file, "{seed}"));
    written.map_err(|why| CommandError::usage(format!("`{}` cannot be written: {why}", path.display())))?;
    print(&user.entry(&key.public_key()));
    Ok(())
}

fn drain(lab: &LabServer, rig: &str, drained: bool) -> Result<(), CommandError> {
    let rigs = lab.rigs()?;
    if !rigs.iter().any(|card| card.name == rig) {
        let known: Vec<String> = rigs.into_iter().map(|card| card.name).collect();
        return Err(CommandError::usage(format!(
            "the lab has no rig `{rig}` now: expected one of {}",
            known.join(", ")
        )));
    }
    lab.drain(rig, drained)?;
    let what = if drained {
        "gets no further batch"
    } else {
        "gets batches again"
    };
    print(&format!("rig `{rig}` {what}\n"));
    Ok(())
}
