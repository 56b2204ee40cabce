//! A rig that failed its self-check is not used again until a check passes: what it would say about modules is worth nothing.

use crate::shell_word::shell_word;
use crate::state::{RigState, StateError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// Name of the file.
pub const FILE: &str = "quarantine.json";

/// Why a rig is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The rig's name.
    pub rig: String,
    /// The canonical path of its file.
    pub file: String,
    /// What failed, with what was seen.
    pub why: String,
    /// Since when: UTC, RFC 3339.
    pub since: String,
    /// The run that found it out.
    pub run: String,
    /// That run's folder.
    pub folder: String,
}

impl Quarantine {
    /// The quarantine of a rig, if it is in one.
    pub fn read(state: &RigState) -> Result<Option<Self>, StateError> {
        crate::state::read(&state.file(FILE))
    }

    /// Puts the rig into it. The first cause stays: later ones may follow from it.
    pub fn begin(&self, state: &RigState) -> Result<(), StateError> {
        let _held = state.hold()?;
        match Self::read(state)? {
            Some(_) => Ok(()),
            None => crate::state::write(&state.file(FILE), self),
        }
    }

    /// What a user does to end it.
    pub fn ends(rig: &Path, state: &RigState) -> String {
        let rig = shell_word(&rig.display().to_string());
        let flag = state.flag();
        format!("once it is mended, `dfota-hil check {rig} --clear{flag}` ends that")
    }

    /// Ends it; whether there was one.
    pub fn end(state: &RigState) -> Result<bool, StateError> {
        crate::state::remove(&state.file(FILE))
    }
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            why,
            since,
            run,
            folder,
            ..
        } = self;
        write!(
            f,
            "in quarantine since {since} by run `{run}` (`{folder}`): {why}"
        )
    }
}
