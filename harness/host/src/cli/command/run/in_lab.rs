//! `run --lab`: the parent of a run whose workers are agents on other machines.

use super::fleet::{Begun, LeftBehind, Prepared, Seats};
use super::resume::RecordedRun;
use super::run_outcome::RunOutcome;
use super::{RunArgs, begin, worker};
use crate::cli::Common;
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::exit::{CommandError, ExitCode};
use crate::run::fleet::seats::StartedWorker;
use crate::run::lab::SOURCES;
use crate::run::lab::board::{LabRigState, LabRunState, NO_PIN, RigCard, RigOrder, RunCard, RunOrder};
use crate::run::lab::collected::{CollectedRun, TakenFolder, has_owner};
use crate::run::lab::files::RunFiles;
use crate::run::lab::lab_run::{LabRun, LabRunPlan, tell};
use crate::run::lab::remote_worker::RemoteWorker;
use crate::run::lab::server::{LabAccess, LabError, LabServer, PRIORITIES, RUNS};
use crate::run::lab::subjects::{self, token};
use crate::state::StateDir;
use dfota_record::journal::PARENT_FILE;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A run in a lab.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LabArgs {
    /// Run on the rigs of a lab: the address of its NATS server, for example `nats://lab`. `--rig` then selects rigs by name or
    /// pattern
    #[arg(long, value_name = "URL")]
    pub(super) lab: Option<String>,
    /// In a lab, 0 goes before 1 and 2
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..i64::from(PRIORITIES)))]
    priority: u8,
    #[command(flatten)]
    pub(super) access: LabAccess,
}

impl LabArgs {
    /// Whether a lab was given.
    pub(super) fn is_given(&self) -> bool {
        self.lab.is_some()
    }
}

impl From<LabError> for CommandError {
    fn from(error: LabError) -> Self {
        Self::error(error)
    }
}

const CANCELLED: &str = "the run was cancelled: `dfota-hil lab cancel`";
/// Stands in a journal for the PIN of a SIM card.
const HIDDEN_PIN: &str = "****";
const LOOK: Duration = Duration::from_secs(1);

/// Runs the suites on rigs of the lab, to the reports.
pub(super) fn main(
    args: &RunArgs,
    url: &str,
    common: Common,
    outcome: &mut RunOutcome,
) -> Result<ExitCode, CommandError> {
    let lab = Arc::new(LabServer::connect(url, RUNS, &args.lab.access)?);
    let rigs = load_rigs(&lab, args)?;
    let suites = crate::cli::command::load_suites_for(&args.selection.suites, &rigs)?;
    let prepared = Prepared::plan(args, rigs, suites, outcome)?;
    let live = args.live.map(|addr| begin::live(addr, args.mask)).transpose()?;
    let mut begun = Begun::new(&prepared, args, outcome)?;
    let run = Arc::new(started(lab, args, &prepared, begun.name(), false)?);
    let ready = begun.begin(args, common, live.as_ref())?;
    run.mirror(begun.absolute().join(PARENT_FILE));
    let seats = Seats::new(workers(&run, args, &prepared, begun.absolute())?);
    let cancelled = || run.is_cancelled().then(|| CANCELLED.to_owned());
    let exit = begun.run(args, ready, seats, &cancelled);
    run.end(LabRunState::Over);
    begun.report(args, common, outcome, live, exit?)
}

/// Goes on with a run whose owner was killed, to its reports.
pub(super) fn resume(
    args: &RunArgs,
    url: &str,
    folder: &Path,
    common: Common,
    outcome: &mut RunOutcome,
) -> Result<ExitCode, CommandError> {
    let lab = Arc::new(LabServer::connect(url, RUNS, &args.lab.access)?);
    let name = RecordedRun::open(folder)?.started.run;
    if has_owner(&lab, &name)? {
        return Err(CommandError::error(format!(
            "the run `{name}` is still running in the lab: wait until its program has ended"
        )));
    }
    let unheard = bring_home(&lab, &name, folder)?;
    let recorded = RecordedRun::open(folder)?;
    let rigs = recorded_rigs(&lab, args, &recorded)?;
    let suites = crate::cli::command::load_suites_for(&args.selection.suites, &rigs)?;
    recorded.is_unchanged(&rigs, &suites)?;
    let prepared = Prepared::plan_again(args, &recorded, rigs, suites, outcome)?;
    let mut left = LeftBehind::read(&recorded, prepared.names(), prepared.rules(args))?;
    left.give_up(unheard);
    let live = args.live.map(|addr| begin::live(addr, args.mask)).transpose()?;
    let mut begun = Begun::resumed(&prepared, args, &recorded, outcome)?;
    let has_work: Vec<bool> = (0..prepared.rigs.len())
        .map(|rig| left.has_work_for(rig))
        .collect();
    let ready = begun.go_on(args, common, recorded, left, live.as_ref())?;
    let run = Arc::new(started(lab, args, &prepared, &name, true)?);
    run.mirror(begun.absolute().join(PARENT_FILE));
    let mut workers = workers(&run, args, &prepared, begun.absolute())?;
    workers.retain(|worker| has_work.get(worker.place).copied().unwrap_or(false));
    let cancelled = || run.is_cancelled().then(|| CANCELLED.to_owned());
    let exit = begun.run(args, ready, Seats::new(workers), &cancelled);
    run.end(LabRunState::Over);
    begun.report(args, common, outcome, live, exit?)
}

/// Waits until each agent that lives is through with what it has of the run, and lays its journals in the folder. Gives the folders of
/// batches that were begun, and whose agents are not there.
fn bring_home(lab: &Arc<LabServer>, run: &str, folder: &Path) -> Result<BTreeSet<String>, CommandError> {
    let unread = |why| CommandError::usage(format!("`{}`: {why}", folder.display()));
    let open = CollectedRun::open(folder).map_err(unread)?;
    let is_at_it = |card: &RigCard| matches!(&card.state, LabRigState::Works { run: at, .. } if at == run);
    // What waits in the queue is not begun; what is begun ends with its case.
    lab.withdraw_jobs(&subjects::jobs_of_run(run))?;
    loop {
        let collected = CollectedRun::read(lab, run)?;
        let rigs = lab.rigs()?;
        let works = |taken: &&TakenFolder| {
            let works = rigs.iter().any(|card| card.name == taken.rig && is_at_it(card));
            works && !collected.has_ended(&taken.folder)
        };
        let Some(busy) = open.iter().find(works) else {
            collected.write(folder).map_err(unread)?;
            let unheard = |taken: &TakenFolder| collected.may_go_on(&taken.folder);
            return Ok(open
                .into_iter()
                .filter(unheard)
                .map(|taken| taken.folder)
                .collect());
        };
        tracing::info!("rig `{}` finishes its case", busy.rig);
        for taken in &open {
            tell(lab, run, &taken.rig, &RigOrder::from(RunOrder::Stop));
        }
        std::thread::sleep(LOOK);
    }
}

/// The rigs as they were when the run was started. Their agents find out whether a file has changed.
fn recorded_rigs(lab: &LabServer, args: &RunArgs, recorded: &RecordedRun) -> Result<Vec<Rig>, CommandError> {
    let cards = lab.rigs()?;
    let sha256 = |name: &str| {
        cards
            .iter()
            .find(|card| card.name == name)
            .map(|card| card.sha256.clone())
    };
    let files = recorded.rigs().iter().map(|facts| RigFile {
        name: &facts.file.name,
        path: &facts.file.path,
        sha256: sha256(&facts.file.name).unwrap_or_default(),
        text: facts.file.text.replace(HIDDEN_PIN, NO_PIN),
    });
    load(args, files)
}

/// The rigs of the lab that the flags select, from the files that their agents show.
fn load_rigs(lab: &LabServer, args: &RunArgs) -> Result<Vec<Rig>, CommandError> {
    let cards = selected(lab.rigs()?, &args.selection.rigs)?;
    let others: Vec<String> = cards
        .iter()
        .filter(|card| card.sources != SOURCES)
        .map(|card| {
            format!(
                "  `{}` on `{}`: version {}, {}",
                card.name, card.host, card.version, card.sources
            )
        })
        .collect();
    if !others.is_empty() {
        return Err(CommandError::usage(format!(
            "all programs of a run have to be built from the same sources, and this one is version {}, SHA-256 of its sources {SOURCES}; install it on the machines of these rigs, or leave them out with `--rig`:\n{}",
            env!("CARGO_PKG_VERSION"),
            others.join("\n")
        )));
    }
    let files = cards.iter().map(|card| RigFile {
        name: &card.name,
        path: &card.file,
        sha256: card.sha256.clone(),
        text: card.text.clone(),
    });
    load(args, files)
}

/// The file of a rig on another machine.
struct RigFile<'f> {
    name: &'f str,
    path: &'f str,
    sha256: String,
    text: String,
}

fn load<'f>(args: &RunArgs, files: impl Iterator<Item = RigFile<'f>>) -> Result<Vec<Rig>, CommandError> {
    let folder = StateDir::find(&args.selection.state)?.folder().join("lab/rigs");
    let unwritable = |why| CommandError::usage(format!("`{}` cannot be written: {why}", folder.display()));
    std::fs::create_dir_all(&folder).map_err(unwritable)?;
    let load = |file: RigFile<'_>| {
        let path = folder.join(format!("{}.yaml", token(file.name)));
        std::fs::write(&path, &file.text).map_err(unwritable)?;
        let rig = crate::cli::command::load_rig(&path)?;
        // As it is on its machine: the text has no PIN.
        Ok(Rig {
            file: PathBuf::from(file.path),
            sha256: file.sha256,
            ..rig
        })
    };
    files.map(load).collect()
}

/// The rigs that `--rig` selects; all of them where it is not given.
fn selected(mut cards: Vec<RigCard>, wanted: &[PathBuf]) -> Result<Vec<RigCard>, CommandError> {
    let all: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
    let known = if all.is_empty() {
        "it has none; start `dfota-hil agent` beside each rig".to_owned()
    } else {
        format!("it has {}", all.join(", "))
    };
    if cards.is_empty() {
        return Err(CommandError::usage(format!("expected rigs in the lab: {known}")));
    }
    let mut patterns = Vec::new();
    for wanted in wanted {
        let text = wanted.to_string_lossy();
        let pattern = glob::Pattern::new(&text)
            .map_err(|why| CommandError::usage(format!("`--rig {text}` is no pattern: {why}")))?;
        if !cards.iter().any(|card| pattern.matches(&card.name)) {
            return Err(CommandError::usage(format!(
                "`--rig {text}`: no rig of the lab has such a name: {known}"
            )));
        }
        patterns.push(pattern);
    }
    if !patterns.is_empty() {
        cards.retain(|card| patterns.iter().any(|pattern| pattern.matches(&card.name)));
    }
    cards.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cards)
}

/// Makes the run known to the lab.
fn started(
    lab: Arc<LabServer>,
    args: &RunArgs,
    prepared: &Prepared,
    name: &str,
    again: bool,
) -> Result<LabRun, CommandError> {
    let Prepared { rigs, suites, .. } = prepared;
    let names = |suites: &[Suite]| suites.iter().map(|suite| suite.name.clone()).collect();
    let rigs: Vec<String> = rigs.iter().map(|rig| rig.name.clone()).collect();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let card = RunCard {
        run: name.to_owned(),
        priority: args.lab.priority,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        suites: names(suites),
        rigs: rigs.clone(),
        began: since.map_or(0, |since| since.as_secs()),
        state: LabRunState::Open,
    };
    if again {
        lab.put_run(&card)?;
    } else {
        lab.create_run(&card)?;
    }
    let plan = LabRunPlan {
        name: name.to_owned(),
        priority: args.lab.priority,
        flags: flags(args, prepared),
        files: RunFiles::store(&lab, suites)?,
    };
    Ok(LabRun::start(lab, plan, &rigs))
}

/// What a worker has to know of the command line of the run.
fn flags(args: &RunArgs, prepared: &Prepared) -> Vec<String> {
    let mut flags = vec!["--seed".to_owned(), prepared.seed.0.to_string()];
    if args.fail_fast {
        flags.push("--fail-fast".to_owned());
    }
    if let Some(cut) = &args.selection.cut {
        flags.extend(["--cut".to_owned(), cut.to_string()]);
    }
    if args.selection.repeat > 1 {
        flags.extend(["--repeat".to_owned(), args.selection.repeat.to_string()]);
    }
    flags
}

/// An agent for each rig.
fn workers(
    run: &Arc<LabRun>,
    args: &RunArgs,
    prepared: &Prepared,
    out: PathBuf,
) -> Result<Vec<StartedWorker>, CommandError> {
    let start = |(place, rig): (usize, &Rig)| {
        let digest = worker::digest_of_files(std::slice::from_ref(rig), &prepared.suites);
        let shows_dialogue = args.live.is_some();
        let worker = RemoteWorker::new(Arc::clone(run), &rig.name, digest, out.clone(), shows_dialogue)?;
        Ok(StartedWorker {
            place,
            rig: rig.name.clone(),
            worker: Box::new(worker),
        })
    };
    prepared.rigs.iter().enumerate().map(start).collect()
}
