//! Suites and packages on their way to the agents: stored by SHA-256, laid out again as they lay to each other.

use super::board::LabFile;
use super::server::{LabError, LabServer};
use crate::config::suite::Suite;
use dfota_record::digest::sha256_hex;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The files of a run.
#[derive(Debug, Clone, Default)]
pub struct RunFiles {
    pub files: Vec<LabFile>,
    /// The suites among them, in order.
    pub suites: Vec<String>,
}

impl RunFiles {
    /// Stores what the suites are made of.
    pub fn store(lab: &LabServer, suites: &[Suite]) -> Result<Self, LabError> {
        let packages = |suite: &Suite| -> Vec<PathBuf> {
            suite.packages.iter().map(|loaded| plain(&loaded.path)).collect()
        };
        let mut all: Vec<PathBuf> = suites.iter().map(|suite| real(&suite.file)).collect();
        all.extend(suites.iter().flat_map(packages));
        let root = common_folder(&all);
        let below = |path: &Path| {
            let below = path.strip_prefix(&root).unwrap_or(path);
            below.to_string_lossy().into_owned()
        };
        let mut stored = Self::default();
        for suite in suites {
            let path = below(&real(&suite.file));
            stored.suites.push(path.clone());
            stored.add(path, lab.put_file(suite.text.as_bytes())?);
            for loaded in &suite.packages {
                stored.add(below(&plain(&loaded.path)), lab.put_file(&loaded.bytes)?);
            }
        }
        Ok(stored)
    }

    fn add(&mut self, path: String, sha256: String) {
        if self.files.iter().all(|file| file.path != path) {
            self.files.push(LabFile { path, sha256 });
        }
    }
}

/// Fetches the files of a run to a folder. A file whose digest is another one is refused, and so is a path that leads elsewhere.
pub fn lay_out(lab: &LabServer, files: &[LabFile], folder: &Path) -> Result<(), LayOutError> {
    for LabFile { path, sha256 } in files {
        let below = Path::new(path);
        if !below
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(LayOutError::Path(path.clone()));
        }
        let to = folder.join(below);
        let is_there = std::fs::read(&to).is_ok_and(|bytes| sha256_hex(&bytes) == *sha256);
        if is_there {
            continue;
        }
        let bytes = lab.object(sha256)?;
        let is = sha256_hex(&bytes);
        if is != *sha256 {
            return Err(LayOutError::Digest {
                path: path.clone(),
                is,
                expected: sha256.clone(),
            });
        }
        let written = to
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&to, bytes));
        written.map_err(|why| LayOutError::Write { path: to, why })?;
    }
    Ok(())
}

/// Why the files of a run are not on the machine of a rig.
#[derive(Debug, thiserror::Error)]
pub enum LayOutError {
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error("`{path}` has the SHA-256 {is}, and the run was planned with {expected}: nothing was run")]
    Digest {
        path: String,
        is: String,
        expected: String,
    },
    #[error("`{0}` leads out of the folder of the run")]
    Path(String),
    #[error("`{}` cannot be written: {why}", path.display())]
    Write { path: PathBuf, why: io::Error },
}

/// The path of a suite: it names its packages from where it is, and not from where a link to it is.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| plain(path))
}

/// An absolute path without `..`. Links stay as they are: a suite names its packages by paths that may lead over some.
fn plain(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The deepest folder that all files are in.
fn common_folder(files: &[PathBuf]) -> PathBuf {
    let mut folders = files.iter().filter_map(|file| file.parent());
    let Some(first) = folders.next() else {
        return PathBuf::new();
    };
    folders.fold(first.to_owned(), |common, folder| {
        let same = common.components().zip(folder.components());
        same.take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_up_and_down() {
        assert_eq!(plain(Path::new("/a/b/../c/./p.bin")), PathBuf::from("/a/c/p.bin"));
    }

    #[test]
    fn files_keep_their_places_to_each_other() {
        let files = ["/a/b/suites/x.yaml", "/a/b/packages/p.bin", "/a/b/q.bin"].map(PathBuf::from);
        assert_eq!(common_folder(&files), PathBuf::from("/a/b"));
        assert_eq!(common_folder(&files[..1]), PathBuf::from("/a/b/suites"));
    }
}
