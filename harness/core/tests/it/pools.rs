//! A claim of several modules: what its merged journal has to say before it is shown.

mod attempts;
mod bricked_otherwise;
mod homogeneity;
mod masked;
mod over_runs;
mod simulated;
mod told;

use dfota_core::campaign::{Count, Role};
use dfota_core::claim::ClaimStatus;
use dfota_core::event::Event;
use dfota_core::event::fleet::{FleetEvent, PauseCause};
use dfota_core::event_id::EventId;
use dfota_core::pool::{PoolGap, PoolTally, Stratum, quota};
use dfota_core::run_fold::RunFold;
use dfota_core::verdict::{Rule, Verdict};
use told::{
    ONE, OTHER, THIRD, Told, all_but_the_last, case, claim, directed, good, is_open, part_of_campaign,
    tallied, unjudged,
};

#[test]
fn all_slots_judged_and_no_brick() {
    let pool = good().pool();
    assert_eq!(pool.judge(&claim(0)), Verdict::Pass);
    assert_eq!((pool.strata.len(), pool.slots, pool.unjudged), (2, 8, 0));
    let sentence = pool.sentence(&claim(0));
    assert!(
        sentence.contains("in these 2 modules") && sentence.contains("0 of 2 modules bricked"),
        "{sentence}"
    );
}

/// Never the first that come in: bricks take longer.
#[test]
fn every_slot_is_judged_also_when_enough_have_been() {
    let mut told = good();
    told.0.on(&Event::CasePlanned {
        case: Box::new(case("c8")),
        skip: None,
    });
    is_open(&told, "1 of 9 slots not judged");
    // One that no cut can fill is taken out.
    told.skipped(8);
    assert_eq!(told.pool().judge(&claim(0)), Verdict::Pass);
}

/// A rig that cannot make a cut of the claim: another one may.
#[test]
fn a_skipped_cut_is_one_for_another_rig() {
    let mut told = all_but_the_last();
    told.skipped(7);
    is_open(
        &told,
        "is open: 1 more have to count; 1 cut was skipped, because the rig cannot make it: run the campaign again with a rig that can; 0 of 7",
    );
    assert!(!told.pool().is_stuck(&claim(0)), "the next run lays it out again");
    told.taken("a");
    told.says(ONE);
    told.cut(7, false);
    let pool = told.pool();
    assert_eq!((pool.slots, pool.skipped), (8, 0));
    assert_eq!(pool.judge(&claim(0)), Verdict::Pass);
}

#[test]
fn no_module_has_more_than_twice_its_share() {
    let shared = |most: usize| {
        let mut told = Told::new(most + 2);
        told.taken("b");
        told.says(OTHER);
        told.cut(most, false);
        told.taken("c");
        told.says("867725030000003");
        told.cut(most + 1, false);
        told.taken("a");
        told.says(ONE);
        (0..most).for_each(|slot| told.cut(slot, false));
        told
    };
    assert_eq!((quota(8, 3), quota(9, 3)), (6, 6));
    assert_eq!(shared(6).pool().judge(&claim(0)), Verdict::Pass);
    is_open(&shared(7), "more than twice its even share");
}

/// A brick of an unknown module, which somebody wrote off, is no module that shares the cuts.
#[test]
fn what_is_written_off_makes_no_share_smaller() {
    let mut told = Told::new(8);
    for (rig, imei, slots) in [("a", ONE, 0..6), ("b", OTHER, 6..7), ("c", THIRD, 7..8)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, false));
    }
    told.written_off(0);
    let gaps = told.pool().gaps();
    let quota = |gap: &PoolGap| matches!(gap, PoolGap::Quota { .. });
    assert!(!gaps.iter().any(quota), "{gaps:?}");
}

/// A claim that survives a brick is not shown by one: written off, it is none of the cuts that the claim needs.
#[test]
fn what_is_written_off_fills_no_slot() {
    let after = |judged: usize| {
        let mut told = Told::new(judged);
        for (rig, imei, slots) in [("a", ONE, 0..judged / 2), ("b", OTHER, judged / 2..judged)] {
            told.taken(rig);
            told.says(imei);
            slots.for_each(|slot| told.cut(slot, false));
        }
        told.armed(0);
        told.lost("b", &[0]);
        is_open(&told, "`c0` on `b`");
        told.written_off(0);
        told
    };
    let survives = claim(1);
    let needed = survives.cuts() as usize;
    assert_eq!(after(needed).pool().judge(&survives), Verdict::Pass);
    let short = after(needed - 1).pool();
    assert_eq!(
        short.counted().cuts as usize,
        needed,
        "with the brick they would be enough"
    );
    assert!(
        matches!(short.status(&survives), ClaimStatus::Open { more: 1 }),
        "{short:?}"
    );
}

/// Two suites may have cases of the same name.
#[test]
fn what_is_written_off_is_that_of_one_suite() {
    let mut told = all_but_the_last();
    told.armed(7);
    told.lost("b", &[7]);
    told.fleet(FleetEvent::WrittenOff {
        suite: "other".into(),
        case: "c7".into(),
        note: "gone".into(),
    });
    is_open(&told, "`c7` on `b`");
    assert_eq!(told.pool().counted().bricks, 0);
}

#[test]
fn a_bricked_module_keeps_its_slots() {
    let mut told = Told::new(20);
    told.taken("b");
    told.says(OTHER);
    told.cut(19, true);
    told.taken("a");
    told.says(ONE);
    (0..19).for_each(|slot| told.cut(slot, false));
    let pool = told.pool();
    assert!(
        matches!(pool.status(&claim(1)), ClaimStatus::Open { .. }),
        "{pool:?}"
    );
    assert!(
        pool.sentence(&claim(1))
            .contains("other modules must not make the rest")
    );
}

/// A masked journal hides the end of every IMEI, and cuts of an earlier run keep their module.
#[test]
fn modules_are_told_apart() {
    let mut told = good();
    told.0.on(&Event::Fleet(FleetEvent::Paused {
        why: String::new(),
        cause: PauseCause::default(),
    }));
    told.0
        .on(&Event::Tallied(tallied(9, true, Some(&format!("b/{OTHER}")))));
    let pool = told.pool();
    let counts: Vec<Count> = pool.strata.iter().map(|stratum| stratum.counted).collect();
    assert_eq!(counts.iter().map(|count| count.cuts).collect::<Vec<_>>(), [4, 5]);
    assert_eq!((counts[0].bricks, counts[1].bricks, pool.slots), (0, 1, 9));
}

/// The claim does not count a directed cut. A module that one has bricked is bricked all the same.
#[test]
fn a_directed_cut_bricks_a_module_too() {
    let directed = |told: &mut Told, brick: bool| {
        told.plans(directed("d1"));
        told.taken("b");
        told.says(OTHER);
        if brick {
            let mut cut = tallied(0, true, None);
            cut.case = "d1".into();
            (cut.counts, cut.drawn) = (false, false);
            told.tallied(cut);
        } else {
            told.fleet(FleetEvent::Ordered {
                rig: "b".into(),
                suite: "s".into(),
                case: "d1".into(),
                cut: "start+0ms/power/3s".parse().expect("a cut"),
            });
        }
    };
    let mut told = good();
    directed(&mut told, true);
    let pool = told.pool();
    let modules = pool.modules();
    assert_eq!((modules.bricked, modules.open, modules.of), (1, 0, 2));
    assert!(pool.sentence(&claim(0)).contains("1 of 2 modules bricked"));
    assert_eq!(pool.counted().bricks, 0, "the claim does not count it");
    let mut told = good();
    directed(&mut told, false);
    let pool = told.pool();
    let modules = pool.modules();
    assert_eq!((modules.bricked, modules.open, modules.of), (0, 1, 2));
    assert!(
        pool.sentence(&claim(0))
            .contains("0 of 2 modules bricked and 1 may have")
    );
}

#[test]
fn few_modules_are_said_in_plain_words() {
    let none = Told::new(2).pool().sentence(&claim(0));
    assert!(none.contains("in the modules of this run"), "{none}");
    assert!(
        none.ends_with("; no cut counts yet; no module has a counted cut yet"),
        "{none}"
    );
    let mut told = Told::new(2);
    told.taken("a");
    told.says(ONE);
    told.cut(0, false);
    let one = told.pool().sentence(&claim(0));
    assert!(one.contains("in this one module"), "{one}");
    assert!(
        one.contains("its rate is") && one.contains("0 of 1 module bricked"),
        "{one}"
    );
}

/// What a table of modules says of modules of the type.
#[test]
fn the_module_is_the_unit() {
    for (modules, below) in [(20, "13.9"), (100, "2.9"), (300, "0.9")] {
        let strata = (0..modules).map(|n| stratum(&format!("r{n}"), 10, 0)).collect();
        let pool = PoolTally {
            strata,
            slots: modules * 10,
            unjudged: 0,
            skipped: 0,
            largest_batch: 0,
            is_simulated: false,
            unread: Vec::new(),
            hidden: Vec::new(),
        };
        let confidence = "95%".parse().expect("a rate");
        let bound = pool.modules().bounds(confidence).upper * 100.0;
        assert!(format!("{bound:.4}").starts_with(below), "{bound}");
    }
}

fn stratum(rig: &str, cuts: u32, bricks: u32) -> Stratum {
    Stratum {
        rigs: vec![rig.into()],
        counted: Count {
            cuts,
            bricks,
            failed: bricks,
        },
        slots: cuts,
        ..Stratum::default()
    }
}

/// A batch is handed out whole. If the planner could make none smaller, its module is not above its share for ever.
#[test]
fn a_module_may_have_one_batch_whatever_its_share_is() {
    let shared = |batch: usize| {
        let mut told = Told::new(batch + 5);
        told.queued("s-2", 0..batch);
        for rig in 0..5 {
            told.taken(&format!("r{rig}"));
            told.says(&format!("86772503000001{rig}"));
            told.cut(batch + rig, false);
        }
        told.taken("a");
        told.says(ONE);
        told
    };
    // Six modules, ten slots: the even share is two.
    let mut told = shared(5);
    (0..5).for_each(|slot| told.cut(slot, false));
    assert_eq!(told.pool().largest_batch, 5);
    assert_eq!(told.pool().judge(&claim(0)), Verdict::Pass);
    told.planned(10);
    told.cut(10, false);
    is_open(
        &told,
        "`a` has 6 counted cuts, more than twice its even share (5)",
    );
}

/// Of a claim that survives a brick, a bricked module has its share like the others.
#[test]
fn a_bricked_module_with_its_share_keeps_no_claim_open() {
    let mut told = Told::new(14);
    for (rig, imei, slots) in [("a", ONE, 0..7), ("b", OTHER, 7..14)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, slot == 13));
    }
    assert_eq!(claim(1).cuts(), 14);
    assert_eq!(told.pool().judge(&claim(1)), Verdict::Pass);
}

#[test]
fn what_nothing_can_mend_is_said_at_once() {
    let mut told = Told::new(8);
    told.taken("a");
    told.says(ONE);
    told.cut(0, true);
    // One brick: the others could be good.
    assert_eq!(
        told.pool().status(&claim(0)),
        ClaimStatus::NotShown { survives: 0 }
    );
    assert!(matches!(told.pool().status(&claim(1)), ClaimStatus::Open { .. }));
    told.cut(1, true);
    // Two of two refute it; two of eight do not, and six cuts are not judged yet.
    assert_eq!(claim(2).status(2, 2), ClaimStatus::Refuted);
    assert!(matches!(told.pool().status(&claim(2)), ClaimStatus::Open { .. }));
    (2..4).for_each(|slot| told.cut(slot, true));
    assert_eq!(
        told.pool().status(&claim(3)),
        ClaimStatus::Refuted,
        "four of eight at best"
    );
}

/// All that is hidden of an IMEI is its end; the rig tells two modules apart.
#[test]
fn masked_modules_are_told_apart() {
    let mut told = Told::new(8);
    for (rig, slots) in [("a", 0..4), ("b", 4..8)] {
        told.taken(rig);
        told.says("86772503*******");
        slots.for_each(|slot| told.cut(slot, false));
    }
    let pool = told.pool();
    assert_eq!((pool.strata.len(), pool.modules().of), (2, 2));
}

/// Every cut was made in earlier runs: no rig gets a batch, and the claim is judged by its modules all the same.
#[test]
fn a_run_that_hands_out_nothing_judges_by_modules() {
    let judged = |lost: bool| {
        let mut fold = RunFold::default();
        let planned = part_of_campaign("claim", Role::Claim(claim(0)));
        let mut events = vec![Event::CasePlanned {
            case: Box::new(planned),
            skip: None,
        }];
        for slot in 0..8 {
            let module = if slot < 4 { "a/1" } else { "b/2" };
            events.push(Event::Tallied(tallied(slot, false, Some(module))));
        }
        if lost {
            events.push(Event::Tallied(unjudged(7, Some("c/3"))));
        }
        events.push(Event::CaseStarted {
            id: "claim".into(),
            suite: "s".into(),
        });
        for (n, event) in events.iter().enumerate() {
            fold.on(EventId(n as u64), event);
        }
        fold.settled().verdict
    };
    assert_eq!(judged(false), Verdict::Pass);
    let open = judged(true);
    assert_eq!(open.finding().map(|finding| finding.rule), Some(Rule::ClaimOpen));
}

/// The figures that every text on zero-failure plans has.
#[test]
fn known_bounds() {
    for (cuts, below) in [
        (299, "below 0.997%"),
        (300, "below 0.994%"),
        (100, "below 2.952%"),
        (20, "below 13.911%"),
    ] {
        let bounds = stratum("a", cuts, 0).bounds("95%".parse().expect("a rate"));
        assert_eq!(bounds.below(), below, "{cuts}");
    }
}
