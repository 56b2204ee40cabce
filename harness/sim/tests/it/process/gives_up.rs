//! Bootloaders that end an update in other ways than by its end: the old version is back, or nobody asked for what comes.

use crate::process::rig::{FORWARD, Rig, contains, lacks};

/// Slow enough that a cut meets the update on a busy machine too.
const AIMABLE: &str = "100";

fn updating(defect: &str) -> Rig {
    let mut rig = Rig::powered(AIMABLE, &["--defect", defect]);
    rig.settle();
    order(&mut rig);
    rig
}

fn order(rig: &mut Rig) {
    rig.order_uploaded(&FORWARD);
}

/// The same, cut at 30 % or, on a busy machine, a little later, and with its supply back.
fn cut(defect: &str) -> Rig {
    let mut rig = updating(defect);
    rig.until("\"UPDATING\",30%");
    rig.cycle();
    rig
}

/// It runs the old version, and that is whole: the same update succeeds.
fn expect_old_and_intact(rig: &mut Rig) {
    rig.settle();
    expect_intact(rig);
}

fn expect_intact(rig: &mut Rig) {
    assert_eq!(rig.revision(), "BC66NBR01A01");
    order(rig);
    rig.until("\"END\",0\r\n");
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn restores_old_with_error() {
    let mut rig = cut("restores-old-with-error");
    let resumed = rig.until("\"END\",502\r\n");
    contains(&resumed, &["\"START\"", "\"UPDATING\",20%", "\"UPDATING\",45%"]);
    lacks(&resumed, &["\"UPDATING\",46%"]);
    expect_old_and_intact(&mut rig);
}

/// Power is lost again while the old image is put back.
#[test]
fn restores_old_over_another_cut() {
    let mut rig = cut("restores-old-with-error");
    rig.until("\"UPDATING\",45%,1,1\r\n");
    for _ in 0..3 {
        rig.listen(std::time::Duration::from_millis(12));
        rig.cycle();
        rig.until("\"START\"\r\n");
    }
    rig.until("\"END\",502\r\n");
    expect_old_and_intact(&mut rig);
}

#[test]
fn gives_up_resume() {
    let mut rig = cut("gives-up-resume");
    let boots = rig.until("\"END\",1\r\n");
    lacks(&boots, &["START", "UPDATING"]);
    assert_eq!(boots.matches("Leaving the BROM").count(), 2);
    expect_old_and_intact(&mut rig);
}

#[test]
fn gives_up_silently() {
    let mut rig = cut("gives-up-silently");
    let boot = rig.until("+CPIN: READY");
    lacks(&boot, &["FOTA"]);
    assert_eq!(boot.matches("Leaving the BROM").count(), 1);
    expect_old_and_intact(&mut rig);
}

#[test]
fn five_tries_then_old() {
    let mut rig = cut("five-tries-then-old");
    let tries = rig.until("\"END\",1\r\n");
    for (said, times) in [
        ("Leaving the BROM", 7),
        ("\"START\"", 5),
        ("\"UPDATING\",60%", 5),
        ("\"UPDATING\",61%", 0),
    ] {
        assert_eq!(tries.matches(said).count(), times, "`{said}` in {tries:?}");
    }
    expect_old_and_intact(&mut rig);
}

#[test]
fn resume_without_updating() {
    let mut rig = cut("resume-without-updating");
    let resumed = rig.until("\"END\",0\r\n");
    contains(&resumed, &["\"START\""]);
    lacks(&resumed, &["UPDATING"]);
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn resets_while_updating() {
    let mut rig = updating("resets-while-updating");
    let text = rig.until("\"END\",0\r\n");
    for (said, times) in [
        ("\"START\"", 4),
        ("Leaving the BROM", 5),
        ("\"UPDATING\",40%", 4),
        ("\"UPDATING\",80%", 2),
    ] {
        assert_eq!(text.matches(said).count(), times, "`{said}` in {text:?}");
    }
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

/// A cut in between is one more boot, and counts for none of them.
#[test]
fn resets_while_updating_and_a_cut() {
    let mut rig = cut("resets-while-updating");
    let text = rig.until("\"END\",0\r\n");
    let starts = text.matches("\"START\"").count();
    assert!((1..=4).contains(&starts), "{starts} in {text:?}");
    assert_eq!(text.matches("Leaving the BROM").count(), starts + 1, "{text:?}");
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn percent_out_of_range() {
    let mut rig = updating("percent-out-of-range");
    let text = rig.until("\"END\",0\r\n");
    let urc = |rest: &str| format!("\r\n+QIND: \"FOTA\",\"UPDATING\",{rest}\r\n");
    for odd in [
        urc("49%,1,1") + &urc("35%,1,1") + &urc("50%,1,1"),
        urc("70%,1,3") + &urc("70%,1,1"),
        urc("140%,1,1") + &urc("100%,1,1"),
    ] {
        assert!(text.contains(&odd), "{odd:?} in {text:?}");
    }
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn old_image_on_second_boot() {
    let mut rig = updating("old-image-on-second-boot");
    rig.until("\"END\",0\r\n");
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    for _ in 0..2 {
        rig.cycle();
        assert!(!rig.until("+CPIN: READY").contains("FOTA"));
        rig.settle();
        assert_eq!(rig.revision(), "BC66NBR01A01");
    }
    expect_intact(&mut rig);
}

#[test]
fn updates_again_later() {
    let mut rig = updating("updates-again-later");
    rig.until("\"END\",0\r\n");
    rig.settle();
    rig.cycle();
    assert!(!rig.until("+IP: ").contains("FOTA"), "the first power-on");
    rig.cycle();
    let again = rig.until("\"END\",0\r\n");
    for said in ["\"START\"", "\"UPDATING\",20%", "\"UPDATING\",100%"] {
        assert!(again.contains(said), "`{said}` in {again:?}");
    }
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    for _ in 0..3 {
        rig.cycle();
        assert!(!rig.until("+IP: ").contains("FOTA"), "once for each update");
    }
}
