//! Runs the rigs of a run: one thread for each rig, and one that passes signals on to the workers.

use super::memory_queue::MemoryQueue;
use super::rig_loop::{RigSeat, serve};
use super::rig_worker::{InterruptWorker, RigWorker, WorkerNews};
use super::wire::{FromWorker, RigTimeline};
use super::work_queue::WorkQueue;
use crate::exit::{CommandError, ExitCode};
use crate::terminal::print_warning;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::fleet::PauseCause;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long a worker may take until it has its rig: the guard of a dead owner may still be at work.
const READY: Duration = Duration::from_secs(90);
/// How often it is looked whether the time is over.
const LOOK: Duration = Duration::from_millis(50);

/// A worker, and the rig that it is for.
pub struct StartedWorker {
    /// The rig's place in the run.
    pub place: usize,
    pub rig: String,
    pub worker: Box<dyn RigWorker>,
}

impl StartedWorker {
    /// Waits until it has its rig, and has read the same `files` as its parent.
    pub fn ready(&mut self, files: &str) -> Result<(), CommandError> {
        let rig = &self.rig;
        match self.worker.next(READY) {
            WorkerNews::Said(FromWorker::Ready { files: read }) if read == files => Ok(()),
            WorkerNews::Said(FromWorker::Ready { .. }) => Err(CommandError::error(format!(
                "rig `{rig}`: a file was changed while the run began: start it again"
            ))),
            WorkerNews::Said(FromWorker::Refused { exit, why }) => {
                let code = if exit == ExitCode::Usage.code() {
                    ExitCode::Usage
                } else {
                    ExitCode::Error
                };
                Err(CommandError::new(code, why))
            }
            WorkerNews::Said(_) => Err(CommandError::error(format!(
                "rig `{rig}`: its process did not begin as expected"
            ))),
            WorkerNews::Silent => Err(CommandError::error(format!(
                "rig `{rig}`: its process was not ready after {}",
                humantime::format_duration(READY)
            ))),
            WorkerNews::Gone(why) => Err(CommandError::error(format!("rig `{rig}`: {why}"))),
        }
    }
}

/// What the rigs work on.
pub struct FleetWork<'w> {
    pub queue: &'w MemoryQueue,
    /// The run folder.
    pub run: &'w Path,
    /// Every case, by suite and id.
    pub cases: &'w BTreeMap<(String, String), Case>,
    /// What each rig has to have run before a batch, by rig and batch.
    pub calibrations: &'w [BTreeMap<String, Vec<Case>>],
    /// Cuts to be made again exactly, by suite and case.
    pub again: &'w BTreeMap<(String, String), Cut>,
    /// What each rig timed before the run was resumed.
    pub timed: &'w [Vec<RigTimeline>],
    pub silence: Duration,
    /// After this long, nothing is handed out any more.
    pub max_time: Option<Duration>,
    /// The first case that does not pass ends the handing out.
    pub fail_fast: bool,
    /// Why somebody elsewhere wants the end of the run, if somebody does.
    pub ended_elsewhere: &'w (dyn Fn() -> Option<String> + Sync),
}

/// The rigs of a run, each with its worker.
pub struct Seats {
    workers: Vec<StartedWorker>,
}

impl Seats {
    pub fn new(workers: Vec<StartedWorker>) -> Self {
        Self { workers }
    }

    /// Works until nothing is left to do; whether a signal ended it.
    pub fn work(self, work: &FleetWork<'_>) -> bool {
        let workers = self.workers.iter().map(|started| started.worker.interrupter());
        let workers: Vec<Box<dyn InterruptWorker>> = workers.collect();
        let signals = Signals::new();
        let began = Instant::now();
        std::thread::scope(|scope| {
            let rigs = self.workers.into_iter().map(|started| {
                let rig = started.place;
                let seat = RigSeat {
                    rig,
                    run: work.run,
                    cases: work.cases,
                    calibrations: work.calibrations.get(rig),
                    again: work.again,
                    timed: work.timed.get(rig).map_or(&[], Vec::as_slice),
                    silence: work.silence,
                    fail_fast: work.fail_fast,
                };
                scope.spawn(move || serve(work.queue, &seat, started.worker))
            });
            let rigs: Vec<_> = rigs.collect();
            let mut passed_on = 0;
            while !rigs.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                // Each counts, also two that came between two looks.
                while passed_on < signals.seen() {
                    passed_on += 1;
                    interrupt(work.queue, &workers, passed_on);
                }
                if let Some(limit) = work.max_time.filter(|limit| began.elapsed() >= *limit) {
                    let limit = humantime::format_duration(limit);
                    work.queue.end_of_time(&format!("`--max-time {limit}` is over"));
                }
                if let Some(why) = (work.ended_elsewhere)() {
                    work.queue.pause(&why, PauseCause::Signal);
                }
                std::thread::park_timeout(LOOK);
            }
            passed_on > 0
        })
    }
}

fn interrupt(queue: &MemoryQueue, workers: &[Box<dyn InterruptWorker>], seen: u32) {
    if seen == 1 {
        queue.pause("interrupted by a signal", PauseCause::Signal);
        print_warning("interrupted: every rig is brought to its safe state; interrupt again to stop at once");
    }
    for worker in workers {
        worker.interrupt();
    }
}

/// Counts the signals that end a run.
struct Signals {
    count: std::sync::Arc<AtomicU32>,
    /// Its thread counts.
    _runtime: Option<tokio::runtime::Runtime>,
}

impl Signals {
    fn new() -> Self {
        let count = std::sync::Arc::new(AtomicU32::new(0));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            tracing::warn!(
                "cannot install signal handlers: an interrupt ends this program at once, and each worker finishes its case"
            );
            return Self {
                count,
                _runtime: None,
            };
        };
        for kind in [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ] {
            let counted = std::sync::Arc::clone(&count);
            let _within = runtime.enter();
            if let Ok(mut signals) = signal(kind) {
                runtime.spawn(async move {
                    while signals.recv().await.is_some() {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        Self {
            count,
            _runtime: Some(runtime),
        }
    }

    fn seen(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}
