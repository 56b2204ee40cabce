//! What the firmware update object said and did, as the LwM2M server saw it.

use crate::event::watched::ObjectFact;
use crate::event_id::EventId;
use crate::verdict::Finding;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::lwm2m::firmware;

/// How the update ended over LwM2M.
#[derive(Debug, Clone, PartialEq, Eq, derive_more::Display)]
pub enum ObjectEnding {
    #[display("state {state}, result {result}")]
    Rests {
        /// `/5/0/3`.
        state: u8,
        /// `/5/0/5`.
        result: u8,
    },
    /// An order was refused: which, and how.
    #[display("{_0}")]
    Refused(String),
    /// An order was never answered: which.
    #[display("{_0}")]
    Unanswered(String),
}

/// Everything that was seen of the object.
#[derive(Debug, Clone, Default)]
pub struct ObjectSeen {
    /// What was not legal in itself.
    pub findings: Vec<Finding>,
    /// How the update ended, where it did.
    pub ending: Option<ObjectEnding>,
    /// The module came back and was asked to register, so that state and result could be read.
    pub awaited: bool,
    /// `/5/0/3` as it was told last; where it was to be read back, since then.
    pub state: Option<i64>,
    /// The same of `/5/0/5`.
    pub result: Option<i64>,
    pub ids: Vec<EventId>,
}

impl ObjectSeen {
    pub(super) fn on(&mut self, id: EventId, fact: &ObjectFact) {
        match fact {
            ObjectFact::Told { resource, value } => match *resource {
                firmware::STATE => self.state = Some(*value),
                firmware::UPDATE_RESULT => self.result = Some(*value),
                _ => return,
            },
            ObjectFact::Found { finding } => self.findings.push(finding.clone()),
            ObjectFact::Rests { state, result } => {
                self.ending = Some(ObjectEnding::Rests {
                    state: *state,
                    result: *result,
                });
            }
            ObjectFact::Refused { words } => self.ending = Some(ObjectEnding::Refused(words.clone())),
            ObjectFact::Unanswered { words } => self.ending = Some(ObjectEnding::Unanswered(words.clone())),
            ObjectFact::ReadBack => {
                self.awaited = true;
                if self.ending.is_none() {
                    (self.state, self.result) = (None, None);
                }
                return;
            }
        }
        self.ids.push(id);
    }
}
