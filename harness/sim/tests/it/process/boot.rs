//! What a boot looks like, and when there is one.

use crate::process::rig::{Rig, SPEED, lacks};
use std::time::{Duration, Instant};

const BROM: &str = "\n\rF1: 0000 0000\n\rV0: 0000 0000 [0001]\n\r00: 0006 000C\n\r01: 0000 0000\n\r\
                    U0: 0000 0001 [0000]\n\rT0: 0000 00B4\n\rLeaving the BROM\n\r";

#[test]
fn transcript() {
    let mut rig = Rig::start(&["--speed", SPEED]);
    rig.request("power on");
    rig.request("pwrkey on");
    let boot = rig.until("+IP: 10.");
    assert_eq!(
        boot,
        format!("{BROM}\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\n+IP: 10.")
    );
}

#[test]
fn pwrkey_needs_its_time_and_supply() {
    let mut rig = Rig::start(&["--speed", "1"]);
    rig.request("pwrkey on");
    rig.request("power on");
    rig.request("pwrkey off");
    rig.request("pwrkey on");
    rig.request("pwrkey off");
    rig.expect_state("power=on module=off reset=off pwrkey=off");
    let pressed = Instant::now();
    rig.request("pwrkey on");
    rig.until("Leaving the BROM");
    assert!(
        pressed.elapsed() >= Duration::from_millis(500),
        "booted {:?} after the press",
        pressed.elapsed()
    );
    rig.expect_state("power=on module=running reset=off pwrkey=on");
}

#[test]
fn what_comes_before_ready_is_not_heard() {
    let mut rig = Rig::start(&["--speed", SPEED, "--pwrkey-tied"]);
    rig.send("AT+CFUN=0\r".repeat(2000)); // more than the pty holds: a module that is off never makes the host wait
    rig.request("power on");
    rig.send("AT+CFUN=0\r");
    assert_eq!(rig.until("RDY\r\n"), format!("{BROM}\r\nRDY\r\n"));
    rig.until("+IP: ");
}

#[test]
fn some_first_lines_are_lost_and_some_are_not() {
    let answered = (0..8).filter(|seed| {
        let mut rig = Rig::booted(&["--seed", &format!("{seed}")]);
        rig.send("ATI\r");
        rig.send("AT+CGMR\r");
        rig.until("Revision").contains("Quectel_Ltd")
    });
    let answered = answered.count();
    assert!(
        (1..8).contains(&answered),
        "{answered} of 8 seeds answer the first line"
    );
}

#[test]
fn reboot_and_power_down_by_command() {
    let mut rig = Rig::attached(&[]);
    rig.exchange("ATE0;+CMEE=2");
    assert_eq!(rig.exchange("AT+QRST=1"), "\r\nOK\r\n");
    rig.settle();
    assert_eq!(
        rig.exchange("AT+CMEE?"),
        "AT+CMEE?\r\r\n+CMEE: 0\r\n\r\nOK\r\n",
        "memory is gone"
    );
    rig.exchange("ATE0&W");
    rig.exchange("AT+QRST=1");
    rig.settle();
    assert_eq!(rig.exchange("AT"), "\r\nOK\r\n", "what was saved is not");
    assert_eq!(rig.exchange("AT+QPOWD=0"), "\r\nOK\r\n");
    let begin = Instant::now();
    while rig.request("state") != "ok power=on module=off reset=off pwrkey=off" {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "waited for the module to be off: {}",
            rig.request("state")
        );
    }
    rig.request("pwrkey on");
    rig.until("RDY\r\n");
}

/// A rate that was changed counts behind the reply, on both sides of the line.
#[test]
fn another_rate() {
    let mut rig = Rig::without_echo(&[]);
    assert_eq!(rig.exchange("AT+IPR=9600"), "\r\nOK\r\n");
    rig.send("AT\rATI\rATI\r");
    let noise = rig.listen(Duration::from_millis(30));
    lacks(&noise, &["OK", "Quectel"]);
    rig.set_baud(9600);
    rig.ask_until_answered();
    assert!(rig.exchange("AT+IPR?").ends_with("\r\n+IPR: 9600\r\n\r\nOK\r\n"));
    rig.cycle();
    rig.settle(); // nothing was saved, and a module at 115200 is heard at any rate here
}

#[test]
fn reset_holds_and_boots() {
    let mut rig = Rig::attached(&[]);
    assert_eq!(rig.request("reset on"), "ok");
    rig.expect_state("power=on module=held reset=on pwrkey=off");
    assert_eq!(rig.listen(Duration::from_millis(20)), "");
    assert_eq!(rig.request("reset off"), "ok");
    assert!(rig.until("RDY\r\n").starts_with(BROM));
}

#[test]
fn a_short_reset_is_none() {
    let mut rig = Rig::powered("1", &[]);
    let mut other = Rig::client(&rig.control_path);
    let low = std::thread::spawn(move || Rig::ask(&mut other, "reset on"));
    while !rig.request("state").contains("reset=on") {}
    assert_eq!(rig.request("reset off"), "ok");
    assert_eq!(low.join().expect("the other client lives"), "ok");
    rig.expect_state("power=on module=running reset=off pwrkey=off");
}

#[test]
fn the_uart_takes_its_time() {
    let mut rig = Rig::powered("1", &[]);
    rig.until("+CFUN: 1\r\n");
    rig.sync();
    rig.send("AT+QFUPLEX=1024,0\r");
    rig.until("> ");
    let begin = Instant::now();
    rig.send(crate::process::rig::with_checksum(&[0x55; 1024]));
    rig.until("OK\r\n");
    let floor = Duration::from_nanos(1026 * 10 * 1_000_000_000 / 115_200);
    assert!(
        begin.elapsed() >= floor,
        "1026 bytes took {:?}, on the wire they take {floor:?}",
        begin.elapsed()
    );
}
