//! Random fleets, driven as a run drives them, beside a model that only counts.

use dfota_core::event::fleet::FleetEvent;
use dfota_core::fleet::{BatchResult, ClaimShare, Fleet, FleetRules, QueuedBatch, Take};
use dfota_core::seed::Seed;
use std::collections::{BTreeMap, BTreeSet};

const FLEETS: u64 = 2_000;

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
enum Fate {
    Closed,
    GivenUp,
    Paused,
}

struct Model {
    fleet: Fleet,
    dice: Dice,
    rigs: usize,
    /// The cases that each rig works on, with the name of their batch.
    with: BTreeMap<usize, (String, Vec<String>)>,
    /// Rigs that go on asking.
    asking: BTreeSet<usize>,
    fates: BTreeMap<String, Vec<Fate>>,
    cases: BTreeSet<String>,
    fits: BTreeMap<String, Vec<usize>>,
    rules: FleetRules,
    /// The packages of each batch.
    packages: BTreeMap<String, Vec<String>>,
    /// Rigs that had a package.
    had: BTreeMap<String, BTreeSet<usize>>,
    /// Packages that passed on a canary, and those with which one was lost before.
    passed: BTreeSet<String>,
    held: BTreeSet<String>,
    out: BTreeSet<usize>,
    paused: bool,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut dice = Dice {
            seed: Seed(seed),
            thrown: 0,
        };
        let rigs = 1 + dice.below(8);
        let rules = FleetRules {
            canary: dice.below(3),
            max_bricks: dice.below(3) as u32,
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
        fleet.offer(batches);
        Self {
            fleet,
            dice,
            rigs,
            with: BTreeMap::new(),
            asking: (0..rigs).collect(),
            fates: BTreeMap::new(),
            cases,
            fits,
            rules,
            packages,
            had: BTreeMap::new(),
            passed: BTreeSet::new(),
            held: BTreeSet::new(),
            out: BTreeSet::new(),
            paused: false,
        }
    }

    /// Until no rig has a batch and none asks any more.
    fn run(mut self) -> Self {
        let mut idle = 0;
        while !self.asking.is_empty() {
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
        self.note(&[]);
        self
    }

    fn is_careful(&self) -> bool {
        self.rules.canary > 0 && self.rigs > 1
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
                let elsewhere = self.with.values().find(|(other, _)| other == name);
                assert_eq!(elsewhere, None, "{name} is with two rigs");
                for package in &self.packages[name] {
                    let had = self.had.entry(package.clone()).or_default();
                    assert!(
                        had.contains(&rig) || !self.held.contains(package),
                        "r{rig} gets {name}, whose {package} is held"
                    );
                    had.insert(rig);
                    let at_risk = had.difference(&self.out).count();
                    assert!(
                        !is_careful || self.passed.contains(package) || at_risk <= self.rules.canary,
                        "r{rig} gets {name}: {package} is on {had:?}"
                    );
                }
                let before = self.with.insert(rig, (name.clone(), order.cases));
                assert_eq!(before, None, "r{rig} has two batches");
            }
        }
        true
    }

    fn end_batch(&mut self, rig: usize) {
        let (name, cases) = self.with.remove(&rig).expect("it has one");
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
        for package in self.packages[&name].clone() {
            if is_lost && result.is_open && self.is_careful() && !self.passed.contains(&package) {
                self.held.insert(package);
            } else if !is_lost && result.passed && !self.held.contains(&package) {
                self.passed.insert(package);
            }
        }
        let events = if is_lost {
            self.asking.remove(&rig);
            self.out.insert(rig);
            let mut events = self.fleet.lost(rig, "it was unplugged", left, result);
            events.extend(self.fleet.give_up());
            events
        } else {
            self.fleet.closed(rig, result)
        };
        self.note(&events);
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
    }

    #[track_caller]
    fn every_case_has_one_fate(mut self) -> BTreeMap<String, Vec<Fate>> {
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
            let held = model.held.len();
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
