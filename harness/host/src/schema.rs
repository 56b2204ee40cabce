//! JSON Schema of the two file formats, for editors; from the very structs that the files are read into.

use crate::rig::rig_keys::RigKeys;
use crate::suite::suite_keys::SuiteKeys;
use crate::yaml::shape::plain_schema;

/// The schema of rig files: indented JSON with a line break at its end.
pub fn rig() -> String {
    // A `Value` has string keys and no NaN: it can always be written.
    format!("{:#}\n", plain_schema::<RigKeys>())
}

/// The schema of suite files.
pub fn suite() -> String {
    format!("{:#}\n", plain_schema::<SuiteKeys>())
}
