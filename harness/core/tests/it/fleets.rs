//! The queue of a run on several rigs: who gets which batch, what becomes of one that is lost, and when nobody gets any more.

mod random;
mod replayed;

use dfota_core::event::fleet::{FleetEvent, PauseCause};
use dfota_core::fleet::{
    BatchOrder, BatchResult, ClaimShare, Fleet, FleetRules, LOSSES, QueuedBatch, Take, WaitReason,
};
use std::collections::BTreeMap;

const PASSED: BatchResult = BatchResult {
    passed: true,
    bricks: 0,
    is_open: false,
};
const FAILED: BatchResult = BatchResult {
    passed: false,
    bricks: 0,
    is_open: false,
};
const BRICKED: BatchResult = BatchResult {
    passed: false,
    bricks: 1,
    is_open: false,
};
/// An update was ordered, and nobody heard what the module became.
const OPEN: BatchResult = BatchResult {
    passed: false,
    bricks: 0,
    is_open: true,
};

/// A batch with two cases, for these rigs.
fn batch(name: &str, rigs: &[usize], real_ms: u64) -> QueuedBatch {
    QueuedBatch {
        name: name.into(),
        suite: "suite".into(),
        cases: vec![format!("{name}-a"), format!("{name}-b")],
        packages: vec!["delta".into()],
        rigs: rigs.to_vec(),
        share: None,
        real_ms,
    }
}

/// One with two cuts of a claim, of which a rig gets at most so many.
fn of_claim(name: &str, rigs: &[usize], quota: u32) -> QueuedBatch {
    QueuedBatch {
        share: Some(ClaimShare {
            campaign: "some".into(),
            cuts: 2,
            quota,
            had: BTreeMap::new(),
        }),
        ..batch(name, rigs, 10)
    }
}

fn fleet(rigs: usize, canary: usize, max_bricks: u32, batches: Vec<QueuedBatch>) -> Fleet {
    let names = (0..rigs).map(|rig| format!("r{rig}")).collect();
    let mut fleet = Fleet::new(
        names,
        FleetRules {
            canary,
            max_bricks,
            max_possible: max_bricks,
        },
    );
    fleet.offer(batches);
    fleet
}

#[track_caller]
fn takes(fleet: &mut Fleet, rig: usize) -> BatchOrder {
    match fleet.take(rig) {
        Take::Batch(order) => order,
        other => panic!("r{rig} gets no batch: {other:?}"),
    }
}

#[track_caller]
fn gets(fleet: &mut Fleet, rig: usize, name: &str) {
    assert_eq!(takes(fleet, rig).taken.batch, name);
}

fn lose(fleet: &mut Fleet, rig: usize, left: &[&str]) -> Vec<FleetEvent> {
    let left = left.iter().map(ToString::to_string).collect();
    fleet.lost(rig, "it was unplugged", left, FAILED)
}

#[test]
fn the_longest_goes_first() {
    let all = [0, 1];
    let batches = vec![
        batch("short", &all, 1),
        batch("long", &all, 9),
        batch("other", &all, 5),
    ];
    let mut fleet = fleet(2, 0, 1, batches);
    gets(&mut fleet, 0, "long");
    gets(&mut fleet, 1, "other");
    fleet.closed(1, PASSED);
    gets(&mut fleet, 1, "short");
}

#[test]
fn a_canary_has_a_delta_alone_until_a_batch_has_passed() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 1, 1, batches.to_vec());
    gets(&mut fleet, 0, "one");
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Canary));
    // It failed, and no module was bricked: the same rig tries the next batch.
    assert_eq!(fleet.closed(0, FAILED), []);
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Canary));
    gets(&mut fleet, 0, "two");
    let passed = FleetEvent::CanaryPassed {
        suite: "suite".into(),
        rigs: vec!["r0".into()],
    };
    assert_eq!(fleet.closed(0, PASSED), [passed]);
    gets(&mut fleet, 1, "three");
}

/// One that was lost before it had an update is a canary no more.
#[test]
fn the_rig_whose_batch_passed_is_named() {
    let all = [0, 1, 2];
    let batches = ["one", "two"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 1, 1, batches.to_vec());
    gets(&mut fleet, 0, "one");
    let left = vec!["one".to_owned()];
    fleet.lost(0, "its process ended", left, FAILED);
    let Take::Batch(_) = fleet.take(1) else {
        panic!("the next rig is the canary");
    };
    let passed = FleetEvent::CanaryPassed {
        suite: "suite".into(),
        rigs: vec!["r1".into()],
    };
    assert_eq!(fleet.closed(1, PASSED), [passed]);
}

/// The order of the rigs says whose module is risked, not which process is the quickest.
#[test]
fn the_first_rig_that_can_is_the_canary() {
    let mut fleet = fleet(3, 1, 1, vec![batch("one", &[1, 2], 5), batch("two", &[1, 2], 5)]);
    assert_eq!(fleet.take(2), Take::Wait(WaitReason::Canary));
    assert_eq!(fleet.take(0), Take::Done);
    gets(&mut fleet, 1, "one");
    assert_eq!(fleet.take(2), Take::Wait(WaitReason::Canary));
    lose(&mut fleet, 1, &["one-a"]);
    gets(&mut fleet, 2, "one");
}

/// Also where each rig has batches of its own.
#[test]
fn the_first_rig_is_the_canary_of_its_own_batch() {
    let mut fleet = fleet(2, 1, 1, vec![batch("one", &[0], 5), batch("two", &[1], 1)]);
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Canary));
    gets(&mut fleet, 0, "one");
    fleet.closed(0, PASSED);
    gets(&mut fleet, 1, "two");
}

/// What is left of it is little enough for a rig that could not have the whole.
#[test]
fn a_lost_batch_goes_to_a_rig_that_has_had_almost_its_share() {
    let all = [0, 1];
    let mut fleet = fleet(2, 0, 1, vec![of_claim("one", &all, 3), of_claim("two", &all, 3)]);
    gets(&mut fleet, 0, "one");
    fleet.closed(0, PASSED);
    assert_eq!(
        fleet.take(0),
        Take::Wait(WaitReason::Others),
        "two more are too many"
    );
    gets(&mut fleet, 1, "two");
    lose(&mut fleet, 1, &["two-b"]);
    gets(&mut fleet, 0, "two");
}

#[test]
fn the_shortest_batch_is_the_canarys_first() {
    let all = [0, 1];
    let mut fleet = fleet(2, 1, 1, vec![batch("long", &all, 9), batch("short", &all, 1)]);
    gets(&mut fleet, 0, "short");
}

#[test]
fn a_lost_canary_is_replaced() {
    let mut fleet = fleet(2, 1, 1, vec![batch("one", &[0, 1], 5)]);
    gets(&mut fleet, 0, "one");
    lose(&mut fleet, 0, &["one-a", "one-b"]);
    gets(&mut fleet, 1, "one");
    assert_eq!(fleet.take(0), Take::Done, "a rig that lost a batch gets no other");
}

/// The brick takes its rig along, so nobody says that it is one.
#[test]
fn a_canary_that_is_lost_in_an_update_spares_the_others() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 1, 5, batches.to_vec());
    gets(&mut fleet, 0, "one");
    let left = vec!["one-a".into(), "one-b".into()];
    let mut events = fleet.lost(0, "its process ended", left, OPEN);
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Held));
    assert!(fleet.waiting().all(|(_, why)| why == WaitReason::Held));
    events.extend(fleet.give_up());
    let paused = |event: &FleetEvent| matches!(event, FleetEvent::Paused { why, .. } if why.contains("the canary `r0` was lost in the middle of an update"));
    assert!(events.iter().any(paused), "{events:?}");
    assert_eq!([fleet.take(1), fleet.take(2)], [Take::Done, Take::Done]);
    assert!(fleet.is_over());
    assert_eq!(fleet.abandoned(), [], "not reached: no rig is at fault for that");
}

/// The others are run, and only then does the run stop.
#[test]
fn another_delta_goes_on_while_one_is_held() {
    let all = [0, 1];
    let sound = QueuedBatch {
        packages: vec!["sound".into()],
        ..batch("sound", &all, 9)
    };
    let mut fleet = fleet(2, 1, 1, vec![batch("held", &all, 1), sound]);
    gets(&mut fleet, 0, "held");
    fleet.lost(0, "its process ended", vec!["held-a".into()], OPEN);
    assert_eq!(fleet.give_up(), []);
    gets(&mut fleet, 1, "sound");
    fleet.closed(1, PASSED);
    assert_eq!(fleet.paused(), None);
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Held));
    assert!(matches!(&fleet.give_up()[..], [FleetEvent::Paused { .. }]));
    assert_eq!(fleet.take(1), Take::Done);
}

/// With two canaries, the second goes on with what it has had; the others do not get it, also when it passes there.
#[test]
fn a_second_canary_opens_no_delta_that_is_held() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 2, 5, batches.to_vec());
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "two");
    fleet.lost(0, "its process ended", vec!["one-a".into()], OPEN);
    assert_eq!(
        fleet.take(2),
        Take::Wait(WaitReason::Held),
        "it does not replace r0"
    );
    assert_eq!(fleet.closed(1, PASSED), [], "the delta is not open to all");
    assert_eq!(fleet.take(2), Take::Wait(WaitReason::Held));
    gets(&mut fleet, 1, "one");
}

fn with_packages(name: &str, rigs: &[usize], packages: &[&str]) -> QueuedBatch {
    QueuedBatch {
        packages: packages.iter().map(ToString::to_string).collect(),
        ..batch(name, rigs, 5)
    }
}

/// Two suites share one package: what the canary has of it holds for both.
#[test]
fn a_package_on_the_canary_comes_to_no_other_rig_through_another_suite() {
    let all = [0, 1];
    let batches = vec![
        with_packages("one", &all, &["shared", "there"]),
        with_packages("two", &all, &["shared"]),
        with_packages("third", &all, &["sound"]),
    ];
    let mut fleet = fleet(2, 1, 1, batches);
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "third");
    fleet.closed(1, PASSED);
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Canary));
    let passed = FleetEvent::CanaryPassed {
        suite: "suite".into(),
        rigs: vec!["r0".into()],
    };
    assert_eq!(fleet.closed(0, PASSED), [passed]);
    gets(&mut fleet, 1, "two");
}

#[test]
fn a_package_that_is_held_is_held_in_every_suite() {
    let all = [0, 1];
    let batches = vec![
        with_packages("one", &all, &["shared", "there"]),
        with_packages("two", &all, &["back", "shared"]),
    ];
    let mut fleet = fleet(2, 1, 1, batches);
    gets(&mut fleet, 0, "one");
    fleet.lost(0, "its program ended", vec!["one-b".into()], OPEN);
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Held));
    let [FleetEvent::Paused { why, .. }] = &fleet.give_up()[..] else {
        panic!("it is paused");
    };
    assert!(why.contains("`r0` was lost in the middle of an update"), "{why}");
}

/// A rig that another canary keeps from its batch keeps no other rig from its own.
#[test]
fn who_can_try_nothing_is_not_waited_for() {
    let batches = vec![
        with_packages("zero", &[0], &["z"]),
        with_packages("first", &[2], &["p"]),
        with_packages("both", &[0], &["p", "q"]),
        with_packages("other", &[1], &["q"]),
    ];
    let mut fleet = fleet(3, 1, 1, batches);
    gets(&mut fleet, 0, "zero");
    gets(&mut fleet, 2, "first");
    fleet.closed(0, PASSED);
    assert_eq!(fleet.take(0), Take::Wait(WaitReason::Canary));
    gets(&mut fleet, 1, "other");
}

/// What a delta has shown before stays shown.
#[test]
fn a_rig_that_is_lost_after_the_canary_passed_holds_nothing() {
    let all = [0, 1, 2];
    let batches = ["one", "two"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 1, 5, batches.to_vec());
    gets(&mut fleet, 0, "one");
    fleet.closed(0, PASSED);
    gets(&mut fleet, 1, "two");
    fleet.lost(1, "its process ended", vec!["two-a".into()], OPEN);
    gets(&mut fleet, 2, "two");
}

#[test]
fn a_bricked_canary_pauses_the_run() {
    let all = [0, 1, 2];
    let batches = vec![batch("one", &all, 5), batch("two", &all, 5)];
    let mut fleet = fleet(3, 1, 5, batches);
    gets(&mut fleet, 0, "one");
    let events = fleet.lost(0, "dead", vec!["one-b".into()], BRICKED);
    let paused =
        |event: &FleetEvent| matches!(event, FleetEvent::Paused { why, .. } if why.contains("canary `r0`"));
    assert!(events.iter().any(paused), "{events:?}");
    assert_eq!([fleet.take(1), fleet.take(2)], [Take::Done, Take::Done]);
    assert!(fleet.is_over());
    assert_eq!(
        fleet.abandoned(),
        [],
        "they were not reached, which is no error of a rig"
    );
}

#[test]
fn more_bricks_than_are_allowed_pause_the_run() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three", "four"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 0, 1, batches.to_vec());
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "two");
    fleet.lost(0, "dead", Vec::new(), BRICKED);
    assert_eq!(fleet.paused(), None);
    gets(&mut fleet, 2, "three");
    fleet.lost(1, "dead", Vec::new(), BRICKED);
    let why = fleet.paused().expect("two are more than one");
    assert!(
        why.contains("cases that ended with a brick: 2, the last on `r1`"),
        "{why}"
    );
    assert!(!fleet.is_over(), "r2 finishes what it has");
    fleet.closed(2, PASSED);
    assert!(fleet.is_over());
}

/// With `--canary 0` no delta is held: only this ends a delta that bricks one module after another and takes their rigs along.
#[test]
fn rigs_that_are_lost_in_an_update_count_as_bricks() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three", "four"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 0, 1, batches.to_vec());
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "two");
    fleet.lost(0, "its process ended", vec!["one-b".into()], OPEN);
    assert_eq!(fleet.paused(), None, "the run allows one");
    let events = fleet.lost(1, "its process ended", vec!["two-b".into()], OPEN);
    let why = "cases that ended with a brick: 0, and 2 that may have, on rigs that were lost in the middle of an update (`r0`, `r1`): the state of their modules is unknown; the run allows 1 (`--max-bricks`)";
    let paused = FleetEvent::Paused {
        why: why.into(),
        cause: PauseCause::Modules,
    };
    assert!(events.contains(&paused), "{events:?}");
    assert_eq!(fleet.take(2), Take::Done);
}

/// A claim that survives no brick survives a rig that is lost: it may have crashed for any reason.
#[test]
fn one_lost_rig_stops_no_run() {
    let rules = FleetRules {
        canary: 0,
        max_bricks: 0,
        max_possible: 1,
    };
    let mut fleet = Fleet::new(["r0", "r1", "r2"].map(str::to_owned).to_vec(), rules);
    fleet.offer(
        ["one", "two", "three"]
            .map(|name| batch(name, &[0, 1, 2], 5))
            .to_vec(),
    );
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "two");
    fleet.lost(0, "its process ended", vec!["one-b".into()], OPEN);
    assert_eq!(fleet.paused(), None);
    let paused = fleet.bricked(1, 1).expect("a brick does");
    assert!(
        matches!(&paused, FleetEvent::Paused { why, .. } if why.ends_with("the run allows 0 (`--max-bricks`)")),
        "{paused:?}"
    );
}

/// A brick and one that may be: together they are too many.
#[test]
fn a_brick_and_a_rig_lost_in_an_update_are_two() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 0, 1, batches.to_vec());
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "two");
    fleet.lost(0, "its process ended", Vec::new(), OPEN);
    assert_eq!(fleet.bricked(1, 0), None);
    let paused = fleet.bricked(1, 1).expect("two are more than one");
    assert!(
        matches!(&paused, FleetEvent::Paused { why, .. } if why.starts_with("cases that ended with a brick: 1, and 1 that may have, on rigs that were lost in the middle of an update (`r0`)")),
        "{paused:?}"
    );
}

/// No module is in danger where no update was under way, and a rig whose parent ended goes on: its next batch shows what its module is.
#[test]
fn other_losses_are_no_bricks() {
    let all = [0, 1, 2];
    let batches = ["one", "two", "three"].map(|name| batch(name, &all, 5));
    let mut fleet = fleet(3, 0, 0, batches.to_vec());
    gets(&mut fleet, 0, "one");
    gets(&mut fleet, 1, "two");
    lose(&mut fleet, 0, &["one-b"]);
    fleet.interrupted(1, vec!["two-b".into()], OPEN);
    assert_eq!(fleet.paused(), None);
    takes(&mut fleet, 1);
}

#[test]
fn what_is_left_of_a_lost_batch_goes_to_another_rig() {
    let mut fleet = fleet(2, 0, 1, vec![batch("one", &[0, 1], 5)]);
    gets(&mut fleet, 0, "one");
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Others));
    let events = lose(&mut fleet, 0, &["one-b"]);
    let expected = [
        FleetEvent::RigOut {
            rig: "r0".into(),
            why: "it was unplugged".into(),
        },
        FleetEvent::Again {
            batch: "one".into(),
            cases: vec!["one-b".into()],
        },
    ];
    assert_eq!(events, expected);
    let order = takes(&mut fleet, 1);
    assert_eq!(order.cases, ["one-b"]);
    assert_eq!(
        (order.taken.attempt, order.taken.folder.as_str()),
        (2, "rigs/r1/one-2")
    );
}

#[test]
fn a_batch_that_is_lost_too_often_is_given_up() {
    let all = [0, 1, 2, 3];
    let mut fleet = fleet(4, 0, 1, vec![batch("one", &all, 5)]);
    let mut events = Vec::new();
    for rig in 0..LOSSES as usize {
        gets(&mut fleet, rig, "one");
        events = lose(&mut fleet, rig, &["one-a", "one-b"]);
    }
    let given_up =
        |event: &FleetEvent| matches!(event, FleetEvent::GivenUp { why, .. } if why.contains("lost 3 times"));
    assert!(events.iter().any(given_up), "{events:?}");
    assert_eq!(fleet.take(3), Take::Done);
    let cases: Vec<String> = fleet.abandoned().into_iter().map(|gone| gone.case).collect();
    assert_eq!(cases, ["one-a", "one-b"]);
}

#[test]
fn a_batch_that_no_rig_is_left_for_is_given_up() {
    let mut fleet = fleet(2, 0, 1, vec![batch("only", &[0], 5), batch("other", &[1], 5)]);
    gets(&mut fleet, 0, "only");
    gets(&mut fleet, 1, "other");
    lose(&mut fleet, 0, &["only-b"]);
    assert_eq!(
        fleet.give_up(),
        [],
        "not while a rig works: it is said at the end"
    );
    fleet.closed(1, PASSED);
    let events = fleet.give_up();
    let given_up = |event: &FleetEvent| matches!(event, FleetEvent::GivenUp { why, .. } if why == "no rig is left that can run it: r0");
    assert!(events.iter().all(given_up) && events.len() == 1, "{events:?}");
    assert!(fleet.is_over());
}

/// No rig is at fault, so what waits for the canary is not reached.
#[test]
fn a_canary_that_never_passes_pauses_the_run() {
    let mut fleet = fleet(2, 1, 1, vec![batch("first", &[0], 5), batch("second", &[1], 5)]);
    gets(&mut fleet, 0, "first");
    assert_eq!(fleet.take(1), Take::Wait(WaitReason::Canary));
    fleet.closed(0, FAILED);
    let why = "no batch passed on the canary `r0`, so no other rig gets its packages (`--canary 0` would give them)";
    assert_eq!(
        fleet.give_up(),
        [FleetEvent::Paused {
            why: why.into(),
            cause: PauseCause::Modules
        }]
    );
    assert_eq!(fleet.take(1), Take::Done);
    assert!(fleet.is_over());
    assert_eq!(fleet.abandoned(), []);
}

#[test]
fn a_rig_gets_no_more_of_a_claim_than_its_quota() {
    let all = [0, 1];
    let batches = ["one", "two", "three", "four"].map(|name| of_claim(name, &all, 4));
    let mut fleet = fleet(2, 0, 1, batches.to_vec());
    for name in ["one", "two"] {
        gets(&mut fleet, 0, name);
        fleet.closed(0, PASSED);
    }
    // What another rig loses may be little enough.
    assert_eq!(fleet.take(0), Take::Wait(WaitReason::Others));
    gets(&mut fleet, 1, "three");
    lose(&mut fleet, 1, &["three-a"]);
    let events = fleet.give_up();
    assert_eq!(fleet.take(0), Take::Done);
    let share = |event: &FleetEvent| matches!(event, FleetEvent::GivenUp { why, .. } if why.contains("their share of the claim"));
    assert!(events.len() == 2 && events.iter().all(share), "{events:?}");
}

/// What a rig has done of a batch is not done again, so it is not counted against the next rig's quota.
#[test]
fn a_quota_counts_the_cases_that_are_left() {
    let all = [0, 1];
    let mut fleet = fleet(2, 0, 1, vec![of_claim("one", &all, 3), of_claim("two", &all, 3)]);
    gets(&mut fleet, 0, "one");
    lose(&mut fleet, 0, &["one-b"]);
    gets(&mut fleet, 1, "one");
    fleet.closed(1, PASSED);
    gets(&mut fleet, 1, "two");
}
