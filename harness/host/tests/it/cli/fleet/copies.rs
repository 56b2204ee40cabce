//! A simulated rig that is given several times: each copy has a state of its own.

use super::{arguments, cuts, rigs_of, whole};
use crate::lab::Lab;
use dfota_hil::config::rig::Rig;
use dfota_hil::state::quarantine::Quarantine;
use dfota_hil::state::{RigState, StateDir, StateFlag};
use serde_json::{Value, json};

/// The state of the copies of `rig.yaml`, of which there are two.
fn states(lab: &Lab) -> [RigState; 2] {
    let flag = StateFlag {
        state_dir: Some(lab.path("state/dfota-hil")),
    };
    let dir = StateDir::find(&flag).expect("a flag is enough");
    let rig = Rig::load(&lab.path("rig.yaml")).expect("a sound rig file");
    [None, Some(2)].map(|copy| dir.rig(&Rig { copy, ..rig.clone() }))
}

#[test]
fn a_copy_in_quarantine_keeps_no_other_from_its_work() {
    let lab = Lab::new();
    lab.rig(100, "");
    cuts(&lab, 3);
    let [first, second] = states(&lab);
    let quarantine = Quarantine {
        rig: "lab-2".to_owned(),
        file: "rig.yaml".to_owned(),
        why: "it is being looked at".to_owned(),
        cause: None,
        since: "2026-11-01T00:00:00Z".to_owned(),
        run: "before".to_owned(),
        folder: "before".to_owned(),
    };
    quarantine.begin(&second).expect("the state can be written");
    let ran = lab.run(&arguments(&["rig.yaml"; 2], &["--canary", "0"]));
    let ran = whole(&lab, ran, 0);
    ran.says("rig lab-2 gets no further batch");
    let rigs = rigs_of(&lab);
    assert!(rigs.values().all(|rig| rig == "lab"), "{rigs:?}");
    // A check by hand is of the one file that they have, so it ends the quarantine of every copy.
    lab.run(&["check", "rig.yaml", "--clear"])
        .ends(0)
        .says("out of quarantine");
    for state in [first, second] {
        assert_eq!(Quarantine::read(&state).expect("it can be read"), None);
    }
}

/// Two modules with a budget each.
#[test]
fn each_copy_counts_the_updates_of_its_module() {
    let lab = Lab::new();
    lab.rig(100, "");
    lab.write("rig.yaml", lab.read("rig.yaml") + "wear: {updates: 100}\n");
    cuts(&lab, 4);
    let ran = lab.run(&arguments(&["rig.yaml"; 2], &["--canary", "0"]));
    whole(&lab, ran, 0);
    let wear = states(&lab).map(|state| {
        let text = std::fs::read_to_string(state.file("wear.json")).expect("it counted");
        serde_json::from_str::<Value>(&text).expect("JSON")
    });
    for wear in &wear {
        let updates = wear["updates"].as_object().expect("by module");
        assert_eq!(updates.len(), 1, "one module: {wear}");
        let module = wear["module"].as_str().expect("an IMEI");
        assert!(updates[module].as_u64() >= Some(1), "{wear}");
    }
    assert_ne!(wear[0]["module"], wear[1]["module"], "{}", json!(wear));
}
