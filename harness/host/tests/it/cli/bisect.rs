//! `bisect`: a failing window is found between a cut that fails and one that does not.

use crate::lab::Lab;
use serde_json::Value;

const SUITE: &str = "limits: {boot: 5s, resume: 8s}
cases:
  - {name: one, update: {package: a-to-b, via: uart}}
";

fn arguments<'a>(pass: &'a str, fail: &'a str) -> Vec<&'a str> {
    vec![
        "bisect",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "out",
        "--tries",
        "1",
        "--resolution",
        "6s",
        "--pass",
        pass,
        "--fail",
        fail,
    ]
}

#[test]
fn the_window_in_which_cuts_fail_is_narrowed() {
    let lab = Lab::new();
    // Slow enough for a busy machine: a cut that is ten milliseconds late is a second of the module's, two percent.
    lab.rig(100, "bricks-above-90");
    lab.suite(SUITE);
    let ran = lab
        .run(&arguments(
            "updating@60%+0ms/power/3s",
            "updating@96%+0ms/power/3s",
        ))
        .ends(0);
    let found = lab
        .events("out")
        .into_iter()
        .find(|event| event["event"] == "bisected")
        .expect("an end");
    let percent = |edge: &Value| {
        let cut = edge["cut"].as_str().expect("a cut");
        let at = cut
            .strip_prefix("updating@")
            .and_then(|rest| rest.split('%').next());
        at.and_then(|at| at.parse::<u32>().ok())
            .unwrap_or_else(|| panic!("{cut}"))
    };
    // Nine tenths of the chunks are patched a little after UPDATING 90 %.
    assert!((60..95).contains(&percent(&found["good_before"])), "{found}");
    assert!((80..=96).contains(&percent(&found["first_bad"])), "{found}");
    let probes = found["probes"].as_array().expect("a list");
    assert!(probes.len() >= 4, "{found}");
    assert!(
        ran.stdout.contains("Bisect cuts fail from updating@"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("edges ±6s"), "{}", ran.stdout);
    let steps = lab
        .events("out")
        .iter()
        .filter(|event| {
            event["text"]
                .as_str()
                .is_some_and(|text| text.starts_with("probe "))
        })
        .count();
    assert_eq!(steps, probes.len(), "each step is recorded");
}

#[test]
fn ends_that_are_not_what_was_said_end_the_search() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(SUITE);
    let ran = lab
        .run(&arguments(
            "updating@60%+0ms/power/3s",
            "updating@90%+0ms/power/3s",
        ))
        .ends(3);
    let told = "`updating@90%+0ms/power/3s` was given as failing, but did not fail in 1 try";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

#[test]
fn two_kinds_of_cut_have_no_window_between_them() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(SUITE);
    let ran = lab
        .run(&arguments(
            "updating@60%+0ms/reset/3s",
            "updating@90%+0ms/power/3s",
        ))
        .ends(2);
    assert!(
        ran.stderr.contains("of the same kind and length"),
        "{}",
        ran.stderr
    );
    assert!(!lab.path("out").exists(), "nothing was begun");
}
