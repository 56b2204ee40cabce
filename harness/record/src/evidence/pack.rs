//! A packed run: its journal and its transcripts are in the bundle alone, compressed.
//!
//! Nothing is lost: before it removes a file, it checks that the bundle holds it byte for byte. Every command
//! reads the journal there; `report` lays it out again.

use crate::bundle::stream;
use crate::digest::file_digest;
use crate::evidence::archive_reader;
use crate::evidence::contents;
use crate::evidence::manifest::Listed;
use crate::journal::{self, masked, merge};
use crate::run_folder::BUNDLE;
use crate::run_folder::{TRANSCRIPTS, WriteError, replace_by};
use std::io;
use std::path::{Path, PathBuf};

/// Whether a file of a bundle is one that a packed run has there alone: nobody looks at it every day, and it is large.
pub fn is_packable(name: &str) -> bool {
    let in_transcripts = |rest: &str| rest.starts_with('/');
    contents::is_journal(name) || name.strip_prefix(TRANSCRIPTS).is_some_and(in_transcripts)
}

/// Whether a run folder is packed; `journal` is what the journal of its bundle is called.
pub fn is_packed(folder: &Path, journal: Option<&str>) -> bool {
    let gone = |name: &str| !folder.join(name).exists();
    journal.is_some_and(gone) && gone(TRANSCRIPTS)
}

/// A run folder that was not packed, and why.
#[derive(Debug, thiserror::Error)]
pub enum RunPackError {
    #[error("{file}: {why}")]
    Io { file: String, why: io::Error },
    #[error("{BUNDLE}: {0}")]
    Bundle(String),
    #[error("{file} is not the one in {BUNDLE}: see `dfota-hil verify`")]
    Differs { file: String },
}

impl RunPackError {
    pub(crate) fn io(file: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let file = file.into();
        |why| Self::Io { file, why }
    }
}

/// What packing a run folder would remove: nothing that is not in its sound bundle, byte for byte.
pub fn plan(folder: &Path) -> Result<Vec<PathBuf>, RunPackError> {
    let large = [
        journal::FILE,
        masked::FILE,
        journal::PARENT_FILE,
        merge::RIGS,
        TRANSCRIPTS,
    ];
    if !large.iter().any(|name| folder.join(name).exists()) {
        // It was packed before.
        return Ok(Vec::new());
    }
    let contents = archive_reader::read(&folder.join(BUNDLE)).map_err(RunPackError::io(BUNDLE))?;
    if let Some(problem) = contents.problem {
        return Err(RunPackError::Bundle(problem));
    }
    let packable = contents.files.iter().filter(|file| is_packable(&file.name));
    let there = packable.filter(|file| std::fs::symlink_metadata(folder.join(&file.name)).is_ok());
    there.map(|file| same(folder, file)).collect()
}

/// The place of a file in the folder, if it is the one in the bundle.
fn same(folder: &Path, file: &Listed) -> Result<PathBuf, RunPackError> {
    let path = folder.join(&file.name);
    let (size, sha256) = file_digest(&path).map_err(RunPackError::io(&file.name))?;
    if size == file.size && sha256 == file.sha256 {
        Ok(path)
    } else {
        let file = file.name.clone();
        Err(RunPackError::Differs { file })
    }
}

/// Packs a run folder.
pub fn pack(folder: &Path) -> Result<(), RunPackError> {
    let mut paths = plan(folder)?;
    // The journal goes last: a run that is packed half can be packed again. Of a run on several rigs, that of the parent goes
    // first: without it nobody takes the parts that are left for all of them.
    let (own, parent) = (folder.join(journal::FILE), folder.join(journal::PARENT_FILE));
    let parts = folder.join(merge::RIGS);
    paths.sort_by_key(|path| match path {
        path if *path == parent => 0,
        path if *path == own => 2,
        path if path.starts_with(&parts) => 3,
        _ => 1,
    });
    for path in paths {
        std::fs::remove_file(&path).map_err(RunPackError::io(format!("`{}`", path.display())))?;
        // A folder that holds more than that stays.
        let above = path
            .ancestors()
            .skip(1)
            .take_while(|above| above.starts_with(&parts));
        for emptied in above {
            let _ = std::fs::remove_dir(emptied);
        }
    }
    let _ = std::fs::remove_dir(folder.join(TRANSCRIPTS));
    Ok(())
}

/// Lays the journal of a packed run out again, if it is one; of a run on several rigs, all of them.
pub fn unpack(folder: &Path) -> Result<(), WriteError> {
    let there = |name: &str| folder.join(name).exists();
    // Parts without their parent's journal are of a run that was packed half.
    let half = there(merge::RIGS) && !there(journal::PARENT_FILE);
    if there(journal::FILE) && !half || there(journal::PARENT_FILE) {
        return Ok(());
    }
    // The parent's journal comes after those of the parts. Without a journal anywhere, the reader of the journal reports it.
    let mut unwritten = None;
    let _ = stream::each(&folder.join(BUNDLE), |name, contents| {
        if contents::is_journal(name) && !name.contains(".masked.") && !there(name) {
            let written = replace_by(&folder.join(name), |to| io::copy(contents, to).map(drop));
            if let Err(why) = written {
                unwritten = Some(why);
                return Err(io::Error::other("the journal could not be written"));
            }
        }
        Ok(())
    });
    unwritten.map_or(Ok(()), Err)
}
