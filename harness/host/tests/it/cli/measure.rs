//! Measurements that a suite declares: taken and within their limits, or no pass.

use crate::junit;
use crate::lab::Lab;
use rstest::rstest;

const FORCED_RESUME: &str = "cut: {at: updating 50%, after: 0ms}";

fn suite(lab: &Lab, cut: &str, measure: &str) {
    lab.rig(200, "");
    lab.suite(&format!(
        "cases:
  - name: one
    update: {{package: a-to-b, via: uart}}
    {cut}
    measure: {measure}
  - name: next
    update: {{package: b-to-a, via: uart}}
"
    ));
}

#[rstest]
// The module boots in about half a second of its own time, resumes in about one, and takes a minute for the update.
#[case("{first-urc: {max: 10m}, time-to-resume: {min: 1ms, max: 10m}, resumed-at: {min: 20%, max: 100%}}")]
#[case("{update-time: {min: 1s, max: 2h}, attach-time: {min: 1s}, cut-latency: {max: 10s}}")]
fn within_their_limits(#[case] measure: &str) {
    let lab = Lab::new();
    suite(&lab, FORCED_RESUME, measure);
    lab.run(&lab.arguments(&[])).ends(0);
    let taken = lab.cases("out")[0]["measurements"]
        .as_array()
        .expect("a list")
        .clone();
    // All are taken, declared or not; nothing is downloaded over the UART.
    for (name, unit) in [
        ("first-urc", "ms"),
        ("time-to-resume", "ms"),
        ("resumed-at", "%"),
        ("update-time", "ms"),
        ("cut-latency", "ms"),
        ("attach-time", "ms"),
    ] {
        let found = taken.iter().find(|taken| taken["name"] == name);
        let found = found.unwrap_or_else(|| panic!("`{name}` in {taken:?}"));
        assert_eq!(found["unit"], unit);
        assert!(
            found["value"].as_f64().is_some_and(|value| value >= 0.0),
            "{found}"
        );
    }
    assert!(
        taken.iter().all(|taken| taken["name"] != "bytes-again"),
        "{taken:?}"
    );
    // The page has them in its table.
    let page = lab.read("out/report.html");
    assert!(page.contains(">Unexplained resets, times<"), "the page");
}

#[rstest]
#[case("{update-time: {max: 1s}}", 1, "fail measurement-out-of-limits", &["`update-time` was", "ms, expected at most 1000 ms"])]
#[case("{resumed-at: {max: 1%}}", 1, "fail measurement-out-of-limits", &["`resumed-at` was", "%, expected at most 1 %"])]
#[case("{first-urc: {min: 1h}}", 1, "fail measurement-out-of-limits", &["`first-urc` was", "expected at least 3600000 ms"])]
// The rig was slow once, and goes on.
#[case("{cut-latency: {min: 1h}}", 3, "error cut-slow", &["`cut-latency` was"])]
fn out_of_their_limits(
    #[case] measure: &str,
    #[case] code: i32,
    #[case] verdict: &str,
    #[case] told: &[&str],
) {
    let lab = Lab::new();
    suite(&lab, FORCED_RESUME, measure);
    lab.run(&lab.arguments(&[])).ends(code);
    assert_eq!(
        lab.verdicts("out"),
        [format!("one {verdict}"), "next pass -".into()]
    );
    let cases = junit::cases(&lab.read("out/junit.xml"));
    for part in told {
        assert!(
            cases[0].message.contains(part),
            "`{part}` in: {}",
            cases[0].message
        );
    }
    // It rests on the measurement.
    let number = lab.cases("out")[0]["evidence"][0].as_u64().expect("a number");
    let record = &lab.events("out")[number as usize];
    assert_eq!(record["event"], "measured", "{record}");
}

#[test]
fn declared_and_never_taken_is_no_pass() {
    let lab = Lab::new();
    // After END nothing resumes.
    suite(&lab, "cut: {at: end}", "{resumed-at: {}, first-urc: {}}");
    lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(lab.verdicts("out")[0], "one inconclusive measurement-missing");
    let cases = junit::cases(&lab.read("out/junit.xml"));
    assert!(
        cases[0]
            .message
            .contains("`resumed-at` was declared and never taken"),
        "{}",
        cases[0].message
    );
}

/// A cut in the download: the module goes on where it stopped, or starts over; what comes twice is counted.
#[test]
fn bytes_that_are_downloaded_again_are_counted() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(
        "cases:
  - name: goes on
    update: {package: a-to-b, via: http}
    cut: {at: downloading 50%}
    measure: {bytes-again: {}}
  - name: starts over
    update: {package: b-to-a, via: http}
    cut: {at: downloading 50%}
    faults: {http: {ignore-range: true}}
    measure: {bytes-again: {min: 1}}
",
    );
    lab.run(&lab.arguments(&[])).ends(0);
}
