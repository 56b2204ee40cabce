//! JSON Schema of the file formats, from the very structs that are read or written.

use crate::config::rig::rig_keys::RigKeys;
use crate::config::suite::suite_keys::SuiteKeys;
use crate::config::yaml::shape::plain_schema;
use dfota_core::event::Record;
use dfota_record::report::summary::Summary;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

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
