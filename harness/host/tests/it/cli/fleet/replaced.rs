//! A build, or an upgrade, that replaces the program while a run goes on.

use super::{arguments, await_told, cuts, told, whole};
use crate::lab::{Lab, PROGRAM};
use crate::process::Running;

/// What is started later, as the guard and the simulated module of the next batch, is the program that began the run.
#[test]
fn a_run_ends_with_the_program_that_began_it() {
    let lab = Lab::new();
    lab.rig(60, "");
    cuts(&lab, 6);
    let program = lab.path("program");
    // A link: the program itself is never changed.
    if std::fs::hard_link(PROGRAM, &program).is_err() {
        std::fs::copy(PROGRAM, &program).expect("a copy");
    }
    let mut command = lab.command_of(&program);
    command.args(arguments(&["rig.yaml"; 2], &["--canary", "0"]));
    let running = Running::start(&mut command);
    await_told(&lab, "taken", |_| true);
    std::fs::copy("/bin/false", lab.path("next")).expect("a program that does nothing");
    std::fs::rename(lab.path("next"), &program).expect("it takes the other one's place");
    let before = told(&lab, "taken").len();
    whole(&lab, running.end(), 0);
    assert!(told(&lab, "taken").len() > before, "batches began afterwards");
    let verdicts = lab.verdicts("out");
    assert!(
        verdicts.iter().all(|verdict| verdict.ends_with(" pass -")),
        "{verdicts:#?}"
    );
}
