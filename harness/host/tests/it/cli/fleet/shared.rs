//! Rigs that share a suite.

use super::{arguments, cuts, rigs_of, told, whole};
use crate::junit;
use crate::lab::Lab;
use std::collections::BTreeSet;

#[test]
fn two_rigs_give_the_report_of_one() {
    let lab = Lab::new();
    lab.rig(100, "");
    cuts(&lab, 4);
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "alone",
        "--seed",
        "7",
    ])
    .ends(0);
    let ran = lab.run(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let ran = whole(&lab, ran, 0);
    assert_eq!(lab.verdicts("out"), lab.verdicts("alone"));
    let names = |out: &str| -> Vec<String> {
        let cases = junit::cases(&lab.read(&format!("{out}/junit.xml")));
        cases.into_iter().map(|case| case.name).collect()
    };
    assert_eq!(names("out"), names("alone"));
    let rigs: BTreeSet<String> = rigs_of(&lab).into_values().collect();
    assert_eq!(
        rigs,
        BTreeSet::from(["lab".into(), "lab-2".into()]),
        "both worked"
    );
    ran.says("· on lab\n").says("· on lab-2\n");
    let file = lab.read("out/junit.xml");
    for (name, rig) in rigs_of(&lab) {
        let case = file
            .split("<testcase ")
            .find(|case| case.starts_with(&format!("name=\"{name}\"")));
        let case = case.unwrap_or_else(|| panic!("no `{name}` in {file}"));
        assert!(case.contains(&format!("on the rig {rig}\n")), "{case}");
    }
    assert_eq!(told(&lab, "queued").len(), told(&lab, "closed").len());
    lab.run(&["verify", "out/evidence.tar.zst"]).ends(0);
    // Nobody works for somebody who is gone, and the folder is a run's as any other.
    lab.run(&["report", "out"]).ends(0);
    assert_eq!(lab.verdicts("out"), lab.verdicts("alone"));
}
