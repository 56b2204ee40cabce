//! A batch ends with an update that proves the image which its last case left.

use super::{arguments, rig, told, whole};
use crate::lab::Lab;
use serde_json::Value;

fn clean(lab: &Lab, package: &str, count: usize) {
    let all: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    lab.suite(&format!(
        "limits: {{boot: 10s, settle: 1s, resume: 15s, update: 60s}}\ncases:\n  - name: clean\n    matrix: {{n: [{}]}}\n    update: {{package: {package}, via: uart}}\n",
        all.join(", ")
    ));
}

/// Every case leaves a corrupt image, and none of them is the one that another one is blamed for.
#[test]
fn a_case_is_responsible_for_the_image_that_it_leaves() {
    let lab = Lab::new();
    rig(&lab, "a", 100, "end-zero-corrupted-image", "");
    rig(&lab, "b", 100, "end-zero-corrupted-image", "");
    clean(&lab, "a-to-b", 4);
    let more = ["--canary", "0", "--max-bricks", "9"];
    let ran = lab.run(&arguments(&["a.yaml", "b.yaml"], &more));
    let ran = whole(&lab, ran, 1);
    let verdicts = lab.verdicts("out");
    assert_eq!(verdicts.len(), 4);
    assert!(
        verdicts
            .iter()
            .all(|verdict| verdict.ends_with(" fail image-corrupt")),
        "{verdicts:#?}"
    );
    ran.says(": was PASS, is FAIL");
    let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_eq!(run["bricks"], 4);
    assert!(
        told(&lab, "rig-out").is_empty(),
        "`reflash` has restored each module"
    );
}

/// The canary passes a batch only if the image that it leaves is proven.
#[test]
fn a_corrupt_image_on_the_canary_spares_the_others() {
    let lab = Lab::new();
    rig(&lab, "a", 100, "end-zero-corrupted-image", "");
    rig(&lab, "b", 100, "", "");
    clean(&lab, "a-to-b", 4);
    let ran = lab.run(&arguments(&["a.yaml", "b.yaml"], &[]));
    let ran = whole(&lab, ran, 1);
    assert!(told(&lab, "taken").iter().all(|taken| taken["rig"] == "a"));
    ran.says("the module of the canary `a` was bricked: no other rig gets this delta");
}
