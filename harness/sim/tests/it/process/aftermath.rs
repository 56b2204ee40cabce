//! Defects that an update leaves behind: the module runs the new version, and something is wrong with it from then on.

use crate::process::rig::{BACK, FORWARD, Rig, contains, lacks};
use rstest::rstest;
use std::time::{Duration, Instant};

/// Half a minute of the module's time, and what a busy machine needs.
const A_WHILE: Duration = Duration::from_millis(120);

/// An update with this defect, up to its last percentage.
fn patched(defect: &str) -> Rig {
    let mut rig = Rig::attached(&["--defect", defect]);
    order(&mut rig);
    rig.until("\"UPDATING\",100%,1,1\r\n");
    rig.until("Leaving the BROM\n\r");
    rig
}

/// The same, up to its result.
fn updated(defect: &str) -> Rig {
    let mut rig = patched(defect);
    rig.until("\"END\",0\r\n");
    rig
}

fn order(rig: &mut Rig) {
    rig.order_uploaded(&FORWARD);
}

/// Before the first update there is nothing to see of any of them; afterwards a flash tool makes the module new.
#[rstest]
fn a_module_that_was_never_updated(
    #[values(
        "loops-later",
        "reboots-every-10s",
        "boots-twice",
        "deaf-later",
        "hangs-before-end",
        "quiet-after-update",
        "cereg-flood",
        "stale-replies",
        "answers-one-in-five",
        "cme-for-everything",
        "garbled-revision",
        "sim-identity-lost",
        "settings-lost"
    )]
    defect: &str,
) {
    let sound = |rig: &mut Rig| {
        assert_eq!(rig.revision(), "BC66NBR01A01");
        assert!(rig.exchange("AT+CIMI").ends_with("\r\n\r\nOK\r\n"));
        assert_eq!(rig.listen(A_WHILE), "");
    };
    let mut rig = Rig::attached(&["--defect", defect]);
    sound(&mut rig);
    order(&mut rig);
    rig.until("\"UPDATING\",100%,1,1\r\n");
    rig.until("Leaving the BROM\n\r");
    rig.listen(Duration::from_millis(20));
    assert_eq!(rig.request("reflash"), "ok");
    rig.cycle();
    rig.settle();
    sound(&mut rig);
}

#[rstest]
#[case("loops-later", 30_000 / 400)]
#[case("reboots-every-10s", 10_000 / 400)]
fn boots_again_and_again(#[case] defect: &str, #[case] real_ms: u64) {
    let mut rig = updated(defect);
    for _ in 0..2 {
        let boot = rig.until("RDY\r\n");
        contains(&boot, &["BROM"]);
        lacks(&boot, &["FOTA"]);
    }
    let begin = Instant::now();
    rig.cycle();
    rig.until("RDY\r\n");
    rig.until("Leaving the BROM");
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(real_ms), "again after {took:?}");
}

#[test]
fn boots_twice() {
    let mut rig = updated("boots-twice");
    let boot = rig.until("Leaving the BROM");
    lacks(&boot, &["+IP: "]);
    assert!(!rig.until("+IP: ").contains("FOTA"));
    assert!(!rig.listen(A_WHILE).contains("BROM"), "twice, not more often");
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    rig.cycle();
    rig.settle();
    assert!(!rig.listen(A_WHILE).contains("BROM"), "once for each update");
}

/// Updated fast, and then run slowly, so that there is time to ask before it is too late.
#[test]
fn deaf_later() {
    let dir = tempfile::tempdir().expect("a directory");
    let flash = dir.path().join("flash");
    let flags = [
        "--defect",
        "deaf-later",
        "--flash",
        flash.to_str().expect("UTF-8"),
    ];
    let mut rig = Rig::attached(&flags);
    order(&mut rig);
    rig.until("\"END\",0\r\n");
    assert_eq!(rig.end(), Some(0));
    let mut rig = Rig::start(&[&flags[..], &["--speed", "10", "--pwrkey-tied"]].concat());
    rig.request("power on");
    rig.until("RDY\r\n");
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    rig.listen(Duration::from_millis(600));
    rig.send("AT\rAT\rAT\r");
    assert_eq!(rig.listen(A_WHILE), "");
    let state = rig.request("state");
    assert_eq!(state, "ok power=on module=running reset=off pwrkey=off");
}

#[test]
fn hangs_before_end() {
    let mut rig = patched("hangs-before-end");
    for _ in 0..2 {
        rig.until("\r\nRDY\r\n\r\n+CFUN: 1\r\n");
        rig.send("\rAT\rAT\r");
        assert_eq!(rig.listen(A_WHILE), "");
        rig.cycle();
    }
}

#[test]
fn quiet_after_update() {
    let mut rig = patched("quiet-after-update");
    assert_eq!(rig.listen(A_WHILE), "");
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    assert!(rig.exchange("AT+CEREG?").contains("+CEREG: 0,1"));
    rig.cycle();
    assert!(rig.listen(A_WHILE).ends_with("Leaving the BROM\n\r"));
    rig.sync();
}

/// The line is full of it, and the module hears all the same.
#[test]
fn cereg_flood() {
    const FLOOD: &str = "\r\n+CEREG: 2\r\n";
    let mut rig = updated("cereg-flood");
    for _ in 0..2 {
        rig.until(&FLOOD.repeat(500));
        rig.send("\rAT+CEREG?\r");
        rig.until("\r\n+CEREG: 0,2\r\n");
        rig.send("AT+CFUN=0\rAT+CFUN=1\r");
    }
    let heard = rig.listen(A_WHILE);
    assert!(heard.contains(FLOOD) && !heard.contains("+IP"));
}

#[test]
fn stale_replies() {
    let mut rig = updated("stale-replies");
    rig.until("+IP: ");
    rig.listen(A_WHILE);
    rig.send("\r\rATE0\r");
    rig.until("ATE0\r");
    rig.send("ATI\r");
    assert_eq!(rig.until("OK\r\n"), "\r\nOK\r\n");
    rig.send("AT+CSQ\r");
    assert!(rig.until("OK\r\n").contains("Revision: BC66NBR01A02"));
    assert_eq!(rig.exchange("AT"), "\r\nERROR\r\n");
}

#[test]
fn answers_one_in_five() {
    let mut rig = updated("answers-one-in-five");
    rig.until("+IP: ");
    rig.listen(A_WHILE);
    rig.send("\r");
    rig.send("AT+CGMR\r".repeat(20));
    let heard = rig.listen(A_WHILE * 2);
    assert_eq!(heard.matches("Revision: ").count(), 4, "{heard:?}");
}

#[test]
fn cme_for_everything() {
    let mut rig = updated("cme-for-everything");
    rig.until("+IP: ");
    rig.send("\r");
    for line in ["AT", "ATI", "AT+CMEE=0", "AT+QFUPLEX=128,0"] {
        let reply = rig.exchange(line);
        assert!(
            reply.ends_with(&format!("{line}\r\r\n+CME ERROR: 100\r\n")),
            "{reply:?}"
        );
    }
}

#[test]
fn garbled_revision() {
    let mut rig = updated("garbled-revision");
    rig.settle();
    for line in ["ATI", "AT+CGMR"] {
        let reply = rig.exchange(line);
        // Two bytes that are no text.
        assert!(
            reply.contains("Revision: BC66NBR01A0\u{FFFD}\u{FFFD}\r\n"),
            "{reply:?}"
        );
    }
}

#[test]
fn sim_identity_lost() {
    let mut rig = updated("sim-identity-lost");
    rig.settle();
    rig.exchange("ATE0;+CMEE=1");
    assert_eq!(rig.exchange("AT+CPIN?"), "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    assert_eq!(rig.exchange("AT+QCCID"), "\r\n+CME ERROR: 13\r\n");
    assert_eq!(rig.exchange("AT+CIMI"), "\r\n+CME ERROR: 13\r\n");
}

#[test]
fn busy_for_ever() {
    let mut rig = updated("busy-for-ever");
    rig.settle();
    for _ in 0..2 {
        rig.order_uploaded(&BACK);
        let text = rig.until("\"END\",2\r\n");
        contains(&text, &["\"START\""]);
        lacks(&text, &["UPDATING"]);
        rig.settle();
        assert_eq!(rig.revision(), "BC66NBR01A02");
    }
}

/// A host that goes on at 115200 hears noise and is not heard; one that tries the other rate is.
#[test]
fn settings_lost() {
    let mut rig = patched("settings-lost");
    let noise = rig.listen(A_WHILE);
    assert!(noise.len() > 20 && !noise.contains("RDY"), "{noise:?}");
    rig.send("\rATI\r".repeat(4));
    assert!(!rig.listen(A_WHILE).contains("Quectel"));
    rig.set_baud(9600);
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    rig.exchange("AT+IPR=115200");
    rig.set_baud(115_200);
    rig.ask_until_answered();
    rig.exchange("AT&W");
    rig.cycle();
    rig.settle();
}
