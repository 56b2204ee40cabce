//! Each dialect is heard in what it changes, and the update is as sound as ever.

use crate::process::file_server::{FileServer, Manner};
use crate::process::rig::{BACK, FORWARD, Rig, SPEED, contains, lacks};
use rstest::rstest;
use std::time::Duration;

/// Long enough for what would come by itself.
const A_WHILE: Duration = Duration::from_millis(120);

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
    contains(&text, heard);
    lacks(&text, never);
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn percent_restarts_low() {
    let mut rig = Rig::attached(&["--dialect", "percent-restarts-low"]);
    rig.order_uploaded(&FORWARD);
    assert!(!rig.until("\"UPDATING\",50%").contains("\"UPDATING\",1%"));
    rig.cycle();
    rig.until("\"UPDATING\",1%");
    rig.until("\"END\",0\r\n");
}

/// The boot ROM's block, and nothing until a command is answered; the result of an update waits for that.
#[test]
fn autobaud() {
    let mut rig = Rig::powered(SPEED, &["--dialect", "autobaud"]);
    assert!(rig.listen(A_WHILE).ends_with("Leaving the BROM\n\r"));
    rig.sync();
    rig.order_uploaded(&FORWARD);
    let update = rig.until("\"UPDATING\",100%,1,1\r\n") + &rig.listen(A_WHILE);
    assert!(
        update.contains("\"START\"") && update.ends_with("Leaving the BROM\n\r"),
        "{update:?}"
    );
    rig.sync();
    rig.until("\"END\",0\r\n");
    assert_eq!(rig.revision(), "BC66NBR01A02");
    assert!(rig.exchange("AT+CEREG?").contains("+CEREG: 0,1"));
    assert!(rig.exchange("AT+IPR?").contains("+IPR: 0\r\n"));
}

/// A rate that was saved ends it.
#[test]
fn autobaud_ends_with_a_saved_rate() {
    let mut rig = Rig::powered(SPEED, &["--dialect", "autobaud"]);
    rig.until("Leaving the BROM\n\r");
    rig.ask_until_answered();
    rig.exchange("AT+IPR=115200;&W");
    rig.cycle();
    rig.until("\r\nRDY\r\n\r\n+CFUN: 1\r\n");
    rig.settle();
    rig.exchange("AT+IPR=0;&W");
    rig.cycle();
    assert!(!rig.listen(A_WHILE).contains("RDY"));
}

#[test]
fn end_on_second_boot() {
    let mut rig = Rig::attached(&["--dialect", "end-on-second-boot"]);
    for (package, version) in [(&FORWARD, "BC66NBR01A02"), (&BACK, "BC66NBR01A01")] {
        rig.order_uploaded(package);
        let update = rig.until("+IP: ");
        contains(&update, &["\"UPDATING\",100%"]);
        lacks(&update, &["\"END\""]);
        rig.sync();
        assert_eq!(rig.revision(), version);
        rig.cycle();
        assert!(
            rig.until("+CPIN: READY")
                .contains("+CFUN: 1\r\n\r\n+QIND: \"FOTA\",\"END\",0\r\n")
        );
        rig.settle();
        rig.cycle();
        assert!(!rig.until("+IP: ").contains("FOTA"), "once");
        rig.sync();
    }
}

/// A result that was not told gives way to the next update's, which is kept as long.
#[test]
fn end_on_second_boot_of_the_last_update() {
    let mut rig = Rig::attached(&["--dialect", "end-on-second-boot"]);
    for package in [&FORWARD, &BACK] {
        rig.order_uploaded(package);
        assert!(!rig.until("+IP: ").contains("\"END\""));
        rig.sync();
    }
    rig.cycle();
    rig.until("\"END\",0\r\n");
}

#[test]
fn late_address() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::powered("5", &["--dialect", "late-address"]);
    rig.until("+CPIN: READY\r\n");
    rig.send("\rATE0;+CMEE=1;+CEREG=1\r");
    rig.until("\r\n+CEREG: 1\r\n");
    assert_eq!(
        rig.exchange("AT+CEREG?;+CGPADDR"),
        "\r\n+CEREG: 1,1\r\n\r\n+CGPADDR: 1,0.0.0.0\r\n\r\nOK\r\n"
    );
    let order = format!("AT+QFOTADL=\"{}\"", server.url());
    assert_eq!(rig.exchange(&order), "\r\n+CME ERROR: 3\r\n");
    assert_eq!(
        rig.exchange("AT+QLWCONFIG=0,\"127.0.0.1\",9,\"e\",50,3;+QLWREG"),
        "\r\n+CMEE ERROR: 30\r\n"
    );
    rig.until("+IP: ");
    rig.until("\r\n");
    assert!(rig.exchange("AT+CGPADDR").starts_with("\r\n+CGPADDR: 1,10."));
    assert_eq!(rig.exchange(&order), "\r\nOK\r\n");
    rig.until("\"HTTPSTART\"");
}

#[test]
fn two_addresses() {
    let mut rig = Rig::without_echo(&["--dialect", "two-addresses"]);
    let reply = rig.exchange("AT+CGPADDR=1");
    let shown = reply.strip_prefix("\r\n+CGPADDR: 1,10.").expect("the first");
    let (_, second) = shown.split_once(',').expect("two of them");
    let second = second.strip_suffix("\r\n\r\nOK\r\n").expect("nothing more");
    let octets: Vec<u8> = second
        .split('.')
        .map(|octet| octet.parse().expect("an octet"))
        .collect();
    assert_eq!(octets.len(), 16, "{second}");
    assert!(second.starts_with("254.128.0.0.0.0.0.0."), "{second}");
}

/// Everything has come, the line that says so is torn, and the update is as sound as ever. Over the UART nothing is torn.
#[test]
fn torn_httpend() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&["--dialect", "torn-httpend"]);
    rig.order_download(&server.url());
    let order = rig.until("\"UPDATING\",20%");
    let torn = "\"DOWNLOADING\",100%\r\n\r\n+QIND: \"FOTA\",\"HTTPE\n\rF1: ";
    contains(&order, &[torn]);
    assert!(
        order.ends_with("BROM\n\r\r\n+QIND: \"FOTA\",\"START\"\r\n\r\n+QIND: \"FOTA\",\"UPDATING\",20%"),
        "{order:?}"
    );
    rig.until("\"END\",0\r\n");
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    rig.order_uploaded(&BACK);
    let update = rig.until("\"END\",0\r\n");
    assert_eq!(update.matches("\"START\"").count(), 1, "{update:?}");
}

#[rstest]
#[case(&["--dialect", "exact-header-names"], Manner::Sound, "0")]
#[case(&["--dialect", "exact-header-names"], Manner::LowerCase, "12")]
#[case(&[], Manner::LowerCase, "0")]
fn exact_header_names(#[case] flags: &[&str], #[case] manner: Manner, #[case] code: &str) {
    let server = FileServer::start(FORWARD.clone());
    server.behave(manner);
    let mut rig = Rig::attached(flags);
    rig.order_download(&server.url());
    rig.until(&format!("\"HTTPEND\",{code}\r\n"));
}

/// The rest of a download is found by the same names.
#[rstest]
#[case(Manner::Sound, "0")]
#[case(Manner::LowerCase, "12")]
fn exact_header_names_of_a_rest(#[case] manner: Manner, #[case] code: &str) {
    let server = FileServer::start(FORWARD.clone());
    server.behave(Manner::Drops(9000));
    let mut rig = Rig::attached(&["--dialect", "exact-header-names"]);
    let order = format!("AT+QFOTADL=\"{}\"", server.url());
    rig.exchange(&order);
    rig.until("\"HTTPEND\",12\r\n");
    server.behave(manner);
    rig.exchange(&order);
    rig.until(&format!("\"HTTPEND\",{code}\r\n"));
    assert_eq!(server.requests()[1], "GET /p.delta bytes=8192-");
}
