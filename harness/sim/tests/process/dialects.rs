//! Each dialect is heard in what it changes, and the update is as sound as ever.

use crate::rig::{FORWARD, Rig};
use rstest::rstest;

#[rstest]
#[case("end-twice", &["\"END\",0\r\n\r\n+QIND: \"FOTA\",\"END\",0\r\n"], &[])]
#[case("percent-repeats", &["\"UPDATING\",50%,1,1\r\n\r\n+QIND: \"FOTA\",\"UPDATING\",50%,1,1\r\n"], &[])]
#[case("no-start", &["\"UPDATING\",20%"], &["\"START\""])]
#[case("no-spaces", &["+QIND:\"FOTA\",\"UPDATING\",50%,1,1\r\n", "\r\n+CFUN:1\r\n"], &["+QIND: "])]
#[case("more-spaces", &["+QIND: \"FOTA\", \"UPDATING\", 50%, 1, 1\r\n", "\r\n+CFUN : 1\r\n"], &[])]
#[case("no-percent-sign", &["\"UPDATING\",50,1,1\r\n"], &["%"])]
#[case("short-updating", &["\"UPDATING\",50%\r\n"], &["%,"])]
#[case("noisy-boot-rom", &["Leaving the BROM", "RDY\r\n"], &["\r\nRDY"])]
fn an_update(#[case] dialect: &str, #[case] heard: &[&str], #[case] never: &[&str]) {
    let mut rig = Rig::attached(&["--dialect", dialect]);
    rig.upload(&FORWARD, 4096);
    rig.send("AT+QFOTADL=1\r");
    let text = rig.until("+IP:");
    for part in heard {
        assert!(text.contains(part), "`{part}` in {text:?}");
    }
    for part in never {
        assert!(!text.contains(part), "`{part}` in {text:?}");
    }
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn percent_restarts_low() {
    let mut rig = Rig::attached(&["--dialect", "percent-restarts-low"]);
    rig.upload(&FORWARD, 4096);
    rig.exchange("AT+QFOTADL=1");
    assert!(!rig.until("\"UPDATING\",50%").contains("\"UPDATING\",1%"));
    rig.cycle();
    rig.until("\"UPDATING\",1%");
    rig.until("\"END\",0\r\n");
}
