//! `RemoteWorker`: runs the batches of one rig through its agent, in place of a local worker process.

use super::board::{FromAgent, LabRigState, RunOrder};
use super::lab_run::LabRun;
use super::part_writer::PartWriter;
use super::server::LabError;
use super::subjects;
use crate::run::fleet::rig_worker::{InterruptWorker, RigWorker, WorkerNews};
use crate::run::fleet::wire::{BatchEnded, FromWorker, ToWorker};
use crate::terminal::print_warning;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What reaches the seat of a rig.
enum Heard {
    /// The agent gets on.
    Beat,
    Said(FromAgent),
    /// Its journal cannot be written to the run folder.
    Unwritten(String),
}

/// The agent of a rig.
pub struct RemoteWorker {
    run: Arc<LabRun>,
    rig: String,
    /// What a worker comes to that has read the same files.
    digest: String,
    heard: Receiver<Heard>,
    /// Writes the journals of the rig to the run folder.
    parts: Arc<Mutex<PartWriter>>,
    /// Said and not yet passed on.
    said: VecDeque<FromWorker>,
    job: Option<JobAtWork>,
    /// Why nothing more comes of it.
    gone: Option<String>,
    /// It was given up with a batch that it may have begun.
    may_go_on: bool,
    /// Why it may not begin its batch yet, as it was told to the user.
    waits: Option<String>,
}

/// A batch that an agent was given.
struct JobAtWork {
    folder: String,
    /// The agent has taken it.
    is_taken: bool,
}

impl RemoteWorker {
    /// The agent of `rig` in a run, whose folder is `out`. `shows_dialogue`: somebody watches each line.
    pub fn new(
        run: Arc<LabRun>,
        rig: &str,
        digest: String,
        out: PathBuf,
        shows_dialogue: bool,
    ) -> Result<Self, LabError> {
        let (send, heard) = channel();
        let parts = Arc::new(Mutex::new(PartWriter::new(out, shows_dialogue)));
        let (writer, said) = (Arc::clone(&parts), send.clone());
        run.lab
            .follow(subjects::records(run.name(), rig), move |record| {
                let Ok(message) = serde_json::from_slice::<FromAgent>(&record.payload) else {
                    return true;
                };
                // On disk before anybody hears of it.
                let message = writer
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .write(message);
                match message {
                    Ok(None) => true,
                    Ok(Some(message)) => said.send(Heard::Said(message)).is_ok(),
                    Err(why) => said.send(Heard::Unwritten(why)).is_ok(),
                }
            })?;
        run.lab.listen(subjects::beats(run.name(), rig), move |_, _| {
            send.send(Heard::Beat).is_ok()
        })?;
        Ok(Self {
            rig: rig.to_owned(),
            run,
            digest,
            heard,
            parts,
            said: VecDeque::new(),
            job: None,
            gone: None,
            may_go_on: false,
            waits: None,
        })
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, PartWriter> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the agent says of its present batch.
    fn take(&mut self, message: FromAgent) {
        let Some(job) = self.job.as_mut().filter(|job| job.folder == message.folder()) else {
            return;
        };
        job.is_taken = true;
        match message {
            FromAgent::Taken { folder } => {
                self.run.grant(&self.rig, Some(&folder));
                self.said.push_back(FromWorker::Alive);
            }
            FromAgent::Lines { text, .. } => {
                let records = text.lines().filter_map(|line| serde_json::from_str(line).ok());
                self.said
                    .extend(records.map(|record| FromWorker::Record(Box::new(record))));
                self.said.push_back(FromWorker::Alive);
            }
            FromAgent::Ended { ended, .. } => {
                self.said.push_back(FromWorker::Ended(ended));
                self.job = None;
            }
            FromAgent::Refused { why, .. } => {
                let out = Some(why);
                self.said.push_back(FromWorker::Ended(BatchEnded {
                    out,
                    ..BatchEnded::default()
                }));
                self.job = None;
            }
        }
    }

    /// Why the rig cannot take a batch of this run.
    fn why_waits(&self) -> Option<String> {
        match self.run.rig(&self.rig) {
            None => Some("its agent is not there".to_owned()),
            Some(card) => match card.state {
                LabRigState::Idle => None,
                LabRigState::Works { run, .. } if run == self.run.name() => None,
                LabRigState::Works { run, .. } => Some(format!("it works for the run `{run}`")),
                LabRigState::Waits { .. } => Some(card.state.to_string()),
                LabRigState::Drained => Some(format!(
                    "it is drained: `dfota-hil lab drain {} --undo` gives it batches again",
                    self.rig
                )),
                LabRigState::Out(why) => Some(why),
            },
        }
    }

    /// Says, once, why the rig has a batch and does not begin it.
    fn tell_wait(&mut self) {
        let waits = match self.run.rig(&self.rig).map(|card| card.state) {
            Some(LabRigState::Waits { run, why }) if run == self.run.name() => Some(why),
            _ => None,
        };
        if let Some(why) = waits.as_ref().filter(|_| waits != self.waits) {
            print_warning(format_args!("rig `{}`: {why}", self.rig));
        }
        self.waits = waits;
    }

    /// Whether a rig that was given a batch and has not taken it can still be expected to.
    fn may_still_take(&self) -> bool {
        let waits = self.job.as_ref().is_some_and(|job| !job.is_taken);
        waits && self.run.rig(&self.rig).is_some()
    }

    /// Takes a batch back that the rig has not taken and will not begin: the run ends, or the rig was drained meanwhile. An agent that
    /// takes it now is not told to begin.
    fn take_back(&mut self) -> Option<BatchEnded> {
        let out = match self.run.rig(&self.rig).map(|card| card.state) {
            _ if self.run.ordered(&self.rig) != RunOrder::GoOn => None,
            Some(LabRigState::Drained) => Some("it is drained".to_owned()),
            Some(LabRigState::Out(why)) => Some(why),
            Some(LabRigState::Idle | LabRigState::Works { .. } | LabRigState::Waits { .. }) | None => {
                return None;
            }
        };
        let job = self.job.take_if(|job| !job.is_taken)?;
        self.run.withdraw(&self.rig, &job.folder);
        Some(BatchEnded {
            out,
            ..BatchEnded::default()
        })
    }
}

impl RigWorker for RemoteWorker {
    fn why_busy(&mut self) -> Option<String> {
        let why = self.why_waits();
        self.run.wait_for(&self.rig, why.is_some());
        // A rig of this run is left to a run that is more urgent.
        why.or_else(|| {
            let run = self.run.more_urgent(&self.rig)?;
            Some(format!("the run `{run}` is more urgent"))
        })
    }

    fn tell(&mut self, message: &ToWorker) {
        match message {
            ToWorker::Batch(batch) => {
                let folder = batch.taken.folder.clone();
                self.parts().begin(&folder);
                self.job = Some(JobAtWork {
                    folder,
                    is_taken: false,
                });
                if let Err(why) = self.run.queue(&self.rig, batch, &self.digest) {
                    self.gone = Some(why.to_string());
                }
            }
            ToWorker::TimeOver => self.run.order(&self.rig, RunOrder::TimeOver),
            ToWorker::Stop => self.run.order(&self.rig, RunOrder::Stop),
            ToWorker::End => {}
        }
    }

    fn next(&mut self, limit: Duration) -> WorkerNews {
        let until = Instant::now() + limit;
        loop {
            if let Some(said) = self.said.pop_front() {
                return WorkerNews::Said(said);
            }
            if let Some(why) = self.gone.take() {
                return WorkerNews::Gone(why);
            }
            match self
                .heard
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(Heard::Said(message)) => self.take(message),
                Ok(Heard::Unwritten(why)) => return WorkerNews::Gone(why),
                Ok(Heard::Beat) => return WorkerNews::Said(FromWorker::Alive),
                Err(RecvTimeoutError::Timeout) => {
                    self.tell_wait();
                    return match self.take_back() {
                        Some(ended) => WorkerNews::Said(FromWorker::Ended(ended)),
                        None if self.may_still_take() || !self.run.is_in_contact() => {
                            WorkerNews::Said(FromWorker::Alive)
                        }
                        None => WorkerNews::Silent,
                    };
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return WorkerNews::Gone("the connection to the lab is gone".to_owned());
                }
            }
        }
    }

    /// What the agent still says of the batch is kept beside its journal, and does not count.
    fn kill(&mut self) {
        self.run.wait_for(&self.rig, false);
        self.run.grant(&self.rig, None);
        if let Some(job) = self.job.take() {
            self.may_go_on = job.is_taken;
            self.run.order(&self.rig, RunOrder::Stop);
            self.run.withdraw(&self.rig, &job.folder);
        }
        self.parts().end();
        self.said.clear();
    }

    fn may_go_on(&self) -> bool {
        self.may_go_on
    }

    fn end(self: Box<Self>) {
        self.run.wait_for(&self.rig, false);
    }

    fn interrupter(&self) -> Box<dyn InterruptWorker> {
        Box::new(Interrupter {
            run: Arc::clone(&self.run),
            rig: self.rig.clone(),
            seen: std::sync::atomic::AtomicBool::new(false),
        })
    }
}

struct Interrupter {
    run: Arc<LabRun>,
    rig: String,
    seen: std::sync::atomic::AtomicBool,
}

impl InterruptWorker for Interrupter {
    fn interrupt(&self) {
        let again = self.seen.swap(true, std::sync::atomic::Ordering::Relaxed);
        let order = if again {
            RunOrder::InterruptNow
        } else {
            RunOrder::Interrupt
        };
        self.run.order(&self.rig, order);
    }
}
