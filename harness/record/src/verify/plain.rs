//! Opens only plain files inside a run folder: follows no link out of it, and never waits for a pipe.

use crate::evidence::ABOUT_THE_MANIFEST;
use crate::journal;
use crate::run_folder::BUNDLE;
use crate::run_folder::TRANSCRIPTS;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with the places of the files that are looked for in every run folder; a file that is missing is not.
pub(super) fn strange(folder: &Path) -> Vec<String> {
    let files = [journal::FILE, journal::masked::FILE, BUNDLE];
    let files = files.iter().chain(&ABOUT_THE_MANIFEST);
    let looked = files.map(|name| (*name, file(folder, name).map(drop)));
    let transcripts = part(&folder.join(TRANSCRIPTS), true);
    looked
        .chain([(TRANSCRIPTS, transcripts)])
        .filter_map(|(name, looked)| Some((name, looked.err()?)))
        .filter(|(_, why)| why.kind() != io::ErrorKind::NotFound)
        .map(|(name, why)| format!("{name}: {why}"))
        .collect()
}

/// Where a file of a run folder lies, if it is a plain one and the folders above it are within the run folder.
pub(super) fn file(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = folder.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(next) = parts.next() {
        path.push(next);
        part(&path, parts.peek().is_some())?;
    }
    Ok(path)
}

fn part(path: &Path, folder: bool) -> io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?.file_type();
    let wanted = if folder { "a folder" } else { "a plain file" };
    match (kind.is_symlink(), folder) {
        (true, _) => Err(io::Error::other(format!(
            "it is a symbolic link, where the run wrote {wanted}; a link is not followed"
        ))),
        (false, true) if kind.is_dir() => Ok(()),
        (false, false) if kind.is_file() => Ok(()),
        (false, _) => Err(io::Error::other(format!(
            "it is something else than {wanted}, which the run wrote; it is not opened"
        ))),
    }
}
