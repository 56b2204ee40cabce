//! What the runner knows of the module between two updates, and what has to be repaired before the next case.

use crate::device::identity::ModuleIdentity;
use dfota_core::capabilities::Capabilities;
use dfota_core::event::CaseEnded;
use dfota_core::outcome::Outcome;

/// Whether the module answers, as long as nothing has happened since it was asked.
#[derive(Debug, Default)]
pub(super) enum ModuleContact {
    /// It gets a new supply and is asked before the next update.
    #[default]
    Unknown,
    /// It answered, and something may be left over from before: the next update begins with a new supply all the same.
    Awake(ModuleIdentity),
    /// It answered after an update that passed: the next update goes on from here.
    Clean(ModuleIdentity),
    /// It did not answer after an update, whatever the rig could do.
    Dead,
}

/// Whether the module registers on this rig.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum NetworkSeen {
    #[default]
    NotAsked,
    /// Registration was waited for and did not come: it is not waited for again.
    Missing,
    Registers,
}

/// What is wrong with a module that only `reflash` can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    Dead,
    /// No package of the suite fits the image: every case after it would fail for that alone.
    WrongImage,
}

/// What is known of the module between two updates.
#[derive(Debug, Default)]
pub(super) struct ModuleRecord {
    pub(super) state: ModuleContact,
    /// What it can do, as long as every case passes.
    pub(super) capabilities: Option<Capabilities>,
    pub(super) network: NetworkSeen,
    /// A case that had ended was found afterwards to have left a wrong image.
    pub(super) suspect_image: bool,
}

impl ModuleRecord {
    pub(super) fn identity(&self) -> Option<&ModuleIdentity> {
        match &self.state {
            ModuleContact::Awake(identity) | ModuleContact::Clean(identity) => Some(identity),
            ModuleContact::Unknown | ModuleContact::Dead => None,
        }
    }

    pub(super) fn saw_network(&mut self, registered: bool) {
        if registered {
            self.network = NetworkSeen::Registers;
        }
    }

    /// A try that did not pass is over.
    pub(super) fn not_passed(&mut self) {
        self.capabilities = None;
        self.state = match std::mem::take(&mut self.state) {
            ModuleContact::Clean(identity) => ModuleContact::Awake(identity),
            state => state,
        };
    }

    /// What a case has left that must be mended before the next one; after that, it is not known here any more.
    pub(super) fn take_damage(&mut self, ended: &CaseEnded) -> Option<Damage> {
        let suspect = std::mem::take(&mut self.suspect_image);
        if let ModuleContact::Dead = self.state {
            self.state = ModuleContact::Unknown;
            return Some(Damage::Dead);
        }
        (suspect || ended.outcome == Some(Outcome::WrongImage)).then_some(Damage::WrongImage)
    }
}
