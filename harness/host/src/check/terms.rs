//! The terms of a check: expected module, folders, network, boot limit, and which lines a program moves.

use crate::config::rig::{Driver, Link, Pulse, Rig};
use crate::state::StateDir;
use dfota_core::case::Limits;
use dfota_core::rig_check::mistake::Mistake;
use dfota_record::retention::growth::DiskSample;
use std::path::PathBuf;
use std::time::Duration;

/// What a check is made with.
#[derive(Debug, Clone)]
pub struct CheckTerms {
    /// What `ATI` has to call the module.
    pub model: &'static str,
    /// Folders that are written to, and need room.
    pub folders: Vec<WrittenFolder>,
    /// The rig's cases go over the air.
    pub network: bool,
    /// The longest time from supply to RDY.
    pub boot: Duration,
    pub programs: Programs,
}

#[derive(Debug, Clone)]
pub struct WrittenFolder {
    pub path: PathBuf,
    /// How much room there was after earlier runs.
    pub samples: Vec<DiskSample>,
}

impl CheckTerms {
    /// What a rig is checked with; `reports` is where run folders are made.
    pub fn new(rig: &Rig, dir: &StateDir, reports: PathBuf) -> Self {
        let folder = |path| WrittenFolder {
            path,
            samples: Vec::new(),
        };
        Self {
            model: rig.module.ati_model(),
            folders: vec![folder(reports), folder(dir.folder().to_owned())],
            network: rig.has_network(),
            boot: Limits::default().boot,
            programs: Programs::new(rig),
        }
    }
}

/// The lines that are moved by a program, which has no `active`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Programs {
    pub power: bool,
    pub reset: bool,
    pub pwrkey: bool,
}

impl Programs {
    pub(super) fn new(rig: &Rig) -> Self {
        let Link::Bench(bench) = &rig.link else {
            return Self::default();
        };
        let moves = |pulse: &Option<Pulse>| {
            let driver = pulse.as_ref().map(|pulse| &pulse.driver);
            matches!(driver, Some(Driver::PulseCommand { .. }))
        };
        Self {
            power: matches!(bench.power.driver, Driver::Command { .. }),
            reset: moves(&bench.reset),
            pwrkey: moves(&bench.pwrkey),
        }
    }

    /// What to do about a mistake, in the words of the rig file.
    pub(super) fn advice(self, mistake: Mistake) -> &'static str {
        let by_program = match mistake {
            Mistake::NotCut | Mistake::SupplyInverted => self.power,
            Mistake::ResetInverted => self.reset,
            Mistake::PwrkeyInverted => self.pwrkey,
            // It may be any line that is wired.
            _ => self.reset || self.pwrkey || self.power,
        };
        if by_program {
            mistake.advice_with_programs()
        } else {
            mistake.advice()
        }
    }
}
