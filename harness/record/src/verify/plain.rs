//! Opens only plain files inside a run folder: follows no link out of it, and never waits for a pipe.

use crate::evidence::ABOUT_THE_MANIFEST;
use crate::journal;
use crate::journal::PARENT_FILE;
use crate::run_folder::{BUNDLE, TRANSCRIPTS, check_kind, plain_file};
use std::io;
use std::path::Path;

/// What is wrong with the places of the files that are looked for in every run folder; a file that is missing is not.
pub(super) fn strange(folder: &Path) -> Vec<String> {
    let files = [
        journal::FILE,
        journal::masked::FILE,
        PARENT_FILE,
        journal::masked::PARENT_FILE,
        BUNDLE,
    ];
    let files = files.iter().chain(&ABOUT_THE_MANIFEST);
    let looked = files.map(|name| (*name, plain_file(folder, name).map(drop)));
    let transcripts = check_kind(&folder.join(TRANSCRIPTS), true);
    looked
        .chain([(TRANSCRIPTS, transcripts)])
        .filter_map(|(name, looked)| Some((name, looked.err()?)))
        .filter(|(_, why)| why.kind() != io::ErrorKind::NotFound)
        .map(|(name, why)| format!("{name}: {why}"))
        .collect()
}
