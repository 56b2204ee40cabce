//! A firmware update over LwM2M, from the order to the result (AN §4.1, §6.3; LwM2M TS 1.0.2 E.6): what to ask the client
//! next, and whether what it says is legal.
//!
//! Observe may leave states out and a reboot drops it, so nothing rests on a notification that did not come: what matters
//! is read as well. A state or result that contradicts what the object said before is another matter; so is a client that
//! took an observation before a reboot and answers it as a mere read afterwards: Observe is an operation that it has to
//! support (LwM2M TS 1.0.2 §5.5.1), and a response without the option says that it did not take it (RFC 7641 §4.1).

mod ask;
mod said;

pub use ask::{Ask, Ending, Heard};

use crate::verdict::{Finding, Rule};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_spec::lwm2m::firmware::{STATE, UPDATE_RESULT};
use bc66_spec::lwm2m::{State, UpdateResult};
use core::fmt;
use core::time::Duration;

/// How often an order is given again that nothing came of.
const TRIES_MAX: u32 = 3;

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
    Updating,
    Over,
}

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
    /// Since the order, state 1 or 2 was heard.
    loaded: bool,
    /// Since the order and the registration, the client has updated the latter: it may have rebooted.
    updated: bool,
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
            loaded: false,
            updated: false,
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
            Heard::Updated => self.updated(),
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
        self.updated = false;
        (self.state, self.result) = (None, None);
        if self.phase != Phase::Updating && self.executed.is_none() {
            self.phase = Phase::Meeting;
        } else {
            self.phase = Phase::Updating;
        }
        self.asks
            .extend([Ask::Observe(STATE), Ask::Observe(UPDATE_RESULT)]);
    }

    /// State and result are asked for at once, and observed, before the client sleeps again. What was heard before counts as
    /// before a reboot: nothing contradicts it any more.
    fn updated(&mut self) {
        match self.phase {
            Phase::Absent => return self.registered(),
            // Its answer is to come, and with it what stands there after the order.
            Phase::Meeting | Phase::Resetting | Phase::Ordering if self.writes() => return,
            // What is not yet ordered is ordered when the state says so again.
            Phase::Executing => self.asks.retain(|ask| *ask != Ask::Execute),
            _ => {}
        }
        self.updated = true;
        self.suspect = None;
        (self.state, self.result) = (None, None);
        for resource in [UPDATE_RESULT, STATE] {
            let ask = Ask::Observe(resource);
            if self.asked.as_ref() != Some(&ask) {
                self.asks.retain(|other| *other != ask);
                self.asks.push_front(ask);
            }
        }
    }

    /// A URI is being written, or is about to be.
    fn writes(&self) -> bool {
        let mut asks = self.asks.iter().chain(&self.asked);
        asks.any(|ask| matches!(ask, Ask::Write(_)))
    }

    /// A client that has never taken an observation may be one that cannot, and it is read; one that took it once can.
    fn observed(&mut self, resource: u16, taken: bool, now: Duration) {
        if taken {
            self.observable.insert(resource, now);
        } else if self.updated {
            // It may have it from before still, and no room for a second one.
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
                (self.loaded, self.updated) = (false, false);
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
            // It has forgotten the download in a reboot.
            (State::Idle, UpdateResult::Initial) if self.loaded && self.updated => self.order(),
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
