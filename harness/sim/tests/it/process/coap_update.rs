//! Updates over CoAP: sound, refused, broken, cut, and each defect of the firmware update object.

use crate::process::lwm2m::register;
use crate::process::lwm2m_server::{LwServer, Manner};
use crate::process::rig::{BACK, FORWARD, Rig, SPEED, contains};
use bc66_sim::coap::MessageCode;
use bc66_sim::coap::option::OBSERVE;
use rstest::rstest;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const START: &str = "\r\n+QIND: \"FOTA\",\"COAPSTART\"\r\n";

fn end(code: u8) -> String {
    format!("\r\n+QIND: \"FOTA\",\"COAPEND\",{code}\r\n")
}

fn ready(flags: &[&str], package: &[u8]) -> (Rig, LwServer) {
    at_speed(SPEED, flags, package)
}

fn at_speed(speed: &str, flags: &[&str], package: &[u8]) -> (Rig, LwServer) {
    let server = LwServer::start(package.to_vec());
    let mut rig = Rig::powered(speed, flags);
    rig.settle();
    rig.exchange("ATE0");
    register(&mut rig, server.port);
    (rig, server)
}

/// The module has booted by itself or was switched on: everything in its memory is gone.
fn again(rig: &mut Rig, server: &LwServer) {
    rig.settle();
    rig.exchange("ATE0");
    register(rig, server.port);
}

fn pulled(rig: &mut Rig, server: &LwServer) {
    assert_eq!(server.write("/5/0/1", &server.uri()), MessageCode::CHANGED);
    assert_eq!(rig.until("\"COAPEND\",0\r\n"), format!("{START}{}", end(0)));
    assert_eq!(server.firmware(), "2 0");
}

#[test]
fn end_to_end() {
    let (mut rig, server) = ready(&[], &FORWARD);
    server.observe("/5/0/3");
    server.observe("/5/0/5");
    assert_eq!(server.firmware(), "0 0");
    assert_eq!(server.write("/5/0/1", &server.uri()), MessageCode::CHANGED);
    assert_eq!(server.note().as_deref(), Some("1"));
    assert_eq!(
        rig.until("\"COAPEND\",0\r\n"),
        format!("{START}{}", end(0)),
        "no progress is shown"
    );
    assert_eq!(server.note().as_deref(), Some("2"));
    let count = FORWARD.len().div_ceil(512) as u32;
    assert_eq!(server.blocks(), (0..count).collect::<Vec<_>>());
    assert_eq!(server.execute("/5/0/2"), MessageCode::CHANGED);
    assert_eq!(server.note().as_deref(), Some("3"));
    let text = rig.until("\"UPDATING\",20%,1,1\r\n");
    assert!(
        text.starts_with("\n\rF1: ") && !text.contains("START"),
        "{text:?}"
    );
    let text = rig.until("+CPIN: READY\r\n");
    contains(
        &text,
        &["RDY\r\n\r\n+CFUN: 1\r\n\r\n+QIND: \"FOTA\",\"END\",0\r\n\r\n+CPIN"],
    );
    again(&mut rig, &server);
    assert_eq!(server.firmware(), "0 1");
    assert_eq!(rig.revision(), "BC66NBR01A02");
    assert!(server.observe("/5/0/3").uint(OBSERVE).is_some());
    rig.cycle();
    again(&mut rig, &server);
    assert_eq!(server.firmware(), "0 1", "state and result outlive a reboot");
}

#[rstest]
#[case("64", Manner::Sound, 64)]
#[case("1024", Manner::Sound, 1024)]
#[case("1024", Manner::Blocks(3), 128)]
#[case("512", Manner::Separate, 512)]
#[case("512", Manner::Loses(7), 512)]
#[case("512", Manner::Loses(3), 512)]
fn ways_to_download(#[case] size: &str, #[case] manner: Manner, #[case] seen: usize) {
    let (mut rig, server) = at_speed("2000", &["--coap-block", size], &FORWARD);
    server.behave(manner);
    pulled(&mut rig, &server);
    let mut blocks = server.blocks();
    blocks.dedup();
    assert_eq!(blocks.len(), FORWARD.len().div_ceil(seen), "{blocks:?}");
    assert_eq!(server.execute("/5/0/2"), MessageCode::CHANGED);
    assert!(rig.until("+CPIN: READY\r\n").contains("\"END\",0\r\n"));
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[rstest]
#[case(Manner::Refuses(MessageCode::NOT_FOUND), "0 7")]
#[case(Manner::Refuses(MessageCode::UNAVAILABLE), "0 4")]
#[case(Manner::SilentFrom(9), "0 4")]
#[case(Manner::SilentFrom(0), "0 4")]
#[case(Manner::ChangesFrom(5), "0 5")]
fn broken(#[case] manner: Manner, #[case] firmware: &str) {
    let (mut rig, server) = ready(&[], &FORWARD);
    server.behave(manner);
    assert_eq!(server.write("/5/0/1", &server.uri()), MessageCode::CHANGED);
    assert_eq!(rig.until("\"COAPEND\",12\r\n"), format!("{START}{}", end(12)));
    assert_eq!(server.firmware(), firmware);
    assert_eq!(server.execute("/5/0/2"), MessageCode::METHOD_NOT_ALLOWED);
    assert_eq!(rig.revision(), "BC66NBR01A01");
    server.behave(Manner::Sound);
    server.blocks();
    pulled(&mut rig, &server);
    assert_eq!(server.blocks()[..3], [0, 1, 2], "it starts over");
}

#[rstest]
#[case("http://127.0.0.1/p", MessageCode::CHANGED, "0 9")]
#[case("coaps://127.0.0.1/p", MessageCode::CHANGED, "0 9")]
#[case("p.delta", MessageCode::CHANGED, "0 7")]
#[case(&format!("coap://h/{}", "x".repeat(250)), MessageCode::BAD_REQUEST, "0 0")]
fn no_download(#[case] uri: &str, #[case] code: MessageCode, #[case] firmware: &str) {
    let (mut rig, server) = ready(&[], &FORWARD);
    assert_eq!(server.write("/5/0/1", uri), code);
    assert_eq!(server.firmware(), firmware);
    assert_eq!(rig.listen(Duration::from_millis(30)), "");
}

#[rstest]
#[case::no_such_name("coap://nowhere.invalid/p", "0 7")]
#[case::nobody_listens("coap://127.0.0.1:1/p", "0 4")]
fn no_server(#[case] uri: &str, #[case] firmware: &str) {
    let (mut rig, server) = ready(&[], &FORWARD);
    assert_eq!(server.write("/5/0/1", uri), MessageCode::CHANGED);
    rig.until(&end(12));
    assert_eq!(server.firmware(), firmware);
}

#[test]
fn a_package_larger_than_its_area() {
    let (mut rig, server) = ready(&[], &vec![0; 300_000]);
    server.write("/5/0/1", &server.uri());
    rig.until(&end(12));
    assert_eq!(server.firmware(), "0 2");
}

#[test]
fn one_thing_at_a_time() {
    let (mut rig, server) = at_speed("100", &[], &FORWARD);
    server.write("/5/0/1", &server.uri());
    assert_eq!(server.firmware(), "1 0");
    assert_eq!(
        server.write("/5/0/1", &server.uri()),
        MessageCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(server.execute("/5/0/2"), MessageCode::METHOD_NOT_ALLOWED);
    rig.until(START);
    assert_eq!(rig.exchange("AT+QFOTADL=\"http://h/a\""), "\r\nERROR\r\n");
    assert_eq!(rig.exchange("AT+QFUPLEX=128,0"), "\r\nERROR\r\n");
    assert_eq!(
        server.write("/5/0/1", ""),
        MessageCode::CHANGED,
        "an empty URI cancels"
    );
    assert_eq!(rig.until("12\r\n"), end(12));
    assert_eq!(server.firmware(), "0 0");
    assert_eq!(rig.listen(Duration::from_millis(100)), "", "and that is all");
}

#[test]
fn another_package_takes_its_place() {
    let (mut rig, server) = ready(&[], &BACK);
    pulled(&mut rig, &server);
    rig.upload(&FORWARD, 4096);
    assert_eq!(server.firmware(), "0 0");
    assert_eq!(server.execute("/5/0/2"), MessageCode::METHOD_NOT_ALLOWED);
    rig.exchange("AT+QFOTADL=1");
    rig.until("\"END\",0\r\n");
}

#[test]
fn a_cut_download_starts_over() {
    let (mut rig, server) = ready(&[], &FORWARD);
    server.behave(Manner::SilentFrom(12));
    server.write("/5/0/1", &server.uri());
    rig.until(START);
    while server.blocks().last() != Some(&12) {}
    rig.cycle();
    assert!(!rig.until("+IP: ").contains("FOTA"), "nothing goes on by itself");
    rig.sync();
    rig.exchange("ATE0");
    register(&mut rig, server.port);
    assert_eq!(server.firmware(), "0 4");
    assert_eq!(rig.revision(), "BC66NBR01A01");
    server.behave(Manner::Sound);
    server.blocks();
    pulled(&mut rig, &server);
    assert_eq!(server.blocks()[0], 0);
}

#[test]
fn a_download_without_network() {
    let (mut rig, server) = ready(&[], &FORWARD);
    server.behave(Manner::SilentFrom(12));
    server.write("/5/0/1", &server.uri());
    rig.until(START);
    while server.blocks().last() != Some(&12) {}
    rig.send("AT+CFUN=0\r");
    assert_eq!(rig.until("13\r\n"), format!("\r\nOK\r\n{}", end(13)));
    rig.exchange("AT+CFUN=1");
    server.behave(Manner::Sound);
    again(&mut rig, &server);
    assert_eq!(server.firmware(), "0 4");
    pulled(&mut rig, &server);
}

#[test]
fn a_package_waits_over_a_power_cut() {
    let (mut rig, server) = ready(&[], &FORWARD);
    pulled(&mut rig, &server);
    rig.cycle();
    again(&mut rig, &server);
    assert_eq!(server.firmware(), "2 0");
    assert_eq!(server.execute("/5/0/2"), MessageCode::CHANGED);
    rig.until("\"END\",0\r\n");
}

#[rstest]
fn forced_resume(#[values(20, 55, 85)] percent: u8) {
    let (mut rig, server) = ready(&[], &FORWARD);
    pulled(&mut rig, &server);
    server.execute("/5/0/2");
    rig.until(&format!("\"UPDATING\",{percent}%"));
    rig.cycle();
    let resumed = rig.until("+CPIN: READY\r\n");
    let told = "BROM\n\r\r\n+QIND: \"FOTA\",\"START\"\r\n\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n";
    contains(&resumed, &[told, "\"END\",0\r\n"]);
    again(&mut rig, &server);
    assert_eq!(server.firmware(), "0 1");
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[rstest]
#[case(BACK.clone(), "254", "2 8")]
#[case(b"no package".repeat(90), "255", "0 5")]
fn refused_by_the_bootloader(#[case] package: Vec<u8>, #[case] code: &str, #[case] firmware: &str) {
    let (mut rig, server) = ready(&[], &package);
    pulled(&mut rig, &server);
    server.execute("/5/0/2");
    rig.until(&format!("\"END\",{code}\r\n"));
    again(&mut rig, &server);
    assert_eq!(server.firmware(), firmware);
    assert_eq!(rig.revision(), "BC66NBR01A01");
}

mod defects {
    use super::*;

    fn updated(defect: &str) -> (Rig, LwServer) {
        let (mut rig, server) = ready(&["--defect", defect], &FORWARD);
        pulled(&mut rig, &server);
        assert_eq!(server.execute("/5/0/2"), MessageCode::CHANGED);
        rig.until("\"END\",0\r\n");
        again(&mut rig, &server);
        (rig, server)
    }

    #[test]
    fn stuck_at_updating() {
        let (mut rig, server) = updated("lwm2m-stuck-at-updating");
        assert_eq!(server.firmware(), "3 0");
        assert_eq!(rig.revision(), "BC66NBR01A02");
        assert_eq!(server.write("/5/0/1", ""), MessageCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn result_not_reset() {
        let (mut rig, server) = updated("result-not-reset");
        assert_eq!(server.firmware(), "0 1");
        server.write("/5/0/1", &server.uri());
        rig.until(&end(0));
        assert_eq!(server.firmware(), "2 1");
    }

    #[test]
    fn cannot_be_re_observed() {
        let (mut rig, server) = ready(&["--defect", "cannot-be-re-observed"], &FORWARD);
        assert!(
            server.observe("/5/0/3").uint(OBSERVE).is_some(),
            "the first time it can"
        );
        rig.exchange("AT+QRST=1");
        again(&mut rig, &server);
        assert_eq!(server.observe("/5/0/5").uint(OBSERVE), None);
        server.write("/5/0/1", "nonsense");
        assert_eq!(server.note_within(Duration::from_millis(40)), None);
        assert_eq!(server.firmware(), "0 7");
    }

    #[test]
    fn executes_in_any_state() {
        let (mut rig, server) = ready(&["--defect", "executes-in-any-state"], &FORWARD);
        server.behave(Manner::SilentFrom(5));
        server.write("/5/0/1", &server.uri());
        rig.until(START);
        assert_eq!(server.firmware(), "1 0");
        assert_eq!(server.execute("/5/0/2"), MessageCode::CHANGED);
        rig.until("\"END\",255\r\n");
        again(&mut rig, &server);
        assert_eq!(server.firmware(), "0 5");
    }
}

/// A file server that the project did not write serves the package.
#[test]
fn aiocoap_file_server() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("p.delta"), &*FORWARD).expect("a file");
    let port = std::net::UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    let mut command = Command::new("aiocoap-fileserver");
    command
        .args(["--bind", &format!("127.0.0.1:{port}")])
        .arg(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut stranger) = command.spawn() else {
        println!("skipped: `aiocoap-fileserver` is not installed (pip install aiocoap)");
        return;
    };
    let (mut rig, server) = ready(&[], &FORWARD);
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        server.write("/5/0/1", &format!("coap://127.0.0.1:{port}/p.delta"));
        rig.until("\"COAPEND\",");
        if rig.until("\r\n") == "0\r\n" || Instant::now() > deadline {
            break; // its start takes longer than the module is patient
        }
    }
    if let Ok(Some(status)) = stranger.try_wait() {
        println!("skipped: `aiocoap-fileserver` ended with {status}");
        return;
    }
    stranger.kill().expect("it can be ended");
    stranger.wait().expect("it can be reaped");
    assert_eq!(server.firmware(), "2 0");
    server.execute("/5/0/2");
    rig.until("\"END\",0\r\n");
}
