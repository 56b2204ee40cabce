//! The campaigns of these suites as earlier runs left them: cuts that were made, and how long updates took.

use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::plan::case_id;
use crate::program;
use crate::state::campaign_store::{CampaignAppender, CampaignEnd, CampaignStore, KeptLine, LeftAside};
use crate::state::campaign_terms::{CampaignOnRigs, CampaignTerms};
use crate::state::{StateDir, StateError, unread};
use dfota_core::campaign::{CampaignPart, Tallied};
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::moment::Moment;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// The stores of campaigns by suite and id.
#[derive(Debug, Default)]
pub struct Earlier {
    stores: BTreeMap<(String, String), CampaignStore>,
}

/// A campaign that is over.
#[derive(Debug, Clone, Copy)]
pub struct EndedCampaign<'e> {
    pub suite: &'e str,
    pub campaign: &'e str,
    pub end: &'e CampaignEnd,
}

impl fmt::Display for EndedCampaign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, campaign, end } = self;
        let CampaignEnd { run, verdict } = end;
        write!(
            f,
            "{suite}::{campaign}: an earlier campaign with the same files ended: {verdict}, in run `{run}`"
        )
    }
}

/// A campaign that begins anew, although there are cuts of one of its name.
#[derive(Debug, Clone, Copy)]
pub struct CampaignAnew<'e> {
    suite: &'e str,
    campaign: &'e str,
    aside: &'e LeftAside,
}

impl fmt::Display for CampaignAnew<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            suite,
            campaign,
            aside,
        } = self;
        write!(f, "{suite}::{campaign}: {aside}")
    }
}

/// The cuts of a claim that earlier runs made on a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierShare {
    pub rig: String,
    pub cuts: u32,
}

/// How a store is got.
type Get = fn(&StateDir, &CampaignOnRigs) -> Result<CampaignStore, StateError>;

/// The campaigns that are made of a case, each with the rigs whose modules it is about: one of all rigs that fit, or one of
/// each.
fn campaigns<'r>(suite: &Suite, id: &str, rigs: &'r [Rig]) -> Vec<(String, Vec<&'r Rig>)> {
    let fitting: Vec<&Rig> = rigs
        .iter()
        .filter(|rig| suite.demand.misfit(rig).is_none())
        .collect();
    if suite.demand.is_for_each() {
        let own = |rig| (case_id::on_rig(id, rig), vec![rig]);
        return fitting.into_iter().map(own).collect();
    }
    vec![(id.to_owned(), fitting)]
}

impl Earlier {
    /// For reading: what a plan for these rigs has to know.
    pub fn read(state: &StateDir, suites: &[Suite], rigs: &[Rig]) -> Result<Self, StateError> {
        Self::get(state, suites, rigs, CampaignStore::read)
    }

    /// For a run on these rigs, which goes on with them.
    pub fn open(state: &StateDir, suites: &[Suite], rigs: &[Rig]) -> Result<Self, StateError> {
        Self::get(state, suites, rigs, CampaignStore::open)
    }

    fn get(state: &StateDir, suites: &[Suite], rigs: &[Rig], get: Get) -> Result<Self, StateError> {
        let mut stores = BTreeMap::new();
        for suite in suites {
            for declared in suite.cases.iter().filter(|case| case.campaign.is_some()) {
                // The program is read for nothing where there is no campaign.
                let tool = program::digest().map_err(|why| unread(&program::running(), why))?;
                for (id, rigs) in campaigns(suite, &declared.case.id, rigs) {
                    let terms = CampaignTerms::new(suite, declared, &id, &rigs, &tool);
                    let store = get(state, &CampaignOnRigs::new(terms, &rigs))?;
                    stores.insert((suite.name.clone(), id), store);
                }
            }
        }
        Ok(Self { stores })
    }

    fn store(&self, case: &Case, part: &CampaignPart) -> Option<&CampaignStore> {
        self.stores.get(&(case.suite.clone(), part.campaign.clone()))
    }

    /// The run that settled the case, if one did.
    pub fn settled(&self, case: &Case) -> Option<&str> {
        self.store(case, case.part.as_ref()?)?.settled(&case.id)
    }

    /// How the campaigns with the same files ended that are over already.
    pub fn ended(&self) -> impl Iterator<Item = EndedCampaign<'_>> {
        self.stores.iter().flat_map(|((suite, campaign), store)| {
            let ended = move |end| EndedCampaign { suite, campaign, end };
            store.ended().iter().map(ended)
        })
    }

    /// The campaigns that begin anew, although earlier runs made cuts under the same name.
    pub fn anew(&self) -> impl Iterator<Item = CampaignAnew<'_>> {
        self.stores.iter().filter_map(|((suite, campaign), store)| {
            let aside = store.aside()?;
            Some(CampaignAnew {
                suite,
                campaign,
                aside,
            })
        })
    }

    /// Why this campaign begins anew, if it does.
    pub fn left_aside(&self, suite: &str, campaign: &str) -> Option<&LeftAside> {
        let name = (suite.to_owned(), campaign.to_owned());
        self.stores.get(&name)?.aside()
    }

    /// What each module has made of the claim's cuts in earlier runs.
    pub fn shares(&self, suite: &str, campaign: &str) -> Vec<EarlierShare> {
        let store = self.stores.get(&(suite.to_owned(), campaign.to_owned()));
        let cuts = store.into_iter().flat_map(CampaignStore::cuts);
        let mut cases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for cut in cuts.filter(|cut| cut.settled && cut.counts) {
            if let Some(module) = &cut.module {
                cases.entry(module).or_default().insert(&cut.case);
            }
        }
        let share = |(module, cases): (&str, BTreeSet<&str>)| EarlierShare {
            rig: module.rsplit_once('/').map_or(module, |(rig, _)| rig).to_owned(),
            cuts: u32::try_from(cases.len()).unwrap_or(u32::MAX),
        };
        cases.into_iter().map(share).collect()
    }

    /// From the beginning of an update by the case's package to its END, in the module's time, as the last calibration had it.
    pub fn update_time(&self, case: &Case) -> Option<Duration> {
        let store = self.store(case, case.part.as_ref()?)?;
        store.timeline(&case.package.name)?.time_of(Moment::End)
    }

    /// The cuts of all of them.
    pub fn cuts(&self) -> impl Iterator<Item = &Tallied> {
        self.stores.values().flat_map(CampaignStore::cuts)
    }

    /// Every line of them, in the order of each.
    pub fn lines(&self) -> Result<Vec<KeptLine>, StateError> {
        let mut all = Vec::new();
        for ((suite, campaign), store) in &self.stores {
            all.extend(store.lines()?.into_iter().map(|line| KeptLine {
                suite: suite.clone(),
                campaign: campaign.clone(),
                line,
            }));
        }
        Ok(all)
    }

    /// Cuts that were made and never judged, by suite and case.
    pub fn unjudged(&self) -> BTreeMap<(String, String), Cut> {
        let mut all = BTreeMap::new();
        for ((suite, _), store) in &self.stores {
            for cut in store.cuts() {
                if let Some(open) = store.unjudged(&cut.case) {
                    all.insert((suite.clone(), cut.case.clone()), open);
                }
            }
        }
        all
    }

    /// Writers of what this rig is ordered to do, by suite and campaign.
    pub fn appenders(&self, rig: &str) -> BTreeMap<(String, String), CampaignAppender> {
        let all = self.stores.iter();
        all.filter_map(|(name, store)| Some((name.clone(), store.appender(rig)?)))
            .collect()
    }

    pub fn into_stores(self) -> impl Iterator<Item = ((String, String), CampaignStore)> {
        self.stores.into_iter()
    }
}
