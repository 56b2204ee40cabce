//! `power`: the lines of a rig, by hand.

use crate::lab::Lab;
use crate::process::wait_until;
use crate::sim::Sim;
use rstest::rstest;

#[test]
fn the_lines_move_and_stay_where_they_were_put() {
    let lab = Lab::new();
    // PWRKEY of 20 ms is 1 s of the module's time.
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    let silent = |action: &str| {
        let ran = lab.run(&["power", "rig.yaml", action]).ends(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    };
    let is = |state: &str| {
        let awaited = format!("ok {state} reset=off pwrkey=off");
        wait_until(&format!("`{awaited}`"), || sim.state() == awaited);
    };
    is("power=off module=off");
    silent("on");
    is("power=on module=running");
    silent("reset");
    is("power=on module=running");
    silent("cycle");
    is("power=on module=running");
    silent("off");
    is("power=off module=off");
    // Without a supply the key starts nothing.
    silent("pwrkey");
    is("power=off module=off");
}

#[test]
fn a_rig_that_is_not_there() {
    let lab = Lab::new();
    lab.write(
        "rig.yaml",
        "rig: gone\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: simulated, control: gone/control}\n",
    );
    let ran = lab.run(&["power", "rig.yaml", "on"]).ends(3);
    assert!(
        ran.stderr
            .starts_with("error: rig `gone`: control socket `gone/control` of the simulated module: "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("is `dfota-hil sim` running?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_line_that_the_rig_does_not_have() {
    let lab = Lab::new();
    lab.write(
        "rig.yaml",
        "rig: bare\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: command, on: [\"true\"], off: [sh, -c, \"echo no relay >&2; exit 4\"]}\n",
    );
    lab.run(&["power", "rig.yaml", "on"]).ends(0);
    let ran = lab.run(&["power", "rig.yaml", "reset"]).ends(3);
    assert_eq!(
        ran.stderr,
        "error: reset could not be switched on: the rig file names no such line\n"
    );
    let ran = lab.run(&["power", "rig.yaml", "off"]).ends(3);
    assert_eq!(
        ran.stderr,
        "error: power could not be switched off: `sh -c echo no relay >&2; exit 4` ended with exit status: 4; it said: no relay\n"
    );
}

#[rstest]
#[case(
    "driver: gpiochip, chip: /dev/null, line: 17",
    "`/dev/null` is not a GPIO chip: expected a character device such as `/dev/gpiochip0`; this machine has "
)]
#[case(
    "driver: gpiochip, chip: /dev/gpiochip9999, line: GPIO17",
    "there is no GPIO chip `/dev/gpiochip9999`; this machine has "
)]
#[case(
    "driver: gpiochip, line: A_NAME_OF_NOBODY",
    "no GPIO chip of this machine has a line called `A_NAME_OF_NOBODY`; the named lines of this machine are "
)]
#[case(
    "driver: rppal, pin: 17",
    "this machine is not a Raspberry Pi that rppal 0.22 knows; "
)]
fn a_driver_without_its_hardware(#[case] power: &str, #[case] why: &str) {
    let model = std::fs::read_to_string("/proc/device-tree/model").unwrap_or_default();
    if model.contains("Raspberry Pi") {
        println!("skipped: this is a `{model}`, and the test would move one of its pins");
        return;
    }
    let lab = Lab::new();
    let rig = format!("rig: bare\nmodule: bc66\nserial: {{port: /dev/null}}\npower: {{{power}}}\n");
    lab.write("rig.yaml", rig);
    let ran = lab.run(&["power", "rig.yaml", "on"]).ends(3);
    let begin = format!("error: rig `bare`: the line `power`: {why}");
    assert!(ran.stderr.starts_with(&begin), "{}", ran.stderr);
}
