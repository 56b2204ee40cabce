//! The module of a rig is one from the first batch to the last.

use super::{arguments, rig, told, whole};
use crate::lab::Lab;
use serde_json::Value;
use std::collections::BTreeMap;

/// The versions that a module told in a batch: the first and the last.
fn versions(events: &[Value]) -> Option<[String; 2]> {
    let told = events.iter().filter(|event| event["event"] == "identity");
    let told: Vec<&str> = told.filter_map(|event| event["version"].as_str()).collect();
    Some([told.first()?, told.last()?].map(|version| (*version).to_owned()))
}

/// The versions of the batches of each rig, in their order.
fn by_rig(lab: &Lab) -> BTreeMap<String, Vec<[String; 2]>> {
    let mut all: BTreeMap<String, Vec<[String; 2]>> = BTreeMap::new();
    for taken in told(lab, "taken") {
        let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
        let versions = versions(&lab.events(&folder)).expect("the module told its version");
        let rig = taken["rig"].as_str().expect("a name").to_owned();
        all.entry(rig).or_default().push(versions);
    }
    all
}

/// The update that closes a batch leads to the other version. The next batch begins with that one, not with the version of the rig
/// file.
#[test]
fn a_batch_begins_with_the_version_that_the_one_before_has_left() {
    let lab = Lab::new();
    rig(&lab, "a", 100, "", "");
    rig(&lab, "b", 100, "", "");
    lab.suite(
        "limits: {settle: 1s}\ncases:\n  - name: back\n    matrix: {n: [1, 2, 3, 4, 5, 6]}\n    update: {package: b-to-a, via: uart}\n",
    );
    let ran = lab.run(&arguments(&["a.yaml", "b.yaml"], &["--canary", "0"]));
    whole(&lab, ran, 0);
    let rigs = by_rig(&lab);
    let mut next = 0;
    for (rig, batches) in &rigs {
        for pair in batches.windows(2) {
            let [before, after] = pair else { continue };
            assert_eq!(after[0], before[1], "rig {rig}: {batches:?}");
            assert_ne!(after[0], "BC66NBR01A01", "that of the rig file shows nothing");
            next += 1;
        }
    }
    assert!(next > 0, "a rig had two batches: {rigs:?}");
}
