//! What the object says, held against what it said before.

use super::{Ask, At, FirmwareUpdate, Phase, Seen};
use crate::verdict::{Finding, Rule};
use alloc::format;
use alloc::string::String;
use bc66_spec::lwm2m::firmware::{STATE, UPDATE_RESULT};
use bc66_spec::lwm2m::{State, UpdateResult};
use core::time::Duration;

impl FirmwareUpdate {
    pub(super) fn see_state(&mut self, state: State, notified: bool, now: Duration) {
        let seen = Seen {
            value: state,
            at: now,
        };
        let before = self.state.replace(seen);
        self.stale.take_if(|_| state != State::Idle);
        self.ran |= state == State::Updating;
        self.loaded |= matches!(state, State::Downloading | State::Downloaded);
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

    pub(super) fn see_result(&mut self, result: UpdateResult, now: Duration) {
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
        let idle = self.state() == Some(State::Idle) && !self.updated;
        if result == UpdateResult::Success && idle && self.phase == Phase::Fetching && self.served {
            let sentence = format!(
                "`/5/0/5` is {result} at {} although no update was ordered since the URI was written",
                At(now)
            );
            self.find(Rule::ObjectContradiction, sentence);
        }
    }

    pub(super) fn find(&mut self, rule: Rule, sentence: String) {
        if self.findings.iter().all(|finding| finding.rule != rule) {
            self.findings.push(Finding { rule, sentence });
        }
    }
}
