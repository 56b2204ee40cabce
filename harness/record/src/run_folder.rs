//! A run folder: what its files are called, and how they are written.

use std::fs::Metadata;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Name of the JUnit file in a run folder.
pub const JUNIT: &str = "junit.xml";
/// Name of the page for people.
pub const HTML: &str = "report.html";
/// Name of the file that says what ran.
pub const SUMMARY: &str = "run.json";
/// Folder of the transcripts in a run folder.
pub const TRANSCRIPTS: &str = "transcripts";
pub const BUNDLE: &str = "evidence.tar.zst";

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("`{}` could not be written: {why}", path.display())]
pub struct WriteError {
    path: PathBuf,
    why: io::Error,
}

/// Writes a file beside its place and moves it there: a reader never sees half of it. One that is the same already stays,
/// for most of what is made again is.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let same = |is: Metadata| is.len() == bytes.len() as u64;
    if std::fs::metadata(path).is_ok_and(same) && std::fs::read(path).is_ok_and(|is| is == bytes) {
        return Ok(());
    }
    replace_by(path, |file| file.write_all(bytes))
}

/// The same for what is `write`n piece by piece.
pub fn replace_by(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let made = || {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".")
            .suffix(".part")
            .tempfile_in(folder)?;
        let mut to = BufWriter::new(&mut file);
        write(&mut to)?;
        to.flush()?;
        drop(to);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    made().map_err(|why| WriteError {
        path: path.to_owned(),
        why,
    })
}

/// Where a file of a run folder lies, if it is a plain one and the folders above it are within the run folder. No link is
/// followed, and no pipe is waited for.
pub fn plain_file(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = folder.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(next) = parts.next() {
        path.push(next);
        check_kind(&path, parts.peek().is_some())?;
    }
    Ok(path)
}

/// Whether it is the plain file, or the folder, that a run makes.
pub(crate) fn check_kind(path: &Path, folder: bool) -> io::Result<()> {
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
