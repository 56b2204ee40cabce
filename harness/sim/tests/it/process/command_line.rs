//! Flags, files and ends.

use crate::process::rig::{FORWARD, Rig, SPEED, program};
use rstest::rstest;
use rustix::process::Signal;
use std::process::Command;

/// Exit code, stdout, stderr.
fn outcome(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the simulator runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[rstest]
#[case(&["--defect", "forget-resume"], "there is no `forget-resume`; did you mean `forgets-resume`?")]
#[case(&["--defect", "nope"], "there is no `nope`; `--list-defects` and")]
#[case(&["--dialect", "end-twise"], "did you mean `end-twice`?")]
#[case(&["--speed", "0"], "expected a positive number")]
#[case(&["--module", "bc95"], "expected `bc66` or `bc66-na`")]
#[case(&["--firmware", "A01"], "`A01` is not a firmware version")]
#[case(&["--firmware", "BC66NANBR01A01"], "`BC66NANBR01A01` is not a firmware of the module `bc66`")]
#[case(&["--flash", "/dev/null"], "0 bytes, expected")]
#[case(&["--control", "/nowhere/at/all"], "control socket `/nowhere/at/all`")]
#[case(&["pack", "BC66NBR01A01", "BC66NANBR01A02", "/tmp/x"], "different modules")]
fn usage(#[case] flags: &[&str], #[case] message: &str) {
    let (code, stdout, stderr) = outcome(program().args(flags));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains(message), "{stderr}");
}

fn listed(flag: &str) -> Vec<String> {
    let (code, stdout, _) = outcome(program().arg(flag));
    assert_eq!(code, Some(0));
    let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
    stdout.lines().filter_map(name).collect()
}

#[test]
fn list_defects() {
    let names = "forgets-resume end-zero-old-version end-zero-corrupted-image hangs-in-updating dead-after-cut \
         never-prints-end lwm2m-stuck-at-updating result-not-reset cannot-be-re-observed \
         executes-in-any-state no-marker marker-cleared-early no-backup backup-not-verified \
         torn-backup-trusted resumes-wrong-chunk downloads-again bricks-above-90 bricks-near-percent \
         reboot-loop loses-network imei-lost wrong-crc-accepted wrong-digest-accepted \
         wrong-base-accepted range-ignored ignores-update-after-glitch needs-long-off busy-for-ever \
         settings-lost loops-later reboots-every-10s boots-twice deaf-later hangs-before-end \
         quiet-after-update cereg-flood stale-replies answers-one-in-five cme-for-everything \
         garbled-revision sim-identity-lost restores-old-with-error gives-up-resume gives-up-silently \
         five-tries-then-old resume-without-updating resets-while-updating percent-out-of-range \
         old-image-on-second-boot updates-again-later large-blocks-corrupted";
    assert_eq!(listed("--list-defects").join(" "), names);
}

#[test]
fn list_dialects() {
    let names = "end-twice percent-jumps percent-repeats percent-restarts-low no-start no-spaces more-spaces \
         no-percent-sign short-updating noisy-boot-rom slow-boot old-registration autobaud \
         end-on-second-boot late-address two-addresses torn-httpend exact-header-names queue-mode";
    assert_eq!(listed("--list-dialects").join(" "), names);
}

#[test]
fn pack_writes_what_the_library_packs() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("a.delta");
    let (code, ..) = outcome(program().args(["pack", "BC66NBR01A01", "BC66NBR01A02"]).arg(&out));
    assert_eq!(code, Some(0));
    let package = std::fs::read(&out).expect("a package");
    assert!(package == *FORWARD);
    assert!(
        (8 * 1024..40 * 1024).contains(&package.len()),
        "{} bytes",
        package.len()
    );
}

#[test]
fn a_module_is_not_started_by_hand() {
    use std::os::unix::process::CommandExt;
    let (code, stdout, stderr) = outcome(program().arg0("bc66-module"));
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("not by hand"), "{stderr}");
}

#[test]
fn files_are_where_they_were_asked_for_and_go_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    let (link, control, flash) = (path("tty"), path("control"), path("flash"));
    let flags = [
        "--pty-link",
        &link,
        "--control",
        &control,
        "--flash",
        &flash,
        "--firmware",
        "BC66NBR01A07",
    ];
    let rig = Rig::start(&flags);
    assert_eq!(std::fs::read_link(&link).expect("a link"), rig.pty_path);
    assert_eq!(rig.control_path.to_str(), Some(control.as_str()));
    assert_eq!(rig.end(), Some(0));
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .expect("readable")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["flash"]);

    let mut again = Rig::attached(&["--flash", &flash, "--firmware", "BC66NBR01A01"]);
    assert_eq!(
        again.revision(),
        "BC66NBR01A07",
        "an existing flash is used as it is"
    );
}

#[test]
fn powered_for_use_by_hand() {
    let mut rig = Rig::start(&["--powered", "--speed", SPEED]);
    rig.until("RDY\r\n");
    rig.expect_state("power=on module=running reset=off pwrkey=off");
}

/// How a simulator is told to end, and what it answers.
type End = fn(Rig) -> Option<i32>;

#[rstest]
#[case::eof(Rig::end)]
#[case::sigterm(|rig: Rig| rig.signal(Signal::TERM))]
#[case::sigint(|rig: Rig| rig.signal(Signal::INT))]
fn every_end_is_clean(#[case] end: End) {
    let rig = Rig::attached(&[]);
    let temporary = rig.control_path.parent().expect("a directory").to_owned();
    assert!(temporary.join("flash").exists());
    assert_eq!(end(rig), Some(0));
    assert!(!temporary.exists(), "temporary files go with it");
}

#[test]
fn the_module_dies_with_its_board() {
    let mut rig = Rig::attached(&[]);
    let temporary = rig.control_path.parent().expect("a directory").to_owned();
    assert!(
        rig.kill_board(),
        "the pty hangs up: nobody holds its other side any more"
    );
    std::fs::remove_dir_all(temporary).expect("what a killed board leaves");
}
