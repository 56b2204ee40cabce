//! Second: what the module said.

use super::facts::{Became, Facts, Told};
use crate::expect::{Expect, Reply};
use crate::fault::OrderFault;
use crate::lwm2m::firmware_update::Ending;
use crate::update::Due;
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::ToString;
use bc66_wire::code::{DownloadCode, UpdateCode};
use bc66_wire::lwm2m::{State, UpdateResult};

impl Facts<'_> {
    pub(super) fn said(&self) -> Option<Verdict> {
        self.violation()
            .or_else(|| self.downloaded_again())
            .or_else(|| self.wrong_reply())
            .or_else(|| self.wrong_download())
            .or_else(|| self.wrong_end())
            .or_else(|| self.wrong_object())
    }

    fn violation(&self) -> Option<Verdict> {
        let violation = self.update.violations().first()?;
        let sentence = format!(
            "{:?} came in the phase \"{}\": {}",
            violation.urc,
            violation.phase,
            violation.rule.meaning()
        );
        Some(Verdict::of(violation.rule, sentence))
    }

    fn downloaded_again(&self) -> Option<Verdict> {
        if self.fetches.again == 0 {
            return None;
        }
        let sentence = format!(
            "{} the package was fetched again ({} requests); a forced resume works from what is in flash",
            self.after(),
            self.fetches.again
        );
        Some(Verdict::of(Rule::DownloadedAgain, sentence))
    }

    fn wrong_reply(&self) -> Option<Verdict> {
        if let Some(OrderFault::Again(_)) = self.case.faults.order {
            // Which of the two a module answers is not documented: both refuse.
            let refused = self.reply == Some(Reply::Error) || self.ends().contains(&UpdateCode::Busy);
            return (self.fault_met && !refused).then(|| {
                let sentence =
                    "a second order while one was under way was accepted; expected ERROR, or END,2"
                        .to_string();
                Verdict::of(Rule::UnexpectedReply, sentence)
            });
        }
        let expected = self.case.expect.reply?;
        let seen = match self.reply {
            Some(reply) if reply == expected => return None,
            Some(reply) => reply.name(),
            None => "nothing",
        };
        Some(Verdict::of(
            Rule::UnexpectedReply,
            format!("the module answered {seen}, expected {}", expected.name()),
        ))
    }

    /// The cut came before there was anything to update with: the codes that the case expects belong to the same update,
    /// ordered again.
    pub(super) fn to_be_ordered_again(&self) -> bool {
        let due = self.update.due() == Due::Nothing;
        due && self.cuts_made() > 0 && !self.cut_lives().any(|life| life.glitch)
    }

    fn wrong_download(&self) -> Option<Verdict> {
        let expected = self.case.expect.download.filter(|_| !self.to_be_ordered_again());
        let expected = DownloadCode::from_raw(expected?);
        match self.update.download() {
            Some(seen) if seen == expected => None,
            Some(seen) => Some(Verdict::of(
                Rule::DownloadCode,
                format!("the download ended with {seen}, expected {expected}"),
            )),
            None => Some(Verdict::of(
                Rule::DownloadCode,
                format!("no end of the download was reported, expected {expected}"),
            )),
        }
    }

    fn wrong_end(&self) -> Option<Verdict> {
        let ends = self.ends();
        let updated = self.became == Became::Runs(self.target().clone()) && self.source() != self.target();
        if ends.is_empty() && updated {
            let sentence = format!(
                "{} the module runs {}, but reported no END, not even on one further boot",
                self.after(),
                self.target()
            );
            return Some(Verdict::of(Rule::EndMissing, sentence));
        }
        let expected = self.expected_end(updated).filter(|_| !self.to_be_ordered_again());
        let expected = UpdateCode::from_raw(expected?);
        // The refusal of a second order is no result of the first.
        let again = matches!(self.case.faults.order, Some(OrderFault::Again(_)));
        let mut ends = ends
            .into_iter()
            .filter(|&code| !(again && code == UpdateCode::Busy));
        match ends.find(|&code| code != expected) {
            Some(seen) => Some(Verdict::of(
                Rule::UpdateCode,
                format!("{} END,{seen} was reported, expected {expected}", self.after()),
            )),
            None if self.ends().is_empty() => Some(Verdict::of(
                Rule::UpdateCode,
                format!("{} no END was reported, expected {expected}", self.after()),
            )),
            None => None,
        }
    }

    /// The END that has to come. After a cut, the table of legal outcomes says; without one, the case does.
    fn expected_end(&self, updated: bool) -> Option<u32> {
        if self.cuts_made() > 0 && self.case.expect == Expect::success() {
            return updated.then_some(UpdateCode::Success.raw());
        }
        self.case.expect.update
    }

    /// AT and LwM2M must tell the same story.
    fn wrong_object(&self) -> Option<Verdict> {
        let lwm2m = self.lwm2m?;
        if let Some(finding) = lwm2m.findings.first() {
            return Some(Verdict::of(finding.rule, finding.sentence.clone()));
        }
        let updated = self.became == Became::Runs(self.target().clone()) && self.source() != self.target();
        let declared = self.case.expect.lwm2m;
        let (state, result) = match declared {
            Some(declared) => (declared.state, declared.result),
            None if updated => (Some(State::Idle.raw()), Some(UpdateResult::Success.raw())),
            None => return None,
        };
        let expected = |value: Option<u8>| value.map_or("any".to_string(), |value| value.to_string());
        let expected = format!("state {} and result {}", expected(state), expected(result));
        match lwm2m.ending {
            Some(Ending::Rests(seen_state, seen_result)) => {
                let same = state.is_none_or(|state| state == seen_state.raw())
                    && result.is_none_or(|result| result == seen_result.raw());
                (!same).then(|| {
                    let (seen_state, seen_result) = (seen_state.raw(), seen_result.raw());
                    let sentence = format!(
                        "{} `/5/0` was read with state {seen_state} and result {seen_result}, expected {expected}",
                        self.after()
                    );
                    Verdict::of(Rule::ObjectState, sentence)
                })
            }
            Some(other) => {
                let sentence = format!(
                    "{} the dialogue over LwM2M ended: {other}; expected {expected}",
                    self.after()
                );
                Some(Verdict::of(Rule::Lwm2mSilent, sentence))
            }
            None if !lwm2m.awaited => None,
            None => Some(self.not_read_back(lwm2m.told, &expected)),
        }
    }

    /// No end came over LwM2M although the module was registered again: what it says of itself there decides.
    fn not_read_back(&self, told: Told, expected: &str) -> Verdict {
        let after = self.after();
        let Told {
            state: Some(state),
            result,
        } = told
        else {
            let sentence = format!(
                "{after} state and result of `/5/0` were not read back within the limit, expected {expected}"
            );
            return Verdict::of(Rule::Lwm2mSilent, sentence);
        };
        let result = result.map_or("unknown".to_string(), |result| result.to_string());
        let sentence = format!(
            "{after} `/5/0` still says state {state} and result {result} although END and the version say that the update is over; expected {expected}"
        );
        Verdict::of(Rule::ObjectState, sentence)
    }
}
