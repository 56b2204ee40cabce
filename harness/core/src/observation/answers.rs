//! The module's answers about identity, version and capabilities, and the attempts to revive a silent module.

use super::SeenEvent;
use crate::capabilities::Capabilities;
use crate::event::CapabilityTime;
use crate::event_id::EventId;
use crate::expect::CommandReply;
use crate::version::{Imei, Version};
use alloc::string::String;
use alloc::vec::Vec;

/// Everything that the module answered, in order.
#[derive(Debug, Clone, Default)]
pub struct ModuleAnswers {
    pub readings: Vec<Reading>,
    pub capabilities: Vec<SeenEvent<CapabilityCheck>>,
    /// What answered the faulty block, or the order (the second one where the case gives two).
    pub reply: Option<SeenEvent<CommandReply>>,
    /// What was done to a module that does not answer.
    pub revivals: Vec<SeenEvent<String>>,
}

/// What the module could do when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityCheck {
    pub when: CapabilityTime,
    pub capabilities: Capabilities,
}

/// What the module said of itself when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityReply {
    Identity {
        version: Version,
        /// Its IMEI, where it told one.
        imei: Option<Imei>,
    },
    /// It answered, and this cannot be read.
    Unreadable(String),
    /// It did not answer; this came in place of an answer.
    Nothing(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub id: EventId,
    /// In which of the update's lives, counted from 0.
    pub life: usize,
    pub said: IdentityReply,
}
