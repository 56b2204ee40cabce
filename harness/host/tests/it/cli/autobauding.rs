//! A module that looks for its rate anew at each start, and says nothing until it is spoken to. Its run takes most of a minute:
//! by its name this file comes first, and others run beside it.

use super::check::{holds, line};
use super::wire::{Way, Wire};
use super::wiring::{SPEED, rig};
use crate::lab::Lab;
use crate::sim::Sim;

/// Ways of a module that says nothing between its boot ROM and the first `AT` after it; what the bootloader says on its own
/// comes through.
pub(crate) fn autobauding() -> (Way, Way) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let synced = Arc::new(AtomicBool::new(true));
    let found = Arc::clone(&synced);
    let (mut line, mut rom) = (Vec::new(), false);
    let to_program: Way = Box::new(move |bytes| {
        let mut out = Vec::new();
        for byte in bytes {
            line.push(*byte);
            if !matches!(byte, b'\r' | b'\n') {
                continue;
            }
            let said = std::mem::take(&mut line);
            let text = String::from_utf8_lossy(&said).trim().to_owned();
            rom |= text.starts_with("F1:");
            if rom {
                synced.store(false, Ordering::SeqCst);
            }
            if rom || synced.load(Ordering::SeqCst) || text.contains("UPDATING") {
                out.extend(said);
            }
            rom &= text != "Leaving the BROM";
        }
        // A prompt has no line end.
        if synced.load(Ordering::SeqCst) && line.starts_with(b">") {
            out.append(&mut line);
        }
        out
    });
    let to_module: Way = Box::new(move |bytes| {
        let speaks = bytes.windows(2).any(|two| two == b"AT");
        found.fetch_or(speaks, Ordering::SeqCst);
        bytes.to_vec()
    });
    (to_program, to_module)
}

/// No mistake at all, and named: the rig is sound, also for a run.
#[test]
fn a_module_that_finds_its_rate_at_the_first_at() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    let (to_program, to_module) = autobauding();
    let wire = Wire::to(&sim.pty, to_program, to_module);
    rig(&lab, &sim, &wire.pty);
    let ran = lab.run(&["check", "rig.yaml", "--boot", "2s"]).ends(0);
    let named = [
        "ok ",
        "silence for 2s until `AT`",
        "autobauding",
        "AT+IPR=115200",
        "AT&W",
    ];
    holds(line(&ran, "boot"), &named);
    for probe in ["reset", "pwrkey"] {
        holds(line(&ran, probe), &["ok ", "boot ROM and answer to `AT`"]);
    }
    assert!(lab.rig_state("quarantine.json").is_none());
}

/// A run goes on with such a module: neither its checks nor the waking of the module hold it against the rig.
#[test]
fn a_run_goes_on_with_a_module_that_is_autobauding() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &SPEED);
    let (to_program, to_module) = autobauding();
    let wire = Wire::to(&sim.pty, to_program, to_module);
    rig(&lab, &sim, &wire.pty);
    let suite = "suite: s
limits: {boot: 1s, attach: 2s}
packages:
  a-to-b: {file: suites/packages/a-to-b.delta, from: BC66NBR01A01, to: BC66NBR01A02}
cases:
  - name: a block with a wrong crc
    update: {package: a-to-b, via: uart}
    faults: {uart: {corrupt-block: 1}}
    expect: {reply: ERROR, version: unchanged}
";
    lab.write("suite.yaml", suite);
    let ran = lab
        .run(&["run", "suite.yaml", "--rig", "rig.yaml", "--out", "out"])
        .ends(0);
    assert!(ran.stdout.contains("PASS"), "{}", ran.stdout);
    let journal = lab.read("out/events.jsonl");
    assert_eq!(
        journal
            .matches("\"event\":\"note\",\"text\":\"the module was silent")
            .count(),
        1
    );
    assert!(!journal.contains("\"text\":\"RDY\""), "the wire let it through");
    assert!(lab.rig_state("quarantine.json").is_none());
}
