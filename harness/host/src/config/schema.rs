//! JSON Schema of the file formats, from the very structs that are read or written.

use crate::config::rig::rig_keys::RigKeys;
use crate::config::suite::suite_keys::SuiteKeys;
use dfota_core::event::Record;
use dfota_record::report::summary::Summary;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of rig files: indented JSON with a line break at its end.
pub fn rig() -> String {
    // A `Value` has string keys and no NaN: it can always be written.
    format!("{:#}\n", plain_schema::<RigKeys>())
}

/// The schema of suite files.
pub fn suite() -> String {
    format!("{:#}\n", plain_schema::<SuiteKeys>())
}

/// The schema of a run's `run.json`.
pub fn run() -> String {
    written::<Summary<'_, '_>>()
}

/// The schema of one line of a run's `events.jsonl`.
pub fn event() -> String {
    written::<Record>()
}

fn written<T: JsonSchema>() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    format!("{:#}\n", generator.into_root_schema_for::<T>().to_value())
}

/// The schema of a format, with no `null` in it: a key that says nothing is left out.
fn plain_schema<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    schema
}

fn without_null(value: &mut Value) {
    if let Value::Object(object) = value {
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [one] = &types[..] {
                let one = one.clone();
                object.insert("type".to_owned(), one);
            }
        }
        let chosen = match object.get("anyOf") {
            Some(Value::Array(arms)) if arms.iter().any(|arm| arm["type"] == "null") => arms
                .iter()
                .find(|arm| arm["type"] != "null")
                .and_then(Value::as_object)
                .cloned(),
            _ => None,
        };
        if let Some(chosen) = chosen {
            object.remove("anyOf");
            for (key, value) in chosen {
                object.entry(key).or_insert(value);
            }
        }
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(without_null),
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
