//! The control socket.

use crate::process::rig::{Rig, SPEED};
use rstest::rstest;

#[rstest]
#[case("state", "ok power=off module=off reset=off pwrkey=off")]
#[case("  power   off ", "ok")]
#[case(
    "power",
    "error unknown request `power`: expected `power on|off`, `reset on|off`, `pwrkey on|off`, `reflash`, `sense` or `state`"
)]
#[case("power up", "error a line is `on` or `off`, not `up`")]
#[case(
    "",
    "error unknown request ``: expected `power on|off`, `reset on|off`, `pwrkey on|off`, `reflash`, `sense` or `state`"
)]
fn requests(#[case] request: &str, #[case] answer: &str) {
    let mut rig = Rig::start(&[]);
    assert_eq!(rig.request(request), answer);
    assert_eq!(
        rig.request("state"),
        "ok power=off module=off reset=off pwrkey=off",
        "the conversation goes on"
    );
}

#[test]
fn a_request_without_end_is_refused() {
    let mut rig = Rig::start(&[]);
    assert_eq!(
        rig.request(&"x".repeat(500)),
        "error the request is too long or has no end"
    );
    let mut other = Rig::client(&rig.control_path);
    assert!(
        Rig::ask(&mut other, "state").starts_with("ok"),
        "others are still served"
    );
}

#[test]
fn several_clients_see_the_same_lines() {
    let mut rig = Rig::start(&["--speed", SPEED]);
    let mut other = Rig::client(&rig.control_path);
    assert_eq!(Rig::ask(&mut other, "power on"), "ok");
    rig.expect_state("power=on module=off reset=off pwrkey=off");
    assert_eq!(Rig::ask(&mut other, "pwrkey on"), "ok");
    drop(other);
    rig.until("RDY\r\n");
    assert_eq!(rig.request("power off"), "ok");
    rig.expect_state("power=off module=off reset=off pwrkey=on");
}

/// VDD_EXT is up from the start of a module to the loss of its supply, and in reset.
#[test]
fn the_sense_line_follows_the_module() {
    let mut rig = Rig::start(&["--speed", SPEED]);
    let shows = |rig: &mut Rig, level: &str| {
        let answer = rig.request("sense");
        let age = answer.strip_prefix(&format!("ok {level} "));
        let age = age.unwrap_or_else(|| panic!("`{answer}`, expected `ok {level} …`"));
        age.parse::<u64>().expect("nanoseconds")
    };
    let idle = shows(&mut rig, "off");
    assert_eq!(rig.request("power on"), "ok");
    assert!(shows(&mut rig, "off") > idle, "without PWRKEY nothing starts");
    assert_eq!(rig.request("pwrkey on"), "ok");
    rig.until("RDY\r\n");
    shows(&mut rig, "on");
    assert_eq!(rig.request("reset on"), "ok");
    shows(&mut rig, "on");
    let before = std::time::Instant::now();
    assert_eq!(rig.request("power off"), "ok");
    let age = shows(&mut rig, "off");
    assert!(
        u128::from(age) <= before.elapsed().as_nanos(),
        "it fell when the supply went"
    );
}
