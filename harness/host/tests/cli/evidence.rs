//! A verdict names the lines of the journal on which it rests, and they are the right ones.

use crate::junit;
use crate::lab::Lab;
use rstest::rstest;
use serde_json::Value;

/// The records that the only case of a run rests on, each with what it is in a word or two.
fn evidence(lab: &Lab) -> Vec<(u64, String)> {
    let events = lab.events("out");
    let ended = events.iter().rfind(|event| event["event"] == "case-ended");
    let numbers = ended.expect("the end of the case")["evidence"]
        .as_array()
        .expect("a list");
    let word = |event: &Value| match event["event"].as_str() {
        Some("rx") => event["text"].as_str().unwrap_or_default().to_owned(),
        Some("identity") => format!("identity {}", event["version"].as_str().unwrap_or_default()),
        Some("step") => format!("step {}", event["text"].as_str().unwrap_or_default()),
        Some(other) => other.to_owned(),
        None => String::new(),
    };
    let find = |number: &Value| {
        let event = events
            .iter()
            .find(|event| event["seq"] == *number)
            .expect("a record");
        (number.as_u64().expect("a number"), word(event))
    };
    numbers.iter().map(find).collect()
}

#[rstest]
#[case("forgets-resume", &["UPDATING", "cut-made", "RDY", "identity BC66NBR01A01"])]
#[case("end-zero-old-version", &["cut-made", "\"END\",0", "identity BC66NBR01A01"])]
#[case("hangs-in-updating", &["UPDATING", "cut-made", "UPDATING", "step the limit `update` is over"])]
#[case("dead-after-cut", &["UPDATING", "cut-made", "step no answer: a power cycle", "step no answer: a power cycle", "step no answer: a reset", "step no answer: PWRKEY"])]
fn the_lines_that_a_rule_fired_on(#[case] defect: &str, #[case] expected: &[&str]) {
    let lab = Lab::new();
    lab.rig(200, defect);
    lab.suite(
        "limits: {boot: 20s, resume: 30s, update: 120s}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, after: 5s}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    let evidence = evidence(&lab);
    // In the order of the journal; between them there may be more of the same kind.
    let mut found = evidence.iter();
    for expected in expected {
        assert!(
            found.any(|(_, word)| word.contains(expected)),
            "`{expected}` in its place of {evidence:?}"
        );
    }
    // What the rule did not look at is not there: commands, edges of lines, the preparation.
    let events = lab.events("out");
    let cut = events
        .iter()
        .find(|event| event["event"] == "cut-made")
        .expect("a cut");
    for (number, word) in &evidence {
        let of_the_update = ["UPDATING", "START", "END"]
            .iter()
            .any(|part| word.contains(part));
        assert!(
            of_the_update || *number >= cut["seq"].as_u64().expect("a number"),
            "{word}"
        );
    }
    // As a place that an editor takes: lines are counted from 1.
    let (number, _) = &evidence[0];
    let place = format!("events.jsonl:{}", number + 1);
    let line = lab.read("out/events.jsonl");
    let line = line.lines().nth(*number as usize).expect("a line");
    assert!(line.contains(&format!("\"seq\":{number},")), "{line}");
    let cases = junit::cases(&lab.read("out/junit.xml"));
    assert!(
        cases[0].body.contains(&format!("evidence: {place}")),
        "{}",
        cases[0].body
    );
    assert!(cases[0].body.contains("class: product"), "{}", cases[0].body);
    assert!(
        ran.stdout.contains(&format!("evidence: {place}")),
        "{}",
        ran.stdout
    );
}

/// What ends a case before it could be judged stands where the procedure stood.
#[test]
fn an_error_names_the_last_thing_that_was_done() {
    let lab = Lab::new();
    lab.rig(400, "");
    let rig = lab
        .read("rig.yaml")
        .replace("module: bc66\n", "module: bc66-na\n");
    lab.write("rig.yaml", rig.replace("BC66NBR01A01", "BC66NANBR01A01"));
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    lab.run(&lab.arguments(&[])).ends(3);
    let evidence = evidence(&lab);
    let [(_, word)] = &evidence[..] else {
        panic!("{evidence:?}")
    };
    assert_eq!(word, "tx");
}
