//! The schema files of the repository are those of the code. `BLESS=1 cargo test` writes them again.

use crate::yaml::bench::root;
use dfota_hil::config::schema;
use rstest::rstest;
use serde_json::Value;

#[rstest]
#[case(schema::rig(), "rigs/rig.schema.json")]
#[case(schema::suite(), "suites/suite.schema.json")]
fn the_schema_files_are_current(#[case] current: String, #[case] file: &str) {
    let path = root().join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "{file} is stale: run the tests with `BLESS=1`"
    );
}

/// An editor shows a text for every key, and refuses the ones that we refuse.
#[rstest]
#[case(schema::rig())]
#[case(schema::suite())]
fn every_key_is_explained_and_others_are_refused(#[case] current: String) {
    let schema: Value = serde_json::from_str(&current).unwrap();
    let parts = schema["$defs"].as_object().unwrap().values();
    for part in parts.chain([&schema]) {
        assert_eq!(part["additionalProperties"], false, "{}", part["title"]);
        for (key, value) in part["properties"].as_object().unwrap() {
            assert!(value["description"].is_string(), "`{key}` of `{}`", part["title"]);
        }
    }
}
