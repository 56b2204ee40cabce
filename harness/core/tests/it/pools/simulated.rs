//! Ten thousand campaigns for each rule, whose true rate is the claim's: with the rule the claim is falsely shown in at most 5 %
//! of them, and without it in more.

use super::stratum;
use dfota_core::campaign::Tally;
use dfota_core::claim::{Bounds, Claim, ClaimStatus};
use dfota_core::pool::{BrickedModules, PoolTally, Stratum, quota};
use dfota_core::rate::Rate;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;
use std::collections::BTreeMap;

const CAMPAIGNS: u32 = 10_000;
/// 5 %, and what ten thousand campaigns scatter.
const FALSELY: f64 = 0.056;

/// "Below 1 %" at 95 %: 299 cuts, none of which may brick the module; 473, if one may.
fn claim(bricks: u32) -> Claim {
    let text = format!(
        r#"{{"brick_rate_below": "1%", "confidence": "95%", "bricks": {bricks}, "over": "start..end"}}"#
    );
    serde_json::from_str(&text).expect("a claim")
}

fn sure() -> Rate {
    "95%".parse().expect("a rate")
}

struct Dice(Rng);

impl Dice {
    fn new(label: &str) -> Self {
        Self(Rng::new(Seed(2026), label))
    }

    /// A number in [0,1).
    fn number(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn happens(&mut self, share: f64) -> bool {
        self.number() < share
    }

    /// Which of so many things happen, each in this share: from one to the next by a geometric distribution.
    fn which(&mut self, things: usize, share: f64) -> Vec<usize> {
        let mut happen = Vec::new();
        let mut next = 0.0;
        loop {
            next += ((1.0 - self.number()).ln() / (1.0 - share).ln()).floor();
            if next >= things as f64 {
                return happen;
            }
            happen.push(next as usize);
            next += 1.0;
        }
    }
}

/// How often a claim is shown, by judging each kind of campaign once.
#[derive(Default)]
struct Shown {
    judged: BTreeMap<Vec<u32>, bool>,
    shown: u32,
}

impl Shown {
    fn note(&mut self, what: Vec<u32>, judge: impl FnOnce() -> bool) {
        let shown = *self.judged.entry(what).or_insert_with(judge);
        self.shown += u32::from(shown);
    }

    /// Judged as a pool.
    fn pool(&mut self, pool: &PoolTally, claim: &Claim) {
        let mut what = vec![pool.slots, pool.unjudged];
        for stratum in &pool.strata {
            let open = stratum.open.len() as u32;
            let uncounted = stratum.uncounted_bricks;
            what.extend([stratum.counted.cuts, stratum.counted.bricks, open, uncounted]);
        }
        self.note(what, || pool.status(claim) == ClaimStatus::Shown);
    }

    /// Judged as if all were one module.
    fn naive(&mut self, strata: &[Stratum], claim: &Claim) {
        let mut tally = Tally::default();
        for stratum in strata {
            tally.counted.cuts += stratum.counted.cuts;
            tally.counted.bricks += stratum.counted.bricks;
        }
        let what = vec![tally.counted.cuts, tally.counted.bricks];
        self.note(what, || tally.status(claim) == ClaimStatus::Shown);
    }

    fn share(&self) -> f64 {
        f64::from(self.shown) / f64::from(CAMPAIGNS)
    }
}

/// The modules in an order of their own, so that fewer kinds of campaigns have to be judged.
fn pool(mut strata: Vec<Stratum>, slots: u32, unjudged: u32) -> PoolTally {
    strata.sort_by_key(|stratum| (stratum.counted.cuts, stratum.counted.bricks, stratum.open.len()));
    PoolTally {
        strata,
        slots,
        unjudged,
        skipped: 0,
        largest_batch: 0,
        is_simulated: false,
        unread: Vec::new(),
        hidden: Vec::new(),
    }
}

fn modules(count: u32) -> Vec<Stratum> {
    (0..count).map(|n| stratum(&format!("r{n}"), 0, 0)).collect()
}

/// Good cuts, dealt evenly.
fn good(count: usize, cuts: u32) -> Vec<Stratum> {
    let mut modules = modules(count as u32);
    (0..cuts as usize).for_each(|slot| add(&mut modules[slot % count], false));
    modules
}

fn add(module: &mut Stratum, brick: bool) {
    module.slots += 1;
    module.counted.cuts += 1;
    module.counted.bricks += u32::from(brick);
}

/// Bricks that take their attempt along, in this share; the redo passes on another module. Gives how often the claim is shown with
/// the rule and without.
fn lost_bricks(rate: f64, lost: f64) -> [f64; 2] {
    let claim = claim(0);
    let mut dice = Dice::new(&format!("lost {rate} {lost}"));
    let all = good(8, claim.cuts());
    let (mut with, mut without) = (Shown::default(), Shown::default());
    for _ in 0..CAMPAIGNS {
        let mut strata = all.clone();
        for slot in dice.which(claim.cuts() as usize, rate) {
            if dice.happens(lost) {
                // The redo is a good cut of another module.
                strata[slot % 8].counted.cuts -= 1;
                strata[slot % 8].open.push(String::new());
                strata[(slot + 1) % 8].counted.cuts += 1;
            } else {
                strata[slot % 8].counted.bricks += 1;
            }
        }
        without.naive(&strata, &claim);
        with.pool(&pool(strata, claim.cuts(), 0), &claim);
    }
    [with.share(), without.share()]
}

#[test]
fn a_redo_hides_no_brick() {
    for (lost, naive) in [(0.5, 0.2234), (0.9, 0.7414)] {
        let [with, without] = lost_bricks(0.01, lost);
        assert!(with <= FALSELY && with > 0.04, "{lost}: {with}");
        assert!((without - naive).abs() < 0.02, "{lost}: {without}");
    }
    // At twice the claimed rate.
    for (lost, naive) in [(0.5, 0.0495), (0.9, 0.5496)] {
        let [with, without] = lost_bricks(0.02, lost);
        assert!(with <= 0.01, "{lost}: {with}");
        assert!((without - naive).abs() < 0.02, "{lost}: {without}");
    }
}

/// Twenty rigs make 17 cuts each. A good cut takes one hour; a brick takes forty, until everything was tried to revive the module.
/// Without the rule the claim is judged when enough cuts have come in.
#[test]
fn bricks_that_take_longer_do_not_show_a_claim() {
    const RIGS: usize = 20;
    const SLOTS: u32 = 340;
    let claim = claim(0);
    let mut dice = Dice::new("slots");
    let (mut with, mut without, mut early) = (Shown::default(), Shown::default(), Shown::default());
    for _ in 0..CAMPAIGNS {
        let bricks = dice.which(SLOTS as usize, 0.01);
        let mut hours = [0_u32; RIGS];
        let ends = (0..SLOTS as usize).map(|slot| {
            let is_brick = bricks.contains(&slot);
            hours[slot % RIGS] += if is_brick { 40 } else { 1 };
            (hours[slot % RIGS], slot % RIGS, is_brick)
        });
        let mut ends: Vec<(u32, usize, bool)> = ends.collect();
        ends.sort_unstable();
        let (first, rest) = ends.split_at(claim.cuts() as usize);
        let mut strata = modules(RIGS as u32);
        first
            .iter()
            .for_each(|(_, rig, is_brick)| add(&mut strata[*rig], *is_brick));
        without.naive(&strata, &claim);
        early.pool(&pool(strata.clone(), SLOTS, rest.len() as u32), &claim);
        rest.iter()
            .for_each(|(_, rig, is_brick)| add(&mut strata[*rig], *is_brick));
        with.pool(&pool(strata, SLOTS, 0), &claim);
    }
    assert_eq!(early.share(), 0.0, "a pool is not judged before all slots are");
    assert!(with.share() <= FALSELY, "{}", with.share());
    assert!(without.share() > 0.5, "{}", without.share());
}

/// One of four modules bricks in 4 % of its cuts, the others never: their mean is the claimed rate. The bad one is dead after a
/// brick, and another one makes the rest of its cuts.
#[test]
fn survivors_do_not_show_a_claim_for_a_bricked_module() {
    const MODULES: usize = 4;
    let claim = claim(1);
    let all = good(MODULES, claim.cuts());
    let mut dice = Dice::new("survivors");
    let (mut with, mut without) = (Shown::default(), Shown::default());
    for _ in 0..CAMPAIGNS {
        let mut strata = all.clone();
        let cuts = strata[0].counted.cuts;
        if let Some(brick) = dice.which(cuts as usize, 0.04).first() {
            strata[0].counted.cuts = *brick as u32 + 1;
            strata[0].counted.bricks = 1;
            strata[1].counted.cuts += cuts - strata[0].counted.cuts;
        }
        without.naive(&strata, &claim);
        with.pool(&pool(strata, claim.cuts(), 0), &claim);
    }
    assert!(with.share() <= FALSELY && with.share() > 0.0, "{}", with.share());
    assert!(without.share() > 0.9, "{}", without.share());
}

/// The same, but directed cuts come first: five for each module. The bad one is dead after a brick in them, and the others make
/// all cuts of the claim.
#[test]
fn survivors_do_not_show_a_claim_for_a_module_that_a_directed_cut_bricked() {
    const MODULES: usize = 4;
    const DIRECTED: usize = 5;
    let claim = claim(0);
    let mut dice = Dice::new("directed");
    let falsely = |bad: f64, dice: &mut Dice| {
        let (mut with, mut without) = (Shown::default(), Shown::default());
        for _ in 0..CAMPAIGNS {
            let is_bricked = !dice.which(DIRECTED, bad).is_empty();
            let mut strata = good(MODULES - usize::from(is_bricked), claim.cuts());
            if is_bricked {
                let mut dead = stratum("dead", 0, 0);
                dead.uncounted_bricks = 1;
                strata.push(dead);
            } else {
                strata[0].counted.bricks = dice.which(strata[0].counted.cuts as usize, bad).len() as u32;
            }
            without.naive(&strata, &claim);
            with.pool(&pool(strata, claim.cuts(), 0), &claim);
        }
        [with.share(), without.share()]
    };
    // The mean of the four modules is the claimed rate, or ten times as much.
    let [with, without] = falsely(0.04, &mut dice);
    assert!(with <= FALSELY && with > 0.02, "{with}");
    assert!(without > 0.2, "{without}");
    let [with, without] = falsely(0.4, &mut dice);
    assert_eq!(with, 0.0);
    assert!(without > 0.9, "{without}");
}

/// One of ten modules never bricks, and is fast: it makes so many of the cuts. The others brick so often that the mean of all is
/// the claimed rate, each weighted by its cuts as planned.
fn fast_module(its_cuts: u32, rate: f64) -> [f64; 2] {
    let claim = claim(0);
    let mut dice = Dice::new(&format!("fast {its_cuts}"));
    let mut all = vec![stratum("fast", its_cuts, 0)];
    all.extend(good(9, claim.cuts() - its_cuts));
    let (mut with, mut without) = (Shown::default(), Shown::default());
    for _ in 0..CAMPAIGNS {
        let mut strata = all.clone();
        for slot in dice.which((claim.cuts() - its_cuts) as usize, rate) {
            strata[1 + slot % 9].counted.bricks += 1;
        }
        without.naive(&strata, &claim);
        with.pool(&pool(strata, claim.cuts(), 0), &claim);
    }
    [with.share(), without.share()]
}

#[test]
fn one_module_does_not_show_a_claim_for_all() {
    // The plain mean of the ten modules is 1 %.
    let [with, without] = fast_module(269, 0.1 / 9.0);
    assert_eq!(with, 0.0, "nine of ten cuts are more than its quota");
    assert!(without > 0.6, "{without}");
    // Within its quota, the mean by cuts is 1 %.
    let quota = quota(299, 10);
    let [with, _] = fast_module(quota, 0.01 * 299.0 / f64::from(299 - quota));
    assert!(with <= FALSELY && with > 0.03, "{with}");
}

/// The modules are drawn out of all of their type, and a bad one bricks at once.
#[test]
fn many_cuts_are_not_many_modules() {
    const DRAWN: u32 = 20;
    let bad_share = |share: f64, label: &str| {
        let mut dice = Dice::new(label);
        let draw = |_| (0..DRAWN).filter(|_| dice.happens(share)).count() as u32;
        (0..CAMPAIGNS).map(draw).collect::<Vec<u32>>()
    };
    let bound = |bricked: u32| {
        let modules = BrickedModules {
            bricked,
            open: 0,
            of: DRAWN,
        };
        modules.bounds(sure()).upper
    };
    let bounds: Vec<f64> = (0..=DRAWN).map(bound).collect();
    let falsely = |drawn: &[u32], bounds: &[f64], truth: f64| {
        let wrong = drawn.iter().filter(|bricked| bounds[**bricked as usize] < truth);
        wrong.count() as f64 / f64::from(CAMPAIGNS)
    };
    // The truth is what 0, or 2, of 20 only just exclude.
    for bricked in [0, 2] {
        let truth = bounds[bricked] + 1e-6;
        let drawn = bad_share(truth, "type");
        let wrong = falsely(&drawn, &bounds, truth);
        assert!(wrong <= FALSELY && wrong > 0.04, "{bricked}: {wrong}");
    }
    // One cut in a hundred bricks modules of this type: as many as one module in a hundred that bricks in each. By cuts as the
    // unit, 300 good ones of 20 modules would exclude that.
    let drawn = bad_share(0.01, "cuts");
    let by_cuts: Vec<f64> = (0..=DRAWN)
        .map(|bricked| Bounds::new(bricked * 15, DRAWN * 15, sure()).upper)
        .collect();
    assert!(falsely(&drawn, &by_cuts, 0.01) > 0.8);
    assert_eq!(falsely(&drawn, &bounds, 0.01), 0.0);
}
