//! Plans for several rigs: batches, quotas, and that neither rig nor order decides where a cut falls.

use crate::yaml::bench::{rig, suite, suite_of};
use dfota_core::campaign::Role;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::seed::Seed;
use dfota_core::timeline::Timeline;
use dfota_hil::config::rig::Rig;
use dfota_hil::config::suite::Suite;
use dfota_hil::plan::earlier::Earlier;
use dfota_hil::plan::fleet::{Batch, FleetPlan};
use dfota_hil::plan::selection::Selection;
use dfota_hil::plan::{Plan, Planned};
use rstest::rstest;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Rigs with wires, all with RESET but the last one of several.
fn benches(count: usize) -> Vec<Rig> {
    let bench = |n: usize| {
        let reset = if n == 0 || n + 1 < count {
            "reset: {driver: rppal, pin: 27}\n"
        } else {
            ""
        };
        let discharge = n + 1;
        let text = format!(
            "rig: bench-{n}\nmodule: bc66\nserial: {{port: /dev/ttyS{n}}}\n\
             power: {{driver: rppal, pin: 17, discharge: {discharge}s}}\n{reset}\
             network: {{http: {{listen: \"0.0.0.0:0\", advertise: \"http://a\"}}}}\n"
        );
        rig(text.as_bytes()).unwrap()
    };
    (0..count).map(bench).collect()
}

fn suites(cases: &str) -> Vec<Suite> {
    vec![suite(suite_of(cases).as_bytes()).unwrap()]
}

fn campaign(block: u32, below: &str) -> String {
    format!(
        "  - name: some\n    update: {{package: a-to-b, via: uart}}\n    \
         sweep: {{over: [weak-spots, updating 20%..80%], kind: [power, reset], block: {block}, order: widest-gap}}\n    \
         claim: {{brick_rate_below: {below}}}\n"
    )
}

const ORDINARY: &str = "  - {name: clean, matrix: {via: [http, uart], run: [1, 2, 3, 4, 5]}, update: {package: a-to-b, via: \"{via}\"}}\n  \
    - {name: cut, matrix: {kind: [power, reset], run: [1, 2, 3, 4, 5, 6, 7]}, update: {package: b-to-a, via: uart}, cut: {at: updating 5%, after: 0ms..400ms, kind: \"{kind}\", times: 2}}\n  \
    - {name: again, matrix: {run: [1, 2, 3]}, update: {package: a-to-b, via: uart}}\n  \
    - {name: over coap, update: {package: a-to-b, via: coap}}\n  \
    - {name: later, update: {package: a-to-b, via: uart}, skip: the bench is being painted}\n";

fn selection() -> Selection {
    Selection::all(Seed(7))
}

fn fleet(suites: &[Suite], rigs: &[Rig]) -> FleetPlan {
    FleetPlan::new(suites, rigs, &selection(), &Earlier::default()).unwrap()
}

fn role(case: &Case) -> Option<&Role> {
    case.part.as_ref().map(|part| &part.role)
}

fn ids<'c>(cases: impl IntoIterator<Item = &'c Planned>) -> Vec<&'c str> {
    cases
        .into_iter()
        .map(|planned| planned.case.id.as_str())
        .collect()
}

/// Every case is in one batch, but for those that no rig runs, calibrations, and claims.
#[rstest]
fn every_case_is_in_one_batch(
    #[values(1, 2, 3, 8)] rigs: usize,
    #[values(1, 7, 50, 1000)] block: u32,
    #[values("20%", "2%")] below: &str,
) {
    let suites = suites(&(ORDINARY.to_owned() + &campaign(block, below)));
    let plan = fleet(&suites, &benches(rigs));
    let handed_out = |planned: &&Planned| {
        planned.skip.is_none() && !matches!(role(&planned.case), Some(Role::Calibration | Role::Claim(_)))
    };
    let mut wanted = ids(plan.cases.iter().filter(handed_out));
    let mut found = ids(plan.batches.iter().flat_map(|batch| &batch.cases));
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted);
    let names: BTreeSet<&str> = plan.batches.iter().map(|batch| batch.name.as_str()).collect();
    assert_eq!(names.len(), plan.batches.len());
    plan.batches.iter().for_each(|batch| is_sound(&plan, batch));
    let given: usize = plan.rigs.iter().map(|rig| rig.batches.len()).sum();
    assert_eq!(given, plan.batches.len());
    let longest = plan.order.iter().map(|at| plan.batches[*at].real_ms);
    assert!(longest.is_sorted_by(|one, next| one >= next));
}

#[track_caller]
fn is_sound(plan: &FleetPlan, batch: &Batch) {
    assert!(!batch.rigs.is_empty() && !batch.cases.is_empty(), "{batch:?}");
    // In the order of the run.
    let place = |planned: &Planned| plan.cases.iter().position(|other| other == planned).unwrap();
    assert!(batch.cases.iter().map(place).is_sorted(), "{batch:?}");
    let blocks = batch
        .cases
        .iter()
        .filter(|planned| role(&planned.case) == Some(&Role::Control));
    if batch.campaign.is_some() {
        let last = batch.cases.last().unwrap();
        assert_eq!(
            role(&last.case),
            Some(&Role::Control),
            "a block is whole: {batch:?}"
        );
        for rig in &batch.rigs {
            assert_eq!(batch.calibrations_on(*rig).count(), 2);
        }
    }
    let parts = if batch.campaign.is_some() {
        blocks.count()
    } else {
        batch.cases.len()
    };
    assert!(parts == 1 || batch.real_ms <= 2 * HOUR_MS, "{batch:?}");
    let needs_reset = batch.cases.iter().any(|planned| planned.needs.contains(&"reset"));
    if needs_reset && plan.rigs.len() > 1 {
        assert!(
            !batch.rigs.contains(&(plan.rigs.len() - 1)),
            "the last rig has no RESET: {batch:?}"
        );
    }
}

/// No rig makes more cuts of a claim than twice the even share, but for one batch.
#[rstest]
fn quotas(#[values(2, 3, 8)] rigs: usize, #[values(1, 7, 50, 1000)] block: u32) {
    let suites = suites(&campaign(block, "2%").replace("kind: [power, reset], ", ""));
    let plan = fleet(&suites, &benches(rigs));
    let [quota] = &plan.quotas[..] else {
        panic!("{:?}", plan.quotas)
    };
    assert_eq!((quota.cuts, quota.rigs), (149, rigs));
    let largest = plan.batches.iter().map(|batch| batch.claim_cuts).max().unwrap();
    let twice = 2 * 149_u32.div_ceil(rigs as u32);
    assert_eq!(quota.quota, twice.min(149).max(largest));
    let by_name: BTreeMap<&str, u32> = plan
        .batches
        .iter()
        .map(|batch| (batch.name.as_str(), batch.claim_cuts))
        .collect();
    for rig in &plan.rigs {
        let cuts: u32 = rig.batches.iter().map(|name| by_name[name.as_str()]).sum();
        assert!(cuts <= quota.quota, "{rig:?}");
    }
}

/// A good cut is proven by the next delta: where an update without a cut is near, the batch ends with it.
#[test]
fn a_batch_ends_with_an_update_without_a_cut() {
    let cases = "  - {name: pair, matrix: {run: [1, 2, 3, 4, 5, 6, 7, 8, 9], at: [20%, 50%]}, update: {package: a-to-b, via: uart}, cut: {at: \"updating {at}\"}}\n";
    let mixed: String = (0..9)
        .map(|n| {
            format!(
                "  - {{name: cut {n}, update: {{package: a-to-b, via: uart}}, cut: {{at: updating 50%}}}}\n  \
                 - {{name: clean {n}, update: {{package: b-to-a, via: uart}}}}\n"
            )
        })
        .collect();
    let ends = |cases: &str, rigs| {
        let plan = fleet(&suites(cases), &benches(rigs));
        let is_clean = |batch: &Batch| batch.cases.last().unwrap().case.cut.is_none();
        let clean = plan.batches.iter().filter(|batch| is_clean(batch)).count();
        (clean, plan.batches.len())
    };
    for rigs in 2..9 {
        let (clean, all) = ends(&mixed, rigs);
        assert_eq!(clean, all, "{rigs} rigs");
        assert!(all >= rigs, "every rig gets one of {all}");
        assert_eq!(ends(cases, rigs).0, 0, "there is none");
    }
}

/// The same case has the same cut, whichever rigs there are and in whatever order; only the campaigns' calibrations have
/// the rig's name.
#[test]
fn cuts_depend_on_seed_and_id_alone() {
    let suites = suites(&(ORDINARY.to_owned() + &campaign(5, "20%")));
    let mut rigs = benches(4);
    let cuts = |rigs: &[Rig]| -> BTreeMap<String, Vec<Cut>> {
        let plan = fleet(&suites, rigs);
        let cuts = plan.cases.into_iter().filter(|planned| planned.skip.is_none());
        cuts.map(|planned| (planned.case.id, planned.cuts)).collect()
    };
    let of_all = cuts(&rigs);
    rigs.reverse();
    assert_eq!(cuts(&rigs), of_all);
    // The slowest discharge of the four is that of `bench-3`, which has no RESET.
    let slowest = Plan::new(&suites, &rigs[0], &selection(), &Earlier::default()).unwrap();
    let mut compared = 0;
    for planned in slowest.cases.iter().filter(|planned| planned.skip.is_none()) {
        if role(&planned.case) != Some(&Role::Calibration) {
            assert_eq!(of_all[&planned.case.id], planned.cuts, "{}", planned.case.id);
            compared += planned.cuts.len();
        }
    }
    assert!(compared > 20, "only {compared} cuts were compared");
}

/// With `on: each` every rig makes the same cuts in the same order, however long its supply takes.
#[test]
fn modules_are_compared_by_the_same_cuts() {
    let cases = ORDINARY.to_owned() + &campaign(5, "20%").replace("kind: [power, reset], ", "");
    let text = suite_of(&cases).replace("suite: try\n", "suite: try\non: each\n");
    let suites = vec![suite(text.as_bytes()).unwrap()];
    let plan = fleet(&suites, &benches(3));
    let mut of_rigs: BTreeMap<String, Vec<(String, Vec<Cut>)>> = BTreeMap::new();
    for Planned { case, cuts, skip, .. } in plan.cases {
        // The last rig has no RESET.
        if let Some(rig) = case.rig.as_ref().filter(|_| skip.is_none()) {
            let cut = (case.id_on_any_rig() + " " + &case.package.name, cuts);
            of_rigs.entry(rig.clone()).or_default().push(cut);
        }
    }
    let [first, second, _] = &of_rigs.into_values().collect::<Vec<_>>()[..] else {
        panic!("three rigs have cases of their own")
    };
    assert_eq!(first, second);
    let drawn: BTreeSet<Duration> = first
        .iter()
        .flat_map(|(_, cuts)| cuts)
        .map(|cut| cut.after)
        .collect();
    assert!(drawn.len() > 10, "{drawn:?}");
}

/// A slot of a claim draws its share of the window from seed and id; each rig's own calibration says when that is.
#[test]
fn each_rig_maps_a_slot_through_its_own_calibration() {
    let suites = suites(&campaign(5, "20%"));
    let plan = fleet(&suites, &benches(2));
    let moments = ["start", "updating 20%", "updating 60%", "updating 100%", "end"];
    let timeline = |seconds: [u64; 5]| {
        let mut timeline = Timeline::default();
        for (moment, second) in moments.iter().zip(seconds) {
            timeline.add(moment.parse().unwrap(), Duration::from_secs(second));
        }
        timeline
    };
    // The second module takes twice as long.
    let (quick, slow) = (timeline([10, 20, 30, 40, 50]), timeline([20, 40, 60, 80, 100]));
    let mut drawn = BTreeSet::new();
    for planned in &plan.cases {
        let Some(slot) = planned.case.slot().filter(|slot| slot.claim.is_some()) else {
            continue;
        };
        let label = format!("{}::{}", planned.case.suite, planned.case.id);
        let time = |timeline: &Timeline| {
            let cut = timeline.cut(slot, Seed(7), &label).unwrap();
            timeline.time_of_cut(&cut).unwrap().as_millis() as i64
        };
        let (one, other) = (time(&quick), time(&slow));
        assert!((2 * one - other).abs() <= 2, "{label}: {one} ms, {other} ms");
        drawn.insert(one);
    }
    assert_eq!(drawn.len(), 14, "each slot draws its own");
}

/// With one rig, a plan for several has the same cases.
#[test]
fn a_fleet_of_one() {
    let suites = suites(&(ORDINARY.to_owned() + &campaign(5, "20%")));
    let rigs = benches(1);
    let plan = Plan::new(&suites, &rigs[0], &selection(), &Earlier::default()).unwrap();
    assert_eq!(fleet(&suites, &rigs).cases, plan.cases);
}

#[test]
fn a_block_of_more_than_two_hours_is_warned_of() {
    let suites = suites(&campaign(200, "2%"));
    let plan = fleet(&suites, &benches(2));
    assert_eq!(
        plan.warnings,
        [
            "try::some: a block takes more than two hours, and a rig that is lost loses all of it: a smaller `block` in its `sweep` makes smaller batches"
        ]
    );
}
