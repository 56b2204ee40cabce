//! The queue in the memory of the parent: the adapter for the rigs of one machine.

use super::part::PartRead;
use super::work_queue::{BatchEnding, RigPresence, UnreadBatch, WorkGoesOn, WorkQueue};
use dfota_core::cut::Cut;
use dfota_core::event::fleet::{FleetEvent, PartEnd, PauseCause, Taken};
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
    /// Rigs that lost a batch.
    lost: Vec<usize>,
    /// How rigs were at the end of their batches.
    rigs_left: RigsLeft,
    /// It is paused because its time is over, and for nothing else.
    is_late: bool,
    /// The verdict of each case that is complete, by suite and id.
    results: BTreeMap<(String, String), Verdict>,
}

/// What a queue knows of a run.
pub struct QueueSoFar {
    pub fleet: Fleet,
    /// The cuts that each rig was told to make in its batch.
    ordered: BTreeMap<usize, Vec<LostCut>>,
    /// Rigs that lost a batch.
    lost: Vec<usize>,
    rigs_left: RigsLeft,
    results: BTreeMap<(String, String), Verdict>,
}

impl QueueSoFar {
    /// Nothing has happened on the rigs.
    pub fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            ordered: BTreeMap::new(),
            lost: Vec::new(),
            rigs_left: RigsLeft::default(),
            results: BTreeMap::new(),
        }
    }

    /// A rig was told to make this cut in its batch, by a journal.
    pub fn ordered(&mut self, rig: usize, cut: LostCut) {
        order(self.ordered.entry(rig).or_default(), cut);
    }

    /// A batch of the rig ended so; `is_lost`: and the rig was lost with it.
    pub fn ended(&mut self, rig: usize, suite: &str, part: &PartRead, is_lost: bool) {
        self.ordered.remove(&rig);
        self.lost.extend(is_lost.then_some(rig));
        self.rigs_left.take(part);
        for (case, verdict) in part.verdicts.iter().filter(|(case, _)| part.is_complete(case)) {
            let name = (suite.to_owned(), case.clone());
            self.results.entry(name).or_insert_with(|| verdict.clone());
        }
    }
}

/// Takes a cut of a batch; of several for one case, the last.
fn order(ordered: &mut Vec<LostCut>, cut: LostCut) {
    ordered.retain(|before| before.case != cut.case);
    ordered.push(cut);
}

/// How the rigs of a run were at the end of their batches, by their own journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RigsLeft {
    /// One could not be made safe.
    pub is_unsafe: bool,
    /// One did not pass its check after cases that passed.
    pub has_failed: bool,
}

impl RigsLeft {
    fn take(&mut self, part: &PartRead) {
        self.is_unsafe |= part.was_left_unsafe();
        self.has_failed |= part.has_failed_afterwards();
    }
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
        let so_far = QueueSoFar::new(Fleet::new(rigs.clone(), rules));
        Self::resumed(rigs, so_far, journal, observers)
    }

    /// A queue that goes on where another one was left.
    pub fn resumed(
        rigs: Vec<String>,
        so_far: QueueSoFar,
        journal: Journal,
        observers: Vec<Box<dyn FleetObserver>>,
    ) -> Self {
        Self {
            state: Mutex::new(QueueState {
                fleet: so_far.fleet,
                present: BTreeMap::new(),
                ordered: so_far.ordered,
                lost: so_far.lost,
                rigs_left: so_far.rigs_left,
                is_late: false,
                results: so_far.results,
            }),
            rigs,
            journal,
            changed: Condvar::new(),
            observers: Mutex::new(observers),
        }
    }

    /// Gives up what nobody takes any more, once no rig works.
    pub fn settle(&self) {
        let mut state = self.state();
        let given_up = state.fleet.give_up();
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
        let event = state.fleet.pause(why, PauseCause::Time);
        state.is_late |= event.is_some();
        self.write(event);
    }

    /// Whether nothing is handed out any more.
    pub fn is_paused(&self) -> bool {
        self.state().fleet.paused().is_some()
    }

    /// The cases that no rig ran to their end.
    pub fn abandoned(&self) -> Vec<AbandonedCase> {
        self.state().fleet.abandoned()
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes events down, in their order, and wakes who waits. Who holds the state calls it: the journal has one order.
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

/// What the run's journal says of the end of a batch.
fn part_end(taken: &Taken, ending: &BatchEnding) -> PartEnd {
    let part = ending.part();
    let may_go_on = matches!(ending, BatchEnding::Lost { unheard, .. } if !unheard.is_empty());
    PartEnd {
        batch: taken.batch.clone(),
        attempt: taken.attempt,
        rig: taken.rig.clone(),
        lines: part.lines,
        head: part.head.clone(),
        result: BatchResult {
            passed: part.has_passed(),
            bricks: part.bricks(),
            is_open: part.is_unheard() || may_go_on,
        },
        left: ending.left().to_vec(),
    }
}

/// Cases that a lost rig had begun or may still run, each once.
fn open_cases(lost: &[LostCut], present: Option<&str>, unheard: &[String]) -> Vec<String> {
    let lost = lost.iter().map(|cut| cut.case.as_str());
    let mut open: Vec<String> = Vec::new();
    for case in lost.chain(present).chain(unheard.iter().map(String::as_str)) {
        if !open.iter().any(|open| open == case) {
            open.push(case.to_owned());
        }
    }
    open
}

impl QueueState {
    /// The cuts of the rig's batch of which nobody knows what they did. The run's journal may know of one that the part's does not
    /// have, if the machine died.
    fn lost_cuts(&mut self, rig: usize, ending: &BatchEnding) -> Vec<LostCut> {
        let ordered = self.ordered.remove(&rig).unwrap_or_default();
        self.present.remove(&rig);
        let part = ending.part();
        let is_known = |cut: &LostCut| match ending {
            BatchEnding::Unread(_) => part.is_complete(&cut.case),
            BatchEnding::Closed { .. } | BatchEnding::Lost { .. } => part.verdicts.contains_key(&cut.case),
        };
        ordered.into_iter().filter(|cut| !is_known(cut)).collect()
    }
}

impl WorkQueue for MemoryQueue {
    fn offer(&self, batches: Vec<QueuedBatch>) {
        let mut state = self.state();
        let events = state.fleet.offer(batches);
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
            drop(state);
            // Before the rig has the batch: whoever goes on with a run that was killed, or collects it, has to know.
            self.journal.flush();
        }
        take
    }

    fn has_work(&self, rig: usize) -> bool {
        self.state().fleet.has_work(rig)
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
        let mut state = self.state();
        let event = state.fleet.bricked(rig, so_far);
        self.write(event);
    }

    fn close(&self, rig: usize, taken: &Taken, ending: &BatchEnding) {
        let part = ending.part();
        let end = part_end(taken, ending);
        let result = end.result;
        let mut state = self.state();
        let lost = state.lost_cuts(rig, ending);
        state.rigs_left.take(part);
        let (first, events) = match ending {
            BatchEnding::Closed { left, .. } => {
                let events = state.fleet.closed(rig, result);
                state.fleet.stopped(&taken.batch, rig, left.clone());
                (FleetEvent::Closed(end), events)
            }
            BatchEnding::Lost {
                why,
                left,
                unheard,
                parent_ended,
                ..
            } => {
                let open = open_cases(&lost, part.open(), unheard);
                let first = FleetEvent::Lost {
                    end,
                    why: why.clone(),
                    open,
                    unread: Vec::new(),
                    parent_ended: *parent_ended,
                };
                let events = if *parent_ended {
                    state.fleet.interrupted(rig, left.clone(), result)
                } else {
                    state.lost.push(rig);
                    state.fleet.lost(rig, why, left.clone(), result)
                };
                (first, events)
            }
            BatchEnding::Unread(UnreadBatch { why, cases, .. }) => {
                let first = FleetEvent::Lost {
                    end,
                    why: why.clone(),
                    open: lost.iter().map(|cut| cut.case.clone()).collect(),
                    unread: cases.clone(),
                    parent_ended: false,
                };
                state.lost.push(rig);
                (first, state.fleet.unread(rig, why, cases.clone(), result))
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

    fn pause(&self, why: &str, cause: PauseCause) {
        let mut state = self.state();
        state.is_late = false;
        let event = state.fleet.pause(why, cause);
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
            // The worker has armed the cut, and orders the update after this message.
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
                if let Some(ordered) = ordered {
                    order(state.ordered.entry(rig).or_default(), ordered);
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use dfota_clock::Clock;
    use dfota_record::journal::{JournalWriter, Nobody};

    /// The journal names the rig of a batch before the rig gets it. So a program that is killed in between forgets nothing.
    #[test]
    fn who_takes_a_batch_is_written_down_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let (journal, writer) = JournalWriter::start_at(&path, Clock::system(), Box::new(Nobody)).unwrap();
        let rules = FleetRules {
            canary: 0,
            max_bricks: 1,
            max_possible: 1,
        };
        let rigs: Vec<String> = (0..50).map(|n| format!("rig-{n}")).collect();
        let queue = MemoryQueue::new(rigs, rules, journal, Vec::new());
        let batch = |n: usize| QueuedBatch {
            name: format!("lab-{n}"),
            suite: "lab".into(),
            cases: vec![n.to_string()],
            packages: Vec::new(),
            rigs: vec![n],
            share: None,
            real_ms: 1,
        };
        queue.offer((0..50).map(batch).collect());
        for rig in 0..50 {
            let Take::Batch(order) = queue.take(rig) else {
                panic!("a batch waits")
            };
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                text.contains(&format!("\"folder\":\"{}\"", order.taken.folder)),
                "{text}"
            );
        }
        drop(queue);
        writer.finish().unwrap();
    }
}
