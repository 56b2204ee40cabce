//! Updates over HTTP: sound, refused, broken and continued.

use crate::process::file_server::{FileServer, Manner};
use crate::process::rig::{FORWARD, Rig, contains};
use rstest::rstest;

fn order(rig: &mut Rig, url: &str) {
    let line = format!("AT+QFOTADL=\"{url}\"");
    assert_eq!(rig.exchange(&line), format!("{line}\r\r\nOK\r\n"));
}

fn first_percent(text: &str) -> Option<u8> {
    text.split("\"DOWNLOADING\",")
        .nth(1)?
        .split('%')
        .next()?
        .parse()
        .ok()
}

fn expect_update(rig: &mut Rig) {
    rig.until("\"FOTA\",\"START\"\r\n");
    rig.until("\"END\",0\r\n");
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}

#[test]
fn end_to_end() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&[]);
    order(&mut rig, &format!("HTTP://localhost:{}/p.delta?x=1", server.port));
    let text = rig.until("\"HTTPEND\",0\r\n");
    assert!(
        text.starts_with("\r\n+QIND: \"FOTA\",\"HTTPSTART\"\r\n\r\n+QIND: \"FOTA\",\"DOWNLOADING\",1%\r\n"),
        "{text:?}"
    );
    contains(&text, &["\"DOWNLOADING\",50%\r\n", "\"DOWNLOADING\",100%\r\n"]);
    expect_update(&mut rig);
    assert_eq!(server.requests(), ["GET /p.delta?x=1 whole"]);
}

#[rstest]
#[case(Manner::NotFound)]
#[case(Manner::Drops(9000))]
#[case(Manner::Drops(0))]
#[case(Manner::Stalls(9000))]
#[case(Manner::NoLength)]
fn broken(#[case] manner: Manner) {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&[]);
    server.behave(manner);
    order(&mut rig, &server.url());
    let text = rig.until("\"HTTPEND\",");
    assert!(text.contains("\"HTTPSTART\""));
    assert_eq!(rig.until("\r\n"), "12\r\n");
    rig.exchange("AT");
    assert_eq!(rig.revision(), "BC66NBR01A01");
    server.behave(Manner::Sound);
    server.requests();
    order(&mut rig, &server.url());
    expect_update(&mut rig);
    let range = if matches!(manner, Manner::Drops(9000) | Manner::Stalls(_)) {
        "bytes=8192-"
    } else {
        "whole"
    };
    assert_eq!(server.requests(), [format!("GET /p.delta {range}")]);
}

#[rstest]
#[case::nobody_listens("http://127.0.0.1:1/a")]
#[case::no_such_name("http://nowhere.invalid/a")]
fn no_server(#[case] url: &str) {
    let mut rig = Rig::attached(&[]);
    order(&mut rig, url);
    assert_eq!(
        rig.until("12\r\n"),
        "\r\n+QIND: \"FOTA\",\"HTTPSTART\"\r\n\r\n+QIND: \"FOTA\",\"HTTPEND\",12\r\n"
    );
}

#[rstest]
#[case(Manner::Sound)]
#[case(Manner::IgnoresRange)]
fn a_cut_download_continues_or_starts_over(#[case] manner: Manner) {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&[]);
    order(&mut rig, &server.url());
    rig.until("\"DOWNLOADING\",60%");
    rig.cycle();
    assert!(!rig.until("+IP: ").contains("FOTA"), "nothing goes on by itself");
    rig.sync();
    server.requests();
    server.behave(manner);
    order(&mut rig, &server.url());
    let text = rig.until("\"HTTPEND\",0\r\n");
    let continued = first_percent(&text).expect("progress") > 40;
    assert_eq!(continued, manner == Manner::Sound, "{text:?}");
    // By whole sectors, from where the cut landed: at 60 % or, on a busy machine, a little later.
    let requests = server.requests();
    let [request] = &requests[..] else {
        panic!("{requests:?}")
    };
    let from = request
        .strip_prefix("GET /p.delta bytes=")
        .and_then(|rest| rest.strip_suffix('-'));
    let from: usize = from.and_then(|from| from.parse().ok()).expect("a range");
    assert!(from >= 8192 && from.is_multiple_of(4096), "{request}");
    expect_update(&mut rig);
}

#[test]
fn another_url_starts_over() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&[]);
    server.behave(Manner::Drops(9000));
    order(&mut rig, &server.url());
    rig.until("\"HTTPEND\",12\r\n");
    server.behave(Manner::Sound);
    server.requests();
    order(&mut rig, &format!("{}2", server.url()));
    rig.until("\"HTTPEND\",0\r\n");
    assert_eq!(server.requests(), ["GET /p.delta2 whole"]);
}

#[test]
fn the_network_decides() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&[]);
    rig.send(format!("AT+CFUN=0;+CFUN=1\rAT+QFOTADL=\"{}\"\r", server.url()));
    assert!(
        !rig.until("\"HTTPEND\",20\r\n").contains("HTTPSTART"),
        "still activating"
    );
    rig.settle();
    server.behave(Manner::Stalls(9000));
    order(&mut rig, &server.url());
    rig.until("\"DOWNLOADING\",20%\r\n");
    rig.send("AT+CGMR\r");
    rig.until("\r\nRevision: BC66NBR01A01\r\n"); // commands are answered meanwhile
    rig.send(format!("AT+QFOTADL=\"{}\"\r", server.url()));
    rig.until("\r\nERROR\r\n");
    rig.send("AT+QFUPLEX=128,0\r");
    rig.until("\r\nERROR\r\n");
    rig.send("AT+CFUN=0\r");
    rig.until("\"HTTPEND\",13\r\n");
    rig.exchange("AT");
    order(&mut rig, &server.url());
    rig.until("\"HTTPEND\",13\r\n");
}

#[test]
fn a_package_larger_than_its_area() {
    let server = FileServer::start(vec![0; 300_000]);
    let mut rig = Rig::attached(&[]);
    order(&mut rig, &server.url());
    assert_eq!(
        rig.until("12\r\n"),
        "\r\n+QIND: \"FOTA\",\"HTTPSTART\"\r\n\r\n+QIND: \"FOTA\",\"HTTPEND\",12\r\n"
    );
}

#[test]
fn an_upload_wipes_a_broken_download() {
    let server = FileServer::start(FORWARD.clone());
    let mut rig = Rig::attached(&[]);
    server.behave(Manner::Drops(9000));
    order(&mut rig, &server.url());
    rig.until("\"HTTPEND\",12\r\n");
    rig.upload(&[0; 128], 128);
    server.behave(Manner::Sound);
    server.requests();
    order(&mut rig, &server.url());
    expect_update(&mut rig);
    assert_eq!(server.requests(), ["GET /p.delta whole"]);
}
