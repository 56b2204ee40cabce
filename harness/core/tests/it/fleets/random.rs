//! Random fleets, driven as a run drives them, beside a model that only counts.

use dfota_core::event::fleet::{FleetEvent, PartEnd, PauseCause, Taken};
use dfota_core::fleet::{BatchResult, ClaimShare, Fleet, FleetRules, QueuedBatch, Take};
use dfota_core::seed::Seed;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const FLEETS: u64 = 2_000;

/// Numbers out of a seed.
struct Dice {
    seed: Seed,
    thrown: u64,
}

impl Dice {
    /// Below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.thrown += 1;
        (self.seed.draw(&self.thrown.to_string()) % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What became of a case, as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Closed,
    GivenUp,
    Paused,
}

/// How far packages are tried on canaries.
#[derive(Default)]
struct Trials {
    /// Rigs that had a package.
    had: BTreeMap<String, BTreeSet<usize>>,
    /// Packages that passed on a canary, and those with which one was lost before.
    passed: BTreeSet<String>,
    held: BTreeSet<String>,
}

impl Trials {
    /// A batch with these packages ended; `is_lost`: in its middle.
    fn end(&mut self, is_careful: bool, packages: &[String], result: BatchResult, is_lost: bool) {
        for package in packages {
            if is_lost && result.is_open && is_careful && !self.passed.contains(package) {
                self.held.insert(package.clone());
            } else if !is_lost && result.passed && !self.held.contains(package) {
                self.passed.insert(package.clone());
            }
        }
    }

    /// The same, by what was written down alone.
    fn of_log(is_careful: bool, log: &[FleetEvent], packages: &BTreeMap<String, Vec<String>>) -> Self {
        let mut trials = Self::default();
        for event in log {
            match event {
                FleetEvent::Taken(taken) => {
                    for package in &packages[&taken.batch] {
                        let had = trials.had.entry(package.clone()).or_default();
                        had.insert(taken.rig[1..].parse().expect("the place of a rig"));
                    }
                }
                FleetEvent::Closed(end) => trials.end(is_careful, &packages[&end.batch], end.result, false),
                FleetEvent::Lost { end, .. } => {
                    trials.end(is_careful, &packages[&end.batch], end.result, true);
                }
                _ => {}
            }
        }
        trials
    }
}

/// A batch that a rig has.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    taken: Taken,
    cases: Vec<String>,
}

/// The queue at a moment at which nothing is owed.
pub(super) struct Mark {
    /// So many events were written before.
    pub(super) events: usize,
    pub(super) fleet: String,
}

pub(super) struct Model {
    pub(super) fleet: Fleet,
    dice: Dice,
    rigs: usize,
    pub(super) rules: FleetRules,
    /// What was written down.
    pub(super) log: Vec<FleetEvent>,
    pub(super) marks: Vec<Mark>,
    /// What each rig works on.
    with: BTreeMap<usize, Work>,
    /// Rigs that go on asking.
    asking: BTreeSet<usize>,
    fates: BTreeMap<String, Vec<Fate>>,
    cases: BTreeSet<String>,
    fits: BTreeMap<String, Vec<usize>>,
    /// The packages of each batch.
    packages: BTreeMap<String, Vec<String>>,
    trials: Trials,
    out: BTreeSet<usize>,
    paused: bool,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice {
            seed: Seed(seed),
            thrown: 0,
        };
        let rigs = 1 + dice.below(8);
        let rules = FleetRules {
            canary: dice.below(3),
            max_bricks: dice.below(3) as u32,
            max_possible: dice.below(3) as u32,
        };
        let batches: Vec<QueuedBatch> = (0..1 + dice.below(12))
            .map(|n| batch(n, rigs, &mut dice))
            .collect();
        let mut fleet = Fleet::new((0..rigs).map(|rig| format!("r{rig}")).collect(), rules);
        let cases = batches.iter().flat_map(|batch| batch.cases.clone()).collect();
        let fits = batches
            .iter()
            .map(|batch| (batch.name.clone(), batch.rigs.clone()));
        let fits = fits.collect();
        let packages = batches
            .iter()
            .map(|batch| (batch.name.clone(), batch.packages.clone()));
        let packages = packages.collect();
        let log = fleet.offer(batches);
        Self {
            fleet,
            dice,
            rigs,
            rules,
            log,
            marks: Vec::new(),
            with: BTreeMap::new(),
            asking: (0..rigs).collect(),
            fates: BTreeMap::new(),
            cases,
            fits,
            packages,
            trials: Trials::default(),
            out: BTreeSet::new(),
            paused: false,
        }
    }

    /// Until no rig has a batch and none asks any more.
    pub(super) fn run(mut self) -> Self {
        let mut idle = 0;
        while !self.asking.is_empty() {
            self.mark();
            let nth = self.dice.below(self.asking.len());
            let rig = *self.asking.iter().nth(nth).expect("a rig that asks");
            let moved = if self.with.contains_key(&rig) {
                self.end_batch(rig);
                true
            } else {
                self.take(rig)
            };
            idle = if moved { 0 } else { idle + 1 };
            assert!(
                idle < 1_000,
                "every rig waits, and none has a batch: {:#?}",
                self.fleet
            );
        }
        let events = self.fleet.give_up();
        self.note(&events);
        self.mark();
        self
    }

    pub(super) fn rigs(&self) -> usize {
        self.rigs
    }

    fn mark(&mut self) {
        self.marks.push(Mark {
            events: self.log.len(),
            fleet: format!("{:?}", self.fleet),
        });
    }

    fn take(&mut self, rig: usize) -> bool {
        let is_careful = self.is_careful();
        let events = self.fleet.give_up();
        self.note(&events);
        match self.fleet.take(rig) {
            Take::Wait(_) => return false,
            Take::Done => {
                self.asking.remove(&rig);
            }
            Take::Batch(order) => {
                let name = &order.taken.batch;
                assert!(self.fits[name].contains(&rig), "{name} does not fit r{rig}");
                assert!(!self.paused && !self.out.contains(&rig), "r{rig} gets {name}");
                assert!(!order.cases.is_empty(), "{name} has nothing left");
                let elsewhere = self.with.values().find(|work| work.taken.batch == *name);
                assert_eq!(elsewhere, None, "{name} is with two rigs");
                for package in &self.packages[name] {
                    let had = self.trials.had.entry(package.clone()).or_default();
                    assert!(
                        had.contains(&rig) || !self.trials.held.contains(package),
                        "r{rig} gets {name}, whose {package} is held"
                    );
                    had.insert(rig);
                    let at_risk = had.difference(&self.out).count();
                    assert!(
                        !is_careful || self.trials.passed.contains(package) || at_risk <= self.rules.canary,
                        "r{rig} gets {name}: {package} is on {had:?}"
                    );
                }
                self.log.push(FleetEvent::Taken(order.taken.clone()));
                let work = Work {
                    taken: order.taken,
                    cases: order.cases,
                };
                let before = self.with.insert(rig, work);
                assert_eq!(before, None, "r{rig} has two batches");
            }
        }
        true
    }

    fn end_batch(&mut self, rig: usize) {
        let Work { taken, cases } = self.with.remove(&rig).expect("it has one");
        let result = BatchResult {
            passed: self.dice.one_in(2),
            bricks: u32::from(self.dice.one_in(8)),
            is_open: self.dice.one_in(4),
        };
        let result = BatchResult {
            passed: result.passed && result.bricks == 0,
            ..result
        };
        let is_lost = self.dice.one_in(3);
        let (done, left): (Vec<String>, Vec<String>) =
            cases.into_iter().partition(|_| !is_lost || self.dice.one_in(3));
        self.close(&done, Fate::Closed);
        let end = end_of(&taken, result, &left);
        let is_careful = self.is_careful();
        self.trials
            .end(is_careful, &self.packages[&taken.batch], result, is_lost);
        if is_lost {
            self.asking.remove(&rig);
            self.out.insert(rig);
            let is_unread = self.dice.one_in(6);
            let events = if is_unread {
                let end = PartEnd {
                    left: Vec::new(),
                    ..end
                };
                self.log.push(lost(end, &left, false));
                self.fleet.unread(rig, UNPLUGGED, left, result)
            } else {
                self.log.push(lost(end, &[], false));
                self.fleet.lost(rig, UNPLUGGED, left, result)
            };
            self.note(&events);
            self.mark();
            let events = self.fleet.give_up();
            self.note(&events);
        } else {
            self.log.push(FleetEvent::Closed(end));
            let events = self.fleet.closed(rig, result);
            self.note(&events);
        }
    }

    /// Somebody else ends the handing out.
    pub(super) fn pause(&mut self, cause: PauseCause) {
        let event: Vec<FleetEvent> = self.fleet.pause("somebody said so", cause).into_iter().collect();
        self.note(&event);
    }

    /// The run is resumed after the parent was killed behind so many events: every rig finishes a case or none, and those that are
    /// not out ask again.
    pub(super) fn resumed(self, killed_after: usize) -> Self {
        let names: Vec<String> = (0..self.rigs).map(|rig| format!("r{rig}")).collect();
        let written = self.log[..killed_after].to_vec();
        let replayed = Fleet::replay(names.clone(), self.rules, &written).expect("what a queue wrote");
        let rig_of = |name: &str| {
            names
                .iter()
                .position(|rig| rig == name)
                .expect("a rig of the run")
        };
        let is_out = |event: &FleetEvent| match event {
            FleetEvent::RigOut { rig, .. } => Some(rig_of(rig)),
            _ => None,
        };
        let was_paused = replayed.fleet.paused().is_some();
        let out: BTreeSet<usize> = written.iter().chain(&replayed.owed).filter_map(is_out).collect();
        let mut model = Self {
            fleet: replayed.fleet,
            log: written,
            marks: Vec::new(),
            with: BTreeMap::new(),
            asking: (0..self.rigs).filter(|rig| !out.contains(rig)).collect(),
            fates: BTreeMap::new(),
            out,
            paused: was_paused,
            ..self
        };
        model.log.push(FleetEvent::Resumed {
            args: Vec::new(),
            torn: 0,
        });
        model.log.extend(replayed.owed);
        let events = model.fleet.go_on();
        model.paused = model.fleet.paused().is_some();
        model.log.extend(events);
        for taken in replayed.open {
            let cases = model.fleet.cases_of(&taken.batch).to_vec();
            let rig = rig_of(&taken.rig);
            let left: Vec<String> = cases.into_iter().filter(|_| model.dice.one_in(2)).collect();
            let result = BatchResult {
                passed: model.dice.one_in(2),
                bricks: 0,
                is_open: model.dice.one_in(4),
            };
            model.log.push(lost(end_of(&taken, result, &left), &[], true));
            let events = model.fleet.interrupted(rig, left, result);
            model.note(&events);
        }
        model.fates = fates_of(&model.log);
        model.trials = Trials::of_log(model.is_careful(), &model.log, &model.packages);
        model
    }

    /// Packages that are held.
    pub(super) fn held(&self) -> usize {
        self.trials.held.len()
    }

    fn is_careful(&self) -> bool {
        self.rules.canary > 0 && self.rigs > 1
    }

    fn close(&mut self, cases: &[String], fate: Fate) {
        for case in cases {
            self.fates.entry(case.clone()).or_default().push(fate);
        }
    }

    /// A run is paused once, and says so.
    fn note(&mut self, events: &[FleetEvent]) {
        let said = events
            .iter()
            .filter(|event| matches!(event, FleetEvent::Paused { .. }));
        let said = said.count();
        assert!(said + usize::from(self.paused) <= 1, "paused twice: {events:?}");
        self.paused |= said > 0;
        assert_eq!(self.paused, self.fleet.paused().is_some());
        self.log.extend_from_slice(events);
    }

    #[track_caller]
    pub(super) fn every_case_has_one_fate(mut self) -> BTreeMap<String, Vec<Fate>> {
        assert!(self.fleet.is_over(), "{:#?}", self.fleet);
        let given_up: Vec<String> = self.fleet.abandoned().into_iter().map(|gone| gone.case).collect();
        self.close(&given_up, Fate::GivenUp);
        let waiting: Vec<String> = self
            .fleet
            .waiting()
            .flat_map(|(batch, _)| batch.cases.clone())
            .collect();
        assert!(self.paused || waiting.is_empty(), "{waiting:?} wait for ever");
        self.close(&waiting, Fate::Paused);
        let ended: BTreeSet<String> = self.fates.keys().cloned().collect();
        assert_eq!(ended, self.cases, "with {} rigs", self.rigs);
        for (case, fates) in &self.fates {
            assert_eq!(fates.len(), 1, "{case}: {fates:?}");
        }
        self.fates
    }
}

const UNPLUGGED: &str = "it was unplugged";

fn end_of(taken: &Taken, result: BatchResult, left: &[String]) -> PartEnd {
    PartEnd {
        batch: taken.batch.clone(),
        attempt: taken.attempt,
        rig: taken.rig.clone(),
        lines: 0,
        head: String::new(),
        result,
        left: left.to_vec(),
    }
}

fn lost(end: PartEnd, unread: &[String], parent_ended: bool) -> FleetEvent {
    FleetEvent::Lost {
        end,
        why: UNPLUGGED.into(),
        open: Vec::new(),
        unread: unread.to_vec(),
        parent_ended,
    }
}

/// The cases that were run to their end, by what was written down alone.
fn fates_of(log: &[FleetEvent]) -> BTreeMap<String, Vec<Fate>> {
    let mut batches: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut fates: BTreeMap<String, Vec<Fate>> = BTreeMap::new();
    for event in log {
        let (end, unread) = match event {
            FleetEvent::Queued { batch, cases, .. } => {
                batches.insert(batch, cases.clone());
                continue;
            }
            FleetEvent::Closed(end) => (end, &[][..]),
            FleetEvent::Lost { end, unread, .. } => (end, unread.as_slice()),
            _ => continue,
        };
        let cases = batches.insert(&end.batch, end.left.clone()).unwrap_or_default();
        let is_over = |case: &String| !end.left.contains(case) && !unread.contains(case);
        for case in cases.into_iter().filter(is_over) {
            fates.entry(case).or_default().push(Fate::Closed);
        }
    }
    fates
}

fn batch(n: usize, rigs: usize, dice: &mut Dice) -> QueuedBatch {
    let fitting: Vec<usize> = (0..rigs).filter(|_| !dice.one_in(3)).collect();
    let fitting = if fitting.is_empty() {
        vec![dice.below(rigs)]
    } else {
        fitting
    };
    let cases = 1 + dice.below(4);
    let packages = (0..4)
        .filter(|_| dice.one_in(2))
        .map(|n| format!("p{n}"))
        .collect();
    QueuedBatch {
        name: format!("b{n}"),
        suite: format!("s{}", dice.below(2)),
        cases: (0..cases).map(|case| format!("b{n}-{case}")).collect(),
        packages,
        rigs: fitting,
        share: dice.one_in(3).then(|| ClaimShare {
            campaign: "some".into(),
            cuts: cases as u32,
            quota: 1 + dice.below(8) as u32,
            had: BTreeMap::new(),
        }),
        real_ms: dice.below(5) as u64,
    }
}

#[test]
fn every_case_of_a_random_fleet_ends_once() {
    let mut seen = BTreeMap::new();
    for seed in 0..FLEETS {
        let fates = std::panic::catch_unwind(|| {
            let model = Model::new(seed).run();
            let held = model.held();
            (held, model.every_case_has_one_fate())
        });
        let (held, fates) = fates.unwrap_or_else(|_| panic!("the fleet of seed {seed}"));
        *seen.entry("Held".to_owned()).or_insert(0_u32) += held as u32;
        for fate in fates.into_values().flatten() {
            *seen.entry(format!("{fate:?}")).or_insert(0_u32) += 1;
        }
    }
    // All of them happen, or nothing was shown.
    for (fate, least) in [("Closed", 500), ("GivenUp", 500), ("Paused", 500), ("Held", 100)] {
        assert!(
            seen.get(fate).is_some_and(|count| *count > least),
            "{fate}: {seen:?}"
        );
    }
}
