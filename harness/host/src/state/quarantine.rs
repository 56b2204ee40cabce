//! A rig that failed its self-check is not used until a check passes: its verdicts about modules would mean nothing.

use crate::state::{RigState, StateError};
use dfota_core::rig_check::{Check, CheckOutcome, Probe, is_sound};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// Name of the file.
pub const FILE: &str = "quarantine.json";

/// Why a rig is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    pub rig: String,
    /// The canonical path of its file.
    pub file: String,
    /// What failed, with what was seen.
    pub why: String,
    /// The probe that failed. `None` in files of older versions: such a quarantine is ended by hand.
    #[serde(default)]
    pub cause: Option<Probe>,
    /// Since when: UTC, RFC 3339.
    pub since: String,
    /// The run that found it out.
    pub run: String,
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
        format!("after the repair, `{}` ends that", state.check(rig, " --clear"))
    }

    /// Whether the check at the beginning of a run can end it.
    pub fn a_run_can_end(&self) -> bool {
        self.cause.is_some_and(Probe::is_mended_where_a_run_passes_it)
    }

    /// Whether a thorough check shows that it is over: its cause was looked at again, and nothing failed.
    pub fn is_over(&self, checks: &[Check]) -> bool {
        let looked = |check: &Check| Some(check.probe) == self.cause && check.outcome == CheckOutcome::Ok;
        self.a_run_can_end() && is_sound(checks) && checks.iter().any(looked)
    }

    /// Ends this one, and no other that began meanwhile.
    pub fn end_this(&self, state: &RigState) -> Result<(), StateError> {
        let _held = state.hold()?;
        match Self::read(state)? {
            Some(now) if now == *self => Self::end(state).map(drop),
            _ => Ok(()),
        }
    }

    /// The quarantine of a rig, or else of a copy of it: a check by hand is for all of them.
    pub fn read_with_copies(state: &RigState) -> Result<Option<Self>, StateError> {
        let all = std::iter::once(state.clone()).chain(state.copies());
        for one in all {
            if let Some(quarantine) = Self::read(&one)? {
                return Ok(Some(quarantine));
            }
        }
        Ok(None)
    }

    /// Ends it, and those of its copies; whether there was one.
    pub fn end_with_copies(state: &RigState) -> Result<bool, StateError> {
        let mut ended = Self::end(state)?;
        for copy in state.copies() {
            ended |= Self::end(&copy)?;
        }
        Ok(ended)
    }

    /// Ends it; whether there was one.
    pub fn end(state: &RigState) -> Result<bool, StateError> {
        crate::state::remove(&state.file(FILE))
    }
}

/// The quarantine in which a run found its rig, where its own check can end that.
#[derive(Debug, Clone)]
pub struct Found {
    quarantine: Quarantine,
    state: RigState,
    ends: String,
}

impl Found {
    /// The one of the rig whose file is `rig`.
    pub fn new(quarantine: Quarantine, rig: &Path, state: &RigState) -> Self {
        Self {
            ends: Quarantine::ends(rig, state),
            quarantine,
            state: state.clone(),
        }
    }

    /// Ends it where a thorough check shows that it is over, and says so.
    pub fn end(&self, checks: &[Check], check: &str) -> Result<Option<String>, StateError> {
        if !self.quarantine.is_over(checks) {
            return Ok(None);
        }
        self.quarantine.end_this(&self.state)?;
        Ok(Some(format!(
            "the rig is out of quarantine: {check} passed, and looked at what had failed; it was {}",
            self.quarantine
        )))
    }

    /// What is said of it where it goes on: `more` is what this run has seen.
    pub fn goes_on(&self, more: &str) -> String {
        format!("the rig is {}; {more}; {}", self.quarantine, self.ends)
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
