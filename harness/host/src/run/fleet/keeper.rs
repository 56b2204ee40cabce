//! Stores the cuts of a run's campaigns in the state folder, for later runs.

use super::memory_queue::{FleetObserver, LostCut};
use crate::plan::campaign::CampaignCut;
use crate::plan::earlier::Earlier;
use crate::run::cut_orders::CutOrders;
use crate::run::runner::Campaigns;
use crate::state::StateError;
use crate::state::campaign_store::{CampaignLine, KeptLine};
use crate::terminal::print_warning;
use dfota_core::campaign::Tallied;
use dfota_core::event::{Event, Record};
use dfota_core::pool_fold::ClosedAttempt;
use dfota_core::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The campaigns of a run on several rigs. A worker has none of its own: their files have one writer.
#[derive(Clone)]
pub struct CampaignKeeper {
    campaigns: Arc<Mutex<Campaigns>>,
    orders: CutOrders,
    /// What was kept of this run before it was resumed, and was not seen again yet.
    kept: Vec<KeptLine>,
}

impl CampaignKeeper {
    /// Goes on with those of earlier runs; `run` is the name that later runs know this one by.
    pub fn new(run: &str, earlier: Earlier) -> Self {
        Self {
            campaigns: Arc::new(Mutex::new(Campaigns::new(run, earlier))),
            orders: CutOrders::new(run),
            kept: Vec::new(),
        }
    }

    /// The same for a run that is resumed, and that began with the cuts `before`. It has to see the records of every part again:
    /// what they say is kept, unless it was.
    pub fn resumed<'b>(
        run: &str,
        earlier: Earlier,
        before: impl IntoIterator<Item = &'b Tallied>,
    ) -> Result<Self, StateError> {
        let kept = kept_by(run, earlier.lines()?, before);
        Ok(Self {
            kept,
            ..Self::new(run, earlier)
        })
    }

    /// Everything that was there before the run was resumed has been seen.
    pub fn has_caught_up(&mut self) {
        self.kept.clear();
    }

    /// Keeps what this run leaves over: what its journal says of cuts that nobody tallied, and of those that earlier runs left
    /// open.
    pub fn leave_over(&self, left: Vec<Tallied>, closed: &[ClosedAttempt]) {
        let mut campaigns = self.campaigns();
        for why in campaigns.leave_over(left, closed) {
            print_warning(format_args!("warning: {why}"));
        }
    }

    /// Ends the campaigns that are done; `claims` are the results of their claims, by suite and campaign.
    pub fn end(&self, cuts: &[CampaignCut], claims: &BTreeMap<(String, String), &'static str>) {
        let mut campaigns = self.campaigns();
        campaigns.claimed(claims);
        if let Err(why) = campaigns.end(cuts) {
            print_warning(format_args!("warning: {why}"));
        }
    }

    fn campaigns(&self) -> std::sync::MutexGuard<'_, Campaigns> {
        self.campaigns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a line, unless it was kept before the run was resumed.
    fn keep(&mut self, line: KeptLine) {
        if forget(&mut self.kept, |kept| *kept == line) {
            return;
        }
        let KeptLine {
            suite,
            campaign,
            line,
        } = line;
        let kept = self.campaigns().keep(&suite, &campaign, line);
        if let Err(why) = kept {
            // The run goes on; only the next run cannot go on with this campaign.
            print_warning(format_args!("warning: {why}"));
        }
    }
}

/// What a run has added to the stores with these lines, and that began with the cuts `before`.
fn kept_by<'b>(
    run: &str,
    mut lines: Vec<KeptLine>,
    before: impl IntoIterator<Item = &'b Tallied>,
) -> Vec<KeptLine> {
    // An earlier run may have had the same name.
    for cut in before {
        forget(&mut lines, |kept| kept.line.cut() == Some(cut));
    }
    let mut begun: BTreeSet<(String, String)> = BTreeSet::new();
    lines.retain(|kept| {
        let name = (kept.suite.clone(), kept.campaign.clone());
        match kept.line.cut() {
            Some(cut) if cut.run.as_deref() == Some(run) => {
                begun.insert(name);
                true
            }
            Some(_) => false,
            // It does not say whose it is. It follows a cut, or does no harm when it is kept twice.
            None => begun.contains(&name),
        }
    });
    lines
}

/// Takes the first such line out of a list; whether there was one.
fn forget(lines: &mut Vec<KeptLine>, is_it: impl Fn(&KeptLine) -> bool) -> bool {
    let at = lines.iter().position(is_it);
    at.map(|at| lines.remove(at)).is_some()
}

impl FleetObserver for CampaignKeeper {
    fn record(&mut self, rig: &str, record: &Record) {
        if let Some(kept) = self.orders.on(rig, record) {
            self.keep(kept);
        }
        let kept = match &record.event {
            Event::CaseEnded(ended) if matches!(ended.verdict, Verdict::Skip { .. }) => {
                self.campaigns().leave_out(&ended.suite, &ended.id);
                return;
            }
            Event::Tallied(tallied) => KeptLine {
                suite: tallied.suite.clone(),
                campaign: tallied.campaign.clone(),
                line: CampaignLine::Cut(Box::new(Tallied {
                    run: Some(self.orders.run().to_owned()),
                    module: Some(self.orders.module(rig)),
                    ..tallied.clone()
                })),
            },
            Event::Calibrated {
                suite,
                campaign,
                package,
                timeline,
            } => KeptLine {
                suite: suite.clone(),
                campaign: campaign.clone(),
                line: CampaignLine::Calibrated(package.clone(), timeline.clone()),
            },
            _ => return,
        };
        self.keep(kept);
    }

    /// The next run has to know it too: it may find the module dead, and another rig make the cut.
    fn lost(&mut self, rig: &str, lost: &LostCut) {
        let LostCut { suite, case, cut } = lost;
        if let Some(tallied) = self.orders.unjudged(rig, suite, case, cut) {
            self.keep(KeptLine {
                suite: suite.clone(),
                campaign: tallied.campaign.clone(),
                line: CampaignLine::Cut(Box::new(tallied)),
            });
        }
    }
}
