//! A run on several rigs: the parent, which has the queue, the run's journal and the reports.

mod resumed;

use super::resume::RecordedRun;
use super::run_outcome::RunOutcome;
use super::{RunArgs, begin, unwritable, worker};
use crate::cli::Common;
use crate::cli::console::fleet_console::FleetConsole;
use crate::cli::live::LivePage;
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::exit::{CommandError, ExitCode};
use crate::plan::earlier::Earlier;
use crate::plan::fleet::{Batch, CANARY, FleetPlan, packages};
use crate::plan::standing::Standing;
use crate::program;
use crate::run::fleet::claims::{BatchesEnded, FinalVerdicts};
use crate::run::fleet::keeper::CampaignKeeper;
use crate::run::fleet::memory_queue::{FleetObserver, MemoryQueue};
pub(super) use crate::run::fleet::seats::Seats;
use crate::run::fleet::seats::{FleetWork, StartedWorker};
use crate::run::fleet::wire::RigTimeline;
use crate::run::fleet::work_queue::WorkQueue;
use crate::run::fleet::worker_process::WorkerProcess;
use crate::state::StateDir;
use crate::state::history_place;
use crate::terminal::paint::Paint;
use crate::terminal::print_warning;
use dfota_clock::Clock;
use dfota_core::campaign::Role;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::RunStarted;
use dfota_core::fleet::{FleetRules, QueuedBatch};
use dfota_core::seed::Seed;
use dfota_record::digest::sha256_hex;
use dfota_record::evidence::signing_key::SigningKey;
use dfota_record::journal::{Journal, JournalWriter, PARENT_FILE};
use dfota_record::retention::hold;
pub(super) use resumed::LeftBehind;
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How careful a run on several rigs is.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct FleetArgs {
    /// With several rigs, give a new delta to N rigs first; the others begin when a batch with this delta has passed
    /// [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) canary: Option<usize>,
    /// With several rigs, stop the run after more than N cases that end with a brick; a rig that is lost in the middle of an
    /// update counts as one [default: the number of bricks that the claims allow, else 1]
    #[arg(long, value_name = "N")]
    pub(super) max_bricks: Option<u32>,
    /// The worker of the rig of this name: a run on several rigs starts one for each
    #[arg(long, value_name = "RIG", hide = true, allow_hyphen_values = true)]
    pub(super) worker: Option<String>,
    /// With several rigs, treat a rig as lost if its process says nothing for this long
    #[arg(long, value_name = "T", hide = true, default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) rig_silence: Duration,
}

/// Runs the suites on the rigs, to the reports.
pub(super) fn main(
    args: &RunArgs,
    common: Common,
    outcome: &mut RunOutcome,
) -> Result<ExitCode, CommandError> {
    let prepared = Prepared::new(args, outcome)?;
    // Before the run has a folder: a rig that is in use stops it as it stops a run on that rig alone.
    let seats = Seats::new(prepared.start_workers(|_| true)?);
    let live = args.live.map(|addr| begin::live(addr, args.mask)).transpose()?;
    let mut begun = Begun::new(&prepared, args, outcome)?;
    let ready = begun.begin(args, common, live.as_ref())?;
    let exit = begun.run(args, ready, seats, &|| None)?;
    begun.report(args, common, outcome, live, exit)
}

/// Goes on with a run whose parent was killed, to its reports.
pub(super) fn resume(
    args: &RunArgs,
    recorded: RecordedRun,
    common: Common,
    outcome: &mut RunOutcome,
) -> Result<ExitCode, CommandError> {
    let prepared = Prepared::resumed(args, &recorded, outcome)?;
    let left = LeftBehind::read(&recorded, prepared.names(), prepared.rules(args))?;
    let seats = Seats::new(prepared.start_workers(|rig| left.has_work_for(rig))?);
    let live = args.live.map(|addr| begin::live(addr, args.mask)).transpose()?;
    let mut begun = Begun::resumed(&prepared, args, &recorded, outcome)?;
    let ready = begun.go_on(args, common, recorded, left, live.as_ref())?;
    let exit = begun.run(args, ready, seats, &|| None)?;
    begun.report(args, common, outcome, live, exit)
}

/// What a run is to do, found out before anything is written or moved.
pub(super) struct Prepared {
    key: Option<SigningKey>,
    pub(super) rigs: Vec<Rig>,
    pub(super) suites: Vec<Suite>,
    pub(super) seed: Seed,
    dir: StateDir,
    plan: FleetPlan,
}

impl Prepared {
    fn new(args: &RunArgs, outcome: &mut RunOutcome) -> Result<Self, CommandError> {
        let (rigs, suites) = crate::cli::command::load_fleet(&args.selection)?;
        Self::plan(args, rigs, suites, outcome)
    }

    /// Plans the suites on these rigs.
    pub(super) fn plan(
        args: &RunArgs,
        rigs: Vec<Rig>,
        suites: Vec<Suite>,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let key = args.sign.load()?;
        let names: Vec<&str> = rigs.iter().map(|rig| rig.name.as_str()).collect();
        outcome.name(&names.join(","), &suites);
        let seed = args.selection.seed.map(Seed);
        let seed = seed.map_or_else(begin::draw_seed, Ok)?;
        let dir = StateDir::find(&args.selection.state)?;
        let earlier = Earlier::read(&dir, &suites, &rigs)?;
        let plan = FleetPlan::select(&suites, &rigs, &args.selection, seed, &earlier)?;
        let mut refusals = Vec::new();
        for (rig, share) in rigs.iter().zip(&plan.rigs) {
            let standing = Standing::new(rig, &dir.rig(rig), &plan.cases, share.updates)?;
            let refusal = standing.refusal().filter(|_| !args.over_budget);
            refusals.extend(refusal.map(|refusal| format!("rig `{}`: {refusal}", rig.name)));
        }
        if !refusals.is_empty() {
            return Err(CommandError::usage(refusals.join("\n")));
        }
        Ok(Self {
            key,
            rigs,
            suites,
            seed,
            dir,
            plan,
        })
    }

    /// The same run again, as its journal has it.
    fn resumed(
        args: &RunArgs,
        recorded: &RecordedRun,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let (rigs, suites) = crate::cli::command::load_fleet(&args.selection)?;
        recorded.is_unchanged(&rigs, &suites)?;
        Self::plan_again(args, recorded, rigs, suites, outcome)
    }

    /// The same run again, on these rigs.
    pub(super) fn plan_again(
        args: &RunArgs,
        recorded: &RecordedRun,
        rigs: Vec<Rig>,
        suites: Vec<Suite>,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let key = args.sign.load()?;
        let names: Vec<&str> = rigs.iter().map(|rig| rig.name.as_str()).collect();
        outcome.name(&names.join(","), &suites);
        let seed = Seed(recorded.started.seed);
        // Its cases and batches are in the journal. Which calibrations they need and when the campaigns are done follows from the
        // files; what earlier runs have done does not matter for that.
        let plan = FleetPlan::select(&suites, &rigs, &args.selection, seed, &Earlier::default())?;
        let plan = FleetPlan {
            cases: recorded.planned().collect(),
            warnings: Vec::new(),
            ..plan
        };
        Ok(Self {
            key,
            rigs,
            suites,
            seed,
            dir: StateDir::find(&args.selection.state)?,
            plan,
        })
    }

    /// Starts a worker for each rig that has work, and waits until each has its rig.
    fn start_workers(&self, has_work: impl Fn(usize) -> bool) -> Result<Vec<StartedWorker>, CommandError> {
        let files = worker::digest_of_files(&self.rigs, &self.suites);
        let start = |place: usize| {
            let rig = &self.rigs[place];
            let failed = |why: String| CommandError::error(format!("rig `{}`: {why}", rig.name));
            let process = WorkerProcess::start(self.worker_command(&rig.name));
            let process =
                process.map_err(|why| failed(format!("its process could not be started: {why}")))?;
            Ok(StartedWorker {
                place,
                rig: rig.name.clone(),
                worker: Box::new(process),
            })
        };
        let places = (0..self.rigs.len()).filter(|rig| has_work(*rig));
        let mut started: Vec<StartedWorker> = places.map(start).collect::<Result<_, CommandError>>()?;
        for worker in &mut started {
            worker.ready(&files)?;
        }
        Ok(started)
    }

    /// This command again, as the worker of one rig.
    fn worker_command(&self, rig: &str) -> Command {
        let given: Vec<_> = std::env::args_os().skip(1).collect();
        // Behind the name of the command: what follows a `--` is taken for suites.
        let at = given.iter().position(|arg| arg == "run").map_or(0, |at| at + 1);
        let (before, after) = given.split_at(at);
        let mut command = Command::new(program::running());
        command.arg0(program::NAME).args(before).arg("--worker").arg(rig);
        if !self.plan.seed_given {
            command.arg("--seed").arg(self.seed.0.to_string());
        }
        command.args(after);
        program::pass_digest(&mut command);
        command
    }

    /// The campaigns as earlier runs left them; nobody else goes on with them meanwhile.
    fn earlier(&self) -> Result<Earlier, CommandError> {
        if self.plan.slots.is_empty() {
            return Ok(Earlier::default());
        }
        Ok(Earlier::open(&self.dir, &self.suites, &self.rigs)?)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.rigs.iter().map(|rig| rig.name.clone()).collect()
    }

    pub(super) fn rules(&self, args: &RunArgs) -> FleetRules {
        let claims = self
            .plan
            .cases
            .iter()
            .filter_map(|planned| match &planned.case.part.as_ref()?.role {
                Role::Claim(claim) => Some(claim.bricks),
                Role::Calibration | Role::Control | Role::Cut(_) => None,
            });
        let given = args.fleet.max_bricks;
        let max_bricks = given.or(claims.min()).unwrap_or(1);
        FleetRules {
            canary: args.fleet.canary.unwrap_or(CANARY),
            max_bricks,
            // One rig may be lost for any reason, and costs one rig, unless somebody says otherwise.
            max_possible: given.unwrap_or(max_bricks.max(1)),
        }
    }

    fn queued(&self, batch: &Batch) -> QueuedBatch {
        let share = self.plan.quota(batch).filter(|_| batch.claim_cuts > 0);
        QueuedBatch {
            name: batch.name.clone(),
            suite: batch.suite.clone(),
            cases: batch
                .cases
                .iter()
                .map(|planned| planned.case.id.clone())
                .collect(),
            packages: packages(&self.suites, &batch.suite),
            rigs: batch.rigs.clone(),
            share: share.map(|quota| quota.share(batch.claim_cuts, &self.rigs)),
            real_ms: batch.real_ms,
        }
    }
}

/// A run that has a folder.
pub(super) struct Begun<'p> {
    prepared: &'p Prepared,
    out: PathBuf,
    store: PathBuf,
    /// The name of the run, which later runs know it by.
    name: String,
    earlier: Earlier,
    /// Until the reports are there: `prune` leaves a run alone that somebody holds, and nobody resumes it.
    held: std::io::Result<Option<std::fs::File>>,
}

/// A run whose journal is open and whose batches wait.
pub(super) struct Ready {
    journal: Journal,
    writer: JournalWriter,
    console: FleetConsole,
    keeper: CampaignKeeper,
    queue: MemoryQueue,
    /// Cuts to be made again exactly, by suite and case.
    again: BTreeMap<(String, String), Cut>,
    /// What each rig has to have run before a batch, by rig and batch.
    calibrations: Vec<BTreeMap<String, Vec<Case>>>,
    /// What each rig timed before the run was resumed.
    timed: Vec<Vec<RigTimeline>>,
}

impl<'p> Begun<'p> {
    pub(super) fn new(
        prepared: &'p Prepared,
        args: &RunArgs,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let Prepared {
            rigs, suites, plan, ..
        } = prepared;
        let earlier = prepared.earlier()?;
        for warning in &plan.warnings {
            print_warning(format_args!("warning: {warning}"));
        }
        let out = begin::folder(args, &format!("{}-rigs", rigs.len()), suites)?;
        outcome.folder = Some(out.clone());
        let store = history_place::of_run(&args.selection.state, &out)?;
        let name = std::path::absolute(&out).unwrap_or_else(|_| out.clone());
        let name = name.file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            prepared,
            store,
            earlier,
            held: Ok(None),
            out,
        })
    }

    /// A run that has its folder already.
    pub(super) fn resumed(
        prepared: &'p Prepared,
        args: &RunArgs,
        recorded: &RecordedRun,
        outcome: &mut RunOutcome,
    ) -> Result<Self, CommandError> {
        let out = recorded.folder.clone();
        outcome.folder = Some(out.clone());
        Ok(Self {
            name: recorded.started.run.clone(),
            prepared,
            store: history_place::of_run(&args.selection.state, &out)?,
            earlier: prepared.earlier()?,
            held: Ok(None),
            out,
        })
    }

    fn console(&self, args: &RunArgs, common: Common) -> FleetConsole {
        let paint = Paint::new(common.color);
        FleetConsole::new(paint, common.verbose > 0, args.json, &self.prepared.names())
    }

    /// Writes the beginning of the journal, and offers the batches.
    pub(super) fn begin(
        &mut self,
        args: &RunArgs,
        common: Common,
        live: Option<&LivePage>,
    ) -> Result<Ready, CommandError> {
        let Prepared { plan, .. } = self.prepared;
        let console = self.console(args, common);
        let observer = begin::with_live(Box::new(console.of_parent()), live);
        let started = JournalWriter::start_at(&self.out.join(PARENT_FILE), Clock::system(), observer);
        let (journal, writer) = started.map_err(|why| unwritable(&self.out, &why))?;
        self.held = hold(&self.out);
        let again = self.earlier.unjudged();
        self.write_beginning(args, &journal);
        let keeper = CampaignKeeper::new(&self.name, std::mem::take(&mut self.earlier));
        let queue = MemoryQueue::new(
            self.prepared.names(),
            self.prepared.rules(args),
            journal.clone(),
            observers(&console, &keeper, live),
        );
        queue.offer(
            plan.batches
                .iter()
                .map(|batch| self.prepared.queued(batch))
                .collect(),
        );
        let calibrations = |rig| {
            let own = |batch: &Batch| batch.calibrations_on(rig).map(|own| own.case.clone()).collect();
            let batches = plan.batches.iter();
            batches.map(|batch| (batch.name.clone(), own(batch))).collect()
        };
        Ok(Ready {
            calibrations: (0..self.prepared.rigs.len()).map(calibrations).collect(),
            journal,
            writer,
            console,
            keeper,
            queue,
            again,
            timed: Vec::new(),
        })
    }

    /// Runs the batches, judges the claims, and ends the journal.
    pub(super) fn run(
        &mut self,
        args: &RunArgs,
        ready: Ready,
        seats: Seats,
        ended_elsewhere: &(dyn Fn() -> Option<String> + Sync),
    ) -> Result<ExitCode, CommandError> {
        let Ready {
            journal,
            writer,
            console,
            keeper,
            queue,
            ..
        } = ready;
        let interrupted = seats.work(&FleetWork {
            queue: &queue,
            run: &self.absolute(),
            cases: &self.cases(),
            calibrations: &ready.calibrations,
            again: &ready.again,
            timed: &ready.timed,
            silence: args.rig_silence(),
            max_time: args.max_time,
            fail_fast: args.fail_fast,
            ended_elsewhere,
        });
        console.finish();
        queue.settle();
        let ended = BatchesEnded {
            interrupted,
            paused: queue.is_paused(),
            safe: self.are_safe(args, &queue.lost()) && !queue.rigs_left().is_unsafe,
            has_failed: queue.rigs_left().has_failed,
            abandoned: queue.abandoned(),
        };
        journal.flush();
        let mut verdicts = FinalVerdicts::read(&self.out).map_err(CommandError::error)?;
        // Before the run is over: one that was killed here is resumed, and comes here again.
        keeper.leave_over(verdicts.left_over(), &verdicts.closed_earlier());
        let exit = verdicts.conclude(&journal, &ended);
        journal.flush();
        // After it: a run that is resumed would begin the campaign anew, and end it twice. The next run ends what this one has not.
        keeper.end(&self.prepared.plan.slots, verdicts.claims());
        drop((queue, journal));
        writer.finish().map_err(|why| unwritable(&self.out, &why))?;
        Ok(exit)
    }

    /// Makes the reports.
    pub(super) fn report(
        self,
        args: &RunArgs,
        common: Common,
        outcome: &mut RunOutcome,
        live: Option<LivePage>,
        exit: ExitCode,
    ) -> Result<ExitCode, CommandError> {
        let key = self.prepared.key.as_ref();
        let paint = Paint::new(common.color);
        let concluded = super::conclude(args, &self.out, key, &self.store, outcome, paint);
        if let Some(live) = live {
            live.end(&self.out.join(dfota_record::run_folder::HTML));
        }
        match concluded {
            // A failure of a module stays one, also when it cannot be reported.
            Err(error) if exit == ExitCode::Failed => error.print(),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        Ok(exit)
    }

    /// Whether the guards of these rigs, whose workers died, have left them safe. Their leases are free when they are done.
    fn are_safe(&self, args: &RunArgs, lost: &[usize]) -> bool {
        let rigs = lost.iter().filter_map(|rig| self.prepared.rigs.get(*rig));
        let safe = |rig: &Rig| match crate::cli::command::lease(rig, &args.selection.state, "run") {
            Ok(lease) => lease.is_none_or(|lease| lease.was_left_safe()),
            Err(error) => {
                error.print();
                false
            }
        };
        // Each is looked at, also after one that is not.
        let all: Vec<bool> = rigs.map(safe).collect();
        !all.contains(&false)
    }

    /// The name of the run.
    #[cfg(feature = "lab")]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn absolute(&self) -> PathBuf {
        std::path::absolute(&self.out).unwrap_or_else(|_| self.out.clone())
    }

    fn cases(&self) -> BTreeMap<(String, String), Case> {
        let cases = self.prepared.plan.cases.iter().map(|planned| &planned.case);
        cases
            .map(|case| ((case.suite.clone(), case.id.clone()), case.clone()))
            .collect()
    }

    fn write_beginning(&self, args: &RunArgs, journal: &Journal) {
        let Prepared {
            rigs,
            suites,
            seed,
            plan,
            ..
        } = self.prepared;
        let facts = |rig: &Rig| begin::facts(args, rig, suites, *seed, &self.out, false);
        let all: Vec<RunStarted> = rigs.iter().map(facts).collect();
        if let Some(begun) = joint(all) {
            begin::write(journal, begun, &plan.cases, None, &self.earlier, &self.store);
        }
    }
}

/// Who sees what the rigs do.
fn observers(
    console: &FleetConsole,
    keeper: &CampaignKeeper,
    live: Option<&LivePage>,
) -> Vec<Box<dyn FleetObserver>> {
    let mut observers: Vec<Box<dyn FleetObserver>> =
        vec![Box::new(console.clone()), Box::new(keeper.clone())];
    observers.extend(live.map(|page| -> Box<dyn FleetObserver> { Box::new(page.sink()) }));
    observers
}

/// What the journal of a run on these rigs begins with: the facts of each, and beside them what they have in common.
fn joint(all: Vec<RunStarted>) -> Option<RunStarted> {
    let rigs: Vec<_> = all.iter().map(|begun| begun.rig.clone()).collect();
    let mut begun = all.into_iter().next()?;
    let list = |get: fn(&dfota_core::event::RigFacts) -> &str| {
        let mut parts: Vec<&str> = rigs.iter().map(get).collect();
        parts.dedup();
        parts.join(", ")
    };
    begun.rig.file.name = list(|rig| &rig.file.name);
    begun.rig.file.path = list(|rig| &rig.file.path);
    begun.rig.file.sha256 = sha256_hex(list(|rig| &rig.file.sha256).as_bytes());
    begun.rig.file.text = String::new();
    begun.rig.module = list(|rig| &rig.module);
    begun.rig.simulated = rigs.iter().any(|rig| rig.simulated);
    begun.rig.speed = rigs.iter().map(|rig| rig.speed).fold(f64::INFINITY, f64::min);
    begun.rigs = rigs;
    Some(begun)
}
