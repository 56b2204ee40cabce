//! `check`: the mistakes that newcomers make at a bench, each made on purpose and told by name.

use crate::cli::check::{commands, holds, line};
use crate::cli::wire::{Way, Wire, at_other_baud, broken, feeding, inverted, straight};
use crate::lab::{Lab, PROGRAM, Ran};
use crate::sim::Sim;
use rstest::rstest;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How much faster than real time the module lives.
pub(super) const SPEED: [&str; 2] = ["--speed", "50"];

/// A rig on the simulator's lines, with another UART than its own.
pub(super) fn rig(lab: &Lab, sim: &Sim, pty: &Path) {
    sim.rig(lab, "rig.yaml");
    let own = sim.pty.display().to_string();
    let text = lab.read("rig.yaml").replace(&own, &pty.display().to_string());
    lab.write("rig.yaml", text);
}

/// A check of a module behind such a UART.
fn check(to_program: Way, to_module: Way) -> Ran {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    let wire = Wire::to(&sim.pty, to_program, to_module);
    rig(&lab, &sim, &wire.pty);
    let ran = lab.run(&["check", "rig.yaml", "--boot", "1s"]).ends(3);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
    ran
}

#[test]
fn the_programs_of_the_supply_exchanged() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    commands(&lab, &sim, ["off", "on"]);
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    let inverted = ["FAIL", "runs while `power` is off", "wrong way round", "exchange"];
    holds(line(&ran, "power"), &inverted);
    // It was never switched on again: no time of that is told.
    holds(line(&ran, "switch"), &["skip", "not switched off and on again"]);
}

/// A relay that comes back long after it has supplied the module: what is timed has not begun before the module could.
#[test]
fn a_slow_switch_supplies_before_it_says_so() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    commands(&lab, &sim, ["on", "off"]);
    let moved = format!("[{PROGRAM:?}, power, lines.yaml, \"on\"]");
    let slow = format!("[sh, -c, '\"{PROGRAM}\" power lines.yaml on; sleep 0.4']");
    let text = lab.read("rig.yaml");
    assert!(text.contains(&moved), "{text}");
    lab.write("rig.yaml", text.replace(&moved, &slow));
    let ran = lab.run(&["check", "rig.yaml"]).ends(0);
    let boot = line(&ran, "boot");
    assert!(!boot.contains("first word 0ms"), "{boot}");
}

/// A transistor that nobody told the rig file of.
#[rstest]
#[case::power("power", "power", &["runs while `power` is off", "`active` of `power`"])]
#[case::reset("reset", "boot", &["only while `reset` is asserted", "`active` of `reset`", "TE-B"])]
#[case::pwrkey("pwrkey", "pwrkey", &["starts with `pwrkey` released", "`active` of `pwrkey`", "TE-B"])]
fn a_line_that_is_inverted(#[case] name: &'static str, #[case] probe: &str, #[case] told: &[&str]) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    let here = lab.path("inverted");
    inverted(&sim.control, name, &here);
    sim.rig(&lab, "rig.yaml");
    let own = sim.control.display().to_string();
    let text = lab.read("rig.yaml").replace(&own, &here.display().to_string());
    // PWRKEY has to be down for so long, in the module's time, as the rig file says.
    lab.write("rig.yaml", text.replace("hold: 20ms", "hold: 50ms"));
    // At rest it is where the rig file does not want it.
    let mut control = UnixStream::connect(&sim.control).expect("the control socket");
    ask(&mut control, &format!("{name} on"));
    let ran = lab.run(&["check", "rig.yaml", "--boot", "1s"]).ends(3);
    holds(line(&ran, probe), &["FAIL"]);
    holds(line(&ran, probe), told);
}

fn ask(control: &mut UnixStream, request: &str) {
    use std::io::{BufRead, BufReader, Write};
    writeln!(control, "{request}").expect("it takes a request");
    let mut answer = String::new();
    let copy = control.try_clone().expect("a second handle");
    BufReader::new(copy).read_line(&mut answer).expect("it answers");
    assert_eq!(answer, "ok\n", "{request}");
}

/// Rates that the module or its debug UART may have, and those next to the right one.
#[rstest]
#[case(9600.0)]
#[case(57600.0)]
#[case(230400.0)]
#[case(921600.0)]
fn another_baud(#[case] module: f64) {
    let ran = check(at_other_baud(module, 115200.0), at_other_baud(115200.0, module));
    holds(
        line(&ran, "boot"),
        &["FAIL", "no text", "noise", "`baud`", "1.8 V"],
    );
}

#[test]
fn a_firmware_at_another_baud_than_the_boot_rom() {
    let mut firmware = at_other_baud(9600.0, 115200.0);
    let mut rom = Vec::new();
    // The boot ROM's last line ends it; what comes after the next power-on begins with its first.
    let way: Way = Box::new(move |bytes| {
        let mut out = Vec::new();
        for byte in bytes {
            rom.push(*byte);
            if rom.ends_with(b"F1:") {
                rom = b"F1:".to_vec();
            }
            let end = b"Leaving the BROM\n\r";
            if !rom.windows(end.len()).any(|part| part == end) {
                out.push(*byte)
            } else {
                out.extend(firmware(&[*byte]))
            }
        }
        out
    });
    let ran = check(way, at_other_baud(115200.0, 9600.0));
    holds(line(&ran, "boot"), &["FAIL", "noise comes after it", "AT+IPR"]);
}

/// The same lines, but for one: the firmware has spoken, and RDY is missing.
#[test]
fn a_line_that_drops_rdy_is_not_autobauding() {
    let way: Way = Box::new(|bytes| String::from_utf8_lossy(bytes).replace("RDY", "").into_bytes());
    let ran = check(way, straight());
    holds(line(&ran, "boot"), &["FAIL", "no RDY", "drops bytes"]);
}

#[test]
fn a_wire_that_is_not_connected() {
    let ran = check(broken(), straight());
    let in_order = [
        "FAIL",
        "not a byte",
        "VBAT",
        "VDD_EXT",
        "PWRKEY",
        "swapped",
        "J302",
        "`port`",
    ];
    holds(line(&ran, "boot"), &in_order);
    let at = |part| line(&ran, "boot").find(part);
    assert!(
        at("VBAT") < at("swapped") && at("swapped") < at("J302"),
        "{}",
        line(&ran, "boot")
    );
}

#[test]
fn a_module_that_does_not_hear() {
    let ran = check(straight(), broken());
    holds(
        line(&ran, "answers"),
        &["FAIL", "RDY came", "answers no command", "TX"],
    );
}

#[test]
fn another_device_on_the_port() {
    let ran = check(
        Box::new(|bytes| b"U-Boot 2024.01\r\n".repeat(bytes.len().min(1))),
        broken(),
    );
    holds(line(&ran, "boot"), &["FAIL", "not from a BC66", "`port`", "CH A"]);
}

/// No module is needed to find it out: this is what a plug on an adapter does.
#[test]
fn a_loop_back() {
    let lab = Lab::new();
    let wire = Wire::to_nobody(straight());
    let text = format!(
        "rig: loop\nmodule: bc66\nserial: {{port: {}, latency: 0ms}}\npower: {{driver: command, on: [\"true\"], off: [\"true\"], discharge: 20ms}}\n",
        wire.pty.display()
    );
    lab.write("rig.yaml", text);
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    holds(
        line(&ran, "power"),
        &[
            "FAIL",
            "comes back as it was sent",
            "TX and RX of this machine are connected",
        ],
    );
}

/// A supply that gives way as soon as the firmware runs.
#[test]
fn a_module_that_starts_again_and_again() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    let mut control = UnixStream::connect(&sim.control).expect("the control socket");
    let way: Way = Box::new(move |bytes| {
        // Its first word after the boot ROM is not heard out.
        let text = String::from_utf8_lossy(bytes).replace("RDY", "");
        if text.len() < bytes.len() {
            ask(&mut control, "reset on");
            ask(&mut control, "reset off");
        }
        text.into_bytes()
    });
    let wire = Wire::to(&sim.pty, way, broken());
    rig(&lab, &sim, &wire.pty);
    let ran = lab.run(&["check", "rig.yaml", "--boot", "2s"]).ends(3);
    holds(
        line(&ran, "boot"),
        &["FAIL", "again and again", "0.5 A", "watchdog"],
    );
}

#[test]
fn a_port_that_another_program_holds() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    sim.rig(&lab, "rig.yaml");
    let held = serialport::new(sim.pty.to_string_lossy(), 115_200).open_native();
    let held = held.expect("the port is free");
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    holds(line(&ran, "open"), &["FAIL", "another program", "`fuser"]);
    drop(held);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

/// A USB hub as the switch: the adapter goes with the supply and is back so much later than it, in real time.
fn fed(speed: &str, later: Duration) -> (Lab, Sim) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", speed]);
    let (here, port) = (lab.path("feeding"), lab.path("adapter"));
    feeding(&sim.control, &sim.pty, &port, later, &here);
    rig(&lab, &sim, &port);
    let own = sim.control.display().to_string();
    let text = lab.read("rig.yaml").replace(&own, &here.display().to_string());
    lab.write("rig.yaml", text.replace("hold: 20ms", "hold: 80ms"));
    (lab, sim)
}

/// It comes back when the boot is over, and is not there when the program begins.
#[test]
fn an_adapter_that_is_fed_by_the_supply() {
    let (lab, _sim) = fed("50", Duration::from_millis(300));
    let ran = lab.run(&["check", "rig.yaml", "--boot", "1s"]).ends(0);
    let gone = ["ok ", "the serial port is gone", "fed by this supply"];
    holds(line(&ran, "power"), &gone);
    let back = [
        "ok ",
        "the serial port was back",
        "not heard",
        "a supply of its own",
    ];
    holds(line(&ran, "boot"), &back);
    assert!(!lab.path("adapter").exists(), "it has gone with the supply");
    assert!(lab.rig_state("quarantine.json").is_none());
}

/// It comes back soon enough to hear how the update goes on.
#[test]
fn a_run_with_an_adapter_that_is_fed_by_the_supply() {
    let (lab, _sim) = fed("10", Duration::from_millis(50));
    let suite = "suite: s
limits: {boot: 2s, attach: 2s, settle: 0s}
packages:
  a-to-b: {file: suites/packages/a-to-b.delta, from: BC66NBR01A01, to: BC66NBR01A02}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 50%, off: 300ms}
";
    lab.write("suite.yaml", suite);
    let ran = lab
        .run(&["run", "suite.yaml", "--rig", "rig.yaml", "--out", "out"])
        .ends(0);
    assert!(ran.stdout.contains("PASS"), "{}", ran.stdout);
    let journal = lab.read("out/events.jsonl");
    assert!(journal.contains("port-lost") && journal.contains("port-back"));
}
