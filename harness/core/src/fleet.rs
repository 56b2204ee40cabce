//! The queue of a run on several rigs: which rig takes which batch, and when none does.
//!
//! No clock and no process. A caller that asks for a batch gets a [`Take`]; a caller that reports gets the [`FleetEvent`]s to
//! record.
//!
//! - The longest batch that fits goes first; the first batch of a canary is the shortest.
//! - A package goes to `canary` rigs alone, the first that are free, until one of its batches has passed.
//! - A lost batch goes to another rig; after three losses it is given up. A rig that lost a batch gets no further one.
//! - A canary that is lost in the middle of an update may be a brick: no other rig gets its delta.
//! - After more bricks than the run allows, or a bricked canary, no rig gets a further batch. A rig that is lost in the middle of an
//!   update counts as a brick, because its module may be bricked.
//! - Of a claim's cuts, a rig gets no more than its quota.

mod replay;

pub use crate::event::fleet::{BatchResult, ClaimShare};
pub use replay::{ReplayError, ReplayedFleet};

use crate::event::fleet::{BatchTerms, FleetEvent, PauseCause, Taken};
use crate::folder_name;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A batch that is lost so often is given up.
pub const LOSSES: u32 = 3;

/// A batch, as the queue needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedBatch {
    /// Its name, unique in the run.
    pub name: String,
    pub suite: String,
    /// The ids of its cases, in order.
    pub cases: Vec<String>,
    /// The packages that it may give a module, by their digests: each goes to canaries first.
    pub packages: Vec<String>,
    /// The rigs that can run it, by their place in the run.
    pub rigs: Vec<usize>,
    /// The claim that it has cuts of, if it has.
    pub share: Option<ClaimShare>,
    /// What it is likely to take, in milliseconds of real time.
    pub real_ms: u64,
}

/// How careful a run is with its modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetRules {
    /// Rigs that get a new delta before the others.
    pub canary: usize,
    /// Bricks that do not stop the run.
    pub max_bricks: u32,
    /// The same together with rigs that were lost in the middle of an update: nobody knows whether their modules are bricked.
    pub max_possible: u32,
}

/// What a rig that asks for a batch is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// This one; it is the rig's until it is closed or lost.
    Batch(BatchOrder),
    /// Nothing now: ask again when something has changed.
    Wait(WaitReason),
    /// Nothing any more.
    Done,
}

/// A batch for a rig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOrder {
    pub taken: Taken,
    pub suite: String,
    /// The ids of its cases, in order; of one that was lost, those that are left.
    pub cases: Vec<String>,
    /// It has cuts of a claim: what a bricked module leaves of them does not move to another one.
    pub is_of_claim: bool,
}

/// Why a batch, or a rig, waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, derive_more::Display)]
pub enum WaitReason {
    /// The rigs that can run it are busy.
    #[display("its rigs are busy")]
    Busy,
    /// A canary has the delta alone.
    #[display("waits until the canary has passed a batch with this delta")]
    Canary,
    /// A canary was lost with the delta at work.
    #[display(
        "is held: the canary was lost in the middle of an update, and nobody knows what its module became"
    )]
    Held,
    /// What is left may come back.
    #[display("waits for the batches of other rigs, which may be lost")]
    Others,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Waits,
    /// With this rig.
    Taken(usize),
    Over,
}

#[derive(Debug)]
struct Entry {
    batch: QueuedBatch,
    place: Place,
    attempts: u32,
    losses: u32,
    /// What a rig that was stopped left of it.
    stopped: Option<StoppedBatch>,
    /// Why nobody runs what is left of it.
    given_up: Option<String>,
}

/// A batch that a rig closed before its end, because nothing was handed out any more.
#[derive(Debug)]
struct StoppedBatch {
    rig: usize,
    left: Vec<String>,
}

/// Why nothing is handed out any more.
#[derive(Debug)]
struct Pause {
    why: String,
    cause: PauseCause,
}

/// How far a run is, by what its batches were estimated to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkDone {
    pub over_ms: u64,
    pub all_ms: u64,
}

impl Entry {
    fn give_up(&mut self, why: String) -> FleetEvent {
        self.place = Place::Over;
        self.given_up = Some(why.clone());
        FleetEvent::GivenUp {
            batch: self.batch.name.clone(),
            why,
        }
    }
}

/// A case that no rig ran to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbandonedCase {
    pub suite: String,
    pub case: String,
    /// Why, for people.
    pub why: String,
}

#[derive(Debug)]
struct RigEntry {
    name: String,
    /// That of its batches, in the run folder.
    folder: String,
    /// Gets no further batch.
    out: bool,
    /// The place in the queue of the batch that it has.
    batch: Option<usize>,
    /// Bricks of that batch that were counted.
    bricks: u32,
}

/// Where a package stands with its canaries.
#[derive(Debug, Default)]
struct Canaries {
    rigs: BTreeSet<usize>,
    passed: bool,
    /// The rig that was lost before that, with the package at work. Its module may be bricked, and whoever gets the package next
    /// may lose his as well.
    open: Option<usize>,
}

/// The queue.
#[derive(Debug)]
pub struct Fleet {
    entries: Vec<Entry>,
    rigs: Vec<RigEntry>,
    rules: FleetRules,
    /// By package.
    canaries: BTreeMap<String, Canaries>,
    /// Cuts of a claim that a rig was given, by suite, campaign and rig.
    given: BTreeMap<(String, String, usize), u32>,
    bricks: u32,
    /// Rigs that were lost in the middle of an update.
    possible_bricks: Vec<usize>,
    paused: Option<Pause>,
    /// Why it would have been paused for the sake of the modules, had it not been paused already.
    danger: Option<String>,
}

impl Fleet {
    /// An empty queue for rigs of these names.
    pub fn new(rigs: Vec<String>, rules: FleetRules) -> Self {
        let folders = folder_name::one_for_each(&rigs);
        let rig = |(name, folder)| RigEntry {
            name,
            folder,
            out: false,
            batch: None,
            bricks: 0,
        };
        Self {
            entries: Vec::new(),
            rigs: rigs.into_iter().zip(folders).map(rig).collect(),
            rules,
            canaries: BTreeMap::new(),
            given: BTreeMap::new(),
            bricks: 0,
            possible_bricks: Vec::new(),
            paused: None,
            danger: None,
        }
    }

    /// Puts batches into the queue.
    pub fn offer(&mut self, batches: Vec<QueuedBatch>) -> Vec<FleetEvent> {
        let queued = |batch: &QueuedBatch| FleetEvent::Queued {
            batch: batch.name.clone(),
            suite: batch.suite.clone(),
            cases: batch.cases.clone(),
            real_ms: batch.real_ms,
            terms: Some(BatchTerms {
                packages: batch.packages.clone(),
                rigs: batch
                    .rigs
                    .iter()
                    .map(|rig| name_of(&self.rigs, *rig).to_owned())
                    .collect(),
                share: batch.share.clone(),
            }),
        };
        let events = batches.iter().map(queued).collect();
        self.entries.extend(batches.into_iter().map(|batch| Entry {
            batch,
            place: Place::Waits,
            attempts: 0,
            losses: 0,
            stopped: None,
            given_up: None,
        }));
        events
    }

    /// The next batch for a rig.
    pub fn take(&mut self, rig: usize) -> Take {
        let free = self
            .rigs
            .get(rig)
            .is_some_and(|rig| !rig.out && rig.batch.is_none());
        if !free || self.paused.is_some() {
            return Take::Done;
        }
        let fitting = |entry: &&Entry| entry.batch.rigs.contains(&rig);
        let waiting = |at: &usize| {
            self.entries
                .get(*at)
                .is_some_and(|entry| entry.place == Place::Waits)
        };
        let mine: Vec<usize> = (0..self.entries.len())
            .filter(waiting)
            .filter(|at| self.entries.get(*at).as_ref().is_some_and(fitting))
            .filter(|at| self.within_quota(*at, rig))
            .collect();
        let open = |at: &usize| self.is_open_to(*at, rig);
        let length = |at: &usize| self.entries.get(*at).map_or(0, |entry| entry.batch.real_ms);
        // The sooner a canary has passed, the sooner the others begin. Of equals, the first.
        let rank = |at: &usize| {
            let short = self.is_careful() && self.is_on_trial(*at);
            let longest = u64::MAX - length(at);
            (short, if short { length(at) } else { longest }, *at)
        };
        match mine.iter().copied().filter(open).min_by_key(rank) {
            Some(at) => self.give(at, rig),
            None if !mine.is_empty() => Take::Wait(self.why_closed(&mine)),
            None if self.may_come_back(rig) => Take::Wait(WaitReason::Others),
            None => Take::Done,
        }
    }

    /// Whether there is, or may be, another batch for a rig that has none now.
    pub fn has_work(&self, rig: usize) -> bool {
        let fits = |at: usize| {
            let entry = self.entries.get(at);
            entry.is_some_and(|entry| entry.place == Place::Waits && entry.batch.rigs.contains(&rig))
                && self.within_quota(at, rig)
        };
        let is_open = self.paused.is_none() && !self.is_out(rig);
        is_open && ((0..self.entries.len()).any(fits) || self.may_come_back(rig))
    }

    fn give(&mut self, at: usize, rig: usize) -> Take {
        let again = self
            .entries
            .get(at)
            .map(|entry| format!("{}-{}", entry.batch.name, entry.attempts + 1));
        let is_taken = self
            .entries
            .iter()
            .any(|entry| Some(&entry.batch.name) == again.as_ref());
        let (Some(entry), Some(taker)) = (self.entries.get_mut(at), self.rigs.get_mut(rig)) else {
            return Take::Done;
        };
        entry.place = Place::Taken(rig);
        entry.attempts += 1;
        taker.batch = Some(at);
        taker.bricks = 0;
        if let Some(share) = &entry.batch.share {
            let key = (entry.batch.suite.clone(), share.campaign.clone(), rig);
            *self.given.entry(key).or_default() += share.cuts;
        }
        for package in &entry.batch.packages {
            let canaries = self.canaries.entry(package.clone()).or_default();
            if !canaries.passed {
                canaries.rigs.insert(rig);
            }
        }
        let attempt = match entry.attempts {
            1 => String::new(),
            // A suite may be named as a batch of another one, and then its batches as attempts at that.
            n if is_taken => format!(".{n}"),
            n => format!("-{n}"),
        };
        let taken = Taken {
            batch: entry.batch.name.clone(),
            attempt: entry.attempts,
            rig: taker.name.clone(),
            folder: format!("rigs/{}/{}{attempt}", taker.folder, entry.batch.name),
        };
        Take::Batch(BatchOrder {
            taken,
            suite: entry.batch.suite.clone(),
            cases: entry.batch.cases.clone(),
            is_of_claim: entry.batch.share.is_some(),
        })
    }

    /// The rig is through with its batch.
    pub fn closed(&mut self, rig: usize, result: BatchResult) -> Vec<FleetEvent> {
        let mut events = Vec::new();
        events.extend(self.bricked(rig, result.bricks));
        let Some(at) = self.rigs.get_mut(rig).and_then(|rig| rig.batch.take()) else {
            return events;
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return events;
        };
        entry.place = Place::Over;
        let suite = entry.batch.suite.clone();
        let news = result.passed && self.pass(at);
        if self.is_careful() && news {
            let rigs = Vec::from([name_of(&self.rigs, rig).to_owned()]);
            events.push(FleetEvent::CanaryPassed { suite, rigs });
        }
        events
    }

    /// A batch has passed, and with it each of its packages that is not held. Whether one of them had not passed before.
    fn pass(&mut self, at: usize) -> bool {
        let packages = self.entries.get(at).map(|entry| &entry.batch.packages);
        let mut news = false;
        for package in packages.into_iter().flatten() {
            let canaries = self.canaries.get_mut(package);
            if let Some(canaries) = canaries.filter(|canaries| !canaries.passed && canaries.open.is_none()) {
                canaries.passed = true;
                news = true;
            }
        }
        news
    }

    /// So many cases of the rig's batch have ended with a brick so far.
    pub fn bricked(&mut self, rig: usize, so_far: u32) -> Option<FleetEvent> {
        let entry = self.rigs.get_mut(rig)?;
        let more = so_far.saturating_sub(entry.bricks);
        entry.bricks = entry.bricks.max(so_far);
        self.bricks += more;
        if more == 0 {
            return None;
        }
        let batch = self.rigs.get(rig).and_then(|rig| rig.batch);
        let name = self.rigs.get(rig).map_or("", |rig| &rig.name);
        let canary = self.is_careful() && batch.is_some_and(|at| self.is_on_trial(at));
        let why = if canary {
            format!("the module of the canary `{name}` was bricked: no other rig gets this delta")
        } else {
            self.too_many_bricks(name)?
        };
        self.endangered(why)
    }

    /// The rig was lost in the middle of an update, and gets no further batch: nobody will hear whether its module is bricked.
    fn may_be_bricked(&mut self, rig: usize) -> Option<FleetEvent> {
        self.possible_bricks.push(rig);
        let why = self.too_many_bricks(name_of(&self.rigs, rig))?;
        self.endangered(why)
    }

    /// Why the run has to stop for its bricks, and for those that nobody knows of; `last`: the rig of the last one.
    fn too_many_bricks(&self, last: &str) -> Option<String> {
        let FleetRules {
            max_bricks,
            max_possible,
            ..
        } = self.rules;
        let bricks = self.bricks;
        let possible = u32::try_from(self.possible_bricks.len()).unwrap_or(u32::MAX);
        if bricks <= max_bricks && bricks.saturating_add(possible) <= max_possible {
            return None;
        }
        if possible == 0 || bricks > max_bricks {
            return Some(format!(
                "cases that ended with a brick: {bricks}, the last on `{last}`; the run allows {max_bricks} (`--max-bricks`)"
            ));
        }
        let lost: Vec<String> = self
            .possible_bricks
            .iter()
            .map(|rig| format!("`{}`", name_of(&self.rigs, *rig)))
            .collect();
        Some(format!(
            "cases that ended with a brick: {bricks}, and {possible} that may have, on rigs that were lost in the middle of an update ({}): the state of their modules is unknown; the run allows {max_possible} (`--max-bricks`)",
            lost.join(", ")
        ))
    }

    /// Pauses for the sake of the modules.
    fn endangered(&mut self, why: String) -> Option<FleetEvent> {
        if let Some(pause) = &self.paused {
            // What is paused for another reason goes on when it is resumed.
            if pause.cause.ends_when_resumed() {
                self.danger.get_or_insert(why);
            }
            return None;
        }
        self.pause(&why, PauseCause::Modules)
    }

    /// Hands out nothing more.
    pub fn pause(&mut self, why: &str, cause: PauseCause) -> Option<FleetEvent> {
        if self.paused.is_some() {
            return None;
        }
        let why = why.to_owned();
        let event = FleetEvent::Paused {
            why: why.clone(),
            cause,
        };
        self.paused = Some(Pause { why, cause });
        Some(event)
    }

    pub fn paused(&self) -> Option<&str> {
        self.paused.as_ref().map(|pause| pause.why.as_str())
    }

    /// The rig closed its batch before its end, because nothing is handed out any more: these cases are left of it.
    pub fn stopped(&mut self, batch: &str, rig: usize, left: Vec<String>) {
        let entry = self.entries.iter_mut().find(|entry| entry.batch.name == batch);
        if let Some(entry) = entry.filter(|_| !left.is_empty()) {
            entry.stopped = Some(StoppedBatch { rig, left });
        }
    }

    /// The run is resumed: hands out again, unless it was paused for the sake of the modules or after a failure. What is left of
    /// batches that were stopped waits for a rig.
    pub fn go_on(&mut self) -> Vec<FleetEvent> {
        if self
            .paused
            .take_if(|pause| pause.cause.ends_when_resumed())
            .is_none()
        {
            return Vec::new();
        }
        let mut events = Vec::new();
        for at in 0..self.entries.len() {
            let stopped = self.entries.get_mut(at).and_then(|entry| entry.stopped.take());
            if let Some(StoppedBatch { rig, left }) = stopped {
                self.put_back(at, left);
                self.give_back(at, rig);
                events.extend(self.again(at));
            }
        }
        if let Some(why) = self.danger.take() {
            events.extend(self.pause(&why, PauseCause::Modules));
        }
        events
    }

    /// The rig lost its batch and gets no other; `left` are the cases of the batch that have to be run again, or for the
    /// first time.
    pub fn lost(&mut self, rig: usize, why: &str, left: Vec<String>, result: BatchResult) -> Vec<FleetEvent> {
        let paused = self.bricked(rig, result.bricks);
        let Some(at) = self.rigs.get_mut(rig).and_then(|rig| rig.batch.take()) else {
            return self.out(rig, why);
        };
        let mut events = self.out(rig, why);
        events.extend(paused);
        if result.is_open {
            self.hold(at, rig);
            events.extend(self.may_be_bricked(rig));
        }
        self.put_back(at, left);
        let name = name_of(&self.rigs, rig).to_owned();
        let Some(entry) = self.entries.get_mut(at) else {
            return events;
        };
        entry.losses += 1;
        if entry.place == Place::Waits && entry.losses >= LOSSES {
            let why = format!("it was lost {LOSSES} times, the last time on `{name}`: {why}");
            events.push(entry.give_up(why));
        }
        events.extend(self.again(at));
        events
    }

    /// The rig lost its batch, and nobody can read what it did at the end. `cases` are those without a result: no rig runs them
    /// again, for a cut may have been made.
    pub fn unread(
        &mut self,
        rig: usize,
        why: &str,
        cases: Vec<String>,
        result: BatchResult,
    ) -> Vec<FleetEvent> {
        let at = self.rigs.get(rig).and_then(|rig| rig.batch);
        let mut events = self.lost(rig, why, Vec::new(), result);
        let entry = at.and_then(|at| self.entries.get_mut(at));
        if let Some(entry) = entry.filter(|_| !cases.is_empty()) {
            entry.batch.cases = cases;
            events.push(entry.give_up(why.to_owned()));
        }
        events
    }

    /// The run's parent ended while the rig had its batch; `left` as in [`Self::lost`]. The rig is not at fault: it gets further
    /// batches, and what it was given of a claim and did not do is not held against its quota. Where nobody heard what its module
    /// became, its delta is held all the same.
    pub fn interrupted(&mut self, rig: usize, left: Vec<String>, result: BatchResult) -> Vec<FleetEvent> {
        let mut events: Vec<FleetEvent> = self.bricked(rig, result.bricks).into_iter().collect();
        if let Some(at) = self.rigs.get_mut(rig).and_then(|rig| rig.batch.take()) {
            if result.is_open {
                self.hold(at, rig);
            }
            self.put_back(at, left);
            self.give_back(at, rig);
            events.extend(self.again(at));
        }
        events
    }

    /// What is left of a batch waits for a rig.
    fn put_back(&mut self, at: usize, left: Vec<String>) {
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        entry.place = if left.is_empty() {
            Place::Over
        } else {
            Place::Waits
        };
        if let Some(share) = &mut entry.batch.share {
            share.cuts = share.cuts.min(u32::try_from(left.len()).unwrap_or(u32::MAX));
        }
        entry.batch.cases = left;
    }

    /// The cuts that are left of a batch were not made by the rig that had it.
    fn give_back(&mut self, at: usize, rig: usize) {
        let Some(batch) = self.entries.get(at).map(|entry| &entry.batch) else {
            return;
        };
        let Some(share) = &batch.share else { return };
        let key = (batch.suite.clone(), share.campaign.clone(), rig);
        if let Some(given) = self.given.get_mut(&key) {
            *given = given.saturating_sub(share.cuts);
        }
    }

    /// Says what is left of a batch, if it waits.
    fn again(&self, at: usize) -> Option<FleetEvent> {
        let entry = self.entries.get(at)?;
        (entry.place == Place::Waits).then(|| FleetEvent::Again {
            batch: entry.batch.name.clone(),
            cases: entry.batch.cases.clone(),
        })
    }

    /// Keeps the packages of the batch from every rig that has not had them, but for those that have passed on a canary already.
    fn hold(&mut self, at: usize, rig: usize) {
        let careful = self.is_careful();
        let packages = self.entries.get(at).map(|entry| &entry.batch.packages);
        for package in packages.into_iter().flatten() {
            let canaries = self.canaries.get_mut(package);
            if let Some(canaries) = canaries.filter(|canaries| careful && !canaries.passed) {
                canaries.open.get_or_insert(rig);
            }
        }
    }

    /// The rig gets no further batch.
    pub fn out(&mut self, rig: usize, why: &str) -> Vec<FleetEvent> {
        match self.rigs.get_mut(rig).filter(|rig| !rig.out) {
            Some(entry) => {
                entry.out = true;
                let rig = entry.name.clone();
                alloc::vec![FleetEvent::RigOut {
                    rig,
                    why: why.to_owned()
                }]
            }
            None => Vec::new(),
        }
    }

    /// Gives up the batches that nobody can take any more, once no rig has one. If all that is left waits for a canary that has
    /// nothing more to do, the run is paused: no rig is at fault.
    pub fn give_up(&mut self) -> Vec<FleetEvent> {
        if self.rigs.iter().any(|rig| rig.batch.is_some()) || self.paused.is_some() {
            return Vec::new();
        }
        let waits = |at: &usize| {
            self.entries
                .get(*at)
                .is_some_and(|entry| entry.place == Place::Waits)
        };
        let waiting: Vec<usize> = (0..self.entries.len()).filter(waits).collect();
        let (open, stuck): (Vec<usize>, Vec<usize>) =
            waiting.into_iter().partition(|at| self.can_be_taken(*at));
        let (held, stuck): (Vec<usize>, Vec<usize>) = stuck.into_iter().partition(|at| self.is_held(*at));
        let mut events = Vec::new();
        for at in stuck {
            let why = self.why_stuck(at);
            events.extend(self.entries.get_mut(at).map(|entry| entry.give_up(why)));
        }
        if let Some(first) = held.first().filter(|_| open.is_empty()) {
            let why = self.why_held(*first);
            events.extend(self.pause(&why, PauseCause::Modules));
        }
        events
    }

    /// Whether a rig could take it if the canary had passed.
    fn is_held(&self, at: usize) -> bool {
        let alive = self.rigs.iter().enumerate().filter(|(_, rig)| !rig.out);
        let fits = |rig: usize| {
            let batch = self.entries.get(at).map(|entry| &entry.batch);
            batch.is_some_and(|batch| batch.rigs.contains(&rig)) && self.within_quota(at, rig)
        };
        alive.map(|(rig, _)| rig).any(fits)
    }

    fn why_held(&self, at: usize) -> String {
        if let Some(lost) = self.canaries_of(at).find_map(|canaries| canaries.open) {
            let name = name_of(&self.rigs, lost);
            let what = if self.is_out(lost) {
                format!("the canary `{name}` was lost")
            } else {
                format!("the run was interrupted while the canary `{name}` was")
            };
            return format!(
                "{what} in the middle of an update, and nobody knows what its module became: no other rig gets this delta; see whether the module on `{name}` still works, and run again"
            );
        }
        let on_trial = self.canaries_of(at).filter(|canaries| !canaries.passed);
        let rigs: BTreeSet<usize> = on_trial
            .flat_map(|canaries| canaries.rigs.iter().copied())
            .collect();
        let names: Vec<String> = rigs
            .into_iter()
            .map(|rig| format!("`{}`", name_of(&self.rigs, rig)))
            .collect();
        format!(
            "no batch passed on the canary {}, so no other rig gets its packages (`--canary 0` would give them)",
            names.join(", ")
        )
    }

    fn can_be_taken(&self, at: usize) -> bool {
        let alive = self.rigs.iter().enumerate().filter(|(_, rig)| !rig.out);
        let Some(entry) = self.entries.get(at) else {
            return false;
        };
        alive.map(|(rig, _)| rig).any(|rig| {
            entry.batch.rigs.contains(&rig) && self.within_quota(at, rig) && self.is_open_to(at, rig)
        })
    }

    fn why_stuck(&self, at: usize) -> String {
        let Some(entry) = self.entries.get(at) else {
            return String::new();
        };
        let fit = |rig: &usize| self.rigs.get(*rig).is_some_and(|rig| !rig.out);
        if entry.batch.rigs.iter().any(fit) {
            return "the rigs that are left have had their share of the claim's cuts".to_string();
        }
        let names: Vec<&str> = entry
            .batch
            .rigs
            .iter()
            .map(|rig| name_of(&self.rigs, *rig))
            .collect();
        format!("no rig is left that can run it: {}", names.join(", "))
    }

    /// Whether every batch is over, or none will be taken.
    pub fn is_over(&self) -> bool {
        let nobody = self.rigs.iter().all(|rig| rig.batch.is_none());
        let waits = self.entries.iter().any(|entry| entry.place == Place::Waits);
        nobody && (!waits || self.paused.is_some())
    }

    /// Batches that wait, each with the reason.
    pub fn waiting(&self) -> impl Iterator<Item = (&QueuedBatch, WaitReason)> {
        let waits = self.entries.iter().enumerate();
        waits
            .filter(|(_, entry)| entry.place == Place::Waits)
            .map(|(at, entry)| {
                let free = |rig: &usize| {
                    let rig = self.rigs.get(*rig);
                    rig.is_some_and(|rig| !rig.out && rig.batch.is_none())
                };
                let mut free = entry.batch.rigs.iter().filter(|rig| free(rig));
                let held = free.any(|rig| !self.is_open_to(at, *rig));
                (
                    &entry.batch,
                    if held {
                        self.why_closed(&[at])
                    } else {
                        WaitReason::Busy
                    },
                )
            })
    }

    /// Why a rig gets none of these batches, which it could run.
    fn why_closed(&self, batches: &[usize]) -> WaitReason {
        let is_held = |at: &usize| self.canaries_of(*at).any(|canaries| canaries.open.is_some());
        if batches.iter().all(is_held) {
            WaitReason::Held
        } else {
            WaitReason::Canary
        }
    }

    /// The cases of batches that were given up.
    pub fn abandoned(&self) -> Vec<AbandonedCase> {
        let cases = |entry: &Entry| {
            let why = entry.given_up.clone();
            let case = |case: &String| {
                Some(AbandonedCase {
                    suite: entry.batch.suite.clone(),
                    case: case.clone(),
                    why: why.clone()?,
                })
            };
            entry.batch.cases.iter().filter_map(case).collect::<Vec<_>>()
        };
        self.entries.iter().flat_map(cases).collect()
    }

    /// How much of the work is over, in milliseconds of real time as it was estimated, and how much there is.
    pub fn done(&self) -> WorkDone {
        let sum = |over: bool| {
            let those = self
                .entries
                .iter()
                .filter(|entry| !over || entry.place == Place::Over);
            those.map(|entry| entry.batch.real_ms).sum()
        };
        WorkDone {
            over_ms: sum(true),
            all_ms: sum(false),
        }
    }

    /// The suite of a batch.
    pub fn suite_of(&self, batch: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.batch.name == batch);
        entry.map(|entry| entry.batch.suite.as_str())
    }

    /// Whether a batch has cuts of a claim: what a bricked module leaves of them does not move to another one.
    pub fn is_of_claim(&self, batch: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.batch.name == batch);
        entry.is_some_and(|entry| entry.batch.share.is_some())
    }

    /// Whether a rig gets no further batch.
    pub fn is_out(&self, rig: usize) -> bool {
        self.rigs.get(rig).is_some_and(|rig| rig.out)
    }

    /// The cases of a batch; of one that was lost, those that are left.
    pub fn cases_of(&self, batch: &str) -> &[String] {
        let entry = self.entries.iter().find(|entry| entry.batch.name == batch);
        entry.map_or(&[], |entry| &entry.batch.cases)
    }

    /// Whether canaries go first.
    fn is_careful(&self) -> bool {
        self.rules.canary > 0 && self.rigs.len() > 1
    }

    fn packages(&self, at: usize) -> &[String] {
        self.entries.get(at).map_or(&[], |entry| &entry.batch.packages)
    }

    /// Those of each package of the batch that some rig has had.
    fn canaries_of(&self, at: usize) -> impl Iterator<Item = &Canaries> {
        self.packages(at)
            .iter()
            .filter_map(|package| self.canaries.get(package))
    }

    /// Whether a package of the batch has not passed on a canary.
    fn is_on_trial(&self, at: usize) -> bool {
        let passed = |package: &String| self.canaries.get(package).is_some_and(|canaries| canaries.passed);
        !self.packages(at).iter().all(passed)
    }

    /// Whether every package of the batch may be given to this rig now.
    fn is_open_to(&self, at: usize, rig: usize) -> bool {
        let is_first = |package: &String| self.is_canary(package, rig) || self.is_next_canary(package, rig);
        self.rules.canary == 0 || (self.may_try(at, rig) && self.packages(at).iter().all(is_first))
    }

    /// Whether no other canary keeps a package of the batch from this rig.
    fn may_try(&self, at: usize, rig: usize) -> bool {
        let may = |package: &String| {
            let is_held = self
                .canaries
                .get(package)
                .is_some_and(|canaries| canaries.open.is_some());
            self.is_canary(package, rig) || (!is_held && self.alive_canaries(package) < self.rules.canary)
        };
        self.packages(at).iter().all(may)
    }

    /// Whether the rig has had the package, or may, because it has passed.
    fn is_canary(&self, package: &str, rig: usize) -> bool {
        let canaries = self.canaries.get(package);
        canaries.is_some_and(|canaries| canaries.passed || canaries.rigs.contains(&rig))
    }

    fn alive_canaries(&self, package: &str) -> usize {
        let is_alive = |rig: &&usize| self.rigs.get(**rig).is_some_and(|rig| !rig.out);
        let canaries = self.canaries.get(package).into_iter();
        canaries
            .flat_map(|canaries| &canaries.rigs)
            .filter(is_alive)
            .count()
    }

    /// Whether the rig may be a further canary for a package: not while a free one before it can be. Who starts a run says by the
    /// order of the rigs which module is risked first.
    fn is_next_canary(&self, package: &String, rig: usize) -> bool {
        let fits = |other: usize| {
            let mut waiting = self.entries.iter().enumerate();
            waiting.any(|(at, entry)| {
                entry.place == Place::Waits
                    && entry.batch.packages.contains(package)
                    && entry.batch.rigs.contains(&other)
                    && self.within_quota(at, other)
                    && self.may_try(at, other)
            })
        };
        let comes_before = |other: &usize| {
            let is_free = |rig: &RigEntry| !rig.out && rig.batch.is_none();
            let is_free = self.rigs.get(*other).is_some_and(is_free);
            is_free && !self.is_canary(package, *other) && fits(*other)
        };
        let first = (0..rig).filter(comes_before).count();
        self.alive_canaries(package) + first < self.rules.canary
    }

    fn within_quota(&self, at: usize, rig: usize) -> bool {
        let Some(batch) = self.entries.get(at).map(|entry| &entry.batch) else {
            return false;
        };
        let Some(share) = &batch.share else { return true };
        let key = (batch.suite.clone(), share.campaign.clone(), rig);
        let given = self.given.get(&key).copied().unwrap_or_default();
        let name = name_of(&self.rigs, rig);
        let had = given + share.had.get(name).copied().unwrap_or_default();
        // A quota below one batch still lets the rig have one.
        had == 0 || had + share.cuts <= share.quota
    }

    /// Whether a batch could come to this rig that it does not get now: one that another rig has, or one with more of a claim's cuts
    /// than it may have, which is smaller when it comes back.
    fn may_come_back(&self, rig: usize) -> bool {
        let is_left = |entry: &Entry| entry.place != Place::Over && entry.batch.rigs.contains(&rig);
        self.entries.iter().any(is_left)
    }
}

fn name_of(rigs: &[RigEntry], rig: usize) -> &str {
    rigs.get(rig).map_or("", |rig| &rig.name)
}
