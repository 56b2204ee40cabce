//! AT commands, byte for byte.

use crate::process::rig::Rig;
use rstest::rstest;

#[rstest]
#[case("AT", "AT\r\r\nOK\r\n")]
#[case("at", "at\r\r\nOK\r\n")]
#[case(
    "ATI",
    "ATI\r\r\nQuectel_Ltd\r\nQuectel_BC66\r\nRevision: BC66NBR01A01\r\n\r\nOK\r\n"
)]
#[case(
    "ati0",
    "ati0\r\r\nQuectel_Ltd\r\nQuectel_BC66\r\nRevision: BC66NBR01A01\r\n\r\nOK\r\n"
)]
#[case("AT+CGMR", "AT+CGMR\r\r\nRevision: BC66NBR01A01\r\n\r\nOK\r\n")]
#[case("AT+CGMR=?", "AT+CGMR=?\r\r\nOK\r\n")]
#[case("AT+CESQ", "AT+CESQ\r\r\n+CESQ: 47,6,255,255,0,54\r\n\r\nOK\r\n")]
#[case("AT+CEREG?", "AT+CEREG?\r\r\n+CEREG: 0,1\r\n\r\nOK\r\n")]
#[case(
    "AT+CEREG=2;+CEREG?",
    "AT+CEREG=2;+CEREG?\r\r\n+CEREG: 2,1,\"0002\",\"01A2D102\",9\r\n\r\nOK\r\n"
)]
#[case("AT+CEREG=6", "AT+CEREG=6\r\r\nERROR\r\n")]
#[case("AT+CGPADDR=2", "AT+CGPADDR=2\r\r\nERROR\r\n")]
#[case("AT+CGPADDR=?", "AT+CGPADDR=?\r\r\n+CGPADDR: (1)\r\n\r\nOK\r\n")]
#[case("AT+CPIN?", "AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n")]
#[case("AT+QCCID", "AT+QCCID\r\r\n+QCCID: 89861122443606151789\r\n\r\nOK\r\n")]
#[case("AT+CIMI", "AT+CIMI\r\r\n460117644165797\r\n\r\nOK\r\n")]
#[case("AT+CIMI?", "AT+CIMI?\r\r\nERROR\r\n")]
#[case("AT+COPS?", "AT+COPS?\r\r\n+COPS: 0,2,\"46011\",9\r\n\r\nOK\r\n")]
#[case("AT+CFUN?", "AT+CFUN?\r\r\n+CFUN: 1\r\n\r\nOK\r\n")]
#[case("AT+CFUN=?", "AT+CFUN=?\r\r\n+CFUN: (0,1,4,7),(0-2)\r\n\r\nOK\r\n")]
#[case("AT+CFUN=9", "AT+CFUN=9\r\r\nERROR\r\n")]
#[case(
    "AT+CFUN=0;+CESQ",
    "AT+CFUN=0;+CESQ\r\r\n+CESQ: 47,6,255,255,0,54\r\n\r\nOK\r\n"
)]
#[case("AT+CMEE=1;+CFUN=9", "AT+CMEE=1;+CFUN=9\r\r\n+CME ERROR: 50\r\n")]
#[case("AT+CMEE=2;+CFUN=9", "AT+CMEE=2;+CFUN=9\r\r\n+CME ERROR: bad parameter\r\n")]
#[case("AT+CMEE=2;+NOPE", "AT+CMEE=2;+NOPE\r\r\nERROR\r\n")]
#[case("AT+QSCLK=0;+QSCLK?", "AT+QSCLK=0;+QSCLK?\r\r\n+QSCLK: 0\r\n\r\nOK\r\n")]
#[case("AT+CPSMS=0", "AT+CPSMS=0\r\r\nOK\r\n")]
#[case("AT+QNBIOTEVENT=1,1", "AT+QNBIOTEVENT=1,1\r\r\nOK\r\n")]
#[case("AT+IPR?", "AT+IPR?\r\r\n+IPR: 115200\r\n\r\nOK\r\n")]
#[case("AT+IPR=9600", "AT+IPR=9600\r\r\nOK\r\n")]
#[case("AT+IPR=57600", "AT+IPR=57600\r\r\nERROR\r\n")]
#[case("AT+QPOWD=?", "AT+QPOWD=?\r\r\n+QPOWD: (0,2)\r\n\r\nOK\r\n")]
#[case("AT+QRST", "AT+QRST\r\r\nERROR\r\n")]
#[case(
    "AT+QFUPLEX=?",
    "AT+QFUPLEX=?\r\r\nAT+QFUPLEX=<blocksize>,<blocknum>[,<length>[,<timeout>]]\r\nAT+QFUPLEX=ESC\r\n\r\nOK\r\n"
)]
#[case("AT+QFUPLEX=ESC", "AT+QFUPLEX=ESC\r\r\nERROR\r\n")]
#[case("AT+QFUPLEX=100,0", "AT+QFUPLEX=100,0\r\r\nERROR\r\n")]
#[case("AT+QFUPLEX=128,1", "AT+QFUPLEX=128,1\r\r\nERROR\r\n")]
#[case("AT+QFUPLEX=128,0;+CESQ", "AT+QFUPLEX=128,0;+CESQ\r\r\nERROR\r\n")]
#[case("AT+QFOTADL=?", "AT+QFOTADL=?\r\r\nOK\r\n")]
#[case("AT+QFOTADL?", "AT+QFOTADL?\r\r\nERROR\r\n")]
#[case("AT+QFOTADL=1", "AT+QFOTADL=1\r\r\nERROR\r\n")]
#[case("AT+QFOTADL=\"https://h/a\"", "AT+QFOTADL=\"https://h/a\"\r\r\nERROR\r\n")]
#[case(
    "AT+CESQ;+CEREG?;+CPIN?;+COPS?",
    "AT+CESQ;+CEREG?;+CPIN?;+COPS?\r\r\n+CESQ: 47,6,255,255,0,54\r\n\r\n+CEREG: 0,1\r\n\r\n+CPIN: READY\r\n\r\n\
     +COPS: 0,2,\"46011\",9\r\n\r\nOK\r\n"
)]
#[case(
    "AT+CESQ;+NOPE;+CPIN?",
    "AT+CESQ;+NOPE;+CPIN?\r\r\n+CESQ: 47,6,255,255,0,54\r\n\r\nERROR\r\n"
)]
#[case("ATX", "ATX\r\r\nERROR\r\n")]
#[case("AT\u{e9}", "AT\u{e9}\r\r\nERROR\r\n")]
#[case("ATE0", "ATE0\r\r\nOK\r\n")]
#[case("ATE0&W", "ATE0&W\r\r\nOK\r\n")]
fn replies(#[case] line: &str, #[case] reply: &str) {
    assert_eq!(Rig::attached(&[]).exchange(line), reply);
}

#[test]
fn the_other_module() {
    let mut rig = Rig::attached(&["--module", "bc66-na"]);
    let reply = "ATI\r\r\nQuectel_Ltd\r\nQuectel_BC66NA\r\nRevision: BC66NANBR01A01\r\n\r\nOK\r\n";
    assert_eq!(rig.exchange("ATI"), reply);
}

#[test]
fn the_sim_is_asked_too_early() {
    let mut rig = Rig::powered("2", &[]);
    rig.until("RDY\r\n");
    rig.send("\rAT+CMEE=1;+CIMI\r");
    rig.until("\r\n+CME ERROR: 14\r\n");
    rig.until("+CPIN: READY\r\n");
    rig.exchange("AT+QCCID");
}

#[test]
fn identity_is_kept() {
    let mut rig = Rig::attached(&["--seed", "5"]);
    let imei = rig.exchange("AT+CGSN=1");
    let digits: String = imei.chars().skip(10).filter(char::is_ascii_digit).collect();
    assert_eq!(digits.len(), 15, "{imei:?}");
    rig.cycle();
    rig.settle();
    assert_eq!(rig.exchange("AT+CGSN=1"), imei);
}

#[test]
fn address_and_registration_follow_the_network() {
    let mut rig = Rig::attached(&[]);
    rig.exchange("ATE0;+CEREG=1");
    assert!(rig.exchange("AT+CGPADDR=1").starts_with("\r\n+CGPADDR: 1,10."));
    assert_eq!(rig.exchange("AT+CFUN=0"), "\r\nOK\r\n");
    assert_eq!(rig.until("0\r\n"), "\r\n+CEREG: 0\r\n");
    assert_eq!(rig.exchange("AT+CGPADDR=1"), "\r\n+CGPADDR: 1\r\n\r\nOK\r\n");
    assert_eq!(rig.exchange("AT+COPS?"), "\r\n+COPS: 0\r\n\r\nOK\r\n");
    assert_eq!(rig.exchange("AT+CFUN=1"), "\r\nOK\r\n");
    assert_eq!(rig.until("+IP: "), "\r\n+CEREG: 2\r\n\r\n+CEREG: 1\r\n\r\n+IP: ");
}

#[test]
fn what_is_no_command_gets_no_answer() {
    let mut rig = Rig::without_echo(&[]);
    rig.send(b"hello\r\r\n\x00\xff\rX AT\r");
    assert_eq!(rig.exchange("AT"), "\r\nOK\r\n");
    let long = format!("AT+CESQ{}", " ".repeat(1000));
    assert_eq!(rig.exchange(&long), "\r\nERROR\r\n");
    assert_eq!(rig.exchange("AT"), "\r\nOK\r\n");
}
