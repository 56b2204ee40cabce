//! A verdict names the lines of the journal on which it rests, and they are the right ones.

use crate::junit;
use crate::lab::{Lab, Ran};
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
        Some("watched") => format!("watched {}", event["what"].as_str().unwrap_or_default()),
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

/// Checks that the only case of a run, which was cut while UPDATING, rests on `expected`, in the order of the journal, and
/// that every report says so.
#[track_caller]
pub(crate) fn rests_on(lab: &Lab, ran: &Ran, expected: &[&str]) {
    let evidence = evidence(lab);
    // Between them there may be more of the same kind.
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
    let place = format!("evidence: events.jsonl:{}", number + 1);
    let journal = lab.read("out/events.jsonl");
    let line = journal.lines().nth(*number as usize).expect("a line");
    assert!(line.contains(&format!("\"seq\":{number},")), "{line}");
    let cases = junit::cases(&lab.read("out/junit.xml"));
    for text in [&cases[0].body, &ran.stdout] {
        assert!(text.contains(&place), "`{place}` in: {text}");
        assert!(text.contains("class: product"), "{text}");
    }
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
