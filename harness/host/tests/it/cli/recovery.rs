//! A dead module is the finding of the night, not its end.

use crate::junit;
use crate::lab::Lab;
use crate::sim::Sim;

const DIES_FIRST: &str = "limits: {boot: 10s, settle: 500ms, resume: 20s, update: 120s}
cases:
  - name: dies
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, after: 5s}
  - name: lives
    update: {package: a-to-b, via: uart}
  - name: back
    update: {package: b-to-a, via: uart}
";

#[test]
fn a_simulated_module_is_restored_and_the_night_goes_on() {
    let lab = Lab::new();
    lab.rig(200, "dead-after-cut");
    lab.suite(DIES_FIRST);
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(
        lab.verdicts("out"),
        ["dies fail unresponsive", "lives pass -", "back pass -"]
    );
    assert!(
        ran.stdout
            .contains("note the module is back, by reflash: it runs BC66NBR01A01"),
        "{}",
        ran.stdout
    );
    let recovered = lab.events("out");
    let recovered = recovered.iter().find(|event| event["event"] == "recovered");
    assert_eq!(recovered.expect("a recovery")["version"], "BC66NBR01A01");
}

/// No delta fits an image that is corrupt: without another image, every case after it would fail for that alone.
#[test]
fn a_corrupt_image_is_replaced() {
    let lab = Lab::new();
    lab.rig(200, "end-zero-corrupted-image");
    lab.suite(
        "cases:
  - name: first
    update: {package: a-to-b, via: uart}
  - name: accuses
    update: {package: b-to-a, via: uart}
  - name: next
    update: {package: a-to-b, via: uart}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(
        lab.verdicts("out"),
        [
            "first fail image-corrupt",
            "accuses fail preparation-failed",
            "next pass -"
        ]
    );
    assert!(
        lab.events("out")
            .iter()
            .any(|event| event["event"] == "recovered"),
        "by the factory's firmware"
    );
}

/// A rig with wires, whose module dies.
fn wired(lab: &Lab, more: &str) -> Sim {
    let sim = Sim::start(
        lab,
        &["--speed", "100", "--defect", "dead-after-cut", "--flash", "flash"],
    );
    std::fs::copy(lab.path("flash"), lab.path("factory")).expect("a copy of the flash");
    sim.rig(lab, "rig.yaml");
    let rig = lab.read("rig.yaml");
    lab.write("rig.yaml", format!("{rig}{more}"));
    // The harness's clock is the real one here.
    let simulated = "boot: 10s, settle: 500ms, resume: 20s, update: 120s";
    assert!(DIES_FIRST.contains(simulated), "limits to replace");
    lab.suite(
        &DIES_FIRST
            .replace(simulated, "boot: 1s, settle: 500ms, resume: 1s, update: 20s")
            .replace("after: 5s", "after: 50ms, off: 100ms"),
    );
    sim
}

#[test]
fn without_a_way_back_the_rest_is_not_reached_and_says_why() {
    let lab = Lab::new();
    let _sim = wired(&lab, "");
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(
        lab.verdicts("out"),
        [
            "dies fail unresponsive",
            "lives not-reached -",
            "back not-reached -"
        ]
    );
    let cases = junit::cases(&lab.read("out/junit.xml"));
    for case in &cases[1..] {
        assert_eq!(
            (case.verdict.as_str(), case.kind.as_str()),
            ("skipped", "not-reached")
        );
        for part in ["dead since `dies`", "unresponsive: ", "`reflash`"] {
            assert!(case.message.contains(part), "`{part}` in: {}", case.message);
        }
    }
    assert!(
        ran.stdout
            .contains("not reached: the module is dead since `dies`"),
        "{}",
        ran.stdout
    );
    // By what it was tried to be woken stands in the verdict.
    for part in ["2 × a power cycle", "a reset", "PWRKEY"] {
        assert!(
            cases[0].message.contains(part),
            "`{part}` in: {}",
            cases[0].message
        );
    }
}

/// The program has the serial port while it runs, and the harness has it back afterwards.
#[test]
fn a_program_restores_the_module() {
    let lab = Lab::new();
    let sim = wired(&lab, "");
    let script = format!(
        "if ls -l /proc/$PPID/fd | grep -q {pty}$; then echo the port is not free >&2; exit 9; fi; exec 3<>{pty} && cp factory flash",
        pty = sim.pty.display()
    );
    let rig = lab.read("rig.yaml");
    lab.write(
        "rig.yaml",
        format!("{rig}reflash: {{command: [sh, -c, {script:?}], timeout: 10s}}\n"),
    );
    lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(
        lab.verdicts("out"),
        ["dies fail unresponsive", "lives pass -", "back pass -"]
    );
}
