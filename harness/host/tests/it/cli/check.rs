//! `check`: every wire of a rig is looked at, and each mistake of a bench is told from the others.

use crate::lab::{Lab, PROGRAM, Ran};
use crate::process::{Signal, wait_until};
use crate::sim::Sim;
use rstest::rstest;
use serde_json::Value;

/// The line about a probe.
#[track_caller]
pub(crate) fn line<'a>(ran: &'a Ran, probe: &str) -> &'a str {
    let mut lines = ran.stdout.lines();
    let found = lines.find(|line| line.split_whitespace().nth(1) == Some(probe));
    found.unwrap_or_else(|| panic!("no line about `{probe}` in:\n{}", ran.stdout))
}

#[track_caller]
pub(crate) fn holds(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "`{part}` in: {line}");
    }
}

#[test]
fn a_simulated_rig_is_sound() {
    let lab = Lab::new();
    let ran = lab.run(&["check", "rigs/sim-fast.yaml"]).ends(0);
    assert!(ran.stdout.contains("SIMULATED"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nsound\n"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    holds(line(&ran, "power"), &["ok ", "silent", "3s"]);
    holds(line(&ran, "version"), &["BC66NBR01A01 by `ATI` and `AT+CGMR`"]);
    holds(line(&ran, "signal"), &["dBm"]);
    for probe in [
        "boot",
        "reset",
        "pwrkey",
        "registration",
        "http",
        "coap",
        "clock",
        "disk",
        "switch",
    ] {
        assert!(line(&ran, probe).starts_with("ok "), "{}", line(&ran, probe));
    }
    assert!(lab.names("reports").is_empty(), "a check is no run");
    assert!(lab.names("tmp").is_empty(), "left behind: {:?}", lab.names("tmp"));

    let last = lab.rig_state("check.json").expect("the last check is kept");
    assert_eq!((&last["sound"], &last["rig"]), (&true.into(), &"sim-fast".into()));
    assert!(
        last["switch"]["on_ns"].as_u64().is_some_and(|ns| ns > 0),
        "{last}"
    );
}

#[test]
fn as_json_and_with_what_was_done() {
    let lab = Lab::new();
    lab.rig(400, "");
    let ran = lab
        .run(&["check", "rig.yaml", "--json", "-v", "--state-dir", "here"])
        .ends(0);
    let seen: Value = serde_json::from_str(&ran.stdout).expect("JSON and nothing else");
    assert_eq!(
        (&seen["sound"], &seen["quarantine"]),
        (&true.into(), &Value::Null)
    );
    let checks = seen["checks"].as_array().expect("a list");
    let probe = |name: &str| {
        checks
            .iter()
            .find(|check| check["probe"] == name)
            .expect("a probe")
    };
    assert_eq!(probe("imei")["outcome"], "ok");
    assert_eq!(probe("imei")["seen"], seen["module"]["imei"]);
    holds(&ran.stderr, &["! power off", "> AT+CGMR", "< RDY"]);
    assert_eq!(lab.names("here"), ["rigs"], "and nowhere else");
    assert!(!lab.path("state").exists());
}

/// A module on a pty, moved by programs.
pub(crate) fn commands(lab: &Lab, sim: &Sim, [on, off]: [&str; 2]) {
    sim.rig(lab, "lines.yaml");
    let program = |action: &str| match action {
        "true" => "[\"true\"]".to_owned(),
        action => format!("[{PROGRAM:?}, power, lines.yaml, \"{action}\"]"),
    };
    let text = format!(
        "rig: commands
module: bc66
serial: {{port: {}, latency: 0ms}}
power: {{driver: command, on: {}, off: {}, discharge: 60ms}}
reset: {{driver: command, pulse: {}}}
",
        sim.pty.display(),
        program(on),
        program(off),
        program("reset")
    );
    lab.write("rig.yaml", text);
}

#[test]
fn a_rig_without_a_network() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    commands(&lab, &sim, ["on", "off"]);
    let ran = lab.run(&["check", "rig.yaml"]).ends(0);
    holds(line(&ran, "power"), &["ok "]);
    holds(line(&ran, "reset"), &["ok ", "RDY"]);
    holds(line(&ran, "pwrkey"), &["skip", "no `pwrkey`"]);
    holds(line(&ran, "registration"), &["skip", "UART alone"]);
    holds(line(&ran, "http"), &["skip", "`network.http`"]);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

/// A supply that a program switches is slower than a glitch, and `plan` knows it from the check.
#[test]
fn a_plan_knows_how_fast_the_supply_is() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    commands(&lab, &sim, ["on", "off"]);
    lab.rehearsal("cases:\n  - name: glitch\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 50%, off: 1ms}\n");
    let plan = || {
        lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"])
            .ends(0)
            .stdout
    };
    let told = "warning: this rig cannot cut the supply for less than";
    assert!(!plan().contains(told), "{}", plan());
    lab.run(&["check", "rig.yaml"]).ends(0);
    assert!(plan().contains(told), "{}", plan());
}

/// A switch with nothing behind it, and a relay whose contacts are welded.
#[rstest]
#[case::bypassed(&["--powered"], "true")]
#[case::welded(&[], "on")]
fn a_power_line_that_does_not_cut(#[case] flags: &[&str], #[case] on: &str) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &[&["--speed", "50"], flags].concat());
    commands(&lab, &sim, [on, "true"]);
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    holds(
        line(&ran, "power"),
        &["FAIL", "discharge of 60ms", "the program `off` of `power`", "USB"],
    );
    assert!(ran.stdout.contains("NOT SOUND: 1 failed"), "{}", ran.stdout);
    assert_eq!(lab.rig_state("check.json").expect("kept")["sound"], false);
    // By now it has said all it has to say: it idles, as silent as if it had no supply.
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    holds(line(&ran, "power"), &["FAIL", "`AT`"]);
}

#[test]
fn a_power_line_that_never_comes_on() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    commands(&lab, &sim, ["true", "off"]);
    let ran = lab.run(&["check", "rig.yaml", "--boot", "500ms"]).ends(3);
    holds(line(&ran, "boot"), &["FAIL", "not a byte within 500ms", "PWRKEY"]);
}

#[test]
fn a_module_of_another_type() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.write(
        "rig.yaml",
        lab.read("rig.yaml").replace("module: bc66", "module: bc66-na"),
    );
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    holds(
        line(&ran, "module"),
        &["FAIL", "`Quectel_BC66`", "`Quectel_BC66NA`", "rig file"],
    );
    assert!(line(&ran, "power").starts_with("ok "), "{}", ran.stdout);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

#[test]
fn a_port_that_is_taken() {
    let lab = Lab::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address");
    lab.write(
        "rig.yaml",
        format!(
            "rig: lab\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: 400}}\nnetwork: {{http: {{listen: \"{addr}\", advertise: \"http://{addr}\"}}}}\n"
        ),
    );
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    holds(line(&ran, "http"), &["FAIL", &addr.to_string()]);
}

#[test]
fn an_interrupt_takes_the_supply_away() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "5"]);
    sim.rig(&lab, "rig.yaml");
    let rig = lab.read("rig.yaml").replace("hold: 20ms", "hold: 200ms");
    lab.write("rig.yaml", rig);
    let running = lab.start(&["check", "rig.yaml"]);
    wait_until("a module that runs", || sim.state().contains("module=running"));
    running.signal(Signal::INT);
    running.end().ends(130);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
    assert_eq!(lab.rig_state("check.json"), None, "half a check is none");
}
