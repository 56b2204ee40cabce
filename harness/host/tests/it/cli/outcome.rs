//! What became of the module, whatever rule the verdict rests on. `defects` has those of modules at fault.

use crate::junit;
use crate::lab::Lab;
use rstest::rstest;
use serde_json::Value;

#[rstest]
#[case::new("", "new")]
#[case::resumed("cut: {at: updating 20%, after: 5s}", "new-after-resume")]
#[case::old("cut: {at: upload block 1}", "old-intact")]
fn each_outcome_of_a_sound_module_is_told(#[case] cut: &str, #[case] outcome: &str) {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(&format!(
        "cases:
  - name: one
    update: {{package: a-to-b, via: uart}}
    {cut}
"
    ));
    lab.run(&lab.arguments(&[])).ends(0);
    let case = &lab.cases("out")[0];
    assert_eq!(
        (&case["outcome"], &case["brick"]),
        (&outcome.into(), &false.into())
    );
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let told = format!("[[PROPERTY|outcome={outcome}]]");
    assert!(cases[0].output.contains(&told), "{}", cases[0].output);
}

/// Its version is right; what is behind it is not, and the next delta shows it.
#[test]
fn a_corrupt_image_is_a_silent_corruption() {
    let lab = Lab::new();
    lab.rig(200, "end-zero-corrupted-image");
    lab.suite(
        "cases:
  - name: there
    update: {package: a-to-b, via: uart}
  - name: back
    update: {package: b-to-a, via: uart}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    ran.says("BC66NBR01A02 (new) · refused the next delta (silent corruption)");
    let cases = lab.cases("out");
    assert_eq!(cases[0]["outcome"], "silent-corruption");
    assert_eq!(cases[0]["brick"], true);
    assert_eq!(cases[0]["rule"], "image-corrupt");
    // It rests on what the module had said of itself, and on both refusals in the case after it.
    let events = lab.events("out");
    let evidence = cases[0]["evidence"].as_array().expect("a list");
    let [said, refused, again] = &evidence[..] else {
        panic!("{evidence:?}")
    };
    let record = |number: &Value| &events[number.as_u64().expect("a number") as usize];
    assert_eq!(record(said)["version"], "BC66NBR01A02");
    for refusal in [refused, again] {
        assert_eq!(record(refusal)["text"], "+QIND: \"FOTA\",\"END\",254");
    }
}

/// The oracle asks twice: after the update, and after one more power cycle; the second time for more than the version.
#[test]
fn the_module_is_asked_twice() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    lab.run(&lab.arguments(&[])).ends(0);
    let events = lab.events("out");
    let ordered = events
        .iter()
        .position(|event| {
            event["event"] == "tx"
                && event["text"]
                    .as_str()
                    .is_some_and(|text| text.contains("QFOTADL"))
        })
        .expect("the order");
    let after: Vec<String> = events[ordered..]
        .iter()
        .take_while(|event| event["event"] != "case-ended")
        .filter_map(|event| match event["event"].as_str()? {
            "identity" => Some(format!("runs {}", event["version"].as_str()?)),
            "line" if event["line"] == "power" && event["active"] == true => Some("power on".into()),
            "function" => Some(format!(
                "function {} {}",
                event["when"].as_str()?,
                event["registered"]
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        after,
        [
            "runs BC66NBR01A02",
            "power on",
            "runs BC66NBR01A02",
            "function after true",
            // After it was left alone for a while.
            "runs BC66NBR01A02"
        ]
    );
    let before = events[..ordered]
        .iter()
        .find(|event| event["event"] == "function");
    let before = before.expect("what it could do before");
    assert_eq!(
        (&before["when"], &before["registered"]),
        (&"before".into(), &true.into())
    );
}
