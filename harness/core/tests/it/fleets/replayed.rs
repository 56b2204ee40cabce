//! A queue that is made again from what an earlier program wrote down.

use super::random::{FLEETS, Mark, Model};
use super::{BRICKED, FAILED, OPEN, PASSED, batch, fleet, gets, of_claim, takes};
use dfota_core::event::fleet::{FleetEvent, PartEnd, PauseCause};
use dfota_core::fleet::{
    BatchOrder, BatchResult, Fleet, FleetRules, QueuedBatch, ReplayError, Take, WaitReason,
};
use dfota_core::seed::Seed;

const RULES: FleetRules = FleetRules {
    canary: 0,
    max_bricks: 1,
    max_possible: 1,
};

fn names(rigs: usize) -> Vec<String> {
    (0..rigs).map(|rig| format!("r{rig}")).collect()
}

fn queued(batches: &[QueuedBatch], rigs: usize) -> Vec<FleetEvent> {
    Fleet::new(names(rigs), RULES).offer(batches.to_vec())
}

fn closed(order: &BatchOrder, result: BatchResult, left: &[&str]) -> FleetEvent {
    FleetEvent::Closed(PartEnd {
        batch: order.taken.batch.clone(),
        attempt: order.taken.attempt,
        rig: order.taken.rig.clone(),
        lines: 1,
        head: String::new(),
        result,
        left: left.iter().map(ToString::to_string).collect(),
    })
}

/// The program was killed between any two lines of its journal.
#[test]
fn a_queue_is_the_same_after_every_event() {
    let (mut whole, mut owed) = (0, 0);
    for seed in 0..FLEETS {
        let model = Model::new(seed).run();
        let rigs = model.rigs();
        let first = model.marks.first().expect("a mark").events;
        for killed_after in first..=model.log.len() {
            let replayed = Fleet::replay(names(rigs), model.rules, &model.log[..killed_after]);
            let replayed = replayed.unwrap_or_else(|why| panic!("seed {seed}, {killed_after} events: {why}"));
            let at = killed_after + replayed.owed.len();
            assert_eq!(
                replayed.owed,
                model.log[killed_after..at],
                "seed {seed}, {killed_after} events"
            );
            let is = format!("{:?}", replayed.fleet);
            let was: Vec<&Mark> = model.marks.iter().filter(|mark| mark.events == at).collect();
            if let Some(was) = was.last() {
                assert_eq!(is, was.fleet, "seed {seed}, {killed_after} events");
                whole += 1;
            }
            owed += usize::from(at > killed_after);
        }
    }
    assert!(
        whole > 10_000 && owed > 1_000,
        "{whole} compared, {owed} owed something"
    );
}

/// Also where it is killed again while it is resumed, and where it was told to stop.
#[test]
fn every_case_of_a_resumed_fleet_ends_once() {
    let mut held = 0;
    for seed in 0..FLEETS {
        let fates = std::panic::catch_unwind(|| {
            let model = Model::new(seed).run();
            let draw = |what: &str, from: usize, to: usize| {
                from + (Seed(seed).draw(what) % (to - from + 1) as u64) as usize
            };
            let first = model.marks.first().expect("a mark").events;
            let at = draw("first", first, model.log.len());
            let mut resumed = model.resumed(at);
            if seed % 3 == 0 {
                resumed.pause(PauseCause::Time);
            }
            let at = draw("second", first, resumed.log.len());
            let resumed = resumed.resumed(at);
            // No rig gets one of these that has not had it: the model looks at each that is taken.
            let held = resumed.held();
            resumed.run().every_case_has_one_fate();
            held
        });
        held += fates.unwrap_or_else(|_| panic!("the fleet of seed {seed}"));
    }
    assert!(
        held > 100,
        "deltas that were held when the run was resumed: {held}"
    );
}

/// Nobody heard what the module on the canary became, whether the rig was lost or the machine died.
#[test]
fn a_delta_that_is_held_stays_held() {
    let rules = FleetRules { canary: 1, ..RULES };
    for parent_ended in [false, true] {
        let mut log = queued(&[batch("one", &[0, 1], 5), batch("two", &[0, 1], 9)], 2);
        let mut fleet = Fleet::replay(names(2), rules, &log)
            .expect("what a queue wrote")
            .fleet;
        let order = takes(&mut fleet, 0);
        log.push(FleetEvent::Taken(order.taken.clone()));
        let FleetEvent::Closed(end) = closed(&order, OPEN, &["one-a", "one-b"]) else {
            panic!("it is one");
        };
        log.push(FleetEvent::Lost {
            end,
            why: "it was unplugged".into(),
            open: Vec::new(),
            unread: Vec::new(),
            parent_ended,
        });
        log.push(FleetEvent::Resumed {
            args: Vec::new(),
            torn: 0,
        });
        let replayed = Fleet::replay(names(2), rules, &log).expect("what a queue wrote");
        let mut fleet = replayed.fleet;
        assert_eq!(fleet.take(1), Take::Wait(WaitReason::Held), "{parent_ended}");
        if parent_ended {
            // Its own rig goes on. That it passes there does not tell what the cut did.
            gets(&mut fleet, 0, "one");
            assert_eq!(fleet.closed(0, PASSED), []);
            assert_eq!(fleet.take(1), Take::Wait(WaitReason::Held));
            gets(&mut fleet, 0, "two");
        } else {
            let events = fleet.give_up();
            let paused = |event: &FleetEvent| matches!(event, FleetEvent::Paused { why, .. } if why.contains("the canary `r0` was lost in the middle of an update"));
            assert!(events.iter().any(paused), "{events:?}");
        }
    }
}

/// Its time was over, and then a module was bricked: a new time does not take that back.
#[test]
fn a_brick_after_the_end_of_the_time_pauses_what_is_resumed() {
    let rules = FleetRules {
        canary: 0,
        max_bricks: 0,
        max_possible: 0,
    };
    let mut log = queued(&[batch("one", &[0], 5), batch("two", &[1], 5)], 2);
    let mut fleet = Fleet::replay(names(2), rules, &log)
        .expect("what a queue wrote")
        .fleet;
    let order = takes(&mut fleet, 0);
    log.push(FleetEvent::Taken(order.taken.clone()));
    log.extend(fleet.pause("its time was over", PauseCause::Time));
    log.push(closed(&order, BRICKED, &[]));
    assert_eq!(fleet.closed(0, BRICKED), [], "it is paused already");
    log.push(FleetEvent::Resumed {
        args: Vec::new(),
        torn: 0,
    });
    let replayed = Fleet::replay(names(2), rules, &log).expect("what a queue wrote");
    let [
        FleetEvent::Paused {
            cause: PauseCause::Modules,
            why,
        },
    ] = &replayed.owed[..]
    else {
        panic!("one pause: {:?}", replayed.owed);
    };
    assert!(why.contains("cases that ended with a brick: 1"), "{why}");
    assert_eq!(replayed.fleet.paused(), Some(why.as_str()));
}

/// The parent was killed: that is no fault of the rig, which may have the batch again and its share of the claim.
#[test]
fn a_rig_whose_parent_was_killed_goes_on() {
    let batches = [of_claim("one", &[0], 2), batch("two", &[0], 5)];
    let mut fleet = fleet(1, 0, 1, batches.to_vec());
    for attempt in 1..=5 {
        let order = takes(&mut fleet, 0);
        assert_eq!(
            (order.taken.batch.as_str(), order.taken.attempt),
            ("one", attempt)
        );
        let left = order.cases.clone();
        let events = fleet.interrupted(0, left.clone(), FAILED);
        let again = FleetEvent::Again {
            batch: "one".into(),
            cases: left,
        };
        assert_eq!(events, [again], "however often");
    }
    gets(&mut fleet, 0, "one");
    assert_eq!(fleet.closed(0, PASSED), []);
    gets(&mut fleet, 0, "two");
    assert_eq!(fleet.interrupted(0, Vec::new(), PASSED), [], "it was whole");
    assert!(fleet.is_over());
}

#[test]
fn a_pause_for_the_modules_stays() {
    for (cause, stays) in [
        (PauseCause::Modules, true),
        (PauseCause::FailFast, true),
        (PauseCause::Time, false),
        (PauseCause::Signal, false),
    ] {
        let mut log = queued(&[batch("one", &[0, 1], 5), batch("two", &[0, 1], 9)], 2);
        let mut fleet = Fleet::replay(names(2), RULES, &log)
            .expect("what a queue wrote")
            .fleet;
        let order = takes(&mut fleet, 0);
        log.push(FleetEvent::Taken(order.taken.clone()));
        log.extend(fleet.pause("somebody said so", cause));
        // It was told to stop, and left a case.
        log.push(closed(&order, PASSED, &["two-b"]));
        let replayed = Fleet::replay(names(2), RULES, &log).expect("what a queue wrote");
        assert!(replayed.fleet.paused().is_some());
        log.push(FleetEvent::Resumed {
            args: Vec::new(),
            torn: 0,
        });
        let mut replayed = Fleet::replay(names(2), RULES, &log).expect("what a queue wrote");
        assert_eq!(replayed.fleet.paused().is_some(), stays, "{cause:?}");
        if stays {
            assert_eq!(replayed.owed, []);
            assert_eq!(replayed.fleet.take(0), Take::Done);
            continue;
        }
        let again = FleetEvent::Again {
            batch: "two".into(),
            cases: vec!["two-b".into()],
        };
        assert_eq!(replayed.owed, [again], "{cause:?}");
        let order = takes(&mut replayed.fleet, 1);
        assert_eq!(
            (order.cases.as_slice(), order.taken.attempt),
            (&["two-b".into()][..], 2)
        );
    }
}

#[test]
fn what_no_queue_wrote_is_refused() {
    let mut log = queued(&[batch("one", &[0], 5)], 1);
    let replay = |log: &[FleetEvent]| Fleet::replay(names(1), RULES, log).expect_err("refused");
    let mut old = log.clone();
    if let Some(FleetEvent::Queued { terms, .. }) = old.first_mut() {
        *terms = None;
    }
    assert_eq!(replay(&old), ReplayError::NoTerms { batch: "one".into() });
    let order = takes(&mut fleet(1, 0, 1, vec![batch("one", &[0], 5)]), 0);
    let taken = FleetEvent::Taken(order.taken.clone());
    assert!(matches!(
        replay(std::slice::from_ref(&taken)),
        ReplayError::UnknownBatch { .. }
    ));
    log.push(closed(&order, PASSED, &[]));
    assert!(matches!(
        replay(&log),
        ReplayError::OutOfOrder { what: "closed", .. }
    ));
    log.pop();
    log.extend([taken.clone(), taken]);
    assert!(matches!(
        replay(&log),
        ReplayError::OutOfOrder { what: "taken", .. }
    ));
    let others = Fleet::new(names(3), RULES).offer(vec![batch("one", &[2], 5)]);
    assert_eq!(replay(&others), ReplayError::UnknownRig { rig: "r2".into() });
}
