//! The state folder: data that a run keeps for later runs, outside the run folders.
//!
//! ```text
//! STATE/rigs/SLUG-HASH/    one rig, and `SLUG-HASH-2` the second copy of a simulated one: check.json, quarantine.json, wear.json; its lease and guard: lease, owner.json,
//!                          programs, guard.log, guard.socket
//! STATE/campaigns/         campaigns that go on from night to night
//! STATE/history.sqlite     the results of runs outside `reports`
//! ```
//!
//! Nothing in it is needed to understand a run, and nothing is made before something is written. Files are replaced as a
//! whole: a reader sees the old one or the new one.

pub mod campaign_store;
pub mod campaign_terms;
pub mod history_place;
pub mod last_check;
pub mod quarantine;
pub mod rig_state;
pub mod run_state;
pub mod wear;

pub use rig_state::RigState;

use crate::config::rig::Rig;
use crate::exit::CommandError;
use dfota_record::shell_word::shell_word;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the state folder is, when no flag says so.
const DEFAULT: &str = "dfota-hil";
/// The one of the machine, which the Debian package makes for everybody in its group.
const MACHINE: &str = "/var/lib/dfota-hil";

/// The flag that names the state folder.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StateFlag {
    /// Folder of the state between runs: leases, quarantine, wear, campaigns [default: $XDG_STATE_HOME/dfota-hil, else
    /// /var/lib/dfota-hil of the package where you may write it, else ~/.local/state/dfota-hil]
    #[arg(long, value_name = "DIR", env = "DFOTA_HIL_STATE_DIR", hide_env_values = true)]
    pub state_dir: Option<PathBuf>,
}

impl StateFlag {
    /// The flag as it has to be typed again, with a blank before it; nothing where it was not given.
    pub fn words(&self) -> String {
        self.state_dir.as_ref().map_or_else(String::new, |folder| {
            format!(" --state-dir {}", shell_word(&folder.display().to_string()))
        })
    }
}

/// State that cannot be read or written is found out before anything is powered.
impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        Self::usage(error)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    folder: PathBuf,
    flag: String,
}

/// State that could not be found, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(
        "there is no place for the state folder (quarantine, wear, campaigns): neither `--state-dir` nor an absolute `XDG_STATE_HOME` or `HOME` names one; give `--state-dir DIR`"
    )]
    Nowhere,
    /// A file or folder that cannot be read.
    #[error("state `{}` could not be read: {why}; make it readable, or name another folder with `--state-dir DIR`", path.display())]
    Read { path: PathBuf, why: io::Error },
    /// A file or folder that cannot be written.
    #[error("state `{}` could not be written: {why}; make its folder writable, or name another with `--state-dir DIR`", path.display())]
    Write { path: PathBuf, why: io::Error },
    /// Another run writes it.
    #[error("campaign `{}` is being run already: wait for that run, or name another folder with `--state-dir DIR`", path.display())]
    Busy { path: PathBuf },
    /// A file with something else in it.
    #[error("state `{}` is not what this program writes: {why}; look at it and remove it", path.display())]
    Broken { path: PathBuf, why: serde_json::Error },
}

impl StateDir {
    /// The folder that the flag names, else the machine's, else the user's. It need not be there yet.
    pub fn find(flag: &StateFlag) -> Result<Self, StateError> {
        let folder = flag.state_dir.clone().or_else(default_folder);
        let folder = folder.ok_or(StateError::Nowhere)?;
        Ok(Self {
            folder,
            flag: flag.words(),
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The part of one rig, known by the canonical path of its file: two files are two rigs, two links to one are one. Each copy of
    /// a simulated rig has its own: it has a module of its own, and a copy that fails keeps no other from its work.
    pub fn rig(&self, rig: &Rig) -> RigState {
        RigState::new(&self.folder.join("rigs"), &rig.canonical, rig.copy).with_flag(&self.flag)
    }

    /// The folder of the campaigns.
    pub fn campaigns(&self) -> PathBuf {
        self.folder.join("campaigns")
    }
}

/// A variable that is set wins; without it, all users of a machine with the package share one folder.
fn default_folder() -> Option<PathBuf> {
    let machine = || {
        let may = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        let folder = PathBuf::from(MACHINE);
        (folder.is_dir() && rustix::fs::access(&folder, may).is_ok()).then_some(folder)
    };
    let user = || Some(absolute("HOME")?.join(".local/state").join(DEFAULT));
    let named = absolute("XDG_STATE_HOME").map(|base| base.join(DEFAULT));
    named.or_else(machine).or_else(user)
}

/// The absolute path in a variable; the base directory specification has relative ones ignored.
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// What a file holds; `None` when it is not there.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StateError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        // A file in the place of a folder is an error for the writer, who meets it too.
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(why) => return Err(unread(path, why)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|why| StateError::Broken {
            path: path.to_owned(),
            why,
        })
}

pub fn unread(path: &Path, why: io::Error) -> StateError {
    StateError::Read {
        path: path.to_owned(),
        why,
    }
}

/// A file or folder of the state that could not be written.
pub fn unwritten(path: &Path, why: io::Error) -> StateError {
    StateError::Write {
        path: path.to_owned(),
        why,
    }
}

/// Replaces a file, and makes its folders. The bytes are on the disk before the name is: a machine that loses its power
/// keeps the old ones.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), StateError> {
    let replace = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        dfota_record::folders::make_folder(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".")
            .suffix(".part")
            .tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode)?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    replace().map_err(|why| unwritten(path, why))
}

/// Removes a file; whether it was there.
pub fn remove(path: &Path) -> Result<bool, StateError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(unwritten(path, why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, StateDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let flag = StateFlag {
            state_dir: Some(folder.path().join("state")),
        };
        let dir = StateDir::find(&flag).expect("a flag is enough");
        (folder, dir)
    }

    #[test]
    fn nothing_is_made_before_something_is_written() {
        let (folder, dir) = dir();
        let path = dir.campaigns().join("a/b.json");
        assert_eq!(read::<u32>(&path).expect("an absent file is fine"), None);
        assert!(!remove(&path).expect("an absent file is fine"));
        assert!(!folder.path().join("state").exists());
        write(&path, &7).expect("the folder is writable");
        assert_eq!(read::<u32>(&path).expect("it was written"), Some(7));
        let names: Vec<_> = std::fs::read_dir(dir.campaigns().join("a"))
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(names, ["b.json"], "nothing of the making is left");
    }

    #[test]
    fn a_file_of_another_form_is_refused() {
        let (_folder, dir) = dir();
        let path = dir.campaigns().join("x.json");
        write(&path, &"text").expect("the folder is writable");
        let told = read::<u32>(&path).expect_err("text is not a number").to_string();
        assert!(
            told.contains("x.json") && told.contains("remove it"),
            "a path and what to do: {told}"
        );
    }
}
