//! Counts the updates that the flash of a rig's modules has had, over all runs. Flash wears out after a limited number of
//! updates.

use crate::state::{RigState, StateError};
use crate::terminal::print_warning;
use dfota_core::event::Record;
use dfota_core::version::Imei;
use dfota_core::wear::WearCount;
use dfota_record::journal::Observer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Name of the file.
pub const FILE: &str = "wear.json";

/// The updates of every module that was on a rig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wear {
    /// IMEI of the module that was on it last.
    pub module: Option<String>,
    pub updates: BTreeMap<String, u64>,
}

impl Wear {
    /// What a rig's state holds; nothing where no run was yet.
    pub fn read(state: &RigState) -> Result<Self, StateError> {
        Ok(crate::state::read(&state.file(FILE))?.unwrap_or_default())
    }

    /// Updates of the module that was on the rig last, wherever they were made: its flash goes with it from rig to rig.
    pub fn spent(state: &RigState) -> Result<u64, StateError> {
        let own = Self::read(state)?;
        let Some(imei) = own.module.clone() else {
            return Ok(0);
        };
        let others = state.everywhere(FILE).into_iter();
        let others = others.filter(|file| *file != state.file(FILE));
        let elsewhere = others.filter_map(|file| match crate::state::read::<Self>(&file) {
            Ok(wear) => wear,
            Err(why) => {
                // The state of another rig must not keep this one from its work.
                print_warning(format_args!(
                    "warning: {why}: updates that were made there are not counted"
                ));
                None
            }
        });
        let all = std::iter::once(own).chain(elsewhere);
        let updates = all.filter_map(|wear| wear.updates.get(&imei).copied());
        Ok(updates.fold(0, u64::saturating_add))
    }

    /// Another module may be on the rig now.
    pub fn seen(state: &RigState, imei: &Imei) -> Result<(), StateError> {
        let _held = state.hold()?;
        let mut wear = Self::read(state)?;
        let imei = Some(imei.as_str().to_owned());
        if wear.module == imei {
            return Ok(());
        }
        wear.module = imei;
        crate::state::write(&state.file(FILE), &wear)
    }

    /// Adds what a run counted.
    pub fn add(state: &RigState, count: &WearCount) -> Result<(), StateError> {
        if count.imei().is_none() && count.updates().next().is_none() {
            return Ok(());
        }
        let _held = state.hold()?;
        let mut wear = Self::read(state)?;
        if let Some(imei) = count.imei() {
            wear.module = Some(imei.as_str().to_owned());
        }
        for (imei, updates) in count.updates() {
            let so_far = wear.updates.entry(imei.to_owned()).or_default();
            *so_far = so_far.saturating_add(updates);
        }
        crate::state::write(&state.file(FILE), &wear)
    }
}

/// An observer that counts, and passes on.
pub struct Counting {
    inner: Box<dyn Observer>,
    count: Arc<Mutex<WearCount>>,
}

impl Counting {
    /// Counts what `inner` sees.
    pub fn new(inner: Box<dyn Observer>) -> (Self, Arc<Mutex<WearCount>>) {
        let count = Arc::default();
        let counting = Self {
            inner,
            count: Arc::clone(&count),
        };
        (counting, count)
    }
}

impl Observer for Counting {
    fn on(&mut self, record: &Record) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.on(&record.event);
        drop(count);
        self.inner.on(record);
    }
}
