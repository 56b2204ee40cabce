//! Second: what the module said.

use super::Admitted;
use crate::case::Anomalies;
use crate::expect::{CommandReply, Expect};
use crate::fault::OrderFault;
use crate::observation::{ObjectEnding, Observation};
use crate::update::AfterCut;
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::ToString;
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::lwm2m::{State, UpdateResult};

pub(super) fn look(rules: &mut Admitted<'_>) -> Option<Verdict> {
    let seen = rules.seen;
    let fired = [
        seen.violation(),
        seen.downloaded_again(),
        seen.wrong_reply(),
        seen.wrong_download(),
        seen.wrong_end(),
        seen.missing_end(),
        seen.wrong_object(),
        seen.flood(),
        seen.anomaly(),
    ];
    fired.into_iter().find_map(|fired| rules.admit(fired))
}

impl Observation {
    fn violation(&self) -> Option<Verdict> {
        let violation = self.update.violations().first()?;
        let (urc, rule, after) = (violation.urc, violation.rule, self.after());
        let sentence = match rule {
            Rule::RebootsByItself => format!(
                "{after} the application had come up, and then {urc} came, although the harness had moved no line and ordered no update; expected the application to keep running"
            ),
            Rule::UpdateUnasked => {
                format!("{after} {urc} came although no update had been ordered and no resume was expected")
            }
            Rule::UpdatingAfterEnd => {
                format!(
                    "{after} {urc} came {}, but no other update had been ordered",
                    violation.phase.as_time()
                )
            }
            Rule::WrongTransport => {
                format!("{urc} came, and the update was ordered over {}", self.case().via)
            }
            Rule::DownloadedAgain => format!(
                "{after} {urc} came: the module downloads again; expected a forced resume from what is in flash (application note §2.2.1 note 1)"
            ),
            Rule::StartBeforeDownloadEnd => {
                format!(
                    "{urc} came {}, before the download had ended",
                    violation.phase.as_time()
                )
            }
            _ => format!("{urc} came {}", violation.phase.as_time()),
        };
        Some(Verdict::by(rule, sentence))
    }

    fn downloaded_again(&self) -> Option<Verdict> {
        let again = self.fetches.again;
        if again == 0 {
            return None;
        }
        let requests = if again == 1 { "request" } else { "requests" };
        let sentence = format!(
            "{} the package was fetched again ({again} {requests}); a forced resume works from what is in flash",
            self.after()
        );
        Some(Verdict::by(Rule::DownloadedAgain, sentence))
    }

    fn wrong_reply(&self) -> Option<Verdict> {
        let reply = self.answers.reply.map(|reply| reply.what);
        if let Some(OrderFault::Again(_)) = self.case().faults.order {
            // Which of the two a module answers is not documented: both refuse.
            let refused = reply == Some(CommandReply::Error) || self.ends().contains(&UpdateCode::Busy);
            return (self.fault_met() && !refused).then(|| {
                let sentence =
                    "a second update order was accepted while an update was under way; expected ERROR or END,2"
                        .to_string();
                Verdict::by(Rule::UnexpectedReply, sentence)
            });
        }
        let expected = self.case().expect.reply?;
        let seen = match reply {
            Some(reply) if reply == expected => return None,
            Some(reply) => reply.name(),
            None => "nothing",
        };
        Some(Verdict::by(
            Rule::UnexpectedReply,
            format!("the module answered {seen}, expected {}", expected.name()),
        ))
    }

    fn wrong_download(&self) -> Option<Verdict> {
        let expected = self
            .case()
            .expect
            .download
            .filter(|_| !self.to_be_ordered_again());
        let expected = DownloadCode::from_raw(expected?);
        match self.update.download() {
            Some(seen) if seen == expected => None,
            Some(seen) => Some(Verdict::by(
                Rule::DownloadCode,
                format!("the download ended with {seen}, expected {expected}"),
            )),
            None => Some(Verdict::by(
                Rule::DownloadEndMissing,
                format!("no end of the download was reported, expected {expected}"),
            )),
        }
    }

    fn updated(&self) -> bool {
        self.runs_target() && self.source() != self.target()
    }

    fn wrong_end(&self) -> Option<Verdict> {
        let forced = self.update.expected_after_cuts() == AfterCut::MustResume && self.updated();
        if let Some(seen) = self
            .ends()
            .into_iter()
            .find(|code| forced && *code != UpdateCode::Success)
        {
            // A forced resume ends with 0, whatever the case expects of the package.
            let sentence = format!(
                "{} the forced resume reported END,{seen}, expected 0",
                self.after()
            );
            return Some(Verdict::by(Rule::UpdateCode, sentence));
        }
        let expected = UpdateCode::from_raw(self.expected_end()?);
        // The refusal of a second order is no result of the first.
        let again = matches!(self.case().faults.order, Some(OrderFault::Again(_)));
        let mut ends = self
            .ends()
            .into_iter()
            .filter(|&code| !(again && code == UpdateCode::Busy));
        let seen = ends.find(|&code| code != expected)?;
        Some(Verdict::by(
            Rule::UpdateCode,
            format!("{} END,{seen} was reported, expected {expected}", self.after()),
        ))
    }

    fn missing_end(&self) -> Option<Verdict> {
        if !self.ends().is_empty() {
            return None;
        }
        let after = self.after();
        if self.updated() {
            let sentence = format!(
                "{after} the module runs {}, but reported no END, not even on one further boot",
                self.target()
            );
            return Some(Verdict::by(Rule::EndMissing, sentence));
        }
        let expected = UpdateCode::from_raw(self.expected_end()?);
        let sentence = format!("{after} no END was reported, expected {expected}");
        Some(Verdict::by(Rule::EndMissing, sentence))
    }

    /// The END that has to come. After a cut, the table of legal outcomes says; without one, the case does.
    fn expected_end(&self) -> Option<u32> {
        if self.to_be_ordered_again() {
            return None;
        }
        if self.cuts_made() > 0 && self.case().expect == Expect::success() {
            return self.updated().then_some(UpdateCode::Success.raw());
        }
        self.case().expect.update
    }

    /// AT and LwM2M must agree.
    fn wrong_object(&self) -> Option<Verdict> {
        let object = self.watched_object()?;
        if let Some(finding) = object.findings.first() {
            return Some(Verdict::by(finding.rule, finding.sentence.clone()));
        }
        let declared = self.case().expect.lwm2m;
        let (state, result) = match declared {
            Some(declared) => (declared.state, declared.result),
            None if self.updated() => (Some(State::Idle.raw()), Some(UpdateResult::Success.raw())),
            None => return None,
        };
        let expected = |value: Option<u8>| value.map_or("any".to_string(), |value| value.to_string());
        let expected = format!("state {} and result {}", expected(state), expected(result));
        match &object.ending {
            Some(ObjectEnding::Rests {
                state: seen_state,
                result: seen_result,
            }) => {
                let same = state.is_none_or(|state| state == *seen_state)
                    && result.is_none_or(|result| result == *seen_result);
                (!same).then(|| {
                    let sentence = format!(
                        "{} `/5/0` was read with state {seen_state} and result {seen_result}, expected {expected}",
                        self.after()
                    );
                    Verdict::by(Rule::ObjectState, sentence)
                })
            }
            Some(other) => {
                let sentence = format!(
                    "{} the dialogue over LwM2M ended: {other}; expected {expected}",
                    self.after()
                );
                Some(Verdict::by(Rule::Lwm2mSilent, sentence))
            }
            None if !object.awaited => None,
            None => Some(self.not_read_back(&expected)),
        }
    }

    /// What was seen of the firmware update object, where the update is ordered over it.
    fn watched_object(&self) -> Option<&crate::observation::ObjectSeen> {
        (self.case().via == crate::transport::Via::Coap).then_some(&self.object)
    }

    /// No end came over LwM2M although the module was registered again: what it says of itself there decides.
    fn not_read_back(&self, expected: &str) -> Verdict {
        let after = self.after();
        let Some(state) = self.object.state else {
            let sentence = format!(
                "{after} state and result of `/5/0` were not read back within the limit, expected {expected}"
            );
            return Verdict::by(Rule::Lwm2mSilent, sentence);
        };
        let result = self
            .object
            .result
            .map_or("unknown".to_string(), |result| result.to_string());
        let sentence = format!(
            "{after} `/5/0` still says state {state} and result {result} although END and the version say that the update is over; expected {expected}"
        );
        Verdict::by(Rule::ObjectState, sentence)
    }

    /// A module that is left alone has little to say.
    fn flood(&self) -> Option<Verdict> {
        const TOO_BUSY: u64 = 250;
        let busy = self.busy?.what;
        if busy <= TOO_BUSY {
            return None;
        }
        let sentence = format!(
            "{} the module was left idle, but its line was busy for {} % of the time; expected at most {} %",
            self.after(),
            busy / 10,
            TOO_BUSY / 10
        );
        Some(Verdict::by(Rule::FloodsTheLine, sentence))
    }

    /// An anomaly, where the suite declares it a fail.
    fn anomaly(&self) -> Option<Verdict> {
        let texts = self.oddities();
        let declared = self.case().anomalies == Anomalies::Fail && !texts.is_empty();
        declared.then(|| {
            let sentence = format!(
                "{} {}; the suite declares `anomalies: fail`",
                self.after(),
                texts.join(", ")
            );
            Verdict::by(Rule::Anomaly, sentence)
        })
    }
}
