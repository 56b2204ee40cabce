//! The state of one rig between runs.

use crate::state::{StateError, unwritten};
use dfota_record::digest::sha256_hex;
use dfota_record::folders::make_folder;
use dfota_record::shell_word::shell_word;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Digits of the path's digest in the folder's name: enough to tell the rigs of one machine apart.
const DIGITS: usize = 12;

/// The part of the state folder that is about one rig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RigState {
    folder: PathBuf,
    flag: String,
}

/// Held while something in the folder is read and written again.
#[derive(Debug)]
pub struct Held {
    _folder: File,
}

impl RigState {
    /// The part of the rig whose file is at `canonical`, below `rigs`; of which `copy`, where there are several.
    pub(super) fn new(rigs: &Path, canonical: &Path, copy: Option<u32>) -> Self {
        let stem = canonical.file_stem().unwrap_or_default().to_string_lossy();
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_-".contains(c) {
                c
            } else {
                '-'
            }
        };
        let slug: String = stem.chars().take(40).map(plain).collect();
        let digest = sha256_hex(canonical.as_os_str().as_bytes());
        let copy = copy.map_or(String::new(), |copy| format!("-{copy}"));
        Self {
            folder: rigs.join(format!("{slug}-{}{copy}", &digest[..DIGITS])),
            flag: String::new(),
        }
    }

    pub(super) fn with_flag(mut self, flag: &str) -> Self {
        flag.clone_into(&mut self.flag);
        self
    }

    /// The check of the rig whose file is `rig`, with the state folder where it was named, as it has to be typed.
    pub fn check(&self, rig: &Path, flags: &str) -> String {
        let rig = shell_word(&rig.display().to_string());
        format!("dfota-hil check {rig}{flags}{}", self.flag)
    }

    /// The folder; it need not be there yet.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The parts of the copies of this rig.
    pub(super) fn copies(&self) -> Vec<Self> {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let is_copy = |folder: &PathBuf| {
            let other = folder.file_name().unwrap_or_default().to_string_lossy();
            let number = other.strip_prefix(&*name).and_then(|rest| rest.strip_prefix('-'));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let rigs = self.folder.parent().map(std::fs::read_dir);
        let rigs = rigs.into_iter().flatten().flatten().flatten();
        let mut copies: Vec<PathBuf> = rigs.map(|rig| rig.path()).filter(is_copy).collect();
        copies.sort();
        let flag = self.flag.clone();
        let copy = |folder| Self {
            folder,
            flag: flag.clone(),
        };
        copies.into_iter().map(copy).collect()
    }

    /// The files of this name of every rig in the same state folder.
    pub fn everywhere(&self, name: &str) -> Vec<PathBuf> {
        let rigs = self.folder.parent().map(std::fs::read_dir);
        let rigs = rigs.into_iter().flatten().flatten().flatten();
        let mut files: Vec<PathBuf> = rigs.map(|rig| rig.path().join(name)).collect();
        files.sort();
        files
    }

    /// Makes the folder and shows that files can be made in it: found out before anything is powered, not after the night.
    pub fn make(&self) -> Result<(), StateError> {
        let made = make_folder(&self.folder)
            .and_then(|()| tempfile::Builder::new().prefix(".").tempfile_in(&self.folder));
        made.map(drop).map_err(|why| unwritten(&self.folder, why))
    }

    /// Keeps every other run out that asks for the same, until it is dropped.
    pub fn hold(&self) -> Result<Held, StateError> {
        let hold = || {
            make_folder(&self.folder)?;
            let folder = File::open(&self.folder)?;
            folder.lock()?;
            Ok(Held { _folder: folder })
        };
        hold().map_err(|why| unwritten(&self.folder, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_readable_and_of_one_path() {
        let rigs = Path::new("/state/rigs");
        let one = RigState::new(rigs, Path::new("/lab/my bench.01.yaml"), None);
        let name = one.folder().strip_prefix(rigs).expect("below").to_string_lossy();
        assert!(name.starts_with("my-bench-01-"), "{name}");
        assert_eq!(name.len(), "my-bench-01-".len() + DIGITS);
        assert_eq!(one, RigState::new(rigs, Path::new("/lab/my bench.01.yaml"), None));
        assert_ne!(
            one,
            RigState::new(rigs, Path::new("/lab2/my bench.01.yaml"), None)
        );
    }

    #[test]
    fn copies_have_folders_of_their_own_and_are_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = |copy| RigState::new(folder.path(), Path::new("/lab/rig.yaml"), copy);
        let copies = [2, 13].map(|copy| state(Some(copy)));
        for copy in &copies {
            copy.make().expect("a folder");
            assert_ne!(*copy, state(None));
            assert_eq!(copy.copies(), [], "a copy has none");
        }
        RigState::new(folder.path(), Path::new("/lab2/rig.yaml"), Some(2))
            .make()
            .expect("a folder");
        let mut found = state(None).copies();
        found.sort_by_key(|copy| copy.folder.as_os_str().len());
        assert_eq!(found, copies);
    }
}
