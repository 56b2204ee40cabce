//! Attempts that were lost: none hides a brick, and none keeps a claim open once its module has lived through it.

use super::told::{
    ONE, OTHER, THIRD, Told, all_but_the_last, good, is_bricked, is_open, is_shown, rig_failed, tallied,
    unjudged,
};
use dfota_core::campaign::Tallied;
use dfota_core::outcome::Outcome;
use dfota_core::update::Phase;
use dfota_core::verdict::Verdict;

/// `b` is lost after its cut had been ordered, and `a` makes the same cut well.
fn redone() -> Told {
    let mut told = all_but_the_last();
    told.armed(7);
    told.lost("b", &[7]);
    told.taken("a");
    told.says(ONE);
    told.cut(7, false);
    told
}

#[test]
fn a_redo_hides_no_brick() {
    let mut told = redone();
    is_open(&told, "`c7` on `b`");
    // Whatever another module on that rig does, and the same module on another rig is not heard of.
    for (rig, imei) in [("b", THIRD), ("c", OTHER)] {
        told.taken(rig);
        told.says(imei);
        told.takes_a_delta();
        is_open(&told, "`c7` on `b`");
    }
    told.taken("b");
    told.says(OTHER);
    told.takes_a_delta();
    is_shown(&told);
}

/// A corrupt module says its version all the same: it refuses the next delta.
#[test]
fn a_module_that_only_answers_has_not_lived_through_it() {
    let mut told = redone();
    told.taken("b");
    told.says(OTHER);
    is_open(&told, "`c7` on `b`");
    told.cut(8, false);
    is_shown(&told);
}

/// Before the reflashed module is said to be back, it says who it is.
#[test]
fn a_module_that_had_to_be_reflashed_was_bricked() {
    let mut told = redone();
    told.taken("b");
    told.reflashed(OTHER);
    is_bricked(&told, 1);
    told.takes_a_delta();
    is_bricked(&told, 1);
    // Nor does it brick again by being reflashed again.
    told.reflashed(OTHER);
    is_bricked(&told, 1);
}

#[test]
fn another_module_that_is_reflashed_on_that_rig_is_no_brick_of_it() {
    let mut told = redone();
    told.taken("b");
    told.reflashed(THIRD);
    is_open(&told, "`c7` on `b`");
    assert_eq!(told.pool().counted().bricks, 0);
}

#[test]
fn an_attempt_that_was_lost_before_its_cut_was_ordered_is_none() {
    let mut told = all_but_the_last();
    told.begun(7);
    told.lost("b", &[]);
    told.taken("a");
    told.cut(7, false);
    is_shown(&told);
}

#[test]
fn a_cut_that_missed_its_moment_is_none() {
    let mut told = all_but_the_last();
    told.armed(7);
    told.missed();
    told.ended(7, rig_failed(), None);
    told.lost("b", &[]);
    told.taken("a");
    told.cut(7, false);
    is_shown(&told);
}

/// The last lines of the journal are torn: the parent was told of the cut.
#[test]
fn what_the_parent_was_told_counts_where_the_journal_of_the_part_is_not_there() {
    let mut told = all_but_the_last();
    told.ordered("b", 7);
    told.lost("b", &[]);
    told.taken("a");
    told.cut(7, false);
    is_open(&told, "`c7` on `b`");
}

#[test]
fn what_the_parent_was_told_is_known_by_the_journal_of_the_part() {
    let mut told = all_but_the_last();
    told.armed(7);
    told.made();
    told.tallied(tallied(7, false, None));
    told.ended(7, Verdict::Pass, Some(Outcome::New));
    told.ordered("b", 7);
    told.closed("b");
    is_shown(&told);
    // A second try of which the journal says nothing.
    told.ordered("b", 7);
    is_open(&told, "`c7` on `b`");
}

#[test]
fn two_lost_attempts_of_one_case_are_two() {
    let mut told = all_but_the_last();
    told.armed(7);
    told.lost("b", &[7]);
    told.taken("c");
    told.says(THIRD);
    told.armed(7);
    told.lost("c", &[7]);
    told.taken("a");
    told.cut(7, false);
    is_open(&told, "`c7` on `b`, `c7` on `c`");
    told.taken("b");
    told.says(OTHER);
    told.takes_a_delta();
    is_open(&told, "`c7` on `c`");
    told.taken("c");
    told.says(THIRD);
    told.takes_a_delta();
    is_shown(&told);
}

/// The cut passed, and its image is corrupt: the next case begins, the delta is refused, and the program is killed.
#[test]
fn a_cut_that_nothing_has_proven_is_open_when_its_rig_is_lost() {
    let lost = |next_is_patched: bool| {
        let mut told = Told::new(8);
        told.taken("b");
        told.says(OTHER);
        (4..7).for_each(|slot| told.cut(slot, false));
        told.passed(7);
        told.armed(8);
        if next_is_patched {
            told.made();
        }
        told.lost("b", &[8]);
        told.taken("a");
        told.says(ONE);
        for slot in [0, 1, 2, 3, 7] {
            told.cut(slot, false);
        }
        told
    };
    is_open(&lost(false), "`c7` on `b`");
    // The module found its image to be what the next delta is for.
    is_shown(&lost(true));
    let mut told = lost(false);
    told.taken("b");
    told.says(OTHER);
    told.takes_a_delta();
    is_shown(&told);
}

/// The control was not run, or told nothing.
#[test]
fn a_cut_that_nothing_has_proven_is_open_when_its_batch_is_over() {
    let mut told = all_but_the_last();
    told.passed(7);
    told.closed("b");
    is_open(&told, "`c7` on `b`");
    assert_eq!(told.pool().unjudged, 1);
}

/// The rig fails between the cut and the questions; the case ends, and another rig runs it again.
#[test]
fn a_cut_whose_module_was_not_asked_is_open_although_its_case_ended() {
    let ended = |told: &mut Told| told.ended(7, rig_failed(), None);
    for tells in [
        (|told: &mut Told| told.tallied(unjudged(7, None))) as fn(&mut Told),
        |_| {},
    ] {
        let mut told = all_but_the_last();
        told.armed(7);
        told.made_at(Phase::Ordered);
        tells(&mut told);
        ended(&mut told);
        told.lost("b", &[]);
        told.taken("a");
        told.cut(7, false);
        is_open(&told, "`c7` on `b`");
    }
}

/// A second try on the same module tells what the first one did.
#[test]
fn a_further_try_tells_what_the_one_before_did() {
    let mut told = all_but_the_last();
    told.armed(7);
    told.made_at(Phase::Ordered);
    told.try_ended(7, None);
    is_open(&told, "`c7` on `b`");
    told.says(OTHER);
    told.made();
    told.ended(7, Verdict::Pass, Some(Outcome::NewAfterResume));
    told.takes_a_delta();
    told.tallied(tallied(7, false, None));
    told.closed("b");
    is_shown(&told);
}

/// The program is killed between the tally of a brick and the end of its case, and another module passes the case.
#[test]
fn a_brick_stays_one_when_another_module_passes_the_case() {
    let mut told = all_but_the_last();
    told.armed(7);
    told.made();
    told.tallied(tallied(7, true, None));
    told.lost("b", &[7]);
    told.taken("a");
    told.cut(7, false);
    is_bricked(&told, 1);
    assert_eq!(told.pool().counted().cuts, 8, "one for each slot");
    // It is known why the module has to be reflashed.
    told.taken("b");
    told.reflashed(OTHER);
    is_bricked(&told, 1);
}

/// A later case of the same batch may find that the image was corrupt.
#[test]
fn a_module_may_revise_what_was_tallied_for_it() {
    let mut told = good();
    told.begun(8);
    told.tallied(tallied(7, true, None));
    is_bricked(&told, 1);
    told.reflashed(OTHER);
    is_bricked(&told, 1);
}

/// The rig that makes the cut again cannot make one as short: no attempt is forgotten.
#[test]
fn a_slot_that_is_taken_out_keeps_its_attempts() {
    let skip = || Verdict::Skip {
        reason: "too short for this rig".into(),
    };
    let mut told = Told::new(9);
    told.taken("b");
    told.says(OTHER);
    (4..8).for_each(|slot| told.cut(slot, false));
    told.armed(8);
    told.lost("b", &[8]);
    told.taken("a");
    told.says(ONE);
    (0..4).for_each(|slot| told.cut(slot, false));
    told.begun(8);
    told.ended(8, skip(), None);
    is_open(&told, "`c8` on `b`");
    told.written_off(8);
    is_bricked(&told, 1);
}

#[test]
fn what_is_written_off_is_a_brick() {
    let mut told = redone();
    told.written_off(7);
    is_bricked(&told, 1);
    // Twice is once, and what the module does later changes nothing.
    told.written_off(7);
    told.taken("b");
    told.says(OTHER);
    told.takes_a_delta();
    is_bricked(&told, 1);
}

/// Whoever decides about an attempt is shown it, until it is decided.
#[test]
fn open_cuts_are_listed_until_they_are_closed() {
    let open = |told: &Told| -> Vec<String> {
        let cuts = told.0.open_cuts().into_iter();
        cuts.map(|cut| format!("{}::{} on {}", cut.suite, cut.case, cut.rig()))
            .collect()
    };
    let mut told = redone();
    assert_eq!(open(&told), ["s::c7 on b"]);
    let brick = told.0.open_cuts()[0].as_brick();
    assert!(brick.brick && brick.settled && brick.counts && !brick.unjudged);
    assert!(!told.0.is_brick_without_verdict("s", "c7"));
    told.written_off(7);
    assert_eq!(open(&told), [""; 0]);
    assert!(told.0.is_brick_without_verdict("s", "c7"));
    assert!(!told.0.is_brick_without_verdict("other", "c7"));
    assert_eq!(told.0.left_over(), [brick]);
    let mut told = redone();
    told.taken("b");
    told.says(OTHER);
    told.takes_a_delta();
    assert_eq!(open(&told), [""; 0]);
    // An earlier run's.
    let mut told = Told::new(8);
    told.tallied(unjudged(7, Some(&format!("b/{OTHER}"))));
    assert_eq!(open(&told), ["s::c7 on b"]);
}

/// Who writes it off knows more than the journals.
#[test]
fn what_is_written_off_is_a_brick_also_where_no_attempt_is_known() {
    let mut told = good();
    told.written_off(7);
    is_bricked(&told, 1);
}

/// The parent was killed: its journal does not say what became of the part.
#[test]
fn a_part_without_an_end_keeps_its_attempt_open() {
    let mut told = all_but_the_last();
    told.armed(7);
    is_open(&told, "`c7` on `b`");
    told.taken("a");
    told.cut(7, false);
    is_open(&told, "`c7` on `b`");
}

/// The next night must not forget it: another rig may have made the cut again, and the module may be dead since.
#[test]
fn an_earlier_run_hides_no_brick_either() {
    let module = format!("b/{OTHER}");
    let begun = || {
        let mut told = Told::new(0);
        (0..8).for_each(|slot| told.tallied(tallied(slot, false, Some("a/1"))));
        told.tallied(unjudged(7, Some(&module)));
        is_open(&told, "`c7` on `b`");
        told.taken("b");
        told
    };
    let mut told = begun();
    told.says(THIRD);
    told.takes_a_delta();
    is_open(&told, "`c7` on `b`");
    let mut told = begun();
    told.says(OTHER);
    told.takes_a_delta();
    is_shown(&told);
    let mut told = begun();
    told.reflashed(OTHER);
    is_bricked(&told, 1);
}

/// Of two attempts on one module, the last one bricked it. What the first one did is not known any more.
#[test]
fn one_reflash_is_one_brick() {
    let mut told = all_but_the_last();
    told.passed(7);
    told.armed(6);
    told.lost("b", &[6]);
    told.taken("b");
    told.reflashed(OTHER);
    let pool = told.pool();
    assert_eq!(pool.counted().bricks, 1, "{pool:?}");
    told.takes_a_delta();
    let open: Vec<String> = told
        .pool()
        .strata
        .into_iter()
        .flat_map(|stratum| stratum.open)
        .collect();
    assert_eq!(open, ["c7"], "the delta was taken by another image");
}

/// The next case had begun its own update when the module died: the cut before need not be the cause. It stays open.
#[test]
fn a_reflash_that_another_case_explains_is_no_brick_of_a_cut_before() {
    let mut told = all_but_the_last();
    told.passed(7);
    told.armed(8);
    told.missed();
    told.ended(8, rig_failed(), Some(Outcome::Unresponsive));
    told.reflashed(OTHER);
    is_open(&told, "`c7` on `b`");
    assert_eq!(told.pool().counted().bricks, 0);
    told.takes_a_delta();
    is_open(&told, "`c7` on `b`");
    // Dead before anything was done to it: it was the cut.
    let mut told = all_but_the_last();
    told.passed(7);
    told.begun(8);
    told.ended(8, rig_failed(), Some(Outcome::Unresponsive));
    told.reflashed(OTHER);
    is_bricked(&told, 1);
}

/// While a cut has no verdict, every figure holds whatever it did.
#[test]
fn figures_hold_whatever_an_open_attempt_did() {
    let pool = redone().pool();
    let confidence = "80%".parse().expect("a rate");
    let worst = dfota_core::claim::Bounds::new(1, 9, confidence);
    assert_eq!(pool.bounds(confidence).upper, worst.upper);
    assert_eq!(pool.bounds(confidence).lower, 0.0);
    let modules = pool.modules();
    assert_eq!((modules.bricked, modules.open, modules.of), (0, 1, 2));
    let worst = dfota_core::claim::Bounds::new(1, 2, confidence);
    assert_eq!(modules.bounds(confidence).upper, worst.upper);
    assert!(
        modules
            .sentence(confidence)
            .contains("0 of 2 modules bricked and 1 may have")
    );
}

/// What a run leaves over, as the next one is told it.
fn next_night(before: &Told) -> Told {
    let mut told = Told::new(0);
    (0..8).for_each(|slot| told.tallied(tallied(slot, false, Some("a/1"))));
    for left in before.0.left_over() {
        told.tallied(Tallied {
            run: Some("before".into()),
            ..left
        });
    }
    told
}

#[test]
fn the_next_run_is_told_what_is_open() {
    // An armed cut, and one that nothing has proven.
    let mut unproven = all_but_the_last();
    unproven.passed(7);
    unproven.closed("b");
    for left in [redone(), unproven] {
        let mut told = next_night(&left);
        is_open(&told, "`c7` on `b`");
        assert_eq!(told.0.left_over(), [], "it is told once");
        told.taken("b");
        told.says(OTHER);
        told.takes_a_delta();
        is_shown(&told);
    }
    assert_eq!(good().0.left_over(), []);
}

#[test]
fn the_next_run_is_told_what_turned_out_to_be_a_brick() {
    let mut told = next_night(&redone());
    told.taken("b");
    told.reflashed(OTHER);
    told.takes_a_delta();
    told.closed("b");
    // Both lines: that it was open, and that it was a brick.
    let mut third = Told::new(0);
    (0..8).for_each(|slot| third.tallied(tallied(slot, false, Some("a/1"))));
    third.tallied(unjudged(7, Some(&format!("b/{OTHER}"))));
    for left in told.0.left_over() {
        third.tallied(Tallied {
            run: Some("second".into()),
            ..left
        });
    }
    is_bricked(&third, 1);
    third.taken("b");
    third.says(OTHER);
    third.takes_a_delta();
    is_bricked(&third, 1);
    assert!(third.pool().strata.iter().all(|stratum| stratum.open.is_empty()));
}

/// What was not heard is not evidence: not that a module lived through its cuts, nor that none of them bricked it.
#[test]
fn a_part_that_is_missing_leaves_the_claim_open() {
    let mut told = good();
    is_shown(&told);
    told.taken("c");
    told.unread("c");
    is_open(
        &told,
        "parts of the journal that are missing or were changed: rigs/c/s-1",
    );
    // The parent knows what was ordered in it. That the module goes on later shows nothing: it may have been reflashed.
    let mut told = all_but_the_last();
    told.unread("b");
    told.ordered("b", 7);
    told.closed("b");
    told.taken("b");
    told.says(OTHER);
    told.cut(7, false);
    told.takes_a_delta();
    is_open(&told, "`c7` on `b`");
    assert_eq!(told.pool().modules().open, 1);
}
