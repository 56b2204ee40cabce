//! `AT+QFUPLEX` and its data mode.

use crate::process::rig::{FORWARD, Rig, SPEED, with_checksum};

const BLOCK: [u8; 128] = [0xA7; 128];

/// Announces a block and waits for the prompt.
fn announce(rig: &mut Rig, parameters: &str) {
    rig.send(format!("AT+QFUPLEX={parameters}\r\n"));
    assert_eq!(rig.until("> "), "\r\n> ");
}

#[test]
fn one_block() {
    let mut rig = Rig::without_echo(&[]);
    announce(&mut rig, "128,0");
    rig.send(with_checksum(&BLOCK));
    assert_eq!(rig.until("OK\r\n"), "\r\n+QFUPLEX: 128\r\n\r\nOK\r\n");
}

#[test]
fn data_is_raw() {
    let mut rig = Rig::without_echo(&[]);
    let all: Vec<u8> = (0..=255).collect();
    announce(&mut rig, "256,0");
    rig.send(with_checksum(&all));
    assert_eq!(rig.until("OK\r\n"), "\r\n+QFUPLEX: 256\r\n\r\nOK\r\n");
}

#[test]
fn a_wrong_checksum_is_an_error_and_the_block_may_come_again() {
    let mut rig = Rig::without_echo(&[]);
    announce(&mut rig, "128,0");
    let mut block = with_checksum(&BLOCK);
    block.swap(128, 129);
    rig.send(&block);
    assert_eq!(rig.until("ERROR\r\n"), "\r\nERROR\r\n");
    assert_eq!(rig.exchange("AT+QFUPLEX=128,1"), "\r\nERROR\r\n", "a gap");
    announce(&mut rig, "128,0");
    rig.send(with_checksum(&BLOCK));
    rig.until("OK\r\n");
}

#[test]
fn too_many_bytes_are_an_error() {
    let mut rig = Rig::without_echo(&[]);
    announce(&mut rig, "128,0");
    rig.send([with_checksum(&BLOCK), vec![b'x'; 20]].concat());
    assert_eq!(rig.until("ERROR\r\n"), "\r\nERROR\r\n");
    assert_eq!(rig.exchange("AT"), "\r\nOK\r\n", "the surplus is no command");
}

#[test]
fn too_few_bytes_time_out() {
    // Slow enough that a busy machine sends the bytes before the module has given up.
    let mut rig = Rig::powered("20", &[]);
    rig.settle();
    rig.exchange("ATE0");
    announce(&mut rig, "128,0,130,10");
    rig.send(&BLOCK[..100]);
    assert_eq!(
        rig.until("ERROR\r\n"),
        "\r\n+QFUPLEX: -2,TIMEOUT\r\n\r\nERROR\r\n"
    );
    assert_eq!(rig.exchange("AT"), "\r\nOK\r\n");
}

#[test]
fn escape_leaves_data_mode() {
    let mut rig = Rig::powered("20", &[]);
    rig.settle();
    rig.exchange("ATE0");
    for sent in [0, 50, 120] {
        announce(&mut rig, "128,0,130,60");
        rig.send(&BLOCK[..sent]);
        rig.send("AT+QFUPLEX=ESC\r\n");
        assert_eq!(
            rig.until("OK\r\n"),
            "\r\n+QFUPLEX: -1,ESC\r\n\r\nOK\r\n",
            "after {sent} bytes"
        );
    }
    assert_eq!(rig.exchange("AT+QFUPLEX=ESC"), "\r\nERROR\r\n");
}

#[test]
fn blocks_come_in_sequence() {
    let mut rig = Rig::without_echo(&[]);
    rig.upload(&[1; 300], 128);
    assert_eq!(
        rig.exchange("AT+QFUPLEX=128,3"),
        "\r\nERROR\r\n",
        "behind a short block"
    );
    assert_eq!(rig.exchange("AT+QFUPLEX=256,3"), "\r\nERROR\r\n", "another size");
    assert_eq!(
        rig.exchange("AT+QFUPLEX=128,0,131"),
        "\r\nERROR\r\n",
        "longer than a block"
    );
    assert_eq!(
        rig.exchange("AT+QFUPLEX=128,0,130,61"),
        "\r\nERROR\r\n",
        "too patient"
    );
    announce(&mut rig, "128,2,46");
    rig.send(with_checksum(&[1; 44]));
    assert_eq!(
        rig.until("OK\r\n"),
        "\r\n+QFUPLEX: 44\r\n\r\nOK\r\n",
        "the last one again"
    );
}

#[test]
fn an_upload_is_gone_after_a_power_cut() {
    let mut rig = Rig::attached(&["--speed", SPEED][2..]);
    rig.upload(&FORWARD, 4096);
    rig.cycle();
    rig.settle();
    assert_eq!(rig.exchange("AT+QFOTADL=1"), "AT+QFOTADL=1\r\r\nERROR\r\n");
    assert_eq!(rig.revision(), "BC66NBR01A01");
}
