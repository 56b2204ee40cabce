//! Keeps what the rigs of a run say of their campaigns, for later runs.

use super::memory_queue::{FleetObserver, LostCut};
use crate::plan::campaign::CampaignCut;
use crate::plan::earlier::Earlier;
use crate::run::runner::Campaigns;
use crate::state::campaign_store::CampaignLine;
use crate::terminal::print_warning;
use dfota_core::campaign::{Bin, Tallied};
use dfota_core::event::{Event, Record};
use dfota_core::pool_fold::module_key;
use dfota_core::version::Imei;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The campaigns of a run on several rigs. A worker has none of its own: their files have one writer.
#[derive(Clone)]
pub struct CampaignKeeper {
    run: String,
    campaigns: Arc<Mutex<Campaigns>>,
    /// What the module on each rig said last that it is.
    modules: BTreeMap<String, Imei>,
    /// The cuts of the campaigns, by suite and case.
    cuts: BTreeMap<(String, String), CampaignCase>,
    /// What was kept of this run before it was resumed, and was not seen again yet.
    kept: Vec<Tallied>,
}

#[derive(Debug, Clone)]
struct CampaignCase {
    campaign: String,
    /// It is drawn for a claim.
    drawn: bool,
}

impl CampaignKeeper {
    /// Goes on with those of earlier runs; `run` is the name that later runs know this one by.
    pub fn new(run: &str, earlier: Earlier) -> Self {
        Self {
            run: run.to_owned(),
            campaigns: Arc::new(Mutex::new(Campaigns::new(run, earlier))),
            modules: BTreeMap::new(),
            cuts: BTreeMap::new(),
            kept: Vec::new(),
        }
    }

    /// The same for a run that is resumed, and that began with the cuts `before`. It has to see the records of every part again:
    /// what they say is kept, unless it was.
    pub fn resumed<'b>(run: &str, earlier: Earlier, before: impl IntoIterator<Item = &'b Tallied>) -> Self {
        let mut kept: Vec<Tallied> = earlier.cuts().cloned().collect();
        for cut in before {
            forget(&mut kept, cut);
        }
        kept.retain(|cut| cut.run.as_deref() == Some(run));
        Self {
            kept,
            ..Self::new(run, earlier)
        }
    }

    /// Everything that was there before the run was resumed has been seen.
    pub fn has_caught_up(&mut self) {
        self.kept.clear();
    }

    /// Keeps what this run leaves over: what its journal says of cuts that nobody tallied.
    pub fn leave_over(&self, left: Vec<Tallied>) {
        for tallied in left {
            let (suite, campaign) = (tallied.suite.clone(), tallied.campaign.clone());
            let run = Some(self.run.clone());
            self.keep(&suite, &campaign, CampaignLine::Cut(Tallied { run, ..tallied }));
        }
    }

    /// Ends the campaigns that are done; `claims` are the results of their claims, by suite and campaign.
    pub fn end(&self, cuts: &[CampaignCut], claims: &BTreeMap<(String, String), &'static str>) {
        let mut campaigns = self.campaigns.lock().unwrap_or_else(PoisonError::into_inner);
        campaigns.claimed(claims);
        if let Err(why) = campaigns.end(cuts) {
            print_warning(format_args!("warning: {why}"));
        }
    }
}

impl CampaignKeeper {
    /// Keeps a cut, unless it was kept before the run was resumed.
    fn keep_cut(&mut self, tallied: Tallied) {
        if !forget(&mut self.kept, &tallied) {
            let (suite, campaign) = (tallied.suite.clone(), tallied.campaign.clone());
            self.keep(&suite, &campaign, CampaignLine::Cut(tallied));
        }
    }

    fn keep(&self, suite: &str, campaign: &str, line: CampaignLine) {
        let mut campaigns = self.campaigns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(why) = campaigns.keep(suite, campaign, line) {
            // The run goes on; only the next run cannot go on with this campaign.
            print_warning(format_args!("warning: {why}"));
        }
    }
}

/// Takes one cut out of a list; whether it was in it.
fn forget(cuts: &mut Vec<Tallied>, cut: &Tallied) -> bool {
    let at = cuts.iter().position(|kept| kept == cut);
    at.map(|at| cuts.swap_remove(at)).is_some()
}

impl FleetObserver for CampaignKeeper {
    fn record(&mut self, rig: &str, record: &Record) {
        if let Event::Identity { imei: Some(imei), .. } = &record.event {
            self.modules.insert(rig.to_owned(), imei.clone());
        }
        if let Event::CasePlanned { case, .. } = &record.event
            && let (Some(part), Some(slot)) = (&case.part, case.slot())
        {
            let cut = CampaignCase {
                campaign: part.campaign.clone(),
                drawn: slot.claim.is_some(),
            };
            self.cuts.insert((case.suite.clone(), case.id.clone()), cut);
        }
        let (suite, campaign, line) = match &record.event {
            Event::Tallied(tallied) => {
                let mut tallied = tallied.clone();
                tallied.run = Some(self.run.clone());
                tallied.module = Some(module_key(rig, self.modules.get(rig)));
                return self.keep_cut(tallied);
            }
            Event::Calibrated {
                suite,
                campaign,
                package,
                timeline,
            } => {
                let line = CampaignLine::Calibrated(package.clone(), timeline.clone());
                (suite.clone(), campaign.clone(), line)
            }
            _ => return,
        };
        self.keep(&suite, &campaign, line);
    }

    /// The next run has to know it too: it may find the module dead, and another rig make the cut.
    fn lost(&mut self, rig: &str, lost: &LostCut) {
        let LostCut { suite, case, cut } = lost;
        let Some(of) = self.cuts.get(&(suite.clone(), case.clone())).cloned() else {
            return;
        };
        let tallied = Tallied {
            suite: suite.clone(),
            campaign: of.campaign.clone(),
            case: case.clone(),
            cut: cut.clone(),
            landed: None,
            bin: Bin::Missed,
            counts: false,
            drawn: of.drawn,
            brick: false,
            failed: false,
            settled: false,
            unjudged: true,
            run: Some(self.run.clone()),
            module: Some(module_key(rig, self.modules.get(rig))),
        };
        self.keep(suite, &of.campaign, CampaignLine::Cut(tallied));
    }
}
