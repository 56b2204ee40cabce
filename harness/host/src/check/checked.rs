//! The result of a check, and what the state folder keeps of it.

use crate::config::rig::Rig;
use crate::device::identity::ModuleIdentity;
use crate::state::last_check::{CheckedModule, LastCheck, Switch, now};
use dfota_core::rig_check::{Check, is_sound};
use std::time::Duration;

/// The longest that the supply took to go off and to come on, in real time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SwitchTimes {
    pub(super) off: Option<Duration>,
    pub(super) on: Option<Duration>,
}

impl SwitchTimes {
    pub(super) fn went_off(&mut self, took: Duration) {
        self.off = self.off.max(Some(took));
    }

    pub(super) fn came_on(&mut self, took: Duration) {
        self.on = self.on.max(Some(took));
    }
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct Checked {
    pub checks: Vec<Check>,
    pub identity: Option<ModuleIdentity>,
    pub(super) switch: SwitchTimes,
}

impl From<Check> for Checked {
    fn from(check: Check) -> Self {
        Self {
            checks: vec![check],
            ..Self::default()
        }
    }
}

impl Checked {
    /// What the state folder keeps of it.
    pub fn last(&self, rig: &Rig) -> LastCheck {
        let switch = self.switch.off.zip(self.switch.on);
        LastCheck {
            rig: rig.name.clone(),
            file: rig.canonical.display().to_string(),
            checked: now(),
            sound: is_sound(&self.checks),
            module: self.identity.clone().map(|identity| CheckedModule {
                model: identity.model,
                version: identity.version,
                imei: identity.imei,
            }),
            switch: switch.map(|(off, on)| Switch {
                off_ns: off.as_nanos() as u64,
                on_ns: on.as_nanos() as u64,
            }),
            checks: self.checks.clone(),
        }
    }

    /// Takes what a later part of the same check came to.
    pub(super) fn add(&mut self, later: Self) {
        self.checks.extend(later.checks);
        self.identity = later.identity.or(self.identity.take());
        self.switch.off = self.switch.off.max(later.switch.off);
        self.switch.on = self.switch.on.max(later.switch.on);
    }
}
