//! The modules of a run on several rigs and their cuts, as a fold over its merged journal.
//!
//! In the merged journal the parent's `taken` says which rig speaks from there on. A module is known by its rig and its IMEI: a
//! masked journal hides most of an IMEI, and has to give the same verdicts.

use crate::campaign::{Count, Role, Tallied};
use crate::event::fleet::FleetEvent;
use crate::event::{CaseEnded, Event};
use crate::pool::{PoolTally, Stratum};
use crate::verdict::Verdict;
use crate::version::Imei;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a rig did with a batch.
#[derive(Debug, Clone, Default)]
struct Part {
    rig: String,
    /// What the module said that it is; before that, what the module on the same rig said last.
    imei: Option<Imei>,
}

/// A cut that was ordered, and of which nobody knows what it did.
#[derive(Debug, Clone)]
struct OpenCut {
    suite: String,
    case: String,
    /// The module, as [`module_key`] has it.
    module: String,
}

/// A cut that counts as a brick although it has no verdict.
#[derive(Debug, Clone)]
struct BrickWithoutVerdict {
    suite: String,
    case: String,
    /// The module, as [`module_key`] has it.
    module: String,
}

/// A slot of a claim.
#[derive(Debug, Clone)]
struct PlannedSlot {
    suite: String,
    campaign: String,
    case: String,
    /// The part that began it last.
    part: Option<usize>,
}

#[derive(Debug, Clone)]
struct TalliedOn {
    tallied: Tallied,
    part: Option<usize>,
}

/// The pools of a run's claims.
#[derive(Debug, Clone, Default)]
pub struct PoolFold {
    parts: Vec<Part>,
    /// The part that speaks; nothing: the run itself.
    speaks: Option<usize>,
    /// What was last said on each rig.
    known: BTreeMap<String, Imei>,
    /// The suite of each batch.
    suites: BTreeMap<String, String>,
    slots: Vec<PlannedSlot>,
    /// Slots that no cut can fill: suite and case.
    taken_out: BTreeSet<(String, String)>,
    tallied: Vec<TalliedOn>,
    open: Vec<OpenCut>,
    without_verdict: Vec<BrickWithoutVerdict>,
}

impl PoolFold {
    /// Whether the run is one on several rigs.
    pub fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Takes the next event.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::CasePlanned { case, skip } => {
                let part = case.part.as_ref();
                let of_claim =
                    part.filter(|part| matches!(&part.role, Role::Cut(slot) if slot.claim.is_some()));
                if let (Some(part), None) = (of_claim, skip) {
                    self.plan(&case.suite, &part.campaign, &case.id);
                }
            }
            Event::Fleet(event) => self.on_fleet(event),
            Event::CaseStarted { id, suite } => {
                let speaks = self.speaks;
                let mut slots = self.slots.iter_mut();
                if let Some(slot) = slots.find(|slot| slot.case == *id && slot.suite == *suite) {
                    slot.part = speaks;
                }
            }
            Event::CaseEnded(CaseEnded {
                suite,
                id,
                verdict: Verdict::Skip { .. },
                ..
            }) => {
                self.taken_out.insert((suite.clone(), id.clone()));
            }
            Event::Identity { imei: Some(imei), .. } => self.identified(imei),
            Event::Recovered { .. } => self.recovered(),
            Event::Tallied(tallied) => self.tally(tallied),
            _ => {}
        }
    }

    fn tally(&mut self, tallied: &Tallied) {
        // An earlier run lost it after it had been ordered, and nobody has heard of its module since.
        if let (true, true, Some(module), Some(_)) =
            (tallied.unjudged, tallied.drawn, &tallied.module, &tallied.run)
        {
            self.open.push(OpenCut {
                suite: tallied.suite.clone(),
                case: tallied.case.clone(),
                module: module.clone(),
            });
        }
        self.tallied.push(TalliedOn {
            tallied: tallied.clone(),
            part: self.speaks.filter(|_| tallied.run.is_none()),
        });
    }

    /// The journal of a part has the plan of its cases as well.
    fn plan(&mut self, suite: &str, campaign: &str, case: &str) {
        let known = |slot: &PlannedSlot| slot.suite == suite && slot.case == case;
        if !self.slots.iter().any(known) {
            self.slots.push(PlannedSlot {
                suite: suite.into(),
                campaign: campaign.into(),
                case: case.into(),
                part: None,
            });
        }
    }

    fn on_fleet(&mut self, event: &FleetEvent) {
        self.speaks = None;
        match event {
            FleetEvent::Queued { batch, suite, .. } => {
                self.suites.insert(batch.clone(), suite.clone());
            }
            FleetEvent::Taken(taken) => {
                self.speaks = Some(self.parts.len());
                self.parts.push(Part {
                    rig: taken.rig.clone(),
                    imei: self.known.get(&taken.rig).cloned(),
                });
            }
            FleetEvent::Lost { end, open, .. } => {
                let part = self.parts.iter().rposition(|part| part.rig == end.rig);
                let suite = self.suites.get(&end.batch).cloned().unwrap_or_default();
                if let Some(part) = part.and_then(|at| self.parts.get(at)) {
                    let module = module_key(&part.rig, part.imei.as_ref());
                    self.open.extend(open.iter().map(|case| OpenCut {
                        suite: suite.clone(),
                        case: case.clone(),
                        module: module.clone(),
                    }));
                }
            }
            FleetEvent::WrittenOff { suite, case, .. } => self.write_off(suite, case),
            _ => {}
        }
    }

    /// A module that says who it is has lived through the cut that was open on it.
    fn identified(&mut self, imei: &Imei) {
        let Some(part) = self.speaks.and_then(|at| self.parts.get_mut(at)) else {
            return;
        };
        part.imei = Some(imei.clone());
        let module = module_key(&part.rig, Some(imei));
        self.known.insert(part.rig.clone(), imei.clone());
        self.open.retain(|cut| cut.module != module);
    }

    /// A module that had to be reflashed was bricked, by the cut that was open on its rig if one was.
    fn recovered(&mut self) {
        let Some(rig) = self
            .speaks
            .and_then(|at| self.parts.get(at))
            .map(|part| part.rig.clone())
        else {
            return;
        };
        let here = |cut: &OpenCut| cut.module.rsplit_once('/').is_some_and(|(on, _)| on == rig);
        let (bricked, open): (Vec<OpenCut>, Vec<OpenCut>) = self.open.drain(..).partition(here);
        self.open = open;
        self.without_verdict
            .extend(bricked.into_iter().map(|cut| BrickWithoutVerdict {
                suite: cut.suite,
                case: cut.case,
                module: cut.module,
            }));
    }

    fn write_off(&mut self, suite: &str, case: &str) {
        let this = |cut: &OpenCut| cut.suite == suite && cut.case == case;
        let (off, open): (Vec<OpenCut>, Vec<OpenCut>) = self.open.drain(..).partition(this);
        self.open = open;
        self.without_verdict
            .extend(off.into_iter().map(|cut| BrickWithoutVerdict {
                suite: cut.suite,
                case: cut.case,
                module: cut.module,
            }));
    }

    /// The pool of a campaign's claim.
    pub fn pool(&self, suite: &str, campaign: &str) -> PoolTally {
        let mut strata = Strata::new(self);
        let slots: Vec<&PlannedSlot> = self
            .slots
            .iter()
            .filter(|slot| slot.suite == suite && slot.campaign == campaign)
            .filter(|slot| !self.taken_out.contains(&(slot.suite.clone(), slot.case.clone())))
            .collect();
        let mut judged = BTreeSet::new();
        let mut earlier = 0;
        for counted in self.counted(suite, campaign) {
            let tallied = &counted.tallied;
            strata.of_tallied(counted).add(tallied);
            match &tallied.run {
                Some(_) => earlier += 1,
                None => {
                    judged.insert(tallied.case.as_str());
                }
            }
        }
        let of_claim = |case: &str| {
            slots.iter().any(|slot| slot.case == case) || self.was_drawn_earlier(suite, campaign, case)
        };
        for brick in self
            .without_verdict
            .iter()
            .filter(|brick| brick.suite == suite && of_claim(&brick.case))
        {
            strata.get(&brick.module).brick_without_verdict();
        }
        for cut in self
            .open
            .iter()
            .filter(|cut| cut.suite == suite && of_claim(&cut.case))
        {
            strata.get(&cut.module).open.push(cut.case.clone());
        }
        let mut unjudged = 0;
        for slot in &slots {
            let is_open = !judged.contains(slot.case.as_str());
            unjudged += u32::from(is_open);
            if slot.part.is_some() {
                let stratum = strata.of_part(slot.part);
                stratum.slots += 1;
                stratum.unjudged += u32::from(is_open);
            }
        }
        PoolTally {
            strata: strata.all,
            slots: slots.len() as u32 + earlier,
            unjudged,
        }
    }

    /// Whether an earlier run drew the case's cut for the claim.
    fn was_drawn_earlier(&self, suite: &str, campaign: &str, case: &str) -> bool {
        self.tallied.iter().map(|cut| &cut.tallied).any(|cut| {
            let same = cut.suite == suite && cut.campaign == campaign && cut.case == case;
            same && cut.drawn && cut.run.is_some()
        })
    }

    /// The cuts that count for the claim. Where one says something else about a case that was settled before in the same
    /// run, it is right.
    fn counted<'f>(&'f self, suite: &'f str, campaign: &'f str) -> impl Iterator<Item = &'f TalliedOn> {
        let own = move |cut: &&TalliedOn| cut.tallied.suite == suite && cut.tallied.campaign == campaign;
        let mut last: BTreeMap<(Option<&str>, &str), usize> = BTreeMap::new();
        let cuts: Vec<&TalliedOn> = self.tallied.iter().filter(own).collect();
        for (n, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.tallied.settled) {
            last.insert((cut.tallied.run.as_deref(), &cut.tallied.case), n);
        }
        let is_last = |n: usize| last.values().any(|at| *at == n);
        let counted: Vec<&TalliedOn> = cuts
            .iter()
            .enumerate()
            .filter(|(n, cut)| cut.tallied.counts && is_last(*n))
            .map(|(_, cut)| *cut)
            .collect();
        counted.into_iter()
    }
}

/// The modules, in the order in which they come up.
struct Strata<'f> {
    fold: &'f PoolFold,
    all: Vec<Stratum>,
    index: BTreeMap<String, usize>,
}

impl<'f> Strata<'f> {
    fn new(fold: &'f PoolFold) -> Self {
        Self {
            fold,
            all: Vec::new(),
            index: BTreeMap::new(),
        }
    }

    fn of_part(&mut self, part: Option<usize>) -> &mut Stratum {
        let part = part.and_then(|at| self.fold.parts.get(at));
        let key = part.map_or(String::new(), |part| module_key(&part.rig, part.imei.as_ref()));
        self.get(&key)
    }

    fn of_tallied(&mut self, cut: &TalliedOn) -> &mut Stratum {
        match (&cut.part, &cut.tallied.module) {
            (None, Some(module)) => self.get(module),
            _ => self.of_part(cut.part),
        }
    }

    fn get(&mut self, key: &str) -> &mut Stratum {
        let next = self.all.len();
        let at = *self.index.entry(key.to_owned()).or_insert(next);
        if at == next {
            let (rig, imei) = key.rsplit_once('/').unwrap_or((key, ""));
            self.all.push(Stratum {
                imei: Some(imei.to_owned()).filter(|imei| !imei.is_empty()),
                rigs: Some(rig.to_owned())
                    .into_iter()
                    .filter(|rig| !rig.is_empty())
                    .collect(),
                ..Stratum::default()
            });
        }
        &mut self.all[at]
    }
}

/// What a module is known by: its rig, and its IMEI where it said one.
pub fn module_key(rig: &str, imei: Option<&Imei>) -> String {
    format!("{rig}/{}", imei.map_or("", Imei::as_str))
}

impl Stratum {
    fn add(&mut self, tallied: &Tallied) {
        self.count(Count {
            cuts: 1,
            bricks: u32::from(tallied.brick),
            failed: u32::from(tallied.failed),
        });
    }

    fn brick_without_verdict(&mut self) {
        self.count(Count {
            cuts: 1,
            bricks: 1,
            failed: 1,
        });
        self.without_verdict += 1;
    }

    fn count(&mut self, more: Count) {
        self.counted.cuts += more.cuts;
        self.counted.bricks += more.bricks;
        self.counted.failed += more.failed;
    }
}
