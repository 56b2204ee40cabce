//! `check --step`: somebody at a terminal connects a bench, wire by wire.

use crate::cli::check::holds;
use crate::cli::wire::{Way, Wire, pty, straight};
use crate::lab::{Lab, Ran};
use crate::process::{Running, Signal, wait_until};
use crate::sim::Sim;
use rstest::rstest;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const BEGIN: &str = "Enter begins, q stops: ";
const AGAIN: &str = "Enter repeats this step, q stops: ";
const LOOKED: &str = "Enter switches it off again: ";
const OFF: &str = "ok power=off module=off reset=off pwrkey=off";

/// A walk, and the terminal that it asks at.
pub(crate) struct Walk {
    running: Running,
    terminal: File,
    seen: usize,
}

impl Walk {
    pub(crate) fn start(lab: &Lab, more: &[&str]) -> Self {
        let (terminal, path) = pty();
        let stdin = File::options().read(true).write(true).open(path);
        let args = [&["check", "--step"], more].concat();
        Self {
            running: Running::start(lab.command(&args).stdin(stdin.expect("a terminal"))),
            terminal,
            seen: 0,
        }
    }

    /// Waits for a question, and gives what was said since the one before.
    #[track_caller]
    pub(crate) fn asked(&mut self, question: &str) -> String {
        let all = self.running.await_question(self.seen, question);
        let said = all[self.seen..].to_owned();
        self.seen = all.len();
        said
    }

    fn types(&mut self, what: &[u8]) {
        self.terminal.write_all(what).expect("the terminal takes it");
    }

    /// Does what is asked until a step with this title is to begin.
    #[track_caller]
    fn up_to(&mut self, title: &str) -> String {
        loop {
            let said = self.asked(": ");
            if said.contains(&format!(": {title}\n")) && said.ends_with(BEGIN) {
                return said;
            }
            assert!(said.ends_with(BEGIN) || said.ends_with(LOOKED), "{said}");
            self.types(b"\n");
        }
    }
}

/// A module without RESET, on wires, one of which is not connected before somebody says so.
fn unfinished(lab: &Lab, to_program: bool) -> (Sim, Wire, Arc<AtomicBool>) {
    let sim = Sim::start(lab, &["--speed", "50"]);
    let connected = Arc::new(AtomicBool::new(false));
    let there = Arc::clone(&connected);
    let way: Way = Box::new(move |bytes| {
        if there.load(Ordering::Relaxed) {
            bytes.to_vec()
        } else {
            Vec::new()
        }
    });
    let wire = if to_program {
        Wire::to(&sim.pty, way, straight())
    } else {
        Wire::to(&sim.pty, straight(), way)
    };
    sim.rig(lab, "rig.yaml");
    let (own, through) = (sim.pty.display().to_string(), wire.pty.display().to_string());
    let text = lab.read("rig.yaml").replace(&own, &through);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("reset")).collect();
    lab.write("rig.yaml", lines.join("\n"));
    (sim, wire, connected)
}

#[test]
fn from_the_switch_to_the_antenna() {
    let lab = Lab::new();
    let mut walk = Walk::start(&lab, &["rigs/sim-fast.yaml"]);
    let said = walk.asked(BEGIN);
    holds(
        &said,
        &["supply is off", "step 1 of 7", "voltmeter", "`active` of `power`"],
    );
    walk.types(b"\n");
    walk.asked(LOOKED);
    walk.types(b"\n");
    let said = walk.asked(BEGIN);
    holds(
        &said,
        &["ok   switch", "step 2 of 7", "VBAT", "TXD", "RDY within 30s"],
    );
    for wires in ["RXD", "RESET", "PWRKEY", "antenna", "servers"] {
        walk.types(b"\n");
        holds(&walk.asked(BEGIN), &["ok ", wires]);
    }
    walk.types(b"\n");
    let ran = walk.running.end().ends(0);
    assert!(ran.stdout.ends_with("\nsound\n"), "{}", ran.stdout);
    for probe in [
        "power", "boot", "answers", "imei", "reset", "pwrkey", "signal", "coap", "disk",
    ] {
        ran.says(&format!("ok   {probe:12} "));
    }
    let last = lab.rig_state("check.json").expect("it is kept as the last check");
    assert_eq!(last["sound"], true);
    assert!(last["module"]["imei"].is_string(), "{last}");
}

/// Each wire is missing when it is looked at, and there when it is looked at again.
#[rstest]
#[case::txd(true, "supply, PWRKEY and TXD of the module", &["FAIL boot", "not a byte", "VDD_EXT", "swapped"])]
#[case::rxd(false, "RXD of the module", &["FAIL answers", "answers no command", "TX"])]
fn a_wire_that_is_connected_after_all(#[case] to_program: bool, #[case] title: &str, #[case] told: &[&str]) {
    let lab = Lab::new();
    let (sim, _wire, connected) = unfinished(&lab, to_program);
    let mut walk = Walk::start(&lab, &["rig.yaml", "--boot", "3s"]);
    walk.up_to(title);
    walk.types(b"\n");
    holds(&walk.asked(AGAIN), told);
    assert_eq!(sim.state(), OFF, "nobody mends a wire that has a supply");
    connected.store(true, Ordering::Relaxed);
    walk.types(b"\n");
    walk.up_to("this machine");
    walk.types(b"\n");
    let ran = walk.running.end().ends(0);
    assert!(ran.stdout.contains("\nskip registration"), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("\nsound, 6 not looked at\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(sim.state(), OFF);
}

/// What was wrong may have been the rig file; while it is being mended, the rig is free.
#[test]
fn a_rig_file_that_is_mended() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    let right = lab.read("rig.yaml");
    lab.write("rig.yaml", right.replace("module: bc66", "module: bc66-na"));
    let mut walk = Walk::start(&lab, &["rig.yaml"]);
    walk.up_to("RXD of the module");
    walk.types(b"\n");
    holds(&walk.asked(AGAIN), &["FAIL module", "`Quectel_BC66NA`"]);
    lab.run(&["power", "rig.yaml", "off"]).ends(0);
    lab.write("rig.yaml", right.replace("power:", "powr:"));
    walk.types(b"\n");
    walk.asked(AGAIN);
    walk.running.await_stderr("powr");
    lab.write("rig.yaml", right);
    walk.types(b"\n");
    holds(&walk.asked(BEGIN), &["ok   module", "RESET"]);
}

/// Whoever leaves, leaves no supply on, and half a check is none.
#[rstest]
#[case::q(b"q\n", 3)]
#[case::upper_case(b"Q\n", 3)]
#[case::end_of_input(b"\x04", 3)]
#[case::only_after_a_word_that_is_no_answer(b"maybe\nq\n", 3)]
fn somebody_who_leaves(#[case] typed: &[u8], #[case] code: i32) {
    let lab = Lab::new();
    let (sim, _wire, _) = unfinished(&lab, true);
    let mut walk = Walk::start(&lab, &["rig.yaml", "--boot", "1s"]);
    walk.up_to("supply, PWRKEY and TXD of the module");
    walk.types(b"\n");
    walk.asked(AGAIN);
    walk.types(typed);
    let ran = walk.running.end().ends(code);
    ran.says("\nstopped after 1 of 7 steps, with the rig in its safe state\n");
    assert_eq!(sim.state(), OFF);
    assert_eq!(lab.rig_state("check.json"), None);
}

#[rstest]
#[case::while_it_asks(BEGIN)]
#[case::while_a_meter_is_read(LOOKED)]
fn a_signal(#[case] when: &str) {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let lab = Lab::new();
        let sim = Sim::start(&lab, &["--speed", "50"]);
        sim.rig(&lab, "rig.yaml");
        let mut walk = Walk::start(&lab, &["rig.yaml"]);
        walk.asked(BEGIN);
        if when == LOOKED {
            walk.types(b"\n");
            walk.asked(LOOKED);
            wait_until("the supply", || sim.state().contains("power=on"));
        }
        walk.running.signal(signal);
        walk.running.end().ends(130);
        assert_eq!(sim.state(), OFF);
        assert_eq!(lab.rig_state("check.json"), None);
    }
}

#[rstest]
#[case::no_terminal(&["check", "rigs/sim-fast.yaml", "--step"], "not a terminal")]
#[case::nothing_for_programs(&["check", "rigs/sim-fast.yaml", "--step", "--json"], "cannot be used with '--json'")]
fn nobody_to_ask(#[case] args: &[&str], #[case] told: &str) {
    let ran: Ran = Lab::new().run_with_input(args, "\n\n\n").ends(2);
    ran.complains(told);
    assert_eq!(ran.stdout, "");
}
