//! A cut that was made, with its times.

use crate::cut::{Cut, CutKind};
use crate::update::Phase;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cut that was made. Times are in `mono_ns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CutMade {
    /// Its id.
    pub cut: Cut,
    /// Where the update stood, as far as the module had said so.
    pub landed: Phase,
    /// When the byte that completed the moment was read.
    pub trigger_ns: u64,
    /// The supply was away for less than the rig's discharge: the module may have lived through it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub glitch: bool,
    /// When the cut was due: that, and its delay.
    pub due_ns: u64,
    /// When the line was commanded.
    pub commanded_ns: u64,
    /// When the command had returned.
    pub returned_ns: u64,
    /// What was cut.
    pub kind: CutKind,
    /// What the sense line showed, where the rig has one and it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmed>,
}

impl CutMade {
    /// From the time at which the cut was due until its line was commanded.
    pub fn commanded_late_ns(&self) -> u64 {
        self.commanded_ns.saturating_sub(self.due_ns)
    }

    /// From the time at which the cut was due until its line had been moved.
    pub fn done_late_ns(&self) -> u64 {
        self.returned_ns.saturating_sub(self.due_ns)
    }
}

/// The loss of the supply, as the sense line showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmed {
    /// When it was seen, in `mono_ns`.
    pub at_ns: u64,
    /// How much earlier it may have happened.
    pub within_ns: u64,
}
