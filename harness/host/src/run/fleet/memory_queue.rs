//! The queue in the memory of the parent: the adapter for the rigs of one machine.

use super::work_queue::{BatchEnding, RigPresence, UnreadBatch, WorkGoesOn, WorkQueue};
use dfota_core::cut::Cut;
use dfota_core::event::fleet::{FleetEvent, PartEnd, Taken};
use dfota_core::event::{Event, Record};
use dfota_core::fleet::{AbandonedCase, BatchResult, Fleet, FleetRules, QueuedBatch, Take, WorkDone};
use dfota_core::verdict::Verdict;
use dfota_record::journal::Journal;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Sees what the rigs of a run do.
pub trait FleetObserver: Send {
    /// A record of the journal of a batch on this rig.
    fn record(&mut self, rig: &str, record: &Record);
    /// The rig does something else now.
    fn presence(&mut self, _rig: &str, _presence: &RigPresence) {}
    /// The rig was lost after this cut had been ordered, and before it was judged.
    fn lost(&mut self, _rig: &str, _cut: &LostCut) {}
    /// A batch is over.
    fn progress(&mut self, _done: WorkDone) {}
}

/// The queue, and the journal of the parent that it writes to.
pub struct MemoryQueue {
    rigs: Vec<String>,
    journal: Journal,
    state: Mutex<QueueState>,
    changed: Condvar,
    observers: Mutex<Vec<Box<dyn FleetObserver>>>,
}

struct QueueState {
    fleet: Fleet,
    /// The suite and the present case of each rig.
    present: BTreeMap<usize, CaseOnRig>,
    /// The cuts that each rig was told to make in its batch.
    ordered: BTreeMap<usize, Vec<LostCut>>,
    /// Cases of batches whose journal cannot be read.
    unread: Vec<AbandonedCase>,
    /// Rigs that lost a batch.
    lost: Vec<usize>,
    /// How rigs were at the end of their batches.
    rigs_left: RigsLeft,
    /// It is paused because its time is over, and for nothing else.
    is_late: bool,
    /// The verdict of each case that is complete, by suite and id.
    results: BTreeMap<(String, String), Verdict>,
}

/// How the rigs of a run were at the end of their batches, by their own journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RigsLeft {
    /// One could not be made safe.
    pub is_unsafe: bool,
    /// One did not pass its check after cases that passed.
    pub has_failed: bool,
}

#[derive(Clone)]
struct CaseOnRig {
    suite: String,
    case: String,
    /// The cut that was armed for it.
    cut: Option<Cut>,
}

/// A cut that was ordered, and of which nobody knows what it did.
#[derive(Debug, Clone)]
pub struct LostCut {
    pub suite: String,
    pub case: String,
    pub cut: Cut,
}

impl MemoryQueue {
    /// An empty queue for rigs of these names.
    pub fn new(
        rigs: Vec<String>,
        rules: FleetRules,
        journal: Journal,
        observers: Vec<Box<dyn FleetObserver>>,
    ) -> Self {
        Self {
            state: Mutex::new(QueueState {
                fleet: Fleet::new(rigs.clone(), rules),
                present: BTreeMap::new(),
                ordered: BTreeMap::new(),
                unread: Vec::new(),
                lost: Vec::new(),
                rigs_left: RigsLeft::default(),
                is_late: false,
                results: BTreeMap::new(),
            }),
            rigs,
            journal,
            changed: Condvar::new(),
            observers: Mutex::new(observers),
        }
    }

    /// Gives up what nobody takes any more, once no rig works.
    pub fn settle(&self) {
        let given_up = self.state().fleet.give_up();
        self.write(given_up);
    }

    /// The rigs that lost a batch.
    pub fn lost(&self) -> Vec<usize> {
        self.state().lost.clone()
    }

    /// How the rigs were at the end of their batches.
    pub fn rigs_left(&self) -> RigsLeft {
        self.state().rigs_left
    }

    /// Hands out nothing more, because the time is over. The rigs still prove their last cuts.
    pub fn end_of_time(&self, why: &str) {
        let mut state = self.state();
        let event = state.fleet.pause(why);
        state.is_late |= event.is_some();
        drop(state);
        self.write(event);
    }

    /// Whether nothing is handed out any more.
    pub fn is_paused(&self) -> bool {
        self.state().fleet.paused().is_some()
    }

    /// The cases that no rig ran to their end.
    pub fn abandoned(&self) -> Vec<AbandonedCase> {
        let state = self.state();
        let mut abandoned = state.fleet.abandoned();
        abandoned.extend(state.unread.iter().cloned());
        abandoned
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes events down, in their order, and wakes who waits.
    fn write(&self, events: impl IntoIterator<Item = FleetEvent>) {
        let mut news = false;
        for event in events {
            self.journal.post(Event::Fleet(event));
            news = true;
        }
        // Rigs that wait would otherwise wake each other for ever, each by asking.
        if news {
            self.changed.notify_all();
        }
    }

    fn name(&self, rig: usize) -> &str {
        self.rigs.get(rig).map_or("", String::as_str)
    }

    fn observe(&self, tell: impl Fn(&mut dyn FleetObserver)) {
        let mut observers = self.observers.lock().unwrap_or_else(PoisonError::into_inner);
        observers.iter_mut().for_each(|observer| tell(&mut **observer));
    }
}

impl QueueState {
    /// The cuts of the rig's batch of which nobody knows what they did.
    fn lost_cuts(&mut self, rig: usize, ending: &BatchEnding) -> Vec<LostCut> {
        let ordered = self.ordered.remove(&rig).unwrap_or_default();
        let present = self.present.remove(&rig);
        let part = ending.part();
        if matches!(ending, BatchEnding::Unread(_)) {
            return ordered
                .into_iter()
                .filter(|cut| !part.is_complete(&cut.case))
                .collect();
        }
        let lost = present.filter(|present| part.open() == Some(&present.case));
        let lost = lost.and_then(|CaseOnRig { suite, case, cut }| {
            let cut = cut?;
            Some(LostCut { suite, case, cut })
        });
        lost.into_iter().collect()
    }

    /// Takes the batch from the rig, and gives it up.
    fn lost_unread(
        &mut self,
        rig: usize,
        batch: &str,
        unread: &UnreadBatch,
        result: BatchResult,
    ) -> Vec<FleetEvent> {
        let UnreadBatch {
            why, suite, cases, ..
        } = unread;
        self.lost.push(rig);
        let mut events = self.fleet.lost(rig, why, Vec::new(), result);
        if !cases.is_empty() {
            events.push(FleetEvent::GivenUp {
                batch: batch.to_owned(),
                why: why.clone(),
            });
        }
        let abandoned = |case: &String| AbandonedCase {
            suite: suite.clone(),
            case: case.clone(),
            why: why.clone(),
        };
        self.unread.extend(cases.iter().map(abandoned));
        events
    }
}

impl WorkQueue for MemoryQueue {
    fn offer(&self, batches: Vec<QueuedBatch>) {
        let events = self.state().fleet.offer(batches);
        self.write(events);
    }

    fn take(&self, rig: usize) -> Take {
        let mut state = self.state();
        let given_up = state.fleet.give_up();
        let take = state.fleet.take(rig);
        // Under the lock: the journal has one order.
        self.write(given_up);
        if let Take::Batch(order) = &take {
            self.write([FleetEvent::Taken(order.taken.clone())]);
        }
        take
    }

    fn wait(&self, limit: Duration) {
        let state = self.state();
        let _ = self.changed.wait_timeout(state, limit);
    }

    fn progress(&self, _rig: usize) -> WorkGoesOn {
        let state = self.state();
        match state.fleet.paused() {
            Some(_) if state.is_late => WorkGoesOn::UntilProven,
            Some(_) => WorkGoesOn::No,
            None => WorkGoesOn::Yes,
        }
    }

    fn record_once(&self, _rig: usize, suite: &str, case: &str, verdict: &Verdict) -> bool {
        let name = (suite.to_owned(), case.to_owned());
        match self.state().results.entry(name) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(verdict.clone());
                true
            }
            std::collections::btree_map::Entry::Occupied(_) => false,
        }
    }

    fn bricked(&self, rig: usize, so_far: u32) {
        let event = self.state().fleet.bricked(rig, so_far);
        self.write(event);
    }

    fn close(&self, rig: usize, taken: &Taken, ending: &BatchEnding) {
        let part = ending.part();
        let end = PartEnd {
            batch: taken.batch.clone(),
            attempt: taken.attempt,
            rig: taken.rig.clone(),
            lines: part.lines,
            head: part.head.clone(),
        };
        let result = BatchResult {
            passed: part.has_passed(),
            bricks: part.bricks(),
            is_open: part.is_unheard(),
        };
        let mut state = self.state();
        let lost = state.lost_cuts(rig, ending);
        state.rigs_left.is_unsafe |= part.was_left_unsafe();
        state.rigs_left.has_failed |= part.has_failed_afterwards();
        let (first, events) = match ending {
            BatchEnding::Closed(_) => (FleetEvent::Closed(end), state.fleet.closed(rig, result)),
            BatchEnding::Lost { why, left, .. } => {
                let first = FleetEvent::Lost {
                    end,
                    why: why.clone(),
                    open: part.open().map(String::from).into_iter().collect(),
                };
                state.lost.push(rig);
                (first, state.fleet.lost(rig, why, left.clone(), result))
            }
            BatchEnding::Unread(unread) => {
                let first = FleetEvent::Lost {
                    end,
                    why: unread.why.clone(),
                    open: lost.iter().map(|cut| cut.case.clone()).collect(),
                };
                (first, state.lost_unread(rig, &taken.batch, unread, result))
            }
        };
        let done = state.fleet.done();
        self.write([first]);
        self.write(events);
        drop(state);
        self.observe(|observer| {
            for cut in &lost {
                observer.lost(self.name(rig), cut);
            }
            observer.progress(done);
        });
    }

    fn pause(&self, why: &str) {
        let mut state = self.state();
        state.is_late = false;
        let event = state.fleet.pause(why);
        drop(state);
        self.write(event);
    }

    fn presence(&self, rig: usize, presence: RigPresence) {
        self.observe(|observer| observer.presence(self.name(rig), &presence));
    }

    fn publish(&self, rig: usize, record: &Record) {
        match &record.event {
            Event::CaseStarted { id, suite } => {
                let (suite, case) = (suite.clone(), id.clone());
                let cut = None;
                self.state().present.insert(rig, CaseOnRig { suite, case, cut });
            }
            // Before the cut is made: the worker's journal has it, and it is on the thread that reads the worker.
            Event::CutArmed { cut } => {
                let mut state = self.state();
                let present = state.present.get_mut(&rig).map(|present| {
                    present.cut = Some(cut.clone());
                    present.clone()
                });
                let ordered = present.as_ref().map(|present| LostCut {
                    suite: present.suite.clone(),
                    case: present.case.clone(),
                    cut: cut.clone(),
                });
                let of_batch = state.ordered.entry(rig).or_default();
                of_batch.retain(|before| ordered.as_ref().is_none_or(|now| before.case != now.case));
                of_batch.extend(ordered);
                drop(state);
                let ordered = present.map(|CaseOnRig { suite, case, .. }| FleetEvent::Ordered {
                    rig: self.name(rig).to_owned(),
                    suite,
                    case,
                    cut: cut.clone(),
                });
                self.write(ordered);
            }
            _ => {}
        }
        self.observe(|observer| observer.record(self.name(rig), record));
    }
}
