//! What the state folder keeps of the last check by hand: `plan` and campaigns read from it how fast the supply moves.

use crate::state::{RigState, StateError};
use dfota_core::rig_check::Check;
use dfota_core::version::{Imei, Version};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// Name of the file.
pub const FILE: &str = "check.json";

/// The last check of a rig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCheck {
    pub rig: String,
    /// The canonical path of its file.
    pub file: String,
    /// When it was checked: UTC, RFC 3339.
    pub checked: String,
    pub sound: bool,
    /// The module that was on it.
    pub module: Option<CheckedModule>,
    /// How fast the supply moves.
    pub switch: Option<Switch>,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// The module that was on a checked rig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedModule {
    /// Second line of `ATI`.
    pub model: String,
    pub version: Version,
    pub imei: Option<Imei>,
}

/// How fast the supply moves, in real time: the longest that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// From the command until it is off, in nanoseconds.
    pub off_ns: u64,
    /// From the command until it is on, in nanoseconds.
    pub on_ns: u64,
}

impl LastCheck {
    /// The one that a rig's state holds.
    pub fn read(state: &RigState) -> Result<Option<Self>, StateError> {
        crate::state::read(&state.file(FILE))
    }

    pub fn write(&self, state: &RigState) -> Result<(), StateError> {
        crate::state::write(&state.file(FILE), self)
    }

    /// The shortest time for which this rig can take the supply away, in real time, as far as it was measured.
    pub fn shortest_off(&self) -> Option<Duration> {
        self.switch
            .map(|switch| Duration::from_nanos(switch.off_ns.saturating_add(switch.on_ns)))
    }
}

/// UTC, to the second.
pub fn now() -> String {
    let now = UtcDateTime::now();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    now.format(&Rfc3339).unwrap_or_default()
}
