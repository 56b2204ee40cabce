//! A claim over several runs, whose rigs may differ: what is judged by module, and what is known of modules that are not there.

use super::told::{ONE, OTHER, THIRD, Told, claim, is_open, is_shown, tallied, unjudged};
use dfota_core::campaign::Tallied;
use dfota_core::claim::ClaimStatus;
use dfota_core::event::{Event, RunStarted};
use dfota_core::pool::PoolTally;
use dfota_core::pool_fold::PoolFold;
use rstest::rstest;

/// A run on one rig, as its journal begins.
fn alone(rig: &str, simulated: bool) -> Told {
    let mut started = RunStarted::default();
    started.rig.file.name = rig.into();
    started.rig.simulated = simulated;
    let mut told = Told(PoolFold::default());
    told.0.on(&Event::RunStarted(Box::new(started)));
    told
}

fn module(rig: &str, imei: &str) -> String {
    format!("{rig}/{imei}")
}

/// A cut of an earlier run.
fn earlier(run: &str, slot: usize, module: &str) -> Tallied {
    Tallied {
        run: Some(run.into()),
        ..tallied(slot, false, Some(module))
    }
}

#[rstest]
#[case::the_same_module("a", ONE, false, false)]
#[case::another_rig("b", ONE, false, true)]
#[case::another_module_on_the_rig("a", OTHER, false, true)]
#[case::a_simulated_one_is_another_in_each_run("a", OTHER, true, false)]
#[case::a_simulated_one_on_another_rig("b", OTHER, true, true)]
#[case::one_that_did_not_say_its_imei("a", "", false, false)]
fn one_rig_is_judged_by_module_where_another_one_made_cuts(
    #[case] rig: &str,
    #[case] imei: &str,
    #[case] simulated: bool,
    #[case] pooled: bool,
) {
    let mut told = alone("a", simulated);
    told.says(ONE);
    assert!(!told.0.is_pooled("s", "c"), "nothing is known yet");
    told.tallied(earlier("before", 0, &module(rig, imei)));
    assert_eq!(told.0.is_pooled("s", "c"), pooled);
    assert!(!told.0.is_pooled("s", "another"), "that is another campaign");
}

#[test]
fn two_modules_of_earlier_runs_are_two_before_the_present_one_is_heard() {
    let mut told = alone("a", false);
    told.tallied(earlier("first", 0, &module("a", ONE)));
    assert!(!told.0.is_pooled("s", "c"));
    told.tallied(earlier("second", 1, &module("a", OTHER)));
    assert!(told.0.is_pooled("s", "c"));
}

/// Cuts by run and module, and what the strata have to be: rig, cuts, and how many of them each earlier run made.
#[test]
fn each_slot_counts_once_and_each_stratum_names_its_runs() {
    let mut told = alone("c", false);
    (3..8).for_each(|slot| told.planned(slot));
    told.says(THIRD);
    told.tallied(earlier("first", 0, &module("a", ONE)));
    told.tallied(earlier("first", 1, &module("b", OTHER)));
    told.tallied(earlier("second", 2, &module("b", OTHER)));
    (3..7).for_each(|slot| told.cut(slot, false));
    is_open(&told, "1 of 8 slots not judged");
    told.cut(7, false);
    is_shown(&told);
    let pool = told.pool();
    let strata: Vec<_> = pool
        .strata
        .iter()
        .map(|stratum| {
            let runs: Vec<(&str, u32)> = stratum
                .earlier
                .iter()
                .map(|(run, cuts)| (run.as_str(), *cuts))
                .collect();
            (stratum.name(), stratum.counted.cuts, runs)
        })
        .collect();
    assert_eq!(
        strata,
        [
            ("c".into(), 5, vec![]),
            ("a".into(), 1, vec![("first", 1)]),
            ("b".into(), 2, vec![("first", 1), ("second", 1)]),
        ]
    );
    assert!(pool.sentence(&claim(0)).contains("in these 3 modules"));
}

/// Eight slots, of which this run, on `b` alone, has made the last four.
fn second_night(before: impl Fn(&mut Told)) -> Told {
    let mut told = alone("b", false);
    (4..8).for_each(|slot| told.planned(slot));
    (0..4).for_each(|slot| told.tallied(earlier("first", slot, &module("a", ONE))));
    before(&mut told);
    told.says(OTHER);
    (4..8).for_each(|slot| told.cut(slot, false));
    told
}

#[test]
fn a_cut_that_another_module_makes_again_hides_nothing() {
    is_shown(&second_night(|_| {}));
    let told = second_night(|told| told.tallied(unjudged(4, Some(&module("a", ONE)))));
    is_open(&told, "`c4` on `a`");
    assert_eq!(told.0.closed_earlier(), [], "nobody has heard of `a`");
}

#[test]
fn a_later_run_does_not_wait_for_a_module_that_is_known_to_live() {
    let mut third = alone("a", false);
    (0..8).for_each(|slot| third.tallied(earlier("second", slot, &module("b", OTHER))));
    third.tallied(unjudged(4, Some(&module("a", ONE))));
    third.says(ONE);
    is_open(&third, "`c4` on `a`");
    assert_eq!(third.0.closed_earlier(), []);
    third.takes_a_delta();
    is_shown(&third);
    let closed = third.0.closed_earlier();
    let [closed] = &closed[..] else {
        panic!("{closed:?}")
    };
    assert_eq!((&*closed.case, &*closed.module), ("c4", &*module("a", ONE)));
}

#[test]
fn a_brick_that_is_found_later_is_no_closed_attempt() {
    let mut told = alone("a", false);
    told.tallied(earlier("first", 0, &module("b", OTHER)));
    told.tallied(unjudged(1, Some(&module("a", ONE))));
    told.reflashed(ONE);
    told.takes_a_delta();
    assert_eq!(told.0.closed_earlier(), []);
    let left = told.0.left_over();
    let [brick] = &left[..] else { panic!("{left:?}") };
    assert!(brick.brick && brick.case == "c1", "{brick:?}");
}

#[test]
fn a_module_that_was_moved_to_another_rig_is_one_module() {
    let mut told = alone("c", false);
    told.says(THIRD);
    (0..4).for_each(|slot| told.tallied(earlier("first", slot, &module("a", ONE))));
    (4..8).for_each(|slot| told.tallied(earlier("second", slot, &module("b", ONE))));
    let pool = told.pool();
    assert_eq!((pool.modules().bricked, pool.modules().of), (0, 1));
    // What simulates two of them gives both the IMEI of its seed.
    let simulated = PoolTally {
        is_simulated: true,
        ..pool
    };
    assert_eq!(simulated.modules().of, 2);
}

/// One module has seven of eight cuts, and a third of the modules: no later run can mend that.
#[test]
fn a_claim_that_no_further_cut_can_decide_ends() {
    let mut told = alone("c", false);
    (0..6).for_each(|slot| told.tallied(earlier("first", slot, &module("a", ONE))));
    told.tallied(earlier("second", 6, &module("b", OTHER)));
    told.planned(7);
    told.says(THIRD);
    assert!(!told.pool().is_stuck(&claim(0)), "a slot is left");
    told.cut(7, false);
    is_shown(&told);
    assert!(!told.pool().is_stuck(&claim(0)));

    let mut told = alone("c", false);
    (0..7).for_each(|slot| told.tallied(earlier("first", slot, &module("a", ONE))));
    told.tallied(earlier("second", 7, &module("b", OTHER)));
    told.tallied(earlier("second", 8, &module("d", THIRD)));
    is_open(
        &told,
        "`a` has 7 counted cuts, more than twice its even share (6)",
    );
    assert!(told.pool().is_stuck(&claim(0)));
    told.tallied(unjudged(9, Some(&module("b", OTHER))));
    assert!(!told.pool().is_stuck(&claim(0)), "an attempt is waited for");
    assert!(matches!(told.pool().status(&claim(0)), ClaimStatus::Open { .. }));
}
