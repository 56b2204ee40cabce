//! Which rigs may run the cases of a suite: `needs` and `on`.

use crate::config::rig::{Rig, module_word};
use crate::config::suite::suite_keys::NeedsKeys;
use crate::config::suite::suite_literals::RigChoice;
use crate::config::yaml::reader::ValueReader;
use bc66_spec::module::Module;
use std::fmt;

/// What a suite asks of the rigs that run it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RigDemand {
    pub module: Option<Module>,
    /// All of them.
    pub labels: Vec<String>,
    /// `None`: any rig.
    pub on: Option<RigChoice>,
}

/// Why a rig does not fit a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RigMisfit {
    /// The suite is for the rig of this name.
    Name(String),
    /// It needs this type of module.
    Module(Module),
    /// It needs this label.
    Label(String),
}

/// In a word: `no label `sense``.
impl fmt::Display for RigMisfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "not named `{name}`"),
            Self::Module(module) => write!(f, "no module `{}`", module_word(*module)),
            Self::Label(label) => write!(f, "no label `{label}`"),
        }
    }
}

impl RigDemand {
    /// Reads the keys of a suite.
    pub(super) fn read(
        reader: &mut ValueReader<'_>,
        needs: Option<&NeedsKeys>,
        on: Option<RigChoice>,
    ) -> Self {
        let module = needs.and_then(|needs| reader.option(&needs.module));
        let labels = needs.and_then(|needs| needs.labels.as_ref());
        Self {
            module,
            labels: reader.list(labels.iter().flat_map(|labels| labels.iter())),
            on,
        }
    }

    /// Why the rig does not fit, if it does not.
    pub fn misfit(&self, rig: &Rig) -> Option<RigMisfit> {
        if let Some(RigChoice::Named(name)) = self.on.as_ref().filter(|on| !on.takes(&rig.name)) {
            return Some(RigMisfit::Name(name.clone()));
        }
        if let Some(module) = self.module.filter(|module| *module != rig.module) {
            return Some(RigMisfit::Module(module));
        }
        let missing = self.labels.iter().find(|label| !rig.labels.contains(label));
        missing.cloned().map(RigMisfit::Label)
    }

    /// Whether every rig that fits runs every case.
    pub fn is_for_each(&self) -> bool {
        self.on == Some(RigChoice::Each)
    }
}
