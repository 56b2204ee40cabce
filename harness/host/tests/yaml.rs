//! Rig and suite files as their authors meet them: what loads, what it becomes, and what a mistake looks like.

use dfota_hil::rig::Rig;
use dfota_hil::suite::Suite;
use rstest::rstest;
use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[rstest]
#[case("sim")]
#[case("sim-fast")]
#[case("sim-slow")]
#[case("bench-example")]
fn every_rig_loads(#[case] name: &str) {
    let rig = Rig::load(&root().join(format!("rigs/{name}.yaml")))
        .unwrap_or_else(|why| panic!("{}", why.render(false)));
    assert!(!rig.name.is_empty());
}

#[rstest]
#[case("smoke", 4)]
#[case("forced-resume", 16)]
#[case("refusals", 21)]
#[case("download-cuts", 8)]
fn every_suite_loads(#[case] name: &str, #[case] cases: usize) {
    let suite = Suite::load(&root().join(format!("suites/{name}.yaml")))
        .unwrap_or_else(|why| panic!("{}", why.render(false)));
    assert_eq!(suite.cases.len(), cases);
    assert_eq!(suite.packages.len(), 2);
}
