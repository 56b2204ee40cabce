//! Where state is kept when nobody says it: one place for the machine, where the package has made it.

use crate::lab::{Lab, PROGRAM, Ran};
use crate::process::Running;
use rstest::rstest;
use std::process::Command;

/// A check, without a variable that names a place, on a machine whose `/var/lib` is another one; `None` where nobody may
/// mount anything.
fn checked(lab: &Lab, package: &str, more: &[&str]) -> Option<Ran> {
    let script = format!(
        "mount -t tmpfs tmpfs /var/lib || exit 77; {package}
        umask 022; \"$@\"; exit=$?
        test ! -e /var/lib/dfota-hil || (cd /var/lib && find dfota-hil -type d -printf '%m %p\\n' >&2)
        exit $exit"
    );
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", &script, "sh", PROGRAM, "check", "rig.yaml"])
        .args(more)
        .current_dir(lab.path("."))
        .env_remove("XDG_STATE_HOME")
        .env("HOME", lab.path("home"));
    let ran = Running::start(&mut command).end();
    if ran.code == Some(77) || ran.stderr.contains("unshare failed") {
        eprintln!("skipped: this machine lets nobody mount anything");
        return None;
    }
    Some(ran.ends(0))
}

#[rstest]
#[case::a_package("mkdir -m 2775 /var/lib/dfota-hil;", &[], "var")]
#[case::no_package("", &[], "home/.local/state/dfota-hil")]
#[case::named("mkdir -m 2775 /var/lib/dfota-hil;", &["--state-dir", "here"], "here")]
fn the_place_of_the_state(#[case] package: &str, #[case] more: &[&str], #[case] place: &str) {
    let lab = Lab::new();
    lab.rig(400, "");
    let Some(ran) = checked(&lab, package, more) else {
        return;
    };
    let of_machine = ran.stderr.contains("dfota-hil/rigs/rig-");
    assert_eq!(of_machine, place == "var", "{}", ran.stderr);
    if of_machine {
        let shared = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("2775 "))
            .count();
        assert_eq!(shared, 3, "the folder, `rigs` and the rig's: {}", ran.stderr);
    } else {
        assert_eq!(lab.names(&format!("{place}/rigs")).len(), 1);
    }
}
