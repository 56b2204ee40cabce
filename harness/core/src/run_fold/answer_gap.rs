//! Whether the answer to the last command may have gone unheard.

use crate::event::Event;
use crate::event::watched::{Gap, Halted};
use crate::event_id::EventId;
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::String;

#[derive(Debug, Default)]
pub(super) struct AnswerGap {
    /// The last gap since that command, and why it began.
    since: Option<(EventId, String)>,
    /// The port has gone and is not back.
    away: bool,
}

impl AnswerGap {
    pub(super) fn on(&mut self, id: EventId, event: &Event) {
        match event {
            Event::Gap(gap) => {
                self.away = matches!(gap, Gap::PortLost { .. });
                if let Some(why) = gap.why() {
                    self.since = Some((id, why));
                }
            }
            // One that is sent while the port is away is written once it is back. The journal does not tell whether that
            // happened.
            Event::Tx { .. } if !self.away => self.since = None,
            _ => {}
        }
    }

    /// The verdict of a procedure that could not go on, and the gap that it rests on. A missing answer counts only where
    /// it could have been heard.
    pub(super) fn judge(&self, halted: &Halted) -> (Verdict, Option<EventId>) {
        let misses_an_answer = matches!(halted.rule, Rule::NoReply | Rule::NoModule | Rule::NotRegistered);
        let Some((id, why)) = self.since.as_ref().filter(|_| misses_an_answer) else {
            return (Verdict::by(halted.rule, halted.sentence.clone()), None);
        };
        let sentence = format!(
            "{}; `{}` cannot be decided: the module could not be heard ({why}), and the answer may have come then",
            halted.sentence, halted.rule
        );
        (Verdict::by(Rule::SerialLost, sentence), Some(*id))
    }
}
