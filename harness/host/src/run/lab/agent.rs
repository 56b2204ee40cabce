//! The agent of one rig: takes batches from the lab and has the worker of its own machine run them.

use super::board::{FromAgent, Job, JobNote, LabRigState, RigCard, RigOrder, RunOrder};
use super::files::lay_out;
use super::journal_mirror::JournalMirror;
use super::labgrid::{Labgrid, LabgridError, PlaceHold, PlaceNews};
use super::layout::KEPT;
use super::server::{LabError, LabServer, LeasedJob};
use super::subjects::{self, token};
use crate::run::fleet::rig_worker::{RigWorker, WorkerNews};
use crate::run::fleet::wire::{BatchEnded, FromWorker, ToWorker, WorkerBatch};
use crate::run::fleet::worker_process::WorkerProcess;
use dfota_record::journal;
use dfota_record::retention::hold;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long an agent without work waits for some before it looks around.
const IDLE: Duration = Duration::from_millis(500);
/// How often an agent at work looks around.
const LOOK: Duration = Duration::from_millis(100);
/// How often an agent looks whether it may begin.
const GRANT: Duration = Duration::from_millis(5);
/// How long a worker may take until it has its rig.
const READY: Duration = Duration::from_secs(90);
/// How long the agent waits before it talks to a server again that did not answer.
const AGAIN: Duration = Duration::from_secs(1);
/// Stands beside a journal that the lab has as a whole.
const UPLOADED: &str = "uploaded";

/// Makes the command of a worker: folder of the run, suites below it, flags.
pub type WorkerCommand = dyn Fn(&Path, &[String], &[String]) -> Command;

/// What an agent is for.
pub struct AgentSetup {
    /// The rig, as it is shown to the lab.
    pub card: RigCard,
    /// Where the agent keeps files and journals of runs.
    pub folder: PathBuf,
    /// A worker that says nothing for so long is lost.
    pub silence: Duration,
    /// When nothing is heard of a run for so long, its case is the last.
    pub orphaned_after: Duration,
    /// Raised by a signal.
    pub stop: Arc<AtomicBool>,
    pub worker: Box<WorkerCommand>,
    /// The place of labgrid that the rig is.
    pub labgrid: Option<Labgrid>,
    /// Whether the rig may have a batch: nothing, or why not.
    pub why_out: Box<dyn Fn() -> Option<String>>,
}

/// An agent at work.
pub struct Agent {
    lab: Arc<LabServer>,
    setup: AgentSetup,
    /// The run that the present worker was started for.
    worker: Option<RunWorker>,
    /// The place of labgrid of the present batch.
    place: Option<PlaceHold>,
    shown: Option<Instant>,
}

struct RunWorker {
    run: String,
    process: Box<WorkerProcess>,
}

/// What a run said last.
#[derive(Debug)]
struct Heard {
    wanted: RigOrder,
    at: Instant,
}

/// Seconds since 1970.
pub fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl Agent {
    pub fn new(lab: Arc<LabServer>, setup: AgentSetup) -> Self {
        Self {
            lab,
            setup,
            worker: None,
            place: None,
            shown: None,
        }
    }

    /// Sends what an agent before this one left, and then works until it is stopped. Whoever calls this has the [`lock`].
    pub fn work(&mut self) -> Result<(), LabError> {
        // Before the lab has forgotten an agent that was killed: its run waits for what it did.
        self.send_orphans();
        prune(&self.setup.folder);
        self.register()?;
        while !self.is_stopped() {
            self.show(self.state(), false);
            if self.setup.card.state != LabRigState::Idle {
                std::thread::sleep(IDLE);
                continue;
            }
            match self.lab.lease_job(&self.setup.card.name, IDLE) {
                Ok(None) => {}
                Ok(Some(job)) => self.run(&job),
                Err(why) => {
                    tracing::warn!("{why}");
                    std::thread::sleep(AGAIN);
                }
            }
        }
        self.end_worker();
        self.lab.remove_rig(&self.setup.card.name);
        Ok(())
    }

    /// Two agents for one rig would take each other's batches.
    fn register(&mut self) -> Result<(), LabError> {
        self.lab.create_rig(&self.setup.card, self.setup.stop.as_ref())
    }

    fn is_stopped(&self) -> bool {
        self.setup.stop.load(Ordering::Relaxed)
    }

    /// What the rig does when it has no batch.
    fn state(&self) -> LabRigState {
        if self.lab.is_drained(&self.setup.card.name) {
            return LabRigState::Drained;
        }
        (self.setup.why_out)().map_or(LabRigState::Idle, LabRigState::Out)
    }

    /// Says what the rig does: when that changes, and before the lab forgets it.
    fn show(&mut self, state: LabRigState, now: bool) {
        let is_due = self.shown.is_none_or(|at| at.elapsed() > self.lab.lease / 4);
        if self.setup.card.state == state && !is_due && !now {
            return;
        }
        if self.setup.card.state != state {
            self.setup.card.since = seconds_now();
        }
        self.setup.card.state = state;
        match self.lab.put_rig(&self.setup.card) {
            Ok(()) => self.shown = Some(Instant::now()),
            Err(why) => tracing::warn!("{why}"),
        }
    }

    fn run_folder(&self, run: &str) -> PathBuf {
        self.setup.folder.join(token(run))
    }

    /// Runs a batch that was leased. Acknowledged last: until then it comes again.
    fn run(&mut self, leased: &LeasedJob) {
        match serde_json::from_slice::<JobNote>(&leased.payload) {
            Ok(note) => match self.job(&note) {
                Ok(job) => self.run_job(&job, leased),
                Err(why) => {
                    let (folder, why) = (note.folder, format!("the batch cannot be read: {why}"));
                    self.say(&note.run, &FromAgent::Refused { folder, why });
                }
            },
            Err(why) => tracing::error!("a batch cannot be read: {why}"),
        }
        while let Err(why) = self.lab.end_job(leased) {
            tracing::warn!("{why}");
            if self.is_stopped() {
                break;
            }
            std::thread::sleep(AGAIN);
        }
    }

    fn job(&self, note: &JobNote) -> Result<Job, String> {
        let bytes = self.lab.object(&note.object).map_err(|why| why.to_string())?;
        serde_json::from_slice(&bytes).map_err(|why| why.to_string())
    }

    fn run_job(&mut self, job: &Job, leased: &LeasedJob) {
        let folder = job.batch.taken.folder.clone();
        let state = LabRigState::Works {
            run: job.run.clone(),
            batch: job.batch.taken.batch.clone(),
        };
        self.show(state.clone(), true);
        let at = self.run_folder(&job.run).join(&folder);
        let path = at.join(journal::FILE);
        if path.exists() {
            // An agent before this one had it. What it did counts, and nothing is done twice.
            if !await_end(&at, &self.setup.stop) {
                return;
            }
            let mirror = JournalMirror::of_batch(&job.run, &self.setup.card.name, &folder, path);
            self.send_to_its_end(job, mirror, interrupted());
            return;
        }
        let heard = self.listen(&job.run);
        let ended = self.hold_place(job, leased, &heard).and_then(|()| {
            self.show(state, false);
            let mirror = JournalMirror::of_batch(&job.run, &self.setup.card.name, &folder, path);
            self.run_granted(job, leased, &heard, mirror)
        });
        self.release_place();
        match ended {
            Ok((mirror, ended)) => self.send_to_its_end(job, mirror, ended),
            Err(why) => self.say(&job.run, &FromAgent::Refused { folder, why }),
        }
    }

    /// Runs the batch, as soon as the run says that it may begin.
    fn run_granted(
        &mut self,
        job: &Job,
        leased: &LeasedJob,
        heard: &Mutex<Heard>,
        mirror: JournalMirror,
    ) -> Result<(JournalMirror, BatchEnded), String> {
        let folder = job.batch.taken.folder.clone();
        self.say(
            &job.run,
            &FromAgent::Taken {
                folder: folder.clone(),
            },
        );
        self.await_grant(heard, &folder)?;
        self.begin(job, leased)?;
        Ok(self.batch(job, leased, heard, mirror))
    }

    /// Acquires the labgrid place of the rig, if the rig file names one. While somebody else has the place, the batch waits.
    /// The error says why the agent stopped waiting.
    fn hold_place(&mut self, job: &Job, leased: &LeasedJob, heard: &Mutex<Heard>) -> Result<(), String> {
        let Some(labgrid) = &self.setup.labgrid else {
            return Ok(());
        };
        let mut place = labgrid
            .hold()
            .map_err(|why| LabgridError::unkept(why).to_string())?;
        let mut kept = Instant::now();
        loop {
            match place
                .next(IDLE)
                .map_err(|why| LabgridError::unkept(why).to_string())?
            {
                Some(PlaceNews::Acquired) => {
                    self.keep(job, leased);
                    self.place = Some(place);
                    return Ok(());
                }
                Some(PlaceNews::Waits(why)) => {
                    tracing::warn!("a batch of `{}`: {why}", job.run);
                    let run = job.run.clone();
                    self.show(LabRigState::Waits { run, why }, true);
                }
                None => {}
            }
            if kept.elapsed() > self.lab.lease / 4 {
                kept = Instant::now();
                self.keep(job, leased);
            }
            self.may_wait(heard)?;
        }
    }

    /// Releases the place, once the worker has ended: that has the lines of the rig.
    fn release_place(&mut self) {
        if self.place.is_some() {
            self.end_worker();
            self.place = None;
        }
    }

    /// Whether a batch may still wait for its place; the error has why not.
    fn may_wait(&self, heard: &Mutex<Heard>) -> Result<(), String> {
        let order = heard.lock().unwrap_or_else(PoisonError::into_inner).wanted.order;
        let why = if self.is_stopped() {
            "its agent was stopped"
        } else if order != RunOrder::GoOn {
            "the run ended while its labgrid place was still in use"
        } else if self.is_orphaned(heard) {
            "the program of the run ended while its labgrid place was still in use"
        } else if self.lab.is_drained(&self.setup.card.name) {
            "it is drained"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }

    /// Waits until the run says that the batch may begin: it may have given this rig up meanwhile.
    fn await_grant(&self, heard: &Mutex<Heard>, folder: &str) -> Result<(), String> {
        let until = Instant::now() + self.lab.lease;
        while Instant::now() < until && !self.is_stopped() {
            let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            if heard.wanted.batch.as_deref() == Some(folder) {
                return Ok(());
            }
            if heard.wanted.order != RunOrder::GoOn {
                break;
            }
            drop(heard);
            std::thread::sleep(GRANT);
        }
        Err(
            "the run did not say that the batch may begin: it has given the rig up, or its program ended"
                .to_owned(),
        )
    }

    /// Gets everything ready that the batch needs.
    fn begin(&mut self, job: &Job, leased: &LeasedJob) -> Result<(), String> {
        let card = &self.setup.card;
        if job.sources != card.sources {
            return Err(format!(
                "the agent's program was built from sources with the SHA-256 {}, and the run was planned with {}: install one version on all machines",
                card.sources, job.sources
            ));
        }
        let folder = self.run_folder(&job.run);
        lay_out(&self.lab, &job.files, &folder).map_err(|why| why.to_string())?;
        std::fs::write(folder.join(RUN_NAME), &job.run)
            .map_err(|why| format!("`{}` cannot be written: {why}", folder.display()))?;
        if self.worker.as_ref().is_some_and(|worker| worker.run == job.run) {
            return Ok(());
        }
        self.end_worker();
        let command = (self.setup.worker)(&folder, &job.suites, &job.flags);
        let process =
            WorkerProcess::start(command).map_err(|why| format!("its worker could not be started: {why}"))?;
        if let Some(place) = &self.place {
            place
                .outlast(process.id())
                .map_err(|why| LabgridError::unkept(why).to_string())?;
        }
        let mut process = Box::new(process);
        let until = Instant::now() + READY;
        let news = loop {
            // Files and worker take their time.
            self.keep(job, leased);
            let left = until.saturating_duration_since(Instant::now());
            match process.next(left.min(self.lab.lease / 4)) {
                WorkerNews::Silent if Instant::now() < until => {}
                news => break news,
            }
        };
        match news {
            WorkerNews::Said(FromWorker::Ready { files }) if files == job.digest => {
                self.worker = Some(RunWorker {
                    run: job.run.clone(),
                    process,
                });
                Ok(())
            }
            WorkerNews::Said(FromWorker::Ready { .. }) => {
                Err("the rig file was changed since the agent was started: start the agent again".to_owned())
            }
            WorkerNews::Said(FromWorker::Refused { why, .. }) => Err(why),
            WorkerNews::Said(_) => Err("its worker did not begin as expected".to_owned()),
            WorkerNews::Silent => Err(format!(
                "its worker was not ready after {}",
                humantime::format_duration(READY)
            )),
            WorkerNews::Gone(why) => Err(why),
        }
    }

    /// Has the worker run the batch. The journal goes to the lab as it is written.
    fn batch(
        &mut self,
        job: &Job,
        leased: &LeasedJob,
        heard: &Mutex<Heard>,
        mut mirror: JournalMirror,
    ) -> (JournalMirror, BatchEnded) {
        self.keep(job, leased);
        let batch = WorkerBatch {
            run: self.run_folder(&job.run),
            ..job.batch.clone()
        };
        if let Some(worker) = &mut self.worker {
            worker.process.tell(&ToWorker::Batch(batch));
        }
        let (mut told, mut last, mut kept) = (RunOrder::GoOn, Instant::now(), Instant::now());
        let mut is_orphaned = false;
        let mut ended = loop {
            let Some(worker) = &mut self.worker else {
                break gone("it has no worker");
            };
            match worker.process.next(LOOK) {
                WorkerNews::Said(FromWorker::Ended(ended)) => break ended,
                WorkerNews::Said(FromWorker::Refused { why, .. }) | WorkerNews::Gone(why) => {
                    self.worker = None;
                    break gone(&why);
                }
                WorkerNews::Said(_) => {
                    last = Instant::now();
                    // Kept while the worker gets on, and not by a clock that outlives one that hangs.
                    if kept.elapsed() > self.lab.lease / 4 {
                        kept = last;
                        self.keep(job, leased);
                    }
                }
                WorkerNews::Silent if last.elapsed() < self.setup.silence => {}
                WorkerNews::Silent => {
                    self.worker = None;
                    let silence = humantime::format_duration(self.setup.silence);
                    break gone(&format!("its worker said nothing for {silence}"));
                }
            }
            is_orphaned |= self.is_orphaned(heard);
            told = self.pass_on(heard, told, is_orphaned);
            if let Err(why) = mirror.catch_up(&self.lab) {
                tracing::warn!("{why}");
            }
        };
        if is_orphaned {
            // Its run, if it lives after all, has to give the rest of the batch to somebody.
            let silence = humantime::format_duration(self.setup.orphaned_after);
            ended
                .out
                .get_or_insert_with(|| format!("it heard nothing of its run for {silence}, and stopped"));
        }
        (mirror, ended)
    }

    /// Extends the lease, and says that the batch gets on.
    fn keep(&mut self, job: &Job, leased: &LeasedJob) {
        self.lab.keep_job(leased);
        self.lab
            .tell(subjects::beats(&job.run, &self.setup.card.name), Vec::new());
        self.show(self.setup.card.state.clone(), false);
    }

    /// Hears what the run wants, from now on.
    fn listen(&self, run: &str) -> Arc<Mutex<Heard>> {
        let heard = Arc::new(Mutex::new(Heard {
            wanted: RigOrder::default(),
            at: Instant::now(),
        }));
        let listener = Arc::downgrade(&heard);
        let orders = subjects::orders(run, &self.setup.card.name);
        let listening = self.lab.listen(orders, move |_, payload| {
            let Some(heard) = listener.upgrade() else {
                return false;
            };
            if let Ok(wanted) = serde_json::from_slice(payload) {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = Heard {
                    wanted,
                    at: Instant::now(),
                };
            }
            true
        });
        if let Err(why) = listening {
            tracing::warn!("{why}");
        }
        heard
    }

    /// Whether nothing was heard of the run for so long that its case is the last.
    fn is_orphaned(&self, heard: &Mutex<Heard>) -> bool {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.at.elapsed() > self.setup.orphaned_after
    }

    /// Passes on to the worker what is new of what is wanted.
    fn pass_on(&mut self, heard: &Mutex<Heard>, told: RunOrder, is_orphaned: bool) -> RunOrder {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = heard.wanted.order;
        drop(heard);
        if is_orphaned {
            wanted = wanted.max(RunOrder::Stop);
        }
        if self.is_stopped() {
            wanted = wanted.max(RunOrder::Interrupt);
        }
        let Some(worker) = self.worker.as_mut().filter(|_| wanted > told) else {
            return told;
        };
        match wanted {
            RunOrder::GoOn => {}
            RunOrder::TimeOver => worker.process.tell(&ToWorker::TimeOver),
            RunOrder::Stop => worker.process.tell(&ToWorker::Stop),
            RunOrder::Interrupt => worker.process.interrupter().interrupt(),
            RunOrder::InterruptNow => {
                // Each counts: one that was skipped is made up for.
                if told < RunOrder::Interrupt {
                    worker.process.interrupter().interrupt();
                }
                worker.process.interrupter().interrupt();
            }
        }
        wanted
    }

    fn end_worker(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.process.end();
        }
    }

    /// Sends the rest of a journal and then how the batch ended, however long the network is away.
    fn send_to_its_end(&mut self, job: &Job, mut mirror: JournalMirror, ended: BatchEnded) {
        let folder = job.batch.taken.folder.clone();
        while let Err(why) = mirror.catch_up(&self.lab) {
            tracing::warn!("{why}");
            if self.is_stopped() {
                // The next agent of this rig sends the rest.
                return;
            }
            std::thread::sleep(AGAIN);
        }
        let at = self.run_folder(&job.run).join(&folder);
        let bytes = mirror.sent();
        self.say(&job.run, &FromAgent::Ended { folder, ended, bytes });
        if let Err(why) = std::fs::write(at.join(UPLOADED), "") {
            tracing::warn!("`{}`: {why}", at.display());
        }
    }

    /// Says something that is kept, however long the network is away.
    fn say(&self, run: &str, message: &FromAgent) {
        let subject = subjects::records(run, &self.setup.card.name);
        let payload = serde_json::to_vec(message).unwrap_or_default();
        let kind = match message {
            FromAgent::Taken { .. } => "taken",
            FromAgent::Lines { .. } => "lines",
            FromAgent::Ended { .. } => "ended",
            FromAgent::Refused { .. } => "refused",
        };
        let id = format!("{subject}/{}#{kind}", message.folder());
        while let Err(why) = self.lab.store(subject.clone(), id.clone(), payload.clone()) {
            tracing::warn!("{why}");
            if self.is_stopped() {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Sends journals that an agent before this one did not send to their end.
    fn send_orphans(&self) {
        for orphan in orphans(&self.setup.folder) {
            let Orphan { run, folder, at } = orphan;
            if !await_end(&at, &self.setup.stop) {
                return;
            }
            let mut mirror =
                JournalMirror::of_batch(&run, &self.setup.card.name, &folder, at.join(journal::FILE));
            if let Err(why) = mirror.catch_up(&self.lab) {
                tracing::warn!("{why}");
                continue;
            }
            self.say(
                &run,
                &FromAgent::Ended {
                    folder,
                    ended: interrupted(),
                    bytes: mirror.sent(),
                },
            );
            let _ = std::fs::write(at.join(UPLOADED), "");
        }
    }
}

/// Keeps other agents from this folder until the file is dropped: they would send each other's journals. `None`: another one has it.
pub fn lock(agent: &Path) -> io::Result<Option<File>> {
    let file = File::create(agent.join("lock"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(None),
        // A file system without locks has none: then nobody is kept out.
        _ => Ok(Some(file)),
    }
}

/// Waits for the worker of an agent that was killed: it finishes its case, and has the rig until then.
pub fn await_workers(agent: &Path, stop: &AtomicBool) {
    for orphan in orphans(agent) {
        await_end(&orphan.at, stop);
    }
}

/// Waits until nobody writes the journal in this folder; whether that is so.
fn await_end(folder: &Path, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Relaxed) {
        match hold(folder) {
            Ok(Some(_)) => return true,
            Ok(None) => tracing::info!("`{}`: its worker finishes its case", folder.display()),
            Err(why) => tracing::warn!("`{}`: {why}", folder.display()),
        }
        std::thread::sleep(AGAIN);
    }
    false
}

/// Removes folders of runs that the lab has had for as long as it keeps them, and whose journals were sent.
fn prune(agent: &Path) {
    let waiting: Vec<PathBuf> = orphans(agent).into_iter().map(|orphan| orphan.at).collect();
    let runs = std::fs::read_dir(agent).into_iter().flatten().flatten();
    for run in runs.map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let modified = run.join(RUN_NAME).metadata().and_then(|facts| facts.modified());
        let age = modified.ok().and_then(|at| at.elapsed().ok());
        let is_old = age.is_some_and(|age| age > KEPT);
        if is_old
            && !waiting.iter().any(|at| at.starts_with(&run))
            && let Err(why) = std::fs::remove_dir_all(&run)
        {
            tracing::warn!("`{}`: {why}", run.display());
        }
    }
}

/// A journal of an agent that ended before it was sent.
struct Orphan {
    run: String,
    folder: String,
    at: PathBuf,
}

/// The journals below an agent's folder that were not sent to their end.
fn orphans(agent: &Path) -> Vec<Orphan> {
    let pattern = format!(
        "{}/*/rigs/*/*/{}",
        glob::Pattern::escape(&agent.to_string_lossy()),
        journal::FILE
    );
    let found = glob::glob(&pattern).into_iter().flatten().filter_map(Result::ok);
    let of_path = |path: PathBuf| {
        let at = path.parent()?.to_owned();
        let run = at.ancestors().nth(3)?;
        let folder = at.strip_prefix(run).ok()?.to_string_lossy().into_owned();
        let is_sent = at.join(UPLOADED).exists();
        let run = std::fs::read_to_string(run.join(RUN_NAME)).ok()?;
        (!is_sent).then_some(Orphan { run, folder, at })
    };
    found.filter_map(of_path).collect()
}

/// Holds the name of a run, which its folder has as a token.
const RUN_NAME: &str = "run-name";

fn interrupted() -> BatchEnded {
    gone("its agent ended in the middle of the batch")
}

fn gone(why: &str) -> BatchEnded {
    BatchEnded {
        out: Some(why.to_owned()),
        ..BatchEnded::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    /// A run with one batch, that was used so long ago.
    fn run(agent: &Path, name: &str, age: Duration, uploaded: bool) -> PathBuf {
        let run = agent.join(name);
        let batch = run.join("rigs/a/lab-1");
        std::fs::create_dir_all(&batch).unwrap();
        std::fs::write(batch.join(journal::FILE), "{}\n").unwrap();
        if uploaded {
            std::fs::write(batch.join(UPLOADED), "").unwrap();
        }
        let file = File::create(run.join(RUN_NAME)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        run
    }

    #[test]
    fn old_runs_go_but_for_those_that_were_not_sent() {
        let agent = tempfile::tempdir().unwrap();
        let old = KEPT + Duration::from_secs(60);
        let sent = run(agent.path(), "sent", old, true);
        let unsent = run(agent.path(), "unsent", old, false);
        let young = run(agent.path(), "young", Duration::ZERO, true);
        prune(agent.path());
        assert!(!sent.exists());
        assert!(unsent.exists() && young.exists());
    }
}
