//! State and result of the object, held against their earlier values.

use super::{DialoguePhase, EarlyExecute, FirmwareUpdate, Operation, Seconds, Timed};
use crate::verdict::Rule;
use alloc::format;
use bc66_spec::lwm2m::firmware::{STATE, UPDATE_RESULT};
use bc66_spec::lwm2m::{State, UpdateResult};
use core::time::Duration;

#[derive(Debug, Default)]
pub(super) struct ObjectValues {
    pub(super) state: Option<Timed<State>>,
    pub(super) result: Option<Timed<UpdateResult>>,
    /// The result from before the order, until something shows that the current one is new.
    pub(super) stale: Option<UpdateResult>,
    /// A result other than 0 during the download. It is judged when the state was read once more.
    suspect: Option<Timed<UpdateResult>>,
}

impl ObjectValues {
    /// The client may have rebooted: later values contradict none of these.
    pub(super) fn forget(&mut self) {
        (self.state, self.result, self.suspect) = (None, None, None);
    }
}

const fn loads(state: State) -> bool {
    matches!(state, State::Downloading | State::Downloaded)
}

impl FirmwareUpdate {
    pub(super) fn see_state(&mut self, state: State, notified: bool, now: Duration) {
        let seen = Timed {
            value: state,
            at: now,
        };
        let before = self.values.state.replace(seen);
        self.values.stale.take_if(|_| state != State::Idle);
        self.order.ran |= state == State::Updating;
        self.order.loading |= loads(state);
        if let Some(before) = before {
            self.check_step(before, seen, notified);
        }
        let executed = self.order.executed_at.is_some();
        if state == State::Updating
            && !executed
            && self.order.written_at.is_some()
            && self.phase != DialoguePhase::Executing
        {
            if matches!(self.order.early, EarlyExecute::Sent(_)) {
                // The answer to it is lost, or still to come.
                self.executed(now);
            } else {
                let at = Seconds(now);
                let sentence = format!("`/5/0/3` is {state} at {at}, and no update was ordered");
                self.find(Rule::ObjectContradiction, sentence);
            }
        }
        if let Some(suspect) = self.values.suspect.take()
            && !executed
            && !notified
            && loads(state)
        {
            let sentence = format!(
                "`/5/0/5` was {} at {} while `/5/0/3` was {state} before and at {}; expected 0 from the beginning of the download on",
                suspect.value,
                Seconds(suspect.at),
                Seconds(now)
            );
            self.find(Rule::ResultNotReset, sentence);
        }
        if state == State::Downloading && before.is_none_or(|before| before.value != State::Downloading) {
            // The result must be 0 now. The state is read behind it, so that a download that fails in between is not
            // mistaken for one that keeps its old result.
            self.read_both();
            if self.options.execute_early && self.order.early == EarlyExecute::Unsent {
                self.order.early = EarlyExecute::Sent(seen);
                self.queue.push_first(Operation::Execute);
            }
        }
    }

    /// Judges one state after another, with no order or registration in between.
    fn check_step(&mut self, before: Timed<State>, now: Timed<State>, notified: bool) {
        let expected = match (before.value, now.value) {
            (State::Updating, State::Downloaded) => {
                // The result may come a moment later: it is judged when it was read.
                return self.queue.push(Operation::Read(UPDATE_RESULT));
            }
            (State::Downloaded, State::Downloading) if self.phase >= DialoguePhase::Fetching => {
                "a download that is complete stays so"
            }
            (State::Updating, State::Downloading) => "an update ends in state 0 or 2",
            _ => return,
        };
        let how = if notified { "notified" } else { "read" };
        let sentence = format!(
            "`/5/0/3` was {how} as {} at {} after {} at {}, and nothing was ordered in between; {expected}",
            now.value,
            Seconds(now.at),
            before.value,
            Seconds(before.at)
        );
        self.find(Rule::ObjectContradiction, sentence);
    }

    pub(super) fn see_result(&mut self, result: UpdateResult, now: Duration) {
        let seen = Timed {
            value: result,
            at: now,
        };
        self.values.result = Some(seen);
        self.values.stale.take_if(|stale| *stale != result);
        let state = self.values.state.map(|state| state.value);
        let ordered = self.order.written_at.is_some() && self.order.executed_at.is_none();
        if state.is_some_and(loads) && ordered && result != UpdateResult::Initial {
            self.values.suspect = Some(seen);
            self.queue.push(Operation::Read(STATE));
        }
        let idle = state == Some(State::Idle) && !self.updated;
        let fetched = self.phase == DialoguePhase::Fetching && self.order.served;
        if result == UpdateResult::Success && idle && fetched {
            let sentence = format!(
                "`/5/0/5` is {result} at {} although no update was ordered since the URI was written",
                Seconds(now)
            );
            self.find(Rule::ObjectContradiction, sentence);
        }
    }
}
