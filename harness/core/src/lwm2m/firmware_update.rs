//! A firmware update over LwM2M, from the order to the result (AN §4.1, §6.3; LwM2M TS 1.0.2 E.6): which operation comes
//! next, and whether the values that the client reports are legal.
//!
//! Observe may skip states and a reboot ends it, so nothing rests on a notification that did not come: what matters is read
//! as well. A state or result that contradicts an earlier one is a finding. So is a client that took an observation before a
//! reboot and afterwards answers it as a mere read: it has to support Observe (LwM2M TS 1.0.2 §5.5.1), and a response without
//! the option declines the observation (RFC 7641 §4.1).

mod next_step;
mod operation;
mod values;

pub use operation::{ClientEvent, Operation, UpdateEnding};

use self::operation::OperationQueue;
use self::values::ObjectValues;
use crate::verdict::{Finding, Rule};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::lwm2m::firmware::{STATE, UPDATE_RESULT};
use bc66_spec::lwm2m::{State, UpdateResult};
use core::fmt;
use core::time::Duration;

/// How often a write or execute is sent while nothing answers it.
const TRIES_MAX: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateOptions {
    /// Where the package is.
    pub uri: String,
    /// Execute the update during the download as well: the client must refuse it.
    pub execute_early: bool,
    /// Read state and result after so long without a word of the client.
    pub poll: Duration,
}

impl UpdateOptions {
    pub fn new(uri: String) -> Self {
        Self {
            uri,
            execute_early: false,
            poll: Duration::from_secs(30),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum DialoguePhase {
    Absent,
    Meeting,
    /// The object is reset to state 0: it holds something from before.
    Resetting,
    Ordering,
    /// The download runs, or is about to.
    Fetching,
    /// The update is being ordered.
    Executing,
    Updating,
}

/// The execute during the download, which must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum EarlyExecute {
    #[default]
    Unsent,
    /// State 1 had been seen at that time. The answer may be on its way, or lost.
    Sent(Timed<State>),
    Refused,
}

/// What has happened since the URI was written.
#[derive(Debug, Default)]
struct OrderProgress {
    written_at: Option<Duration>,
    /// State 1 or 2 was seen.
    loading: bool,
    /// The package was served to its last block.
    served: bool,
    early: EarlyExecute,
    executed_at: Option<Duration>,
    /// State 3 was seen.
    ran: bool,
    /// Writes and executes without an answer.
    unanswered: u32,
}

#[derive(Debug)]
pub struct FirmwareUpdate {
    options: UpdateOptions,
    phase: DialoguePhase,
    queue: OperationQueue,
    values: ObjectValues,
    order: OrderProgress,
    /// Since the order and the last registration, the client has updated the latter: it may have rebooted.
    updated: bool,
    /// Resources whose observation the client has taken, and when.
    observable: BTreeMap<u16, Duration>,
    poll_at: Option<Duration>,
    findings: Vec<Finding>,
    ending: Option<UpdateEnding>,
}

impl FirmwareUpdate {
    pub fn new(options: UpdateOptions) -> Self {
        Self {
            options,
            phase: DialoguePhase::Absent,
            queue: OperationQueue::default(),
            values: ObjectValues::default(),
            order: OrderProgress::default(),
            updated: false,
            observable: BTreeMap::new(),
            poll_at: None,
            findings: Vec::new(),
            ending: None,
        }
    }

    /// The next operation. One is out at a time; [`Self::on`] gets its result.
    pub fn next_operation(&mut self) -> Option<Operation> {
        self.queue.next()
    }

    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub fn ending(&self) -> Option<&UpdateEnding> {
        self.ending.as_ref()
    }

    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        self.poll_at
    }

    /// Reads state and result where the client was silent for long.
    pub fn on_time(&mut self, now: Duration) {
        if self.poll_at.is_none_or(|at| now < at) {
            return;
        }
        self.poll_at = Some(now + self.options.poll);
        if self.queue.is_idle() {
            self.read_both();
        }
    }

    pub fn on(&mut self, event: ClientEvent, now: Duration) {
        if self.ending.is_some() {
            return;
        }
        self.poll_at = Some(now + self.options.poll);
        match event {
            ClientEvent::Registered => self.registered(),
            ClientEvent::Updated => self.updated(),
            ClientEvent::Served => self.order.served = true,
            ClientEvent::Value {
                resource,
                value,
                notified,
            } => {
                if !notified {
                    self.queue
                        .answered(|operation| operation.reads() == Some(resource));
                }
                self.value(resource, value, notified, now);
            }
            ClientEvent::Observed { resource, taken } => self.observed(resource, taken, now),
            ClientEvent::Accepted(operation) => {
                self.queue.answered(|out| *out == operation);
                self.accepted(operation, now);
            }
            ClientEvent::Refused(operation, code) => {
                self.queue.answered(|out| *out == operation);
                self.refused(operation, code);
            }
            ClientEvent::Unanswered(operation) => {
                self.queue.answered(|out| *out == operation);
                self.unanswered(operation);
            }
        }
    }

    fn registered(&mut self) {
        self.queue.clear();
        self.updated = false;
        self.values.forget();
        if self.phase != DialoguePhase::Updating && self.order.executed_at.is_none() {
            self.phase = DialoguePhase::Meeting;
        } else {
            self.phase = DialoguePhase::Updating;
        }
        for resource in [STATE, UPDATE_RESULT] {
            self.queue.push(Operation::Observe(resource));
        }
    }

    /// Observes state and result at once, before the client sleeps again. It may have rebooted, so what was heard before
    /// contradicts nothing any more.
    fn updated(&mut self) {
        match self.phase {
            DialoguePhase::Absent => return self.registered(),
            // The answer to the write is still to come, and with it the values after the order.
            DialoguePhase::Meeting | DialoguePhase::Resetting | DialoguePhase::Ordering
                if self.queue.writes() =>
            {
                return;
            }
            // Executed again when the state says that it is still due.
            DialoguePhase::Executing => self.queue.cancel(&Operation::Execute),
            _ => {}
        }
        self.updated = true;
        self.values.forget();
        for resource in [UPDATE_RESULT, STATE] {
            self.queue.push_first(Operation::Observe(resource));
        }
    }

    /// A client that has never taken an observation may be unable to; one that took it once is able.
    fn observed(&mut self, resource: u16, taken: bool, now: Duration) {
        if taken {
            self.observable.insert(resource, now);
        } else if self.updated {
            // It may still hold the earlier observation and have no room for a second one.
        } else if let Some(before) = self.observable.get(&resource).copied() {
            let sentence = format!(
                "the observation of `/5/0/{resource}` was answered at {} without the Observe option; the one at {}, before the client registered again, was taken; expected the same again (RFC 7641 §4.1)",
                Seconds(now),
                Seconds(before)
            );
            self.find(Rule::ObserveRefused, sentence);
        }
    }

    fn accepted(&mut self, operation: Operation, now: Duration) {
        match operation {
            Operation::Write(uri) if uri.is_empty() => self.read_both(),
            Operation::Write(_) => {
                self.order.written_at = Some(now);
                self.order.loading = false;
                self.order.unanswered = 0;
                self.updated = false;
                self.values.stale = self.values.result.take().map(|result| result.value);
                self.phase = DialoguePhase::Fetching;
                self.read_both();
            }
            Operation::Execute => {
                self.executed(now);
                self.queue.push(Operation::Read(STATE));
            }
            Operation::Observe(_) | Operation::Read(_) => {}
        }
    }

    fn read_both(&mut self) {
        self.queue.push(Operation::Read(UPDATE_RESULT));
        self.queue.push(Operation::Read(STATE));
    }

    /// An execute was accepted.
    fn executed(&mut self, now: Duration) {
        if self.phase != DialoguePhase::Executing {
            self.check_early_execute(now);
        }
        self.order.executed_at = Some(now);
        self.phase = DialoguePhase::Updating;
    }

    /// A package that was not served to its end cannot be complete, whatever the client has said since the execute was sent.
    fn check_early_execute(&mut self, now: Duration) {
        if let EarlyExecute::Sent(state) = self.order.early
            && !self.order.served
        {
            let sentence = format!(
                "execute of `/5/0/2` was sent while `/5/0/3` was {} since {}, and accepted by {}, when the package was not yet served to its end; expected 4.05",
                state.value,
                Seconds(state.at),
                Seconds(now)
            );
            self.find(Rule::ExecuteTooEarly, sentence);
        }
    }

    fn refused(&mut self, operation: Operation, code: u16) {
        match operation {
            // Refused during the download, as it must be.
            Operation::Execute if self.phase == DialoguePhase::Fetching => {
                self.order.early = EarlyExecute::Refused;
                self.queue.push(Operation::Read(STATE));
            }
            // What cannot be observed can be read.
            Operation::Observe(resource) => self.queue.push(Operation::Read(resource)),
            Operation::Read(_) => {}
            Operation::Write(_) | Operation::Execute => self.end(UpdateEnding::Refused(operation, code)),
        }
    }

    /// The client may have got a write or execute whose answer was lost: its state shows that.
    fn unanswered(&mut self, operation: Operation) {
        if operation.reads().is_some() {
            return;
        }
        self.order.unanswered += 1;
        if self.order.unanswered >= TRIES_MAX {
            return self.end(UpdateEnding::Unanswered(operation));
        }
        self.queue.push(Operation::Read(STATE));
    }

    fn value(&mut self, resource: u16, value: i64, notified: bool, now: Duration) {
        let raw = u8::try_from(value).ok();
        let (legal, range) = match resource {
            STATE => {
                let state = raw.and_then(State::from_raw);
                (state.map(|state| self.see_state(state, notified, now)), "0 to 3")
            }
            UPDATE_RESULT => {
                let result = raw.map(UpdateResult::from_raw);
                (result.map(|result| self.see_result(result, now)), "0 to 11")
            }
            _ => return,
        };
        if legal.is_none() {
            let at = Seconds(now);
            let sentence = format!("`/5/0/{resource}` is {value} at {at}; expected {range}");
            self.find(Rule::ObjectContradiction, sentence);
        }
        self.go_on();
    }

    fn end(&mut self, ending: UpdateEnding) {
        self.poll_at = None;
        self.queue.clear();
        self.ending = Some(ending);
    }

    /// Adds a finding; one of each rule is enough.
    fn find(&mut self, rule: Rule, sentence: String) {
        if self.findings.iter().all(|finding| finding.rule != rule) {
            self.findings.push(Finding { rule, sentence });
        }
    }
}

/// A value and when it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timed<T> {
    value: T,
    at: Duration,
}

/// A moment, as sentences show it: `41.000 s`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0.as_secs(), self.0.subsec_millis())
    }
}
