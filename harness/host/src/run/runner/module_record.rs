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

    /// Whether the module answers is not known until it is asked. One that was found dead in this case stays so: the update may
    /// end before anybody asks again, and it has to be restored all the same.
    pub(super) fn update_begins(&mut self) {
        if !matches!(self.state, ModuleContact::Dead) {
            self.state = ModuleContact::Unknown;
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

#[cfg(test)]
mod tests {
    use super::*;
    use dfota_core::verdict::Verdict;

    fn ended() -> CaseEnded {
        CaseEnded {
            id: "case".into(),
            suite: "suite".into(),
            verdict: Verdict::Pass,
            outcome: None,
            evidence: Vec::new(),
            tries: 1,
            took_ns: 0,
            summary: String::new(),
            rerun: String::new(),
        }
    }

    /// The delta that shows whether an image is sound is given once more, also to a module that is dead: it stops there.
    #[test]
    fn a_dead_module_is_restored_also_when_a_further_update_stopped() {
        let mut record = ModuleRecord {
            state: ModuleContact::Dead,
            ..ModuleRecord::default()
        };
        record.update_begins();
        assert_eq!(record.take_damage(&ended()), Some(Damage::Dead));
        record.update_begins();
        assert_eq!(record.take_damage(&ended()), None);
    }
}
