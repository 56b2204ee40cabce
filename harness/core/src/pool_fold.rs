//! The modules of a claim and their cuts, as a fold over the journal of a run: the merged one, where it is on several rigs.
//!
//! In the merged journal the parent's `taken` says which rig speaks from there on; in that of a run on one rig, its rig speaks from
//! the beginning. A module is known by its rig and its IMEI: a masked journal hides most of an IMEI, and has to give the same
//! verdicts. So it judges a masked run without them from the beginning (`MaskedModules`).

mod attempts;
mod left;
mod masked;

pub use left::OpenCut;

use crate::campaign::{Count, Role, Tallied};
use crate::case::Case;
use crate::event::fleet::{FleetEvent, PartEnd};
use crate::event::watched::Purpose;
use crate::event::{CaseEnded, Event, RunStarted};
use crate::outcome::Outcome;
use crate::pool::{PoolTally, Stratum};
use crate::verdict::{Rule, Verdict};
use crate::version::Imei;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use attempts::{AttemptOn, Attempts, CutName, TallyKind};
use masked::MaskedModules;

/// What a rig did with a batch.
#[derive(Debug, Clone, Default)]
struct Part {
    rig: String,
    /// The batch; nothing of a run on one rig.
    batch: String,
    /// What the module said that it is; before that, what the module on the same rig said last.
    imei: Option<Imei>,
}

/// A batch as it was queued.
#[derive(Debug, Clone)]
struct QueuedCases {
    suite: String,
    cases: Vec<String>,
    /// Rigs that may run it.
    rigs: Vec<String>,
}

/// A case that ended with a brick.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BrickingCase {
    cut: CutName,
    part: usize,
}

/// A slot of a claim.
#[derive(Debug, Clone)]
struct PlannedSlot {
    cut: CutName,
    campaign: String,
    /// The part that began it last.
    part: Option<usize>,
}

#[derive(Debug, Clone)]
struct TalliedOn {
    tallied: Tallied,
    part: Option<usize>,
}

/// An attempt that an earlier run left open, and that is open no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedAttempt {
    pub suite: String,
    pub case: String,
    /// As [`module_key`] has it.
    pub module: String,
}

/// The pools of a run's claims.
#[derive(Debug, Clone, Default)]
pub struct PoolFold {
    /// The run is one on several rigs.
    is_fleet: bool,
    /// A simulated module has the IMEI that the seed of the run gives it.
    is_simulated: bool,
    /// The rig of a run on one rig.
    single: Option<String>,
    parts: Vec<Part>,
    /// The part that speaks; nothing: the run itself.
    speaks: Option<usize>,
    /// What was last said on each rig.
    known: BTreeMap<String, Imei>,
    masked: MaskedModules,
    batches: BTreeMap<String, QueuedCases>,
    slots: Vec<PlannedSlot>,
    /// Places of the slots.
    index: BTreeMap<CutName, usize>,
    /// The campaigns of cuts that no claim counts, and of updates without a cut.
    directed: BTreeMap<CutName, String>,
    bricking: Vec<BrickingCase>,
    /// Slots that no cut can fill.
    taken_out: BTreeSet<CutName>,
    tallied: Vec<TalliedOn>,
    attempts: Attempts,
    /// Parts of whose journal something is missing.
    unread: Vec<UnreadPart>,
}

/// A part of whose journal something is missing.
#[derive(Debug, Clone)]
struct UnreadPart {
    suite: String,
    folder: String,
}

impl PoolFold {
    /// Whether the claim of this campaign is judged by its pool: the run is one on several rigs, also where none got a batch, or
    /// earlier runs made cuts on another module than that of the one rig.
    pub fn is_pooled(&self, suite: &str, campaign: &str) -> bool {
        if self.is_fleet {
            return true;
        }
        let own = self
            .tallied
            .iter()
            .filter(|on| on.tallied.suite == suite && on.tallied.campaign == campaign);
        let mut modules = own.filter_map(|on| on.tallied.module.as_deref());
        let Some(single) = &self.single else {
            return modules.next().is_some();
        };
        if self.masked.are_hidden_on(single) {
            return true;
        }
        let present = self.known.get(single).map(Imei::as_str);
        let mut imeis: BTreeSet<&str> = present.into_iter().collect();
        for module in modules {
            let (rig, imei) = module.rsplit_once('/').unwrap_or((module, ""));
            if rig != single {
                return true;
            }
            imeis.extend(Some(imei).filter(|imei| !imei.is_empty()));
        }
        imeis.len() > 1 && !self.is_simulated
    }

    /// Whether a pool depends on such an event. Most of a journal are lines of the module, and it does not on those.
    pub const fn concerns(event: &Event) -> bool {
        matches!(
            event,
            Event::RunStarted(_)
                | Event::CasePlanned { .. }
                | Event::CaseStarted { .. }
                | Event::CutArmed { .. }
                | Event::CutMade(_)
                | Event::CutMissed { .. }
                | Event::Identity { .. }
                | Event::Recovered { .. }
                | Event::Attempt(_)
                | Event::TryEnded(_)
                | Event::CaseEnded(_)
                | Event::Tallied(_)
                | Event::ModulesHidden { .. }
                | Event::Fleet(_)
        )
    }

    /// Takes the next event.
    pub fn on(&mut self, event: &Event) {
        if !Self::concerns(event) {
            return;
        }
        match event {
            Event::RunStarted(started) => self.begin(started),
            Event::CasePlanned { case, skip: None } => self.plan(case),
            Event::Fleet(event) => self.on_fleet(event),
            Event::CaseEnded(ended) if matches!(ended.verdict, Verdict::Skip { .. }) => {
                self.taken_out.insert(CutName::new(&ended.suite, &ended.id));
            }
            Event::Tallied(tallied) => self.tally(tallied),
            Event::ModulesHidden { rigs } => self.masked.hide(rigs),
            _ => {}
        }
        if let Some(part) = self.speaks {
            self.on_rig(part, event);
        }
    }

    fn begin(&mut self, started: &RunStarted) {
        self.is_fleet |= !started.rigs.is_empty();
        self.is_simulated |= started.rig.simulated;
        self.masked.begin(started);
        // The journal of a part begins like this as well.
        if !self.is_fleet && self.parts.is_empty() {
            let name = started.rig.file.name.clone();
            self.speaks = Some(0);
            self.parts.push(Part {
                rig: name.clone(),
                ..Part::default()
            });
            self.single = Some(name);
        }
    }

    /// Takes an event of a part.
    fn on_rig(&mut self, part: usize, event: &Event) {
        let module = self.module_of(part);
        let attempts = &mut self.attempts;
        match event {
            Event::CaseStarted { id, suite } => {
                let cut = CutName::new(suite, id);
                if let Some(slot) = self.index.get(&cut).and_then(|at| self.slots.get_mut(*at)) {
                    slot.part = Some(part);
                }
                attempts.started(cut, &module);
            }
            Event::CutArmed { cut } => attempts.armed(part, cut),
            Event::CutMissed { .. } => attempts.missed(),
            Event::CutMade(made) => attempts.made(made.landed, &module),
            Event::Attempt(attempt) if matches!(attempt.purpose, Purpose::Case | Purpose::Again) => {
                attempts.updated();
            }
            Event::TryEnded(tried) => attempts.try_ended(tried.outcome, &module),
            Event::CaseEnded(ended) => {
                attempts.ended(ended, &module);
                self.bricking(part, ended);
            }
            Event::Identity { imei: Some(imei), .. } => self.identified(part, imei),
            Event::Recovered { .. } => self.recovered(part, &module),
            _ => {}
        }
    }

    /// Keeps what bricked a module; what it says later of the same case is right.
    fn bricking(&mut self, part: usize, ended: &CaseEnded) {
        let cut = CutName::new(&ended.suite, &ended.id);
        let case = BrickingCase { cut, part };
        self.bricking.retain(|before| *before != case);
        if ended.outcome.is_some_and(Outcome::is_brick) {
            self.bricking.push(case);
        }
    }

    fn module_of(&self, part: usize) -> String {
        let part = self.parts.get(part);
        part.map_or(String::new(), |part| module_key(&part.rig, part.imei.as_ref()))
    }

    fn tally(&mut self, tallied: &Tallied) {
        let tallied = &Tallied {
            module: tallied.module.as_ref().map(|module| self.masked.heard(module)),
            ..tallied.clone()
        };
        let cut = CutName::new(&tallied.suite, &tallied.case);
        match (&tallied.run, &tallied.module, self.speaks) {
            (None, _, Some(part)) => {
                let module = self.module_of(part);
                self.attempts.tallied(&cut, kind(tallied), &module);
            }
            (Some(_), Some(module), _) if tallied.unjudged => {
                self.attempts.lost_earlier(cut, tallied.cut.as_ref(), module);
            }
            (Some(_), Some(module), _) if tallied.brick => self.attempts.bricked_earlier(&cut, module),
            _ => {}
        }
        self.tallied.push(TalliedOn {
            tallied: tallied.clone(),
            part: self.speaks.filter(|_| tallied.run.is_none()),
        });
    }

    /// The journal of a part has the plan of its cases as well.
    fn plan(&mut self, case: &Case) {
        let Some(part) = &case.part else { return };
        let cut = CutName::new(&case.suite, &case.id);
        let campaign = part.campaign.clone();
        if !matches!(&part.role, Role::Cut(slot) if slot.claim.is_some()) {
            self.directed.insert(cut, campaign);
            return;
        }
        let next = self.slots.len();
        if *self.index.entry(cut.clone()).or_insert(next) == next {
            self.slots.push(PlannedSlot {
                cut,
                campaign,
                part: None,
            });
        }
    }

    fn on_fleet(&mut self, event: &FleetEvent) {
        self.is_fleet = true;
        let part = self.speaks.take();
        let module = part.map(|part| self.module_of(part));
        self.attempts.end_part(module.as_deref());
        match event {
            FleetEvent::Queued {
                batch,
                suite,
                cases,
                terms,
                ..
            } => {
                let queued = QueuedCases {
                    suite: suite.clone(),
                    cases: cases.clone(),
                    rigs: terms.as_ref().map_or(Vec::new(), |terms| terms.rigs.clone()),
                };
                self.batches.insert(batch.clone(), queued);
            }
            FleetEvent::Taken(taken) => {
                self.speaks = Some(self.parts.len());
                self.parts.push(Part {
                    rig: taken.rig.clone(),
                    batch: taken.batch.clone(),
                    imei: self.known.get(&taken.rig).cloned(),
                });
            }
            FleetEvent::Ordered {
                rig,
                suite,
                case,
                cut,
            } => {
                if let Some(part) = self.last_part(rig) {
                    let module = self.module_of(part);
                    let name = CutName::new(suite, case);
                    self.attempts.ordered(part, name, cut, &module);
                }
            }
            FleetEvent::Lost { end, open, .. } => self.lost(end, open),
            FleetEvent::Unread { folder, .. } => self.unread(part, folder),
            FleetEvent::WrittenOff { suite, case, .. } => {
                self.attempts.write_off(&CutName::new(suite, case));
            }
            _ => {}
        }
    }

    fn unread(&mut self, part: Option<usize>, folder: &str) {
        let Some((at, part)) = part.and_then(|at| Some((at, self.parts.get(at)?))) else {
            return;
        };
        let suite = self.batches.get(&part.batch).map(|batch| batch.suite.clone());
        let module = self.module_of(at);
        self.attempts.unread(at, &module);
        self.unread.extend(suite.map(|suite| UnreadPart {
            suite,
            folder: folder.to_owned(),
        }));
    }

    /// The part that the rig has, or had last.
    fn last_part(&self, rig: &str) -> Option<usize> {
        self.parts.iter().rposition(|part| part.rig == rig)
    }

    /// The parent says that these cuts have no verdict. The records of the part know more, where they are there.
    fn lost(&mut self, end: &PartEnd, open: &[String]) {
        let part = self.last_part(&end.rig);
        let suite = self.batches.get(&end.batch).map(|batch| batch.suite.clone());
        let (Some(part), Some(suite)) = (part, suite) else {
            return;
        };
        let module = self.module_of(part);
        for case in open {
            let has_failed = self.tallied.iter().any(|on| {
                let same = on.tallied.suite == suite && on.tallied.case == *case;
                on.tallied.failed && same && on.part == Some(part)
            });
            if !has_failed {
                self.attempts.lost(part, CutName::new(&suite, case), &module);
            }
        }
    }

    fn identified(&mut self, part: usize, imei: &Imei) {
        let Some(part) = self.parts.get_mut(part) else {
            return;
        };
        let imei = self.masked.said(&part.rig, imei);
        part.imei = Some(imei.clone());
        self.known.insert(part.rig.clone(), imei.clone());
        self.attempts.heard(&module_key(&part.rig, Some(&imei)));
    }

    /// The module of a rig had to be reflashed.
    fn recovered(&mut self, part: usize, module: &str) {
        let Some(part) = self.parts.get(part) else { return };
        let on_rig = |of: &str| of.rsplit_once('/').is_some_and(|(rig, _)| rig == part.rig);
        let unknown = module_key(&part.rig, None);
        let is_this = |of: &str| match part.imei {
            Some(_) => of == module || of == unknown,
            None => on_rig(of),
        };
        self.attempts.reflashed(module, is_this);
    }

    /// The part that speaks goes on: what becomes of its present cut, and of those that the next delta has to prove, is seen
    /// later. Until then they are no open attempts.
    pub fn goes_on(&mut self) {
        self.attempts.go_on();
        self.speaks = None;
    }

    /// The pool of a campaign's claim.
    pub fn pool(&self, suite: &str, campaign: &str) -> PoolTally {
        let mut strata = Strata::new(self);
        let mut judged = BTreeSet::new();
        let mut earlier = 0;
        for counted in self.counted(suite, campaign) {
            let tallied = &counted.tallied;
            let stratum = strata.of_tallied(counted);
            stratum.add(tallied);
            match &tallied.run {
                Some(run) => {
                    earlier += 1;
                    *stratum.earlier.entry(run.clone()).or_default() += 1;
                }
                None => {
                    judged.insert(tallied.case.as_str());
                }
            }
        }
        self.add_attempts(&mut strata, suite, campaign);
        let (mut slots, mut unjudged) = (0, 0);
        let skipped: BTreeSet<&CutName> = self.skipped(suite, campaign).collect();
        let own = |slot: &&PlannedSlot| slot.cut.suite == suite && slot.campaign == campaign;
        let filled = self.slots.iter().filter(own);
        for slot in filled.filter(|slot| !skipped.contains(&slot.cut)) {
            let is_open = u32::from(!judged.contains(slot.cut.case.as_str()));
            slots += 1;
            unjudged += is_open;
            if slot.part.is_some() {
                let stratum = strata.of_part(slot.part);
                stratum.slots += 1;
                stratum.unjudged += is_open;
            }
        }
        let rigs = strata.all.iter().flat_map(|stratum| &stratum.rigs);
        let hidden: BTreeSet<&String> = rigs.filter(|rig| self.masked.are_hidden_on(rig)).collect();
        PoolTally {
            hidden: hidden.into_iter().cloned().collect(),
            strata: strata.all,
            slots: slots + earlier,
            unjudged,
            skipped: skipped.len() as u32,
            largest_batch: self.largest_batch(suite, campaign),
            is_simulated: self.is_simulated,
            unread: self.unread_of(suite).map(ToOwned::to_owned).collect(),
        }
    }

    /// Cuts of the claim that their rigs could not make, and that none made instead.
    pub fn count_skipped(&self, suite: &str, campaign: &str) -> u32 {
        self.skipped(suite, campaign).count() as u32
    }

    fn skipped(&self, suite: &str, campaign: &str) -> impl Iterator<Item = &CutName> {
        let own = move |slot: &&PlannedSlot| slot.cut.suite == suite && slot.campaign == campaign;
        let is_made = |cut: &CutName| {
            let mut own = self.tallied.iter().map(|on| &on.tallied);
            own.any(|made| {
                made.settled && made.run.is_none() && made.suite == cut.suite && made.case == cut.case
            })
        };
        let out = self.slots.iter().filter(own).map(|slot| &slot.cut);
        out.filter(move |cut| self.taken_out.contains(*cut) && !is_made(cut))
    }

    /// What has no verdict, and what bricked a module without being counted.
    fn add_attempts(&self, strata: &mut Strata<'_>, suite: &str, campaign: &str) {
        let of_claim = |cut: &CutName| self.is_of_claim(cut, suite, campaign);
        for brick in self.attempts.bricks().filter(|brick| of_claim(&brick.cut)) {
            strata.get(&brick.module).brick_without_verdict();
        }
        let module = self.speaks.map(|part| self.module_of(part));
        for attempt in self.attempts.open(module.as_deref()) {
            if of_claim(&attempt.cut) {
                strata.get(&attempt.module).open.push(attempt.cut.case);
            } else if self.is_directed(&attempt.cut, suite, campaign) {
                strata.get(&attempt.module).uncounted_open.push(attempt.cut.case);
            }
        }
        for brick in self.uncounted_bricks(suite, campaign) {
            strata.of_tallied(brick).uncounted_bricks += 1;
        }
        for brick in self.bricked_otherwise(suite, campaign) {
            strata.of_part(Some(brick.part)).uncounted_bricks += 1;
        }
        let directed = |brick: &&AttemptOn| self.is_directed(&brick.cut, suite, campaign);
        for brick in self.attempts.bricks().filter(directed) {
            strata.get(&brick.module).uncounted_bricks += 1;
        }
    }

    /// Folders of the suite's parts of whose journal something is missing.
    pub fn unread_of(&self, suite: &str) -> impl Iterator<Item = &str> {
        let own = self.unread.iter().filter(move |part| part.suite == suite);
        own.map(|part| part.folder.as_str())
    }

    /// How a campaign ends by this verdict of its claim, in words; nothing where a later run goes on with it.
    pub fn claim_end(&self, case: &Case, verdict: &Verdict) -> Option<&'static str> {
        let part = case.part.as_ref()?;
        let Role::Claim(claim) = &part.role else {
            return None;
        };
        match verdict.finding().map(|finding| finding.rule) {
            None => Some("shown"),
            Some(Rule::ClaimNotShown) => Some("not shown"),
            Some(Rule::ClaimRefuted) => Some("refuted"),
            Some(Rule::ClaimOpen) if self.is_pooled(&case.suite, &part.campaign) => {
                let pool = self.pool(&case.suite, &part.campaign);
                pool.is_stuck(claim)
                    .then_some("open, and no further cut can change that")
            }
            Some(_) => None,
        }
    }

    /// The module of the rig that speaks, as [`module_key`] has it, by its full name.
    pub fn present_module(&self) -> Option<String> {
        let rig = &self.parts.get(self.speaks?)?.rig;
        Some(module_key(rig, self.masked.present(rig)))
    }

    /// Attempts of earlier runs of which this run has shown that they did no harm. To be asked when the run's parts are over.
    pub fn closed_earlier(&self) -> Vec<ClosedAttempt> {
        let closed = self.attempts.closed_earlier();
        let name = |on: &AttemptOn| ClosedAttempt {
            suite: on.cut.suite.clone(),
            case: on.cut.case.clone(),
            module: on.module.clone(),
        };
        closed.map(name).collect()
    }

    /// Whether the cut was drawn for the claim, by this run or an earlier one. A slot that is taken out was, too: what an attempt
    /// at it did has to be known.
    fn is_of_claim(&self, cut: &CutName, suite: &str, campaign: &str) -> bool {
        let planned = self.index.get(cut).and_then(|at| self.slots.get(*at));
        let is_slot = planned.is_some_and(|slot| slot.cut.suite == suite && slot.campaign == campaign);
        is_slot
            || self.tallied.iter().map(|on| &on.tallied).any(|earlier| {
                let same = earlier.suite == cut.suite && earlier.case == cut.case;
                let here = earlier.suite == suite && earlier.campaign == campaign;
                same && here && earlier.drawn && earlier.run.is_some()
            })
    }

    /// Whether the cut is one of the campaign that no claim counts.
    fn is_directed(&self, cut: &CutName, suite: &str, campaign: &str) -> bool {
        let planned = self.directed.get(cut);
        cut.suite == suite && planned.is_some_and(|of| of == campaign)
    }

    /// Bricks of the campaign that the claim does not count: the module is one that bricked all the same. What a module says later
    /// of the same case is right.
    fn uncounted_bricks(&self, suite: &str, campaign: &str) -> impl Iterator<Item = &TalliedOn> {
        let own = |cut: &&TalliedOn| cut.tallied.suite == suite && cut.tallied.campaign == campaign;
        let mut last: Vec<&TalliedOn> = Vec::new();
        for cut in self.tallied.iter().filter(own) {
            last.retain(|before| before.tallied.case != cut.tallied.case || !before.is_by_the_same(cut));
            last.push(cut);
        }
        let is_brick = |cut: &&TalliedOn| cut.tallied.brick && !cut.tallied.counts;
        last.into_iter().filter(is_brick)
    }

    /// Bricks that nobody tallied, by updates of the campaign, and of other campaigns and suites on rigs that make cuts
    /// for the claim: the cuts that their modules did not make any more are not given to the others.
    fn bricked_otherwise(&self, suite: &str, campaign: &str) -> impl Iterator<Item = &BrickingCase> {
        let rigs = self.rigs_of(suite, campaign);
        let is_tallied = move |brick: &BrickingCase| {
            let mut own = self.tallied.iter().filter(|on| on.part == Some(brick.part));
            own.any(|TalliedOn { tallied, .. }| {
                let here = tallied.suite == suite && tallied.campaign == campaign;
                here && tallied.case == brick.cut.case && brick.cut.suite == suite && tallied.brick
            })
        };
        let concerns = move |brick: &&BrickingCase| {
            let rig = self.parts.get(brick.part).map(|part| part.rig.as_str());
            self.is_directed(&brick.cut, suite, campaign) || rig.is_some_and(|rig| rigs.contains(rig))
        };
        let otherwise = self.bricking.iter().filter(concerns);
        otherwise.filter(move |brick| !is_tallied(brick))
    }

    /// The rigs that make cuts of the claim, or may.
    fn rigs_of(&self, suite: &str, campaign: &str) -> BTreeSet<&str> {
        let batches = self.batches.values();
        let own = batches.filter(|batch| self.slots_in(batch, suite, campaign) > 0);
        let rigs = own.flat_map(|batch| &batch.rigs).map(String::as_str);
        rigs.chain(self.single.as_deref()).collect()
    }

    /// How many slots of the claim a batch has.
    fn slots_in(&self, batch: &QueuedCases, suite: &str, campaign: &str) -> u32 {
        let of_claim = |case: &&String| {
            let at = self.index.get(&CutName::new(suite, case));
            let slot = at.and_then(|at| self.slots.get(*at));
            slot.is_some_and(|slot| slot.campaign == campaign)
        };
        if batch.suite != suite {
            return 0;
        }
        batch.cases.iter().filter(of_claim).count() as u32
    }

    /// Most slots of the claim in one batch of this run.
    fn largest_batch(&self, suite: &str, campaign: &str) -> u32 {
        let batches = self.batches.values();
        let slots = batches.map(|batch| self.slots_in(batch, suite, campaign));
        slots.max().unwrap_or_default()
    }

    /// The cuts that count for the claim: one for each slot. Where a module says something else about a case that was settled
    /// before in the same run, it is right; but what one module does makes no brick of another one undone.
    fn counted<'f>(&'f self, suite: &'f str, campaign: &'f str) -> impl Iterator<Item = &'f TalliedOn> {
        let own = move |cut: &&TalliedOn| cut.tallied.suite == suite && cut.tallied.campaign == campaign;
        let mut cases: BTreeMap<(Option<&str>, &str), Vec<&TalliedOn>> = BTreeMap::new();
        for cut in self.tallied.iter().filter(own).filter(|cut| cut.tallied.settled) {
            let case = cases
                .entry((cut.tallied.run.as_deref(), &cut.tallied.case))
                .or_default();
            case.retain(|before| !before.is_by_the_same(cut));
            case.push(cut);
        }
        cases.into_values().flat_map(|mut case| {
            let is_brick = |cut: &&TalliedOn| cut.tallied.counts && cut.tallied.brick;
            if case.iter().any(is_brick) {
                case.retain(is_brick);
            } else {
                let last = case.pop().filter(|cut| cut.tallied.counts);
                case = last.into_iter().collect();
            }
            case
        })
    }
}

impl TalliedOn {
    fn is_by_the_same(&self, other: &Self) -> bool {
        self.part == other.part && self.tallied.module == other.tallied.module
    }
}

fn kind(tallied: &Tallied) -> TallyKind {
    match tallied {
        Tallied { unjudged: true, .. } => TallyKind::Unjudged,
        Tallied { brick: true, .. } => TallyKind::Brick,
        Tallied {
            settled: true,
            failed: false,
            ..
        } => TallyKind::Proven,
        _ => TallyKind::Other,
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
