//! Each defect shows, and shows as what it is called.

use crate::process::file_server::FileServer;
use crate::process::rig::{FORWARD, Rig, contains, lacks};
use rstest::rstest;
use std::time::Duration;

fn updating(defect: &str) -> Rig {
    let mut rig = Rig::attached(&["--defect", defect]);
    rig.order_uploaded(&FORWARD);
    rig
}

#[test]
fn forgets_resume() {
    let mut rig = updating("forgets-resume");
    rig.until("\"UPDATING\",50%");
    rig.cycle();
    let boot = rig.until("+IP: ");
    lacks(&boot, &["FOTA"]);
}

#[test]
fn end_zero_old_version() {
    let mut rig = updating("end-zero-old-version");
    let text = rig.until("\"END\",0\r\n");
    assert!(text.contains("\"UPDATING\",100%"));
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A01");
}

#[test]
fn hangs_in_updating() {
    let mut rig = updating("hangs-in-updating");
    rig.until("\"UPDATING\",30%");
    let rest = rig.listen(Duration::from_millis(600));
    lacks(&rest, &["\"UPDATING\",81%"]);
    rig.expect_state("power=on module=running reset=off pwrkey=off");
    rig.cycle();
    rig.until("\"UPDATING\",30%");
    assert!(
        !rig.listen(Duration::from_millis(600))
            .contains("\"UPDATING\",81%"),
        "it hangs again"
    );
}

#[test]
fn dead_after_cut() {
    let mut rig = updating("dead-after-cut");
    rig.until("\"UPDATING\",21%");
    rig.cycle();
    assert_eq!(rig.listen(Duration::from_millis(300)), "");
    rig.expect_state("power=on module=running reset=off pwrkey=off");
}

/// The factory's firmware is back, also where nothing booted any more; the module is off until it is switched on.
#[test]
fn a_dead_module_can_be_flashed_anew() {
    let mut rig = updating("dead-after-cut");
    let imei = |rig: &mut Rig| rig.exchange("AT+CGSN=1");
    rig.until("\"UPDATING\",21%");
    rig.cycle();
    assert_eq!(rig.request("reflash"), "ok");
    rig.expect_state("power=on module=off reset=off pwrkey=off");
    rig.cycle();
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A01");
    let first = imei(&mut rig);
    // It is the same module.
    assert_eq!(rig.request("reflash"), "ok");
    rig.cycle();
    rig.settle();
    assert_eq!(imei(&mut rig), first);
}

#[test]
fn never_prints_end() {
    let mut rig = updating("never-prints-end");
    let text = rig.until("+CPIN: READY\r\n");
    contains(&text, &["\"UPDATING\",100%"]);
    lacks(&text, &["\"END\""]);
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    rig.cycle();
    assert!(!rig.until("+IP: ").contains("FOTA"));
}

#[test]
fn downloads_again_and_finishes() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&["--defect", "downloads-again"]);
    rig.order_download(&server.url());
    rig.until("\"UPDATING\",50%");
    rig.cycle();
    let boot = rig.until("\"HTTPSTART\"");
    lacks(&boot, &["UPDATING"]);
    let resumed = rig.until("\"END\",0\r\n");
    assert!(resumed.contains("\"HTTPEND\",0") && resumed.contains("\"UPDATING\",100%"));
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    assert_eq!(server.requests(), ["GET /p.delta whole", "GET /p.delta whole"]);
}

#[test]
fn loses_network() {
    let mut rig = updating("loses-network");
    rig.until("\"END\",0\r\n");
    assert!(!rig.listen(Duration::from_millis(200)).contains("+IP"));
    rig.cycle();
    rig.until("+CPIN: READY\r\n");
    assert!(!rig.listen(Duration::from_millis(200)).contains("+IP"));
    rig.sync();
    assert!(rig.exchange("AT+CEREG?").contains("+CEREG: 0,2\r\n"));
}

#[test]
fn imei_lost() {
    let mut rig = updating("imei-lost");
    rig.until("+IP: ");
    rig.sync();
    assert!(rig.exchange("AT+CGSN=1").contains("+CGSN: 000000000000000"));
}

#[test]
fn reboot_loop() {
    let mut rig = updating("reboot-loop");
    rig.until("\"UPDATING\",50%");
    rig.cycle();
    for _ in 0..3 {
        let loops = rig.until("Leaving the BROM");
        lacks(&loops, &["RDY", "FOTA"]);
    }
}

/// Half a second without a supply is no glitch.
#[test]
fn ignores_update_after_glitch() {
    let mut rig = updating("ignores-update-after-glitch");
    rig.until("\"UPDATING\",30%");
    rig.cycle();
    rig.until("\"UPDATING\",40%");
}

/// So long is a fortieth of a second here.
#[test]
fn needs_long_off() {
    let mut rig = updating("needs-long-off");
    rig.until("\"UPDATING\",30%");
    rig.request("power off");
    rig.listen(Duration::from_millis(40));
    rig.request("power on");
    rig.until("\"UPDATING\",40%");
    rig.cycle();
    assert!(!rig.until("+IP: ").contains("FOTA"));
}

/// A reset takes no supply away.
#[test]
fn a_reset_needs_no_long_off() {
    let mut rig = updating("needs-long-off");
    rig.until("\"UPDATING\",30%");
    rig.request("reset on");
    rig.listen(Duration::from_millis(1));
    rig.request("reset off");
    rig.until("\"UPDATING\",40%");
}

/// Smaller ones are as sound as ever.
#[rstest]
#[case(4096, "0", "BC66NBR01A02")]
#[case(8192, "255", "BC66NBR01A01")]
fn large_blocks_corrupted(#[case] block: usize, #[case] code: &str, #[case] version: &str) {
    let mut rig = Rig::attached(&["--defect", "large-blocks-corrupted"]);
    rig.upload(&FORWARD, block);
    rig.exchange("AT+QFOTADL=1");
    rig.until(&format!("\"END\",{code}\r\n"));
    rig.settle();
    assert_eq!(rig.revision(), version);
}
