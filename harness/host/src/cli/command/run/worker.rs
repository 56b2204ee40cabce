//! The worker of one rig in a run on several: runs the batches that its parent hands it, each with a journal of its own.

use super::{RunArgs, begin, count_wear};
use crate::bench::lease::Lease;
use crate::check::CheckTerms;
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::device::open_rig::{KeptModule, RigHold};
use crate::exit::{CommandError, ExitCode};
use crate::plan::Planned;
use crate::plan::flags::SelectionFlags;
use crate::plan::standing::Standing;
use crate::program;
use crate::run::fleet::wire::{BatchEnded, FromWorker, ToWorker, WorkerBatch, is_dialogue};
use crate::run::runner::stop_signal::{StopLevel, StopSignal};
use crate::run::runner::{BatchCampaigns, Campaigns, RunOptions};
use crate::run::session::{Session, SessionEnded};
use crate::state::run_state::RunState;
use crate::state::wear::Counting;
use crate::state::{RigState, StateDir};
use dfota_clock::Clock;
use dfota_core::case::Case;
use dfota_core::event::{Event, Record};
use dfota_core::seed::Seed;
use dfota_core::urc::Urc;
use dfota_core::verdict::Rule;
use dfota_record::digest::sha256_hex;
use dfota_record::journal::{Journal, JournalWriter, Observer};
use dfota_record::retention::hold;
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a worker with nothing to record says that it is there.
const ALIVE: Duration = Duration::from_secs(2);
/// How much longer than its limits say a case may be silent: the procedures around an update have limits of their own.
const MARGIN: Duration = Duration::from_secs(600);

/// A digest over everything that the run was started with: parent and workers have to have read the same files.
pub(super) fn digest_of_files(rigs: &[Rig], suites: &[Suite]) -> String {
    let mut all = String::new();
    for rig in rigs {
        all += &format!("{} {}\n", rig.name, rig.sha256);
    }
    for suite in suites {
        all += &format!("{} {}\n", suite.name, suite.sha256);
        for loaded in &suite.packages {
            all += &format!("{}\n", loaded.package.sha256);
        }
    }
    sha256_hex(all.as_bytes())
}

/// Says something to the parent. One that is dead is told by the end of standard input.
fn say(message: &FromWorker) {
    let Ok(mut line) = serde_json::to_vec(message) else {
        return;
    };
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
}

/// Works for its parent until that has nothing more to do, or is gone.
pub(super) fn main(args: &RunArgs, name: &str) -> Result<ExitCode, CommandError> {
    program::take_passed_digest();
    match Worker::new(args, name) {
        Ok(mut worker) => {
            say(&FromWorker::Ready {
                files: worker.files.clone(),
            });
            worker.work();
            Ok(ExitCode::Success)
        }
        Err(error) => {
            say(&FromWorker::Refused {
                exit: error.code.code(),
                why: error.message,
            });
            Ok(ExitCode::Success)
        }
    }
}

struct Worker<'a> {
    args: &'a RunArgs,
    rig: Rig,
    suites: Vec<Suite>,
    files: String,
    seed: Seed,
    dir: StateDir,
    state: RigState,
    lease: Option<Lease>,
    /// That of a simulated rig, from the first batch on: as a real one it is the same in each.
    module: KeptModule,
    /// What was timed on this rig in this run.
    timelines: BTreeMap<(String, String, String), dfota_core::timeline::Timeline>,
}

impl<'a> Worker<'a> {
    fn new(args: &'a RunArgs, name: &str) -> Result<Self, CommandError> {
        let (rigs, suites) = crate::cli::command::load_fleet(&args.selection)?;
        let files = digest_of_files(&rigs, &suites);
        let rig = rigs.into_iter().find(|rig| rig.name == name);
        let rig = rig.ok_or_else(|| CommandError::usage(format!("no rig is named `{name}`")))?;
        let seed = args.selection.seed.map(Seed);
        let seed = seed.map_or_else(begin::draw_seed, Ok)?;
        let dir = StateDir::find(&args.selection.state)?;
        let state = dir.rig(&rig);
        state.make()?;
        let lease = crate::cli::command::lease(&rig, &args.selection.state, "run")?;
        Ok(Self {
            args,
            rig,
            suites,
            files,
            seed,
            dir,
            state,
            lease,
            module: KeptModule::new(),
            timelines: BTreeMap::new(),
        })
    }

    fn work(&mut self) {
        let stop = Arc::new(StopSignal::default());
        let orders = orders(Arc::clone(&stop));
        while let Ok(order) = orders.recv() {
            match order {
                ToWorker::End => return,
                ToWorker::TimeOver | ToWorker::Stop => {}
                ToWorker::Batch(batch) => {
                    let ended = self.batch(&batch, &stop).unwrap_or_else(|error| BatchEnded {
                        exit: error.code.code(),
                        out: Some(error.message),
                        notes: Vec::new(),
                    });
                    say(&FromWorker::Ended(ended));
                }
            }
        }
    }

    fn batch(&mut self, batch: &WorkerBatch, stop: &Arc<StopSignal>) -> Result<BatchEnded, CommandError> {
        let folder = batch.run.join(&batch.taken.folder);
        std::fs::create_dir_all(&folder).map_err(|why| super::unwritable(&folder, &why))?;
        let clock = Clock::scaled(self.rig.speed());
        let watch = Arc::new(Mutex::new(BatchWatch::new(self.rig.speed())));
        // From here on: also what comes before the first record takes its time on a small machine.
        let alive = Alive::start(&watch);
        let pipe = Pipe {
            watch: Arc::clone(&watch),
            shown: ShownByParent::new(self.args),
        };
        let (observer, wear) = Counting::new(Box::new(pipe));
        let (journal, writer) = JournalWriter::start(&folder, clock, Box::new(observer))
            .map_err(|why| super::unwritable(&folder, &why))?;
        // The parent may have died meanwhile, and the run may have been resumed without this process.
        let held = hold(&folder);
        if let Ok(None) = held {
            let folder = folder.display();
            let why = format!("`{folder}` belongs to another process: the run was resumed without this one");
            return Err(CommandError::error(why));
        }
        let name = begin::facts(self.args, &self.rig, &self.suites, self.seed, &folder, false);
        let run = batch
            .run
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(lease) = &mut self.lease {
            lease.name(&run)?;
        }
        self.know(batch);
        let cases = self.cases(batch);
        self.begin(&journal, name, &cases);
        let ended = self.session(batch, &folder, &cases, stop, clock, &journal)?;
        drop((alive, journal));
        let written = writer.finish();
        if self.rig.counts_wear() {
            count_wear(&self.state, &wear);
        }
        let watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.timelines.extend(watch.timelines.clone());
        written.map_err(|why| super::unwritable(&folder, &why))?;
        Ok(watch.ended(&ended))
    }

    /// Takes in what this rig timed before the run was resumed.
    fn know(&mut self, batch: &WorkerBatch) {
        for timed in batch.timed.iter().cloned() {
            let key = (timed.suite, timed.campaign, timed.package);
            self.timelines.entry(key).or_insert(timed.timeline);
        }
    }

    /// The cases of the batch, after the calibrations that this rig does not have yet.
    fn cases(&self, batch: &WorkerBatch) -> Vec<Planned> {
        let known = |case: &&Case| {
            let campaign = case.part.as_ref().map_or("", |part| &part.campaign);
            let key = (case.suite.clone(), campaign.to_owned(), case.package.name.clone());
            self.timelines.contains_key(&key)
        };
        let new = batch.calibrations.iter().filter(|case| !known(case));
        new.chain(&batch.cases).cloned().map(Planned::bare).collect()
    }

    fn begin(&self, journal: &Journal, begun: dfota_core::event::RunStarted, cases: &[Planned]) {
        journal.post(Event::RunStarted(Box::new(begun)));
        for Planned { case, .. } in cases {
            journal.post(Event::CasePlanned {
                case: Box::new(case.clone()),
                skip: None,
            });
        }
        for ((suite, campaign, package), timeline) in &self.timelines {
            journal.post(Event::Calibrated {
                suite: suite.clone(),
                campaign: campaign.clone(),
                package: package.clone(),
                timeline: timeline.clone(),
            });
        }
    }

    /// What selects this rig alone, given so often: a case that failed is looked at on the module that failed it.
    fn own_selection(&self, times: usize) -> SelectionFlags {
        SelectionFlags {
            rigs: vec![self.rig.file.clone(); times],
            ..self.args.selection.clone()
        }
    }

    fn session(
        &self,
        batch: &WorkerBatch,
        folder: &std::path::Path,
        cases: &[Planned],
        stop: &Arc<StopSignal>,
        clock: Clock,
        journal: &Journal,
    ) -> Result<SessionEnded, CommandError> {
        let standing = Standing::new(&self.rig, &self.state, cases, 0)?;
        let session = Session {
            rig: &self.rig,
            suites: &self.suites,
            cases,
            slots: &[],
            options: RunOptions {
                seed: self.seed,
                fail_fast: self.args.fail_fast,
                max_time: None,
                rerun: begin::rerun(&self.own_selection(1), self.seed),
                rerun_here: begin::rerun(&self.own_selection(self.rig.times_given()), self.seed),
                cut_given: self.args.selection.cut.is_some(),
                stop: Some(Arc::clone(stop)),
                is_batch: true,
                // Two simulated modules of one run are two individuals.
                module_seed: Seed(self.seed.draw(&self.rig.name)),
            },
            bisect: None,
            hold: RigHold {
                lease: self.lease.as_ref(),
                module: Some(&self.module),
            },
            terms: CheckTerms::new(&self.rig, &self.dir, folder.to_owned()),
            found: standing.found(&self.rig, &self.state),
            state: RunState::new(&self.rig, &self.state, &batch.run),
            clock,
            journal,
        };
        if let Some(why) = standing.refused() {
            return Ok(session.refused(Rule::RigQuarantined, &why, None));
        }
        let all: Vec<Case> = cases.iter().map(|planned| planned.case.clone()).collect();
        let known = BatchCampaigns {
            timelines: self.timelines.clone(),
            again: batch.again.clone(),
        };
        Ok(session.run(Campaigns::for_batch(&batch.taken.batch, &all, &known)))
    }
}

/// Reads what the parent says. When that is over, so is the run: the present case is the last.
fn orders(stop: Arc<StopSignal>) -> Receiver<ToWorker> {
    let (send, orders) = channel();
    let read = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(ToWorker::TimeOver) => stop.raise(StopLevel::TimeOver),
                Ok(ToWorker::Stop) => stop.raise(StopLevel::Stop),
                Ok(order) => {
                    if send.send(order).is_err() {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        stop.raise(StopLevel::Stop);
    };
    let started = std::thread::Builder::new().name("orders".into()).spawn(read);
    if let Err(why) = started {
        tracing::error!("no thread that reads the parent's orders: {why}");
    }
    orders
}

/// What is seen of a batch on its way to the parent.
#[derive(Debug)]
struct BatchWatch {
    speed: f64,
    timelines: BTreeMap<(String, String, String), dfota_core::timeline::Timeline>,
    /// Why the runner gave the module up.
    given_up: Option<String>,
    /// Until when the runner may be silent.
    silent_until: Instant,
}

impl BatchWatch {
    fn new(speed: f64) -> Self {
        Self {
            speed,
            timelines: BTreeMap::new(),
            given_up: None,
            silent_until: Instant::now() + MARGIN.div_f64(speed),
        }
    }

    fn on(&mut self, record: &Record) {
        let mut may_take = Duration::ZERO;
        match &record.event {
            Event::Calibrated {
                suite,
                campaign,
                package,
                timeline,
            } => {
                let key = (suite.clone(), campaign.clone(), package.clone());
                self.timelines.insert(key, timeline.clone());
            }
            Event::GivenUp { cause } => self.given_up = Some(cause.clone()),
            Event::Attempt(attempt) => may_take = Duration::from_nanos(attempt.bound_ns),
            _ => {}
        }
        let until = Instant::now() + (may_take + MARGIN).div_f64(self.speed);
        self.silent_until = self.silent_until.max(until);
    }

    fn ended(&self, ended: &SessionEnded) -> BatchEnded {
        let failed = ended.has_failed.then(|| {
            let notes = ended.notes.join("; ");
            if notes.is_empty() {
                "the rig failed".to_owned()
            } else {
                notes
            }
        });
        BatchEnded {
            exit: ended.exit.code(),
            out: self.given_up.clone().or(failed),
            notes: ended.notes.clone(),
        }
    }
}

/// What the parent shows beside cases and verdicts.
#[derive(Debug, Clone, Copy)]
struct ShownByParent {
    /// Every line of the dialogue, on the page of the run.
    dialogue: bool,
    /// How far the module is, on a terminal.
    percent: bool,
}

impl ShownByParent {
    fn new(args: &RunArgs) -> Self {
        Self {
            dialogue: args.live.is_some(),
            // It is the parent's as well.
            percent: std::io::stderr().is_terminal(),
        }
    }

    /// Whether the parent needs the record. Most of a journal is the dialogue; the parent knows a batch by its journal.
    fn needs(self, event: &Event) -> bool {
        let percent = || matches!(event, Event::Rx { text, .. } if is_percent(text));
        self.dialogue || !is_dialogue(event) || (self.percent && percent())
    }
}

/// Whether a line of the module says how far it is.
fn is_percent(line: &str) -> bool {
    matches!(Urc::parse(line.as_bytes()), Some(Urc::Fota(_)))
}

/// Tells the parent what it needs to know.
struct Pipe {
    watch: Arc<Mutex<BatchWatch>>,
    shown: ShownByParent,
}

impl Observer for Pipe {
    fn on(&mut self, record: &Record) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.on(record);
        drop(watch);
        if self.shown.needs(&record.event) {
            say(&FromWorker::Record(Box::new(record.clone())));
        }
    }
}

/// Says that the worker is there, as long as the runner keeps within its limits.
struct Alive {
    over: Arc<AtomicBool>,
}

impl Alive {
    fn start(watch: &Arc<Mutex<BatchWatch>>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (ended, watch) = (Arc::clone(&over), Arc::clone(watch));
        let beat = move || {
            while !ended.load(Ordering::Relaxed) {
                let until = watch.lock().unwrap_or_else(PoisonError::into_inner).silent_until;
                if Instant::now() < until {
                    say(&FromWorker::Alive);
                }
                std::thread::park_timeout(ALIVE);
            }
        };
        let _ = std::thread::Builder::new().name("alive".into()).spawn(beat);
        Self { over }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
