//! What happens at one rig: take a batch, have the worker run it, report it, and take the next one.

use super::part::PartRead;
use super::rig_worker::{RigWorker, WorkerNews};
use super::wire::{BatchEnded, FromWorker, RigTimeline, ToWorker, WorkerBatch};
use super::work_queue::{BatchEnding, RigPresence, UnreadBatch, WorkGoesOn, WorkQueue};
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::fleet::PauseCause;
use dfota_core::event::{CaseEnded, Event, Record};
use dfota_core::fleet::{BatchOrder, Take};
use dfota_core::verdict::Verdict;
use dfota_record::journal;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a rig that waits sleeps before it asks again, if nothing wakes it.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often a rig looks whether it may go on while its worker says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// A rig of a run.
pub struct RigSeat<'r> {
    /// Its place in the run.
    pub rig: usize,
    /// The run folder.
    pub run: &'r Path,
    /// Every case of the run, by suite and id.
    pub cases: &'r BTreeMap<(String, String), Case>,
    /// What this rig has to have run before a batch of that name.
    pub calibrations: Option<&'r BTreeMap<String, Vec<Case>>>,
    /// Cuts to be made again exactly, by suite and case.
    pub again: &'r BTreeMap<(String, String), Cut>,
    /// What this rig timed before the run was resumed.
    pub timed: &'r [RigTimeline],
    /// A worker that says nothing for so long is lost.
    pub silence: Duration,
    /// The first case that does not pass ends the handing out.
    pub fail_fast: bool,
}

/// Works until there is nothing left for the rig, or the rig is out.
pub fn serve(queue: &dyn WorkQueue, seat: &RigSeat<'_>, mut worker: Box<dyn RigWorker>) {
    loop {
        if let Some(why) = worker.why_busy()
            && queue.has_work(seat.rig)
        {
            queue.presence(seat.rig, RigPresence::Waiting(why));
            queue.wait(ASK_AGAIN);
            continue;
        }
        match queue.take(seat.rig) {
            Take::Done => break,
            Take::Wait(reason) => {
                queue.presence(seat.rig, RigPresence::Waiting(reason.to_string()));
                queue.wait(ASK_AGAIN);
            }
            Take::Batch(order) => {
                queue.presence(seat.rig, RigPresence::Working);
                let mut batch = BatchRun::new(queue, seat, &order);
                let outcome = batch.run(&mut *worker);
                if matches!(outcome, WorkerOutcome::Gone(_)) {
                    // Before its journal is read: one that is only slow would write on behind what was read.
                    worker.kill();
                    batch.catch_up();
                }
                let outcome = match outcome {
                    WorkerOutcome::Gone(why) if worker.may_go_on() => WorkerOutcome::Unheard(why),
                    outcome => outcome,
                };
                let ending = seat.ending(&order, &outcome, queue.progress(seat.rig));
                let out = ending.why_lost().map(str::to_owned);
                if !matches!(outcome, WorkerOutcome::Ended(_)) {
                    queue.close(seat.rig, &order.taken, &ending);
                    queue.presence(seat.rig, RigPresence::Out(out.unwrap_or_default()));
                    return;
                }
                queue.close(seat.rig, &order.taken, &ending);
                if let Some(why) = out {
                    queue.presence(seat.rig, RigPresence::Out(why));
                    worker.end();
                    return;
                }
            }
        }
    }
    queue.presence(seat.rig, RigPresence::Done);
    worker.end();
}

/// What became of the worker in a batch.
enum WorkerOutcome {
    Ended(BatchEnded),
    Gone(String),
    /// It was given up, and nobody knows whether it goes on.
    Unheard(String),
}

impl RigSeat<'_> {
    /// How the batch ended, by what its journal says: what came over the pipe may be less.
    fn ending(&self, order: &BatchOrder, outcome: &WorkerOutcome, goes_on: WorkGoesOn) -> BatchEnding {
        let folder = self.run.join(&order.taken.folder);
        let part = PartRead::from_folder(&folder);
        let why = match outcome {
            WorkerOutcome::Gone(why) | WorkerOutcome::Unheard(why) => Some(why.clone()),
            WorkerOutcome::Ended(ended) => ended.out.clone(),
        };
        let unheard = match outcome {
            WorkerOutcome::Unheard(_) => part.without_result(&order.cases),
            WorkerOutcome::Ended(_) | WorkerOutcome::Gone(_) => Vec::new(),
        };
        if let Some(unread) = UnreadBatch::from_part(&part, &order.taken.folder, &order.cases, why.as_deref())
        {
            return BatchEnding::Unread(unread);
        }
        // What a bricked module left of a claim's slots stays open: survivors would make the claim look better.
        let stays_open = order.is_of_claim && part.bricks() > 0;
        let Some(why) = why.or_else(|| part.unrestored()) else {
            let left = match goes_on {
                WorkGoesOn::No | WorkGoesOn::UntilProven if !stays_open => part.not_reached(&order.cases),
                WorkGoesOn::No | WorkGoesOn::UntilProven | WorkGoesOn::Yes => Vec::new(),
            };
            return BatchEnding::Closed { part, left };
        };
        let left = if stays_open {
            Vec::new()
        } else {
            part.left(&order.cases)
        };
        BatchEnding::Lost {
            part,
            why,
            left,
            unheard,
            parent_ended: false,
        }
    }
}

/// A batch on its way through the worker.
struct BatchRun<'r> {
    queue: &'r dyn WorkQueue,
    seat: &'r RigSeat<'r>,
    order: &'r BatchOrder,
    part: PartRead,
    /// What the worker was told last of the rest of its batch.
    told: WorkGoesOn,
    /// Records that came over the pipe.
    heard: u64,
}

impl<'r> BatchRun<'r> {
    fn new(queue: &'r dyn WorkQueue, seat: &'r RigSeat<'r>, order: &'r BatchOrder) -> Self {
        Self {
            queue,
            seat,
            order,
            part: PartRead::default(),
            told: WorkGoesOn::Yes,
            heard: 0,
        }
    }

    fn run(&mut self, worker: &mut dyn RigWorker) -> WorkerOutcome {
        worker.tell(&ToWorker::Batch(self.message()));
        let mut heard = Instant::now();
        loop {
            let news = worker.next(LOOK);
            match news {
                WorkerNews::Gone(why) => return WorkerOutcome::Gone(why),
                WorkerNews::Silent if heard.elapsed() < self.seat.silence => {}
                WorkerNews::Silent => {
                    let silence = humantime::format_duration(self.seat.silence);
                    return WorkerOutcome::Gone(format!("it said nothing for {silence}"));
                }
                WorkerNews::Said(said) => {
                    heard = Instant::now();
                    match said {
                        FromWorker::Record(record) => self.on(&record),
                        FromWorker::Ended(ended) => return WorkerOutcome::Ended(ended),
                        FromWorker::Refused { why, .. } => return WorkerOutcome::Gone(why),
                        FromWorker::Alive | FromWorker::Ready { .. } => {}
                    }
                }
            }
            let goes_on = self.queue.progress(self.seat.rig);
            if goes_on != self.told {
                self.told = goes_on;
                match goes_on {
                    WorkGoesOn::Yes => {}
                    WorkGoesOn::UntilProven => worker.tell(&ToWorker::TimeOver),
                    WorkGoesOn::No => worker.tell(&ToWorker::Stop),
                }
            }
        }
    }

    /// Takes what the worker wrote down and could not say any more: whoever watches, and the store of the campaigns, come to what
    /// the reports say.
    fn catch_up(&mut self) {
        let (folder, heard) = (self.seat.run.join(&self.order.taken.folder), self.heard);
        let unheard = |record: Record| {
            if record.seq >= heard {
                self.on(&record);
            }
        };
        // How far it can be read is told with the end of the batch.
        let _ = journal::each(&folder, false, unheard);
    }

    fn message(&self) -> WorkerBatch {
        let suite = &self.order.suite;
        let names = || self.order.cases.iter().map(|case| (suite.clone(), case.clone()));
        let again = |name: (String, String)| Some((name.1.clone(), self.seat.again.get(&name)?.clone()));
        let calibrations = self
            .seat
            .calibrations
            .and_then(|all| all.get(&self.order.taken.batch));
        WorkerBatch {
            taken: self.order.taken.clone(),
            run: self.seat.run.to_owned(),
            calibrations: calibrations.cloned().unwrap_or_default(),
            cases: names()
                .filter_map(|name| self.seat.cases.get(&name).cloned())
                .collect(),
            again: names().filter_map(again).collect(),
            timed: self.seat.timed.to_vec(),
        }
    }

    fn on(&mut self, record: &Record) {
        self.heard = record.seq + 1;
        self.part.on(record);
        if let Event::CaseEnded(CaseEnded {
            suite, id, verdict, ..
        }) = &record.event
        {
            self.queue.bricked(self.seat.rig, self.part.bricks());
            if self.part.is_complete(id) {
                self.queue.record_once(self.seat.rig, suite, id, verdict);
            }
            if self.seat.fail_fast && !matches!(verdict, Verdict::Pass | Verdict::Skip { .. }) {
                let why = format!("`--fail-fast`: {suite}::{id} did not pass");
                self.queue.pause(&why, PauseCause::FailFast);
            }
        }
        self.queue.publish(self.seat.rig, record);
    }
}
