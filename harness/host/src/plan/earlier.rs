//! What earlier runs have done of the campaigns in these suites, and how long it took.

use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::state::campaign_store::{CampaignStore, key, tool_digest};
use crate::state::{StateDir, StateError};
use dfota_core::campaign::{CampaignPart, Tallied};
use dfota_core::case::Case;
use dfota_core::moment::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// The stores of campaigns by suite and id.
#[derive(Debug, Default)]
pub struct Earlier {
    stores: BTreeMap<(String, String), CampaignStore>,
}

/// How a store is got by its key.
type Get = fn(&StateDir, &str) -> Result<CampaignStore, StateError>;

impl Earlier {
    /// For reading: what a plan has to know.
    pub fn read(state: &StateDir, suites: &[Suite], rig: &Rig) -> Result<Self, StateError> {
        Self::get(state, suites, rig, CampaignStore::read)
    }

    /// For a run that goes on with them.
    pub fn open(state: &StateDir, suites: &[Suite], rig: &Rig) -> Result<Self, StateError> {
        Self::get(state, suites, rig, CampaignStore::open)
    }

    fn get(state: &StateDir, suites: &[Suite], rig: &Rig, get: Get) -> Result<Self, StateError> {
        let mut stores = BTreeMap::new();
        let mut tool = None;
        for suite in suites {
            for declared in suite.cases.iter().filter(|case| case.campaign.is_some()) {
                // The program is read for nothing where there is no campaign.
                let tool: &String = match &mut tool {
                    Some(tool) => tool,
                    none => none.insert(tool_digest()?),
                };
                let id = &declared.case.id;
                let store = get(state, &key(suite, rig, tool, id))?;
                stores.insert((suite.name.clone(), id.clone()), store);
            }
        }
        Ok(Self { stores })
    }

    fn of(&self, case: &Case, part: &CampaignPart) -> Option<&CampaignStore> {
        self.stores.get(&(case.suite.clone(), part.campaign.clone()))
    }

    /// The run that settled the case, if one did.
    pub fn settled(&self, case: &Case) -> Option<&str> {
        self.of(case, case.part.as_ref()?)?.settled(&case.id)
    }

    /// The campaigns with the same files that are over already: the run that ended each, and what came of it.
    pub fn ended(&self) -> impl Iterator<Item = (&(String, String), &[(String, String)])> {
        self.stores.iter().map(|(name, store)| (name, store.ended()))
    }

    /// From the beginning of an update by the case's package to its END, in the module's time, as the last calibration had it.
    pub fn update_time(&self, case: &Case) -> Option<Duration> {
        let store = self.of(case, case.part.as_ref()?)?;
        store.timeline(&case.package.name)?.time_of(Moment::End)
    }

    /// The cuts of all of them.
    pub fn cuts(&self) -> impl Iterator<Item = &Tallied> {
        self.stores.values().flat_map(CampaignStore::cuts)
    }

    pub fn into_stores(self) -> impl Iterator<Item = ((String, String), CampaignStore)> {
        self.stores.into_iter()
    }
}
