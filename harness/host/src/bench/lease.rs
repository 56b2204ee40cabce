//! The lease of a rig: one owner at a time moves its lines. The process that holds the lock is the owner, or the guard of an
//! owner that has died. An owner that ends removes its name, so a name without a lock is that of an owner that died.
//!
//! The lock is of one state folder. The lock on the hardware is this machine's, and is taken first.

mod hardware;

use crate::config::rig::Rig;
use crate::exit::CommandError;
use crate::state::last_check::now;
use crate::state::{RigState, StateDir, StateError, unwritten};
use crate::terminal::print_warning;
use dfota_record::folders::share;
use hardware::Hardware;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// The file with what the last guard had to say.
pub const LOG: &str = "guard.log";
/// Locked by the owner, and by its guard until the lines are safe.
pub const LOCK: &str = "lease";
/// Who owns the rig.
pub const OWNER: &str = "owner.json";
/// Empty; its lock is shared by the owner and every program that moves a line for it.
pub const PROGRAMS: &str = "programs";

/// How long the guard of a dead owner may need: some programs, each within its own time.
const GUARD: Duration = Duration::from_secs(60);
/// After this long a message says what is waited for.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(5);
/// How long an owner may take to die: its threads end one by one, and locked memory is given back first.
const DYING: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 500_000_000,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    /// Which command it is.
    pub command: String,
    /// The name of the run, where it is one.
    pub run: Option<String>,
    /// Since when: UTC, RFC 3339.
    pub since: String,
    /// In what state its guard left the lines after it had died.
    pub left: Option<LinesLeft>,
}

/// In what state a guard left the lines of a dead owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinesLeft {
    /// As the rig file declares.
    Safe,
    Unsafe(String),
}

/// A lease that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error(
        "rig `{rig}` is in use by {owner}: wait until that has ended, or end it; nothing was powered{whose}"
    )]
    InUse {
        rig: String,
        owner: Box<Owner>,
        /// Whose that is, and what of the rig it has, as the end of a sentence.
        whose: String,
    },
    /// The guard of a dead owner is not done.
    #[error("rig `{rig}` is still held after {}, although its owner has ended: `{}` has what its guard said; nothing was powered", humantime::format_duration(GUARD), log.display())]
    Stuck { rig: String, log: std::path::PathBuf },
    /// This machine cannot be asked who has the hardware.
    #[error("cannot tell which program uses the rig: no Unix socket could be opened: {0}")]
    Socket(io::Error),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A rig that is in use is an error of the rig (3), not of the command line (2): the same command is right a minute later.
impl From<LeaseError> for CommandError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::State(error) => error.into(),
            error => Self::error(error),
        }
    }
}

/// The lease, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    state: RigState,
    lock: File,
    hardware: Hardware,
    programs: File,
    owner: Owner,
    /// Whose it was, when that one died without giving it back.
    taken_over: Option<String>,
    left_safe: bool,
}

impl Lease {
    /// Takes the lease of a rig, and says on standard error when its last owner has died.
    pub fn take(rig: &Rig, dir: &StateDir, command: &str) -> Result<Self, LeaseError> {
        let state = dir.rig(rig);
        state.make()?;
        let owner = Owner {
            pid: std::process::id(),
            command: command.to_owned(),
            run: None,
            since: now(),
            left: None,
        };
        let hardware = Hardware::take(rig, &owner, &state.file(LOG))?;
        let lock = locked(&rig.name, &state)?;
        let dead: Option<Owner> = crate::state::read(&state.file(OWNER))?;
        let left_safe = dead
            .as_ref()
            .is_none_or(|owner| owner.left == Some(LinesLeft::Safe));
        let taken_over = dead.map(|owner| {
            let text = format!(
                "the lease of rig `{}` was taken over from {owner}, which ended without giving it back; {}",
                rig.name,
                owner.left_behind()
            );
            print_warning(&text);
            text
        });
        let programs = open(&state, PROGRAMS).and_then(|file| file.lock_shared().map(|()| file));
        let lease = Self {
            programs: programs.map_err(|why| unwritten(&state.file(PROGRAMS), why))?,
            lock,
            hardware,
            owner,
            taken_over,
            left_safe,
            state,
        };
        lease.write()?;
        Ok(lease)
    }

    pub fn name(&mut self, run: &str) -> Result<(), StateError> {
        self.owner.run = Some(run.to_owned());
        self.hardware.name(run);
        self.write()
    }

    /// The note about the last owner, where it died.
    pub fn taken_over(&self) -> Option<&str> {
        self.taken_over.as_deref()
    }

    /// Whether the guard of the last owner, where that died, says that the lines are safe.
    pub fn was_left_safe(&self) -> bool {
        self.left_safe
    }

    /// The rig's part of the state folder.
    pub fn folder(&self) -> &Path {
        self.state.folder()
    }

    /// The locks that keep other programs out: of the lease, and of the parts of the hardware. A duplicate holds a lock as well.
    pub fn locks(&self) -> Vec<BorrowedFd<'_>> {
        std::iter::once(self.lock.as_fd())
            .chain(self.hardware.sockets())
            .collect()
    }

    /// What every program that moves a line holds as its standard input.
    pub fn programs(&self) -> io::Result<File> {
        self.programs.try_clone()
    }

    fn write(&self) -> Result<(), StateError> {
        crate::state::write(&self.state.file(OWNER), &self.owner)
    }
}

/// The lock itself ends with its last descriptor, which may be the guard's.
impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(why) = crate::state::remove(&self.state.file(OWNER)) {
            tracing::warn!("{why}");
        }
    }
}

/// Writes down in what state the lines of a dead owner were left.
pub fn leave_behind(folder: &Path, left: LinesLeft) -> Result<(), StateError> {
    let path = folder.join(OWNER);
    let Some(mut owner) = crate::state::read::<Owner>(&path)? else {
        return Ok(());
    };
    owner.left = Some(left);
    crate::state::write(&path, &owner)
}

fn open(state: &RigState, name: &str) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true).read(true);
    let path = state.file(name);
    let file = options.open(&path)?;
    share(&path)?;
    Ok(file)
}

/// The lock. A living owner keeps other programs out. One that is ending or has died is waited for, as long as its guard works.
fn locked(rig: &str, state: &RigState) -> Result<File, LeaseError> {
    let unusable = |why| unwritten(&state.file(LOCK), why);
    let file = open(state, LOCK).map_err(unusable)?;
    let mut wait = GuardWait::new();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(why)) => return Err(unusable(why).into()),
        }
        let owner: Option<Owner> = crate::state::read(&state.file(OWNER))?;
        if let Some(owner) = owner.filter(Owner::is_alive) {
            return Err(LeaseError::InUse {
                rig: rig.to_owned(),
                owner: Box::new(owner),
                whose: String::new(),
            });
        }
        let what = format!(
            "waiting for the guard of rig `{rig}`: its last owner has ended, and its lines are being brought to their safe state"
        );
        wait.check(&what, rig, &state.file(LOG))?;
        std::thread::sleep(LOOK);
    }
}

/// Waiting for the guard of a dead owner.
pub(super) struct GuardWait {
    begun: Instant,
    explained: bool,
}

impl GuardWait {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            explained: false,
        }
    }

    /// Says what is waited for when it takes long, and gives up when it takes too long.
    pub(super) fn check(&mut self, what: &str, rig: &str, log: &Path) -> Result<(), LeaseError> {
        if self.begun.elapsed() > PATIENCE && !std::mem::replace(&mut self.explained, true) {
            print_warning(what);
        }
        if self.begun.elapsed() > GUARD {
            return Err(LeaseError::Stuck {
                rig: rig.to_owned(),
                log: log.to_owned(),
            });
        }
        Ok(())
    }
}

impl Owner {
    /// Whether its process lives. What cannot be found out counts as alive; one that was just killed is given a moment to die.
    fn is_alive(&self) -> bool {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return false;
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // Its descriptor is readable when it has ended, also while nobody has asked how (pidfd_open(2)).
            Ok(process) => {
                let mut ended = [PollFd::new(&process, PollFlags::IN)];
                !matches!(poll(&mut ended, Some(&DYING)), Ok(n) if n > 0)
            }
            Err(why) => why != rustix::io::Errno::SRCH,
        }
    }

    fn left_behind(&self) -> String {
        match &self.left {
            Some(LinesLeft::Safe) => "its guard has brought the lines to their safe state".into(),
            Some(LinesLeft::Unsafe(why)) => {
                format!("its guard could not bring the lines to their safe state: {why}")
            }
            None => "it is not known whether the lines were in their safe state".into(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (pid {}", self.command, self.pid)?;
        if let Some(run) = &self.run {
            write!(f, ", run `{run}`")?;
        }
        write!(f, ", since {}", self.since)?;
        if let Some(age) = age(&self.since) {
            write!(f, ", {} ago", humantime::format_duration(age))?;
        }
        f.write_str(")")
    }
}

/// To the second. A clock that was set back makes no age.
fn age(since: &str) -> Option<Duration> {
    let since = UtcDateTime::parse(since, &Rfc3339).ok()?;
    let age = Duration::try_from(UtcDateTime::now() - since).ok()?;
    Some(Duration::from_secs(age.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not waited for meanwhile, as below a shell that goes on: it dies, and stays in the table of processes.
    #[test]
    fn a_process_that_was_just_killed_does_not_live() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("a child");
        let owner = Owner {
            pid: child.id(),
            command: "run".into(),
            run: None,
            since: now(),
            left: None,
        };
        assert!(owner.is_alive());
        child.kill().expect("a signal");
        assert!(!owner.is_alive());
        child.wait().expect("its end");
        assert!(!owner.is_alive(), "nor one that is in no table");
    }
}
