//! A disk that is full, before a run and in the middle of it: the machine's fault, no rig's, and never a pass.

use super::{cuts, nothing_is_left};
use crate::lab::{Lab, PROGRAM, Ran};
use crate::process::Running;
use serde_json::Value;

/// The run on two rigs, in the folder `small/out`, is `"$@"` of this script, which runs where `small` is a disk of this size. What
/// it has to keep of that disk it copies to `kept`. Nothing where this machine lets nobody mount anything.
fn on_disk(lab: &Lab, size: &str, script: &str) -> Option<Ran> {
    for folder in ["small", "kept"] {
        std::fs::create_dir(lab.path(folder)).expect("a folder");
    }
    let script = format!("mount -t tmpfs -o size={size} tmpfs small || exit 77\n{script}");
    let mut command = lab.command_of("unshare");
    command
        .args(["-rm", "sh", "-c", &script, "sh", PROGRAM])
        .args(["run", "suite.yaml", "--rig", "rig.yaml", "--rig", "rig.yaml"])
        .args(["--canary", "0", "--out", "small/out"]);
    let ran = Running::start(&mut command).end();
    if ran.code == Some(77) || ran.stderr.contains("unshare failed") {
        println!("skipped: this machine lets nobody mount anything");
        return None;
    }
    Some(ran)
}

/// No case passed, none is the module's fault, and no rig is in quarantine.
#[track_caller]
fn nobody_is_blamed(lab: &Lab) {
    nothing_is_left(lab);
    let rigs = "state/dfota-hil/rigs";
    for rig in lab.names(rigs) {
        let file = lab.path(&format!("{rigs}/{rig}/quarantine.json"));
        assert!(!file.exists(), "`{}`", file.display());
    }
}

#[test]
fn a_disk_that_is_full_before_the_run() {
    let lab = Lab::new();
    lab.rig(100, "");
    cuts(&lab, 2);
    let script = "\"$@\"; code=$?; cp small/out/run.json kept; exit $code";
    let Some(ran) = on_disk(&lab, "2m", script) else {
        return;
    };
    let ran = ran.ends(3);
    ran.says("failed: disk: ");
    nobody_is_blamed(&lab);
    let run: Value = serde_json::from_str(&lab.read("kept/run.json")).expect("JSON");
    let cases = run["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 2);
    for case in cases {
        assert_eq!(case["verdict"], "error", "{case}");
        assert_ne!(case["class"], "product", "{case}");
    }
}

/// Something else takes what is left of the disk while the rigs are at work. No pass is said of what is not written down.
#[test]
fn a_disk_that_fills_up_in_the_middle() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 6);
    let script = "\
\"$@\" & run=$!
while kill -0 $run && ! grep -qs UPDATING small/out/rigs/*/*/events.jsonl; do sleep 0.02; done
cat /dev/zero > small/other
wait $run; code=$?
rm small/other
cp -r small/out kept
exit $code";
    let Some(ran) = on_disk(&lab, "200m", script) else {
        return;
    };
    let ran = ran.ends(3);
    nobody_is_blamed(&lab);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        said.contains("could not be written") || said.contains("cannot be written"),
        "{said}"
    );
    // What is there can be read once there is room again.
    std::fs::rename(lab.path("kept/out"), lab.path("out")).expect("a folder");
    lab.run(&["report", "out"]).ends(0);
    super::one_verdict_each(&lab);
    let verdicts = lab.verdicts("out");
    assert!(
        !verdicts.iter().any(|verdict| verdict.contains(" fail ")),
        "{verdicts:#?}"
    );
    assert!(
        verdicts.iter().any(|verdict| !verdict.ends_with(" pass -")),
        "{verdicts:#?}"
    );
    lab.run(&["judge", "out"]).ends(0);
    let ran = lab.run(&["verify", "out"]);
    assert!(!ran.stdout.contains("TOUCHED"), "{}", ran.stdout);
}
