//! The schemas of what a run writes: its files are valid by them, and nothing vanishes from them.

use crate::lab::Lab;
use serde_json::{Value, json};

fn schema(lab: &Lab, format: &str) -> Value {
    let ran = lab.run(&["schema", format]).ends(0);
    serde_json::from_str(&ran.stdout).expect("a schema is JSON")
}

#[track_caller]
fn assert_valid(schema: &jsonschema::Validator, value: &Value) {
    let wrong: Vec<String> = schema.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?} in {value:#}");
}

/// A run with passes, a failure, cuts, requests and a client of the LwM2M server.
fn night(lab: &Lab) {
    lab.rig(400, "forgets-resume");
    lab.suite(
        "cases:
  - name: clean
    matrix: {via: [uart, http, coap]}
    update: {package: a-to-b, via: '{via}'}
  - name: resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 50%}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
}

#[test]
fn what_a_run_writes_is_valid_by_its_schemas() {
    let lab = Lab::new();
    night(&lab);
    // In this test alone: a key that the schema does not know is a mistake.
    let strict = |format: &str| {
        let mut schema = schema(&lab, format);
        schema["unevaluatedProperties"] = json!(false);
        jsonschema::validator_for(&schema).expect("a schema")
    };
    let events = strict("event");
    let journal = lab.events("out");
    let kinds: std::collections::BTreeSet<&str> = journal
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    for kind in [
        "case-ended",
        "cut-made",
        "lwm2m",
        "request",
        "run-ended",
        "watched",
    ] {
        assert!(kinds.contains(kind), "no `{kind}` in {kinds:?}");
    }
    journal.iter().for_each(|event| assert_valid(&events, event));
    let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_valid(&strict("run"), &run);
}

#[test]
fn the_schemas_refuse_what_is_none() {
    let lab = Lab::new();
    night(&lab);
    let events = jsonschema::validator_for(&schema(&lab, "event")).expect("a schema");
    let mut event = lab.events("out").pop().expect("a journal has events");
    assert_valid(&events, &event);
    event["safe"] = json!("perhaps");
    assert!(!events.is_valid(&event), "a word for a truth value");
    event["safe"] = Value::Null;
    event["event"] = json!("ended");
    assert!(!events.is_valid(&event), "an event that there is not");
    let runs = jsonschema::validator_for(&schema(&lab, "run")).expect("a schema");
    let mut run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    run["cases"][0].as_object_mut().expect("a case").remove("verdict");
    assert!(!runs.is_valid(&run), "a case without a verdict");
}

/// The promise of `schema --help`. What is new may be accepted here; a line that goes away or changes its type needs a new
/// `SCHEMA`.
#[test]
fn keys_stay() {
    let lab = Lab::new();
    for format in ["run", "event"] {
        let mut keys = Vec::new();
        keys_of(&schema(&lab, format), format, &mut keys);
        insta::assert_snapshot!(format!("keys-of-{format}"), keys.join("\n"));
    }
}

/// Each key with its type, a line each.
fn keys_of(schema: &Value, path: &str, keys: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            for (name, below) in object {
                if path.ends_with("/properties") {
                    let kind = ["type", "$ref", "const"].iter().find_map(|key| below.get(key));
                    keys.push(format!("{path}/{name}: {}", kind.unwrap_or(&Value::Null)));
                }
                keys_of(below, &format!("{path}/{name}"), keys);
            }
        }
        Value::Array(list) => list.iter().for_each(|below| keys_of(below, path, keys)),
        _ => {}
    }
}
