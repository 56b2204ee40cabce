//! Which operation follows from the values that are known.

use super::{DialoguePhase, FirmwareUpdate, Operation, Seconds, Timed, UpdateEnding};
use crate::verdict::Rule;
use alloc::format;
use alloc::string::String;
use bc66_spec::lwm2m::{State, UpdateResult};

impl FirmwareUpdate {
    pub(super) fn go_on(&mut self) {
        let (Some(state), Some(result)) = (self.values.state, self.values.result) else {
            return;
        };
        if !self.queue.is_idle() {
            return;
        }
        match self.phase {
            DialoguePhase::Absent => {}
            DialoguePhase::Meeting | DialoguePhase::Resetting => self.met(state.value),
            DialoguePhase::Ordering => match state.value {
                State::Idle => self.write_uri(),
                _ => self.phase = DialoguePhase::Fetching, // only the answer to the write was lost
            },
            DialoguePhase::Fetching => self.fetching(state.value, result.value),
            DialoguePhase::Executing => match state.value {
                State::Downloaded => self.queue.push(Operation::Execute),
                State::Updating => {
                    // The order has arrived; only its answer was lost.
                    self.order.executed_at.get_or_insert(state.at);
                    self.phase = DialoguePhase::Updating;
                }
                _ => self.phase = DialoguePhase::Updating,
            },
            DialoguePhase::Updating => self.updating(state, result.value),
        }
    }

    fn met(&mut self, state: State) {
        let reset = || Operation::Write(String::new());
        match state {
            State::Idle => self.write_uri(),
            State::Updating => {} // an update that others ordered: it ends, and the client registers again
            // The client goes on with our download after a reboot.
            State::Downloading | State::Downloaded if self.order.written_at.is_some() => {
                self.phase = DialoguePhase::Fetching;
                self.go_on();
            }
            State::Downloading | State::Downloaded if self.phase == DialoguePhase::Meeting => {
                self.phase = DialoguePhase::Resetting;
                self.queue.push(reset());
            }
            State::Downloading | State::Downloaded => self.end(UpdateEnding::Unanswered(reset())),
        }
    }

    fn write_uri(&mut self) {
        self.phase = DialoguePhase::Ordering;
        self.queue.push(Operation::Write(self.options.uri.clone()));
    }

    fn fetching(&mut self, state: State, result: UpdateResult) {
        match (state, result) {
            (State::Downloaded, _) => {
                self.phase = DialoguePhase::Executing;
                self.queue.push(Operation::Execute);
            }
            // It has forgotten the download in a reboot.
            (State::Idle, UpdateResult::Initial) if self.order.loading && self.updated => self.write_uri(),
            // The download has not begun: the result, whatever it is, is from before the order.
            (State::Idle, UpdateResult::Initial | UpdateResult::Success) => {}
            (State::Idle, _) if self.values.stale == Some(result) => {}
            (State::Idle, _) => self.end(UpdateEnding::Rests(state, result)),
            (State::Downloading | State::Updating, _) => {}
        }
    }

    fn updating(&mut self, state: Timed<State>, result: UpdateResult) {
        let ending = UpdateEnding::Rests(state.value, result);
        match (state.value, result) {
            // The update is about to begin.
            (State::Downloaded, UpdateResult::Initial | UpdateResult::Success) if !self.order.ran => {}
            (State::Downloaded, UpdateResult::Initial) => {
                let sentence = format!(
                    "`/5/0/3` is {} again at {} and `/5/0/5` is {result}, after an update that was ordered at {}; expected a result",
                    state.value,
                    Seconds(state.at),
                    Seconds(self.order.executed_at.unwrap_or_default())
                );
                self.find(Rule::UpdateWithoutResult, sentence);
                self.end(ending);
            }
            (State::Idle, UpdateResult::Initial) => {} // the result is still to come
            (State::Downloaded | State::Idle, _) => self.end(ending),
            (State::Downloading | State::Updating, _) => {}
        }
    }
}
