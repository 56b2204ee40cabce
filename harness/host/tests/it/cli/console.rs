//! `console` with lines out of a pipe.

use crate::lab::Lab;
use crate::process::{Running, Signal, all_end, wait_until};
use crate::sim::Sim;
use std::io::Write;
use std::process::Stdio;

/// What was shown, without the times.
fn shown(stdout: &str) -> Vec<&str> {
    stdout
        .lines()
        .map(|line| {
            let (time, rest) = line
                .trim_start()
                .split_once(' ')
                .expect("a time and what was shown");
            time.parse::<f64>().expect("a time");
            rest.trim_end()
        })
        .collect()
}

#[track_caller]
fn in_order(lines: &[&str], expected: &[&str]) {
    let mut rest = lines.iter();
    for wanted in expected {
        assert!(
            rest.any(|line| line.starts_with(wanted)),
            "`{wanted}` in this order in: {lines:#?}"
        );
    }
}

#[test]
fn typed_commands_and_orders_for_the_rig() {
    let lab = Lab::new();
    let typed = "ATI\n:power cycle\nAT+CGMR\n:wait 20s\nAT+NOPE\n:reset\n:powr on\n:power off\nAT+CSQ\n";
    let ran = lab
        .run_with_input(&["console", "rigs/sim-fast.yaml"], typed)
        .ends(0);
    assert_eq!(ran.stderr, "");
    in_order(
        &shown(&ran.stdout),
        &[
            "! power on",
            "! pwrkey on",
            "< F1: 0000 0000                            # boot ROM",
            "< RDY                                      # the application runs",
            "> ATI",
            "< Quectel_BC66",
            "< Revision: BC66NBR01A01",
            "< OK",
            "! power off",
            "! power on",
            "< F1: 0000 0000",
            "< RDY",
            "> AT+CGMR",
            "< OK",
            "> AT+NOPE",
            "< ERROR",
            "! reset on",
            "! reset off",
            "< RDY",
            "# unknown `:powr on`; `:help` lists the commands",
            "! power off",
            "# not sent, the module has no supply: `AT+CSQ`",
        ],
    );
    // The module turns on while the key is still pressed: which of the two is seen first is its business.
    assert!(ran.stdout.contains("! pwrkey off"), "{}", ran.stdout);
    assert!(ran.stdout.contains("# an address was given"), "{}", ran.stdout);
    assert!(lab.names("tmp").is_empty(), "left behind: {:?}", lab.names("tmp"));
}

/// As after `power RIG on`: it boots anew, and the first command is answered like the others.
#[test]
fn a_module_that_is_on_already_boots_anew() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.run(&["power", "rig.yaml", "on"]).ends(0);
    let ran = lab.run_with_input(&["console", "rig.yaml"], "ATI\n").ends(0);
    in_order(
        &shown(&ran.stdout),
        &[
            "! power off",
            "! power on",
            "< RDY",
            "> ATI",
            "< Revision: BC66NBR01A01",
            "< OK",
        ],
    );
    assert!(!ran.stdout.contains("no RDY"), "{}", ran.stdout);
}

#[test]
fn quit_leaves_the_rest_unsent() {
    let lab = Lab::new();
    let ran = lab
        .run_with_input(&["console", "rigs/sim-fast.yaml"], ":help\n:quit\nAT+CGMI\n")
        .ends(0);
    assert!(ran.stdout.contains("# :quit "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("CGMI"), "{}", ran.stdout);
}

#[test]
fn an_update_by_hand_is_decoded() {
    let lab = Lab::new();
    // Refused at once: nothing was uploaded. Then one that cannot be reached: a download that ends with 12.
    let typed = ":wait 20s\nAT+QFOTADL=1\nAT+QFOTADL=\"http://127.0.0.1:9/none\"\n:wait 60s\n";
    let ran = lab
        .run_with_input(&["console", "rigs/sim-fast.yaml"], typed)
        .ends(0);
    in_order(
        &shown(&ran.stdout),
        &[
            "> AT+QFOTADL=1",
            "< ERROR",
            "> AT+QFOTADL=\"http",
            "< OK",
            "< +QIND: \"FOTA\",\"HTTPEND\",12",
        ],
    );
    assert!(
        ran.stdout.contains("# download 12 (download failed)"),
        "{}",
        ran.stdout
    );
}

/// A console on a module that the test can watch, and that waits for input.
fn open(lab: &Lab, sim: &Sim) -> (Running, std::io::PipeWriter) {
    sim.rig(lab, "rig.yaml");
    let (input, typed) = std::io::pipe().expect("a pipe");
    let running = Running::start(lab.command(&["console", "rig.yaml"]).stdin(Stdio::from(input)));
    wait_until("a module that runs", || sim.state().contains("module=running"));
    (running, typed)
}

const OFF: &str = "ok power=off module=off reset=off pwrkey=off";

#[test]
fn the_end_of_input_takes_the_supply_away() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    let (mut running, mut typed) = open(&lab, &sim);
    typed.write_all(b"ATI\n").expect("the console reads");
    running.await_stdout("Revision: ");
    drop(typed);
    running.end().ends(0);
    assert_eq!(sim.state(), OFF);
}

#[test]
fn signals_take_the_supply_away() {
    for signal in [Signal::INT, Signal::TERM] {
        let lab = Lab::new();
        let sim = Sim::start(&lab, &["--speed", "50"]);
        let (running, typed) = open(&lab, &sim);
        running.signal(signal);
        running.end().ends(130);
        assert_eq!(sim.state(), OFF);
        drop(typed);
    }
}

#[test]
fn a_killed_console_leaves_no_simulator() {
    let lab = Lab::new();
    let (input, typed) = std::io::pipe().expect("a pipe");
    let mut running = Running::start(
        lab.command(&["console", "rigs/sim-fast.yaml"])
            .stdin(Stdio::from(input)),
    );
    running.await_stdout("RDY");
    let below = running.descendants();
    assert!(below.len() >= 2, "a board and its module: {below:?}");
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None);
    all_end(&below);
    drop(typed);
}
