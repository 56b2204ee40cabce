//! Cuts that are ordered, as later runs have to know them: before a cut is judged, its module may be dead and its run over.

use crate::plan::earlier::Earlier;
use crate::state::campaign_store::{CampaignAppender, CampaignLine, CutAttempt, KeptLine};
use crate::terminal::print_warning;
use dfota_core::campaign::{Bin, Tallied};
use dfota_core::cut::Cut;
use dfota_core::event::{CaseEnded, Event, Record, TryEnded};
use dfota_core::pool_fold::module_key;
use dfota_core::version::Imei;
use dfota_record::journal::Observer;
use std::collections::BTreeMap;

/// What the rigs of a run were ordered to do, by their records.
#[derive(Debug, Clone, Default)]
pub struct CutOrders {
    /// The name that later runs know this one by.
    run: String,
    /// The cuts of the campaigns, by suite and case.
    cuts: BTreeMap<(String, String), CampaignCase>,
    rigs: BTreeMap<String, RigOrders>,
}

/// A cut of a campaign.
#[derive(Debug, Clone)]
struct CampaignCase {
    campaign: String,
    /// It is drawn for a claim.
    drawn: bool,
}

#[derive(Debug, Clone, Default)]
struct RigOrders {
    /// What its module said last that it is.
    imei: Option<Imei>,
    /// Suite and id of its present case.
    present: (String, String),
    /// The cut of the present case is armed, and was not made yet.
    waits: bool,
}

impl CutOrders {
    pub fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            ..Self::default()
        }
    }

    /// The name that later runs know this one by.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The module on the rig, as far as it is known.
    pub fn module(&self, rig: &str) -> String {
        let imei = self.rigs.get(rig).and_then(|rig| rig.imei.as_ref());
        module_key(rig, imei)
    }

    /// Takes a record of a rig; what later runs have to know of it.
    pub fn on(&mut self, rig: &str, record: &Record) -> Option<KeptLine> {
        if !self.rigs.contains_key(rig) {
            self.rigs.insert(rig.to_owned(), RigOrders::default());
        }
        let known = self.rigs.get_mut(rig)?;
        match &record.event {
            Event::CasePlanned { case, .. } => {
                let cut = CampaignCase {
                    campaign: case.part.as_ref()?.campaign.clone(),
                    drawn: case.slot()?.claim.is_some(),
                };
                self.cuts.insert((case.suite.clone(), case.id.clone()), cut);
                None
            }
            Event::Identity { imei: Some(imei), .. } => {
                known.imei = Some(imei.clone());
                None
            }
            Event::CaseStarted { id, suite } => {
                known.present = (suite.clone(), id.clone());
                known.waits = false;
                None
            }
            Event::CutArmed { cut } => {
                known.waits = true;
                let (suite, case) = known.present.clone();
                let tallied = self.unjudged(rig, &suite, &case, cut)?;
                Some(KeptLine {
                    suite,
                    campaign: tallied.campaign.clone(),
                    line: CampaignLine::Ordered(Box::new(tallied)),
                })
            }
            Event::CutMade(_) => {
                known.waits = false;
                None
            }
            Event::CutMissed { .. } => self.never_made(rig),
            // Only a module that was asked tells that the cut did not come: one is written down when it is over.
            Event::TryEnded(TryEnded { id, outcome, .. })
            | Event::CaseEnded(CaseEnded { id, outcome, .. })
                if *id == known.present.1 && outcome.is_some() =>
            {
                self.never_made(rig)
            }
            _ => None,
        }
    }

    /// A cut that was ordered on the rig, and of which nobody knows what it did.
    pub fn unjudged(&self, rig: &str, suite: &str, case: &str, cut: &Cut) -> Option<Tallied> {
        let of = self.cuts.get(&(suite.to_owned(), case.to_owned()))?;
        Some(Tallied {
            suite: suite.to_owned(),
            campaign: of.campaign.clone(),
            case: case.to_owned(),
            cut: Some(cut.clone()),
            landed: None,
            bin: Bin::Missed,
            counts: false,
            drawn: of.drawn,
            brick: false,
            failed: false,
            settled: false,
            unjudged: true,
            run: Some(self.run.clone()),
            module: Some(self.module(rig)),
        })
    }

    /// The case went on; if its cut was still armed, it never came.
    fn never_made(&mut self, rig: &str) -> Option<KeptLine> {
        let known = self.rigs.get_mut(rig)?;
        if !std::mem::take(&mut known.waits) {
            return None;
        }
        let name = known.present.clone();
        let campaign = self.cuts.get(&name)?.campaign.clone();
        let (suite, case) = name;
        let module = self.module(rig);
        Some(KeptLine {
            suite,
            campaign,
            line: CampaignLine::Harmless(CutAttempt { case, module }),
        })
    }
}

/// An observer that keeps what the one rig of a run is ordered to do, and passes on.
pub struct OrderKeeper {
    inner: Box<dyn Observer>,
    rig: String,
    orders: CutOrders,
    stores: BTreeMap<(String, String), CampaignAppender>,
}

impl OrderKeeper {
    /// Keeps what `inner` sees of the campaigns; `run` is the name that later runs know this one by.
    pub fn new(inner: Box<dyn Observer>, rig: &str, run: &str, earlier: &Earlier) -> Self {
        Self {
            inner,
            rig: rig.to_owned(),
            orders: CutOrders::new(run),
            stores: earlier.appenders(rig),
        }
    }
}

impl Observer for OrderKeeper {
    fn on(&mut self, record: &Record) {
        if let Some(KeptLine {
            suite,
            campaign,
            line,
        }) = self.orders.on(&self.rig, record)
            && let Some(store) = self.stores.get_mut(&(suite, campaign))
            && let Err(why) = store.add(&line)
        {
            // The run goes on; only the next run does not know of this cut.
            print_warning(format_args!("warning: {why}"));
        }
        self.inner.on(record);
    }
}
