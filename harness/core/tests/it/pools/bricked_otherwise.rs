//! Modules that something else than a cut of the claim has bricked, or may have bricked: the others must not make their cuts.

use super::told::{
    ONE, OTHER, THIRD, Told, claim, directed, is_open, is_shown, part_of_campaign, tallied, unjudged,
};
use dfota_core::campaign::{Role, Tallied};
use dfota_core::claim::ClaimStatus;
use dfota_core::event::fleet::FleetEvent;
use rstest::rstest;

const KEEPS: &str =
    "bricked and has 0 counted cuts, less than its even share (2): other modules must not make the rest";

/// Eight slots, a directed cut and a control, for three rigs.
fn planned() -> Told {
    let mut told = Told::new(8);
    told.plans(directed("d1"));
    told.plans(part_of_campaign("control", Role::Control));
    told.queued_for("s-2", 0..8, &["a", "b", "c"]);
    told
}

/// Two modules make all cuts of the claim.
fn survivors_make_all(told: &mut Told) {
    for (rig, imei, slots) in [("a", ONE, 0..4), ("b", OTHER, 4..8)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, false));
    }
}

fn directed_brick(module: Option<&str>) -> Tallied {
    Tallied {
        case: "d1".into(),
        counts: false,
        drawn: false,
        ..tallied(0, true, module)
    }
}

#[rstest]
#[case::a_directed_cut(|told: &mut Told| {
    told.bricked_by("s", "d1");
    told.tallied(directed_brick(None));
})]
#[case::a_control(|told: &mut Told| told.bricked_by("s", "control"))]
#[case::a_cut_of_the_claim_that_was_not_made(|told: &mut Told| told.bricked_by("s", "c7"))]
#[case::a_case_of_another_suite(|told: &mut Told| told.bricked_by("other", "x"))]
fn whatever_bricks_a_module_its_slots_stay_with_it(#[case] brick: fn(&mut Told)) {
    let mut told = planned();
    told.taken("c");
    told.says(THIRD);
    brick(&mut told);
    survivors_make_all(&mut told);
    is_open(&told, KEEPS);
    let pool = told.pool();
    assert!(pool.is_stuck(&claim(0)), "no later cut mends that");
    assert_eq!((pool.modules().bricked, pool.modules().of), (1, 3));
    assert_eq!(pool.counted().bricks, 0, "it was no draw of the claim");
    let sentence = pool.sentence(&claim(0));
    assert!(
        sentence.contains("the claim that in these 2 modules "),
        "{sentence}"
    );
    assert!(sentence.contains("1 of 3 modules bricked"), "{sentence}");
}

/// A later run, without the rig of that module.
#[test]
fn a_later_run_knows_of_it() {
    let mut told = planned();
    told.tallied(directed_brick(Some(&format!("c/{THIRD}"))));
    survivors_make_all(&mut told);
    is_open(&told, KEEPS);
}

/// Nor does it forget a module that something else than a cut bricked.
#[rstest]
#[case::a_control("s", "control", "control")]
#[case::a_case_of_another_suite("other", "x", "other::x")]
fn a_later_run_knows_of_a_brick_without_a_cut(#[case] suite: &str, #[case] case: &str, #[case] kept: &str) {
    let mut told = planned();
    told.taken("c");
    told.says(THIRD);
    told.bricked_by(suite, case);
    let left = told.0.left_over();
    let [brick] = &left[..] else { panic!("{left:?}") };
    assert_eq!((brick.case.as_str(), &brick.cut), (kept, &None));
    assert_eq!(brick.module.as_deref(), Some(&*format!("c/{THIRD}")));

    let mut later = planned();
    later.tallied(Tallied {
        run: Some("before".into()),
        ..brick.clone()
    });
    survivors_make_all(&mut later);
    is_open(&later, KEEPS);
}

/// Its rig was lost before anybody heard of a cut, and may have made one all the same.
#[test]
fn a_later_run_knows_of_a_cut_that_nobody_heard_of() {
    let mut told = planned();
    told.taken("c");
    told.says(THIRD);
    told.lost("c", &[7]);
    let left = told.0.left_over();
    let [open] = &left[..] else { panic!("{left:?}") };
    assert!(open.unjudged && open.drawn && open.cut.is_none(), "{open:?}");

    let mut later = planned();
    later.tallied(Tallied {
        run: Some("before".into()),
        ..open.clone()
    });
    survivors_make_all(&mut later);
    is_open(
        &later,
        "cuts that were ordered, or may have been, and have no verdict: `c7` on `c`",
    );
    later.taken("c");
    later.says(THIRD);
    later.takes_a_delta();
    is_shown(&later);
}

/// The module had made its cuts before, or makes them after it was reflashed.
#[test]
fn a_module_with_its_share_keeps_no_claim_open() {
    let mut told = planned();
    told.taken("c");
    told.says(THIRD);
    told.bricked_by("s", "control");
    told.reflashed(THIRD);
    (0..2).for_each(|slot| told.cut(slot, false));
    for (rig, imei, slots) in [("a", ONE, 2..5), ("b", OTHER, 5..8)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, false));
    }
    is_shown(&told);
}

/// A rig that makes no cuts of the claim has no share of it.
#[test]
fn a_module_that_has_no_part_in_the_claim_does_not_matter() {
    let mut told = planned();
    told.taken("x");
    told.says(THIRD);
    told.bricked_by("other", "x");
    survivors_make_all(&mut told);
    is_shown(&told);
}

/// A cut of the claim that bricked a module is one brick, by its tally.
#[test]
fn a_brick_that_counts_is_none_that_does_not_count() {
    let mut told = planned();
    told.taken("c");
    told.says(THIRD);
    told.bricked_by("s", "c7");
    told.tallied(tallied(7, true, None));
    let pool = told.pool();
    assert_eq!((pool.counted().bricks, pool.strata[0].uncounted_bricks), (1, 0));
}

/// Nobody knows what a directed cut of this run, or of an earlier one, did to a module, and it makes no cut of the claim after it.
#[rstest]
#[case::of_this_run(|told: &mut Told| {
    told.taken("c");
    told.says(THIRD);
    told.fleet(FleetEvent::Ordered {
        rig: "c".into(),
        suite: "s".into(),
        case: "d1".into(),
        cut: directed_brick(None).cut.expect("a cut"),
    });
})]
#[case::of_an_earlier_run(|told: &mut Told| {
    told.tallied(Tallied {
        case: "d1".into(),
        drawn: false,
        ..unjudged(0, Some(&format!("c/{THIRD}")))
    });
})]
fn a_module_that_may_be_bricked_keeps_its_slots(#[case] order: fn(&mut Told)) {
    let mut told = planned();
    order(&mut told);
    survivors_make_all(&mut told);
    let open = told.0.open_cuts();
    assert_eq!(open.len(), 1, "it can be written off: {open:?}");
    let brick = open[0].as_brick();
    assert!(brick.brick && !brick.counts && !brick.drawn, "{brick:?}");
    is_open(
        &told,
        "cuts that were ordered, or may have been, and have no verdict: `d1` on `c`",
    );
    assert!(!told.pool().is_stuck(&claim(0)), "its module may be heard again");
    told.taken("c");
    told.says(THIRD);
    told.takes_a_delta();
    assert_eq!(told.pool().status(&claim(0)), ClaimStatus::Shown);
}

/// One module makes all cuts of the claim; another one had a directed cut alone, and a third one was only heard.
#[test]
fn the_claim_is_about_modules_that_its_cuts_were_made_on() {
    let mut told = planned();
    for (rig, imei) in [("b", OTHER), ("c", THIRD)] {
        told.taken(rig);
        told.says(imei);
    }
    told.begun(1);
    told.tallied(directed_brick(None));
    told.taken("a");
    told.says(ONE);
    told.cut(0, false);
    let sentence = told.pool().sentence(&claim(0));
    assert!(
        sentence.contains("the claim that in this one module "),
        "{sentence}"
    );
    assert!(sentence.contains("confidence its rate is "), "{sentence}");
}
