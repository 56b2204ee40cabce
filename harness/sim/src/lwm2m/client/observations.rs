//! What the server observes (RFC 7641).

use crate::coap::option::{CONTENT_FORMAT, OBSERVE};
use crate::coap::{MessageCode, MessageType, RawMessage};
use crate::lwm2m::objects::Objects;
use crate::lwm2m::path::Path;

/// Observations that the module keeps. Assumed.
pub(super) const OBSERVATIONS_MAX: usize = 8;

#[derive(Debug)]
struct ObservedResource {
    path: Path,
    token: Vec<u8>,
    accept: Option<u16>,
    /// The value that the server was sent last.
    sent: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Observations {
    resources: Vec<ObservedResource>,
    sequence: u32,
}

impl Observations {
    pub(super) fn new(sequence: u32) -> Self {
        Self {
            resources: Vec::new(),
            sequence,
        }
    }

    /// Starts one; its number in the sequence, or `None` if there is no room for it.
    pub(super) fn add(&mut self, path: Path, token: &[u8], accept: Option<u16>, sent: &[u8]) -> Option<u32> {
        if self.resources.len() >= OBSERVATIONS_MAX {
            return None;
        }
        self.resources
            .retain(|other| other.path != path || other.accept != accept);
        self.resources.push(ObservedResource {
            path,
            token: token.to_vec(),
            accept,
            sent: sent.to_vec(),
        });
        Some(self.next_number())
    }

    pub(super) fn cancel(&mut self, token: &[u8]) {
        self.resources.retain(|other| other.token != token);
    }

    pub(super) fn clear(&mut self) {
        self.resources.clear();
    }

    /// The tokens of those whose value is not the one that was sent last.
    pub(super) fn changed(&self, objects: &Objects) -> Vec<Vec<u8>> {
        let is_changed = |observed: &&ObservedResource| {
            let now = objects.read(observed.path, observed.accept);
            now.is_ok_and(|now| now.payload != observed.sent)
        };
        let changed = self.resources.iter().filter(is_changed);
        changed.map(|observed| observed.token.clone()).collect()
    }

    /// A notification of the value as it is now; `None` if nothing is observed any more under this token.
    pub(super) fn notification(&mut self, token: &[u8], id: u16, objects: &Objects) -> Option<RawMessage> {
        let number = self.next_number();
        let observed = self.resources.iter_mut().find(|other| other.token == token)?;
        let now = objects.read(observed.path, observed.accept).ok()?;
        observed.sent.clone_from(&now.payload);
        let mut message = RawMessage::new(MessageType::Confirmable, MessageCode::CONTENT, id, token);
        message.push_uint(OBSERVE, number);
        message.push_uint(CONTENT_FORMAT, now.format.into());
        message.payload = now.payload;
        Some(message)
    }

    fn next_number(&mut self) -> u32 {
        self.sequence = (self.sequence + 1) & 0xFF_FFFF;
        self.sequence
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.resources.len()
    }
}
