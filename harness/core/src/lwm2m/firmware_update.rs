//! A firmware update over LwM2M, from the order to the result (AN §4.1, §6.3; LwM2M TS 1.0.2 E.6): what to ask the client
//! next, and whether what it says is legal.
//!
//! Observe may leave states out and a reboot drops it, so nothing rests on a notification that did not come: what matters
//! is read as well. A state or result that contradicts what the object said before is another matter; so is a client that
//! took an observation before a reboot and answers it as a mere read afterwards: Observe is an operation that it has to
//! support (LwM2M TS 1.0.2 §5.5.1), and a response without the option says that it did not take it (RFC 7641 §4.1).

mod ask;

pub use ask::{Ask, Ending, Heard};

use crate::verdict::{Finding, Rule};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_wire::lwm2m::firmware::{STATE, UPDATE_RESULT};
use bc66_wire::lwm2m::{State, UpdateResult};
use core::fmt;
use core::time::Duration;

/// How often an order is given again that nothing came of.
const TRIES_MAX: u32 = 3;

/// What is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Where the package is.
    pub uri: String,
    /// Give the order to update as soon as the download runs as well: it must be refused.
    pub execute_early: bool,
    /// The state is read when nothing was heard for so long.
    pub poll: Duration,
}

impl Script {
    /// The plain update.
    pub fn new(uri: String) -> Self {
        Self {
            uri,
            execute_early: false,
            poll: Duration::from_secs(30),
        }
    }
}

/// A value and when it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen<T> {
    value: T,
    at: Duration,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    /// The client has not registered.
    Absent,
    /// Its state and result are not known yet.
    Meeting,
    /// The object is brought to state 0 first: something from before is in it.
    Resetting,
    /// The URI is being written.
    Ordering,
    /// The download runs, or is about to.
    Fetching,
    /// The update is ordered.
    Executing,
    /// The update runs.
    Updating,
    /// It is over.
    Over,
}

/// The update.
#[derive(Debug)]
pub struct FirmwareUpdate {
    script: Script,
    phase: Phase,
    asks: VecDeque<Ask>,
    asked: Option<Ask>,
    state: Option<Seen<State>>,
    result: Option<Seen<UpdateResult>>,
    /// When the URI was accepted.
    ordered: Option<Duration>,
    /// The result from before that, as long as nothing shows that the one that stands there is a new one.
    stale: Option<UpdateResult>,
    executed: Option<Duration>,
    /// Since then, state 3 was heard or the client has registered anew.
    ran: bool,
    served: bool,
    tries: u32,
    /// State 1 or 2 was heard, a result after it was not zero: the state is read once more before that is judged.
    suspect: Option<Seen<UpdateResult>>,
    early: Option<Duration>,
    /// What the client has let be observed, and when.
    observable: BTreeMap<u16, Duration>,
    poll_at: Duration,
    findings: Vec<Finding>,
    ending: Option<Ending>,
}

impl FirmwareUpdate {
    /// An update of a client that has not registered.
    pub fn new(script: Script) -> Self {
        Self {
            script,
            phase: Phase::Absent,
            asks: VecDeque::new(),
            asked: None,
            state: None,
            result: None,
            ordered: None,
            stale: None,
            executed: None,
            ran: false,
            served: false,
            tries: 0,
            suspect: None,
            early: None,
            observable: BTreeMap::new(),
            poll_at: Duration::MAX,
            findings: Vec::new(),
            ending: None,
        }
    }

    /// What to ask next; one at a time, and its outcome is given back by [`Self::on`].
    pub fn ask(&mut self) -> Option<Ask> {
        if self.asked.is_some() {
            return None;
        }
        self.asked = self.asks.pop_front();
        self.asked.clone()
    }

    /// What was seen and is not legal.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How it ended, once it has.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// The state that was heard last.
    pub fn state(&self) -> Option<State> {
        self.state.map(|seen| seen.value)
    }

    /// The result that was heard last.
    pub fn result(&self) -> Option<UpdateResult> {
        self.result.map(|seen| seen.value)
    }

    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        (self.poll_at != Duration::MAX).then_some(self.poll_at)
    }

    /// Reads where nothing was heard for long.
    pub fn on_time(&mut self, now: Duration) {
        if now < self.poll_at {
            return;
        }
        self.poll_at = now + self.script.poll;
        if self.asks.is_empty() && self.asked.is_none() {
            self.asks.extend([Ask::Read(UPDATE_RESULT), Ask::Read(STATE)]);
        }
    }

    /// Takes in what was heard.
    pub fn on(&mut self, heard: Heard, now: Duration) {
        if self.phase == Phase::Over {
            return;
        }
        self.poll_at = now + self.script.poll;
        match heard {
            Heard::Registered => self.registered(),
            Heard::Served => self.served = true,
            Heard::Value {
                resource,
                value,
                notified,
            } => {
                if !notified {
                    self.answered(|ask| matches!(ask, Ask::Read(of) | Ask::Observe(of) if *of == resource));
                }
                self.value(resource, value, notified, now);
            }
            Heard::Observed { resource, taken } => self.observed(resource, taken, now),
            Heard::Accepted(ask) => {
                self.answered(|asked| *asked == ask);
                self.accepted(ask, now);
            }
            Heard::Refused(ask, code) => {
                self.answered(|asked| *asked == ask);
                self.refused(ask, code);
            }
            Heard::Unanswered(ask) => {
                self.answered(|asked| *asked == ask);
                self.unanswered(ask);
            }
        }
    }

    fn answered(&mut self, this: impl Fn(&Ask) -> bool) {
        self.asked.take_if(|ask| this(ask));
    }

    fn registered(&mut self) {
        self.asks.clear();
        self.asked = None;
        self.suspect = None;
        (self.state, self.result) = (None, None);
        if self.phase != Phase::Updating && self.executed.is_none() {
            self.phase = Phase::Meeting;
        } else {
            self.phase = Phase::Updating;
        }
        self.asks
            .extend([Ask::Observe(STATE), Ask::Observe(UPDATE_RESULT)]);
    }

    /// A client that has never taken an observation may be one that cannot, and it is read; one that took it once can.
    fn observed(&mut self, resource: u16, taken: bool, now: Duration) {
        if taken {
            self.observable.insert(resource, now);
        } else if let Some(before) = self.observable.get(&resource).copied() {
            let sentence = format!(
                "the observation of `/5/0/{resource}` was answered at {} without the Observe option; the one at {}, before the client registered again, was taken; expected the same again (RFC 7641 §4.1)",
                At(now),
                At(before)
            );
            self.find(Rule::ObserveRefused, sentence);
        }
    }

    fn accepted(&mut self, ask: Ask, now: Duration) {
        match ask {
            Ask::Write(uri) if uri.is_empty() => self.read_both(),
            Ask::Write(_) => {
                self.ordered = Some(now);
                self.stale = self.result.take().map(|seen| seen.value);
                self.phase = Phase::Fetching;
                self.tries = 0;
                self.read_both();
            }
            Ask::Execute if self.phase == Phase::Executing => {
                self.executed = Some(now);
                self.phase = Phase::Updating;
                self.asks.push_back(Ask::Read(STATE));
            }
            Ask::Execute => self.executed_early(now),
            Ask::Observe(_) | Ask::Read(_) => {}
        }
    }

    fn read_both(&mut self) {
        self.asks.extend([Ask::Read(UPDATE_RESULT), Ask::Read(STATE)]);
    }

    /// An Update was accepted while the download ran. The package cannot be there when not all of it was served.
    fn executed_early(&mut self, now: Duration) {
        if let Some(seen) = self
            .state
            .filter(|seen| seen.value == State::Downloading && !self.served)
        {
            let sentence = format!(
                "execute of `/5/0/2` was accepted at {} while `/5/0/3` was {} since {} and the package was not yet served to its end; expected 4.05",
                At(now),
                seen.value,
                At(seen.at)
            );
            self.find(Rule::ExecuteTooEarly, sentence);
        }
        self.executed = Some(now);
        self.phase = Phase::Updating;
        self.asks.push_back(Ask::Read(STATE));
    }

    fn refused(&mut self, ask: Ask, code: u16) {
        match ask {
            // As it must be: on with the download.
            Ask::Execute if self.phase == Phase::Fetching => self.asks.push_back(Ask::Read(STATE)),
            // A client that cannot be observed can be read.
            Ask::Observe(resource) => self.asks.push_back(Ask::Read(resource)),
            Ask::Read(_) => {}
            Ask::Write(_) | Ask::Execute => self.end(Ending::Refused(ask, code)),
        }
    }

    /// The order may have arrived although its answer did not: the state tells.
    fn unanswered(&mut self, ask: Ask) {
        if matches!(ask, Ask::Write(_) | Ask::Execute) {
            self.tries += 1;
            if self.tries >= TRIES_MAX {
                return self.end(Ending::Unanswered(ask));
            }
            self.asks.push_back(Ask::Read(STATE));
        }
    }

    fn value(&mut self, resource: u16, value: i64, notified: bool, now: Duration) {
        let raw = u8::try_from(value).ok();
        match resource {
            STATE => match raw.and_then(State::from_raw) {
                Some(state) => self.see_state(state, notified, now),
                None => self.find(
                    Rule::ObjectContradiction,
                    format!("`/5/0/3` is {value} at {}; expected 0 to 3", At(now)),
                ),
            },
            UPDATE_RESULT => match raw {
                Some(raw) => self.see_result(UpdateResult::from_raw(raw), now),
                None => self.find(
                    Rule::ObjectContradiction,
                    format!("`/5/0/5` is {value} at {}; expected 0 to 11", At(now)),
                ),
            },
            _ => {}
        }
        if self.ending.is_none() {
            self.go_on();
        }
    }

    // What it says.

    fn see_state(&mut self, state: State, notified: bool, now: Duration) {
        let seen = Seen {
            value: state,
            at: now,
        };
        let before = self.state.replace(seen);
        self.stale.take_if(|_| state != State::Idle);
        self.ran |= state == State::Updating;
        if let Some(before) = before {
            self.check_step(before, seen, notified);
        }
        if state == State::Updating
            && self.executed.is_none()
            && self.ordered.is_some()
            && self.phase != Phase::Executing
        {
            let sentence = format!("`/5/0/3` is {state} at {}, and no update was ordered", At(now));
            self.find(Rule::ObjectContradiction, sentence);
        }
        if let Some(suspect) = self.suspect.take()
            && self.executed.is_none()
            && !notified
            && matches!(state, State::Downloading | State::Downloaded)
        {
            let sentence = format!(
                "`/5/0/5` was {} at {} while `/5/0/3` was {state} before and at {}; expected 0 from the beginning of the download on",
                suspect.value,
                At(suspect.at),
                At(now)
            );
            self.find(Rule::ResultNotReset, sentence);
        }
        if state == State::Downloading && before.map(|seen| seen.value) != Some(State::Downloading) {
            // The result must be 0 now; the state is read behind it, so that a failure in between is none.
            self.read_both();
            if self.script.execute_early && self.early.is_none() {
                self.early = Some(now);
                self.asks.push_front(Ask::Execute);
            }
        }
    }

    /// One state after the other, with no order or registration between them.
    fn check_step(&mut self, before: Seen<State>, now: Seen<State>, notified: bool) {
        let how = if notified {
            "was notified as"
        } else {
            "was read as"
        };
        let (rule, expected) = match (before.value, now.value) {
            (State::Updating, State::Downloaded) => {
                // The result may be told a moment later: it is judged when it was read.
                self.asks.push_back(Ask::Read(UPDATE_RESULT));
                return;
            }
            (State::Downloaded, State::Downloading) if self.phase >= Phase::Fetching => {
                (Rule::ObjectContradiction, "a download that is complete stays so")
            }
            (State::Updating, State::Downloading) => {
                (Rule::ObjectContradiction, "an update ends in state 0 or 2")
            }
            _ => return,
        };
        let sentence = format!(
            "`/5/0/3` {how} {} at {} after {} at {}, and nothing was ordered in between; {expected}",
            now.value,
            At(now.at),
            before.value,
            At(before.at)
        );
        self.find(rule, sentence);
    }

    fn see_result(&mut self, result: UpdateResult, now: Duration) {
        let seen = Seen {
            value: result,
            at: now,
        };
        self.result = Some(seen);
        self.stale.take_if(|stale| *stale != result);
        let loads = matches!(self.state(), Some(State::Downloading | State::Downloaded));
        if loads && self.ordered.is_some() && self.executed.is_none() && result != UpdateResult::Initial {
            self.suspect = Some(seen);
            self.asks.push_back(Ask::Read(STATE));
        }
        let idle = self.state() == Some(State::Idle);
        if result == UpdateResult::Success && idle && self.phase == Phase::Fetching && self.served {
            let sentence = format!(
                "`/5/0/5` is {result} at {} although no update was ordered since the URI was written",
                At(now)
            );
            self.find(Rule::ObjectContradiction, sentence);
        }
    }

    fn find(&mut self, rule: Rule, sentence: String) {
        if self.findings.iter().all(|finding| finding.rule != rule) {
            self.findings.push(Finding { rule, sentence });
        }
    }

    // What to do.

    fn go_on(&mut self) {
        let Some(state) = self.state() else { return };
        let Some(result) = self.result() else { return };
        if !self.asks.is_empty() || self.asked.is_some() {
            return;
        }
        match self.phase {
            Phase::Absent | Phase::Over => {}
            Phase::Meeting | Phase::Resetting => self.met(state),
            Phase::Ordering => match state {
                State::Idle => self.order(),
                _ => self.phase = Phase::Fetching, // its answer was lost, the order was not
            },
            Phase::Fetching => self.fetching(state, result),
            Phase::Executing => match state {
                State::Downloaded => self.asks.push_back(Ask::Execute),
                _ => self.phase = Phase::Updating,
            },
            Phase::Updating => self.updating(state, result),
        }
    }

    fn met(&mut self, state: State) {
        match state {
            State::Idle => self.order(),
            State::Updating => {} // somebody else's; it ends and the client registers again
            // A download of ours that the client goes on with after a reboot.
            State::Downloading | State::Downloaded if self.ordered.is_some() => {
                self.phase = Phase::Fetching;
                self.go_on();
            }
            State::Downloading | State::Downloaded if self.phase == Phase::Meeting => {
                self.phase = Phase::Resetting;
                self.asks.push_back(Ask::Write(String::new()));
            }
            State::Downloading | State::Downloaded => self.end(Ending::Unanswered(Ask::Write(String::new()))),
        }
    }

    fn order(&mut self) {
        self.phase = Phase::Ordering;
        self.asks.push_back(Ask::Write(self.script.uri.clone()));
    }

    fn fetching(&mut self, state: State, result: UpdateResult) {
        match (state, result) {
            (State::Downloaded, _) => {
                self.phase = Phase::Executing;
                self.asks.push_back(Ask::Execute);
            }
            // Idling before the download has begun is no end, whatever result stands there from before the order.
            (State::Idle, UpdateResult::Initial | UpdateResult::Success) => {}
            (State::Idle, _) if self.stale == Some(result) => {}
            (State::Idle, _) => self.end(Ending::Rests(state, result)),
            (State::Downloading | State::Updating, _) => {}
        }
    }

    fn updating(&mut self, state: State, result: UpdateResult) {
        match (state, result) {
            (State::Downloaded, UpdateResult::Initial | UpdateResult::Success) if !self.ran => {} // about to begin
            (State::Downloaded, UpdateResult::Initial) => {
                let at = self.state.map_or(Duration::ZERO, |seen| seen.at);
                let began = self.executed.unwrap_or_default();
                let sentence = format!(
                    "`/5/0/3` is {state} again at {} and `/5/0/5` is {result}, after an update that was ordered at {}; expected a result",
                    At(at),
                    At(began)
                );
                self.find(Rule::UpdateWithoutResult, sentence);
                self.end(Ending::Rests(state, result));
            }
            (State::Downloaded, _) => self.end(Ending::Rests(state, result)),
            (State::Idle, UpdateResult::Initial) => {} // not told yet
            (State::Idle, _) => self.end(Ending::Rests(state, result)),
            (State::Downloading | State::Updating, _) => {}
        }
    }

    fn end(&mut self, ending: Ending) {
        self.phase = Phase::Over;
        self.poll_at = Duration::MAX;
        self.asks.clear();
        self.ending = Some(ending);
    }
}

/// A moment, as sentences show it.
struct At(Duration);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis().to_string();
        let (seconds, rest) = millis.split_at(millis.len().saturating_sub(3));
        write!(
            f,
            "{}.{rest:0>3} s",
            if seconds.is_empty() { "0" } else { seconds }
        )
    }
}
