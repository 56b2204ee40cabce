//! Masked runs: a module that took the place of another one on its rig is not the same one.

use super::told::{ONE, OTHER, THIRD, Told, all_but_the_last, claim, is_open, is_shown, tallied};
use dfota_core::campaign::Tallied;
use dfota_core::event::{Event, RunStarted};
use dfota_core::pool_fold::PoolFold;
use rstest::rstest;

const HIDDEN: &str = "`--mask` hides which module made which cuts where one rig had several: a; run the campaign again without `--mask`";

/// The beginning of a masked run with eight slots: of its journal as it is written, or as it is read.
fn masked(rigs: &[&str], mut fold: PoolFold) -> Told {
    let mut started = RunStarted {
        masked: true,
        ..RunStarted::default()
    };
    started.rig.file.name = "a".into();
    started.rigs = rigs.iter().map(|_| started.rig.clone()).collect();
    fold.on(&Event::RunStarted(Box::new(started)));
    let mut told = Told(fold);
    (0..8).for_each(|slot| told.planned(slot));
    told
}

fn hide(imei: &str) -> String {
    format!("{}*******", &imei[..8])
}

/// Two modules on `a`, one after the other.
fn swapped(told: &mut Told, as_read: bool) {
    let name = |imei: &str| if as_read { hide(imei) } else { imei.to_owned() };
    for (imei, slots) in [(ONE, 0..4), (OTHER, 4..8)] {
        told.taken("a");
        told.says_any(&name(imei));
        slots.for_each(|slot| told.cut(slot, false));
        told.closed("a");
    }
}

#[rstest]
#[case::as_it_is_written(false)]
#[case::as_it_is_read(true)]
fn a_module_that_was_swapped_within_the_run_leaves_the_claim_open(#[case] as_read: bool) {
    let mut full = masked(&["a", "b"], PoolFold::in_full());
    swapped(&mut full, false);
    assert_eq!(full.0.modules_to_hide(), ["a"]);
    let mut told = masked(&["a", "b"], PoolFold::default());
    swapped(&mut told, as_read);
    is_shown(&told);
    told.0.on(&Event::ModulesHidden {
        rigs: full.0.modules_to_hide(),
    });
    is_open(&told, HIDDEN);
    assert!(!told.pool().is_stuck(&claim(0)), "a run without a mask judges it");
}

/// On one rig, too: an earlier run had another module there.
#[rstest]
#[case::as_it_is_written(false)]
#[case::as_it_is_read(true)]
fn a_module_that_was_swapped_between_runs_leaves_the_claim_open(#[case] as_read: bool) {
    let name = |imei: &str| if as_read { hide(imei) } else { imei.to_owned() };
    let mut told = masked(&[], PoolFold::default());
    for slot in 0..4 {
        let earlier = format!("a/{}", name(ONE));
        told.tallied(tallied(slot, false, Some(&earlier)));
    }
    told.says_any(&name(OTHER));
    (4..8).for_each(|slot| told.cut(slot, false));
    assert!(!told.0.is_pooled("s", "c"), "the mask makes one of them");
    assert_eq!(told.0.modules_to_hide().len(), usize::from(!as_read));
    told.0.on(&Event::ModulesHidden {
        rigs: vec!["a".into()],
    });
    assert!(told.0.is_pooled("s", "c"));
    is_open(&told, HIDDEN);
    let present = told.0.present_module().expect("it spoke");
    assert_eq!(
        present,
        format!("a/{}", name(OTHER)),
        "later runs have the full name"
    );
}

/// As long as each rig keeps its module, the mask hides nothing.
#[test]
fn one_module_on_each_rig_is_told_apart() {
    let mut told = masked(&["a", "b"], PoolFold::default());
    for (rig, imei, slots) in [("a", ONE, 0..4), ("b", OTHER, 4..8)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, false));
    }
    assert!(told.0.modules_to_hide().is_empty());
    is_shown(&told);
    assert_eq!(told.pool().modules().of, 2);
}

/// A run without a mask tells modules apart, and hides nothing.
#[test]
fn a_run_without_a_mask_hides_nothing() {
    let mut told = all_but_the_last();
    told.taken("b");
    told.says(THIRD);
    told.tallied(Tallied {
        run: Some("before".into()),
        ..tallied(7, false, Some("a/867725030000009"))
    });
    assert!(told.0.modules_to_hide().is_empty());
}
