//! The state that a run keeps for the next run on the same rig.

use crate::config::rig::Rig;
use crate::state::RigState;
use crate::state::last_check::now;
use crate::state::quarantine::Quarantine;
use dfota_core::rig_check::Probe;
use std::path::{Path, PathBuf};

/// A run, as the state of its rig knows it.
#[derive(Debug)]
pub struct RunState<'r> {
    rig: &'r Rig,
    state: &'r RigState,
    folder: PathBuf,
}

impl<'r> RunState<'r> {
    /// The run in `folder`.
    pub fn new(rig: &'r Rig, state: &'r RigState, folder: &Path) -> Self {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self { rig, state, folder }
    }

    /// Puts the rig into quarantine; says that it did, or why it could not.
    pub fn quarantine(&self, why: &str, cause: Probe) -> String {
        let begun = self.quarantined(why, cause).begin(self.state);
        let ends = Quarantine::ends(&self.rig.file, self.state);
        match begun {
            Ok(()) => format!("the rig is in quarantine from now on: {why}; {ends}"),
            Err(error) => format!("the rig needs quarantine: {why}; but {error}"),
        }
    }

    fn quarantined(&self, why: &str, cause: Probe) -> Quarantine {
        let name = self.folder.file_name().unwrap_or_default();
        Quarantine {
            rig: self.rig.name.clone(),
            file: self.rig.canonical.display().to_string(),
            why: why.to_owned(),
            cause: Some(cause),
            since: now(),
            run: name.to_string_lossy().into_owned(),
            folder: self.folder.display().to_string(),
        }
    }
}
