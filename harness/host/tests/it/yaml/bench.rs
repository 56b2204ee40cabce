//! The bench of these tests: documents from text, packages in a folder that is gone afterwards, snapshots by name.

use dfota_hil::config::rig::Rig;
use dfota_hil::config::suite::Suite;
use dfota_hil::config::yaml::document::Document;
use dfota_hil::config::yaml::file_error::FileError;
use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A rig out of bytes.
pub(crate) fn rig(bytes: &[u8]) -> Result<Rig, FileError> {
    Rig::from_document(
        &Document::parse("rigs/bench.yaml", bytes)?,
        PathBuf::from("/rigs/bench.yaml"),
    )
}

/// A suite out of bytes, with the packages `a.delta` and `b.delta` of 9000 bytes beside it.
pub(crate) fn suite(bytes: &[u8]) -> Result<Suite, FileError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.delta"), [b'a'; 9000]).unwrap();
    std::fs::write(folder.path().join("b.delta"), [b'b'; 9000]).unwrap();
    std::fs::write(folder.path().join("empty.delta"), []).unwrap();
    Suite::from_document(
        &Document::parse("suites/try.yaml", bytes)?,
        folder.path().join("try.yaml"),
    )
}

/// A suite with two packages and these cases.
pub(crate) fn suite_of(cases: &str) -> String {
    format!(
        "suite: try\n\
         packages:\n\
         \x20 a-to-b: {{file: a.delta, from: BC66NBR01A01, to: BC66NBR01A02}}\n\
         \x20 b-to-a: {{file: b.delta, from: BC66NBR01A02, to: BC66NBR01A01}}\n\
         cases:\n{cases}"
    )
}

/// Compares the text with the snapshot of that name.
pub(crate) fn same(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The text of an error, with no path of this machine in it.
pub(crate) fn shown<T>(loaded: Result<T, FileError>) -> String {
    match loaded {
        Ok(_) => panic!("this file was to be refused"),
        Err(why) => format!("{}\n\n{why}\n", why.render(false).trim_end()),
    }
}
