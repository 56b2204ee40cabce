//! What becomes of a claim, and that it is told with both bounds wherever it is told.

use crate::lab::{Lab, Ran};
use dfota_record::report::Run;
use dfota_record::report::test_report::{JournalFacts, TestReport};
use serde_json::Value;

/// A run of a module that every cut bricks.
fn bricking(claim: &str) -> (Lab, Ran) {
    let lab = Lab::new();
    lab.rig(400, "dead-after-cut");
    lab.suite(&format!(
        "limits: {{boot: 5s, resume: 8s}}
cases:
  - name: night
    update: {{package: a-to-b, via: uart}}
    claim: {claim}
"
    ));
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    (lab, ran)
}

/// The certificate of a run, as it is given to the PDF.
fn certificate(lab: &Lab) -> Value {
    let records = dfota_record::journal::read(&lab.path("out"), false).expect("the journal of the run");
    let run = Run::new(&records).expect("a journal");
    let journal = JournalFacts {
        file: "events.jsonl",
        sha256: "00".repeat(32),
        records: records.len(),
    };
    let certificate = TestReport::new(&run, &records, journal, None).expect("a report");
    serde_json::to_value(&certificate).expect("JSON")
}

fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

/// One brick of one: the lower bound is 50 %, and does not lie above a claim of 50 %.
#[test]
fn too_many_bricks_alone_do_not_refute() {
    let (lab, ran) = bricking("{brick_rate_below: 50%, confidence: 50%, over: \"updating 20%..end\"}");
    lab.has_verdict("out", "night[claim] fail claim-not-shown");
    let sentence = "brick the module is not shown: it survives no brick; 1 of 1 counted cuts did, so with 50% confidence the rate is at most 100%, and with 50% confidence above 50% (each bound for itself)";
    ran.says(sentence);
    assert!(!ran.stdout.contains("refuted"), "{}", ran.stdout);
    let summary: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_eq!(summary["campaigns"][0]["verdict"], "not-shown");
    let page = plain(&lab.read("out/report.html"));
    assert!(page.contains("not shown: it survives no brick"), "the page");
    assert!(!page.contains("confidence: refuted"), "the page");
    let conclusion = certificate(&lab).to_string();
    assert!(conclusion.contains(sentence), "{conclusion}");
    lab.run(&["judge", "out"]).ends(0);
    lab.run(&["verify", "out"]).ends(0);
}

/// Two bricks of two: with 50 % confidence the rate lies above the root of one half, far above the claim.
#[test]
fn a_lower_bound_above_the_claim_refutes_it_and_both_bounds_are_told_everywhere() {
    let (lab, ran) = bricking("{brick_rate_below: 30%, confidence: 50%, over: \"updating 20%..60%\"}");
    lab.has_verdict("out", "night[claim] fail claim-refuted");
    let sentence = "brick the module is refuted; 2 of 2 counted cuts did, so with 50% confidence the rate is above 70.71%, and with 50% confidence at most 100% (each bound for itself)";
    let by_phase = "at most 100% and above ";
    ran.says(sentence).says(by_phase);
    let junit = lab.read("out/junit.xml");
    assert!(junit.contains(sentence) && junit.contains(by_phase), "{junit}");
    let summary: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    let campaign = &summary["campaigns"][0];
    assert_eq!(
        (&campaign["verdict"], &campaign["bound"]),
        (&"refuted".into(), &1.0.into())
    );
    let lower = campaign["lower_bound"].as_f64().expect("a bound");
    assert!((lower - 0.5_f64.sqrt()).abs() < 1e-12, "{campaign}");
    let bins = |name: &str| campaign[name].as_object().map(serde_json::Map::len);
    assert!(bins("lower_bound_by_bin") > Some(0), "{campaign}");
    assert_eq!(bins("lower_bound_by_bin"), bins("bound_by_bin"));
    let page = plain(&lab.read("out/report.html"));
    for told in [
        "confidence: refuted",
        "at most 100% with 50% confidence, and above 70.71% with",
        "brick rate, lower bound",
    ] {
        assert!(page.contains(told), "`{told}` is not on the page");
    }
    let certificate = certificate(&lab);
    assert!(certificate.to_string().contains(sentence), "{certificate}");
    let stretches = &certificate["sampling"]["campaigns"][0]["windows"];
    for stretch in stretches.as_array().expect("windows") {
        assert_eq!(stretch["bound"], "at most 100%", "{stretch}");
        let lower = stretch["lower_bound"].as_str().expect("a bound");
        assert!(lower.starts_with("above "), "{stretch}");
    }
    lab.run(&["judge", "out"]).ends(0);
}
