//! The guard: a process beside the harness that outlives it and brings the lines to their safe state. Seen from the
//! harness.
//!
//! It is this program once more, in a session of its own, with a socket to the harness as its standard input:
//!
//! ```text
//! harness → guard    the safe state, with duplicates of descriptors    before any line is moved
//! guard → harness    `ready`                                           nothing is moved before
//! harness → guard    `leave`                                           the lines are where they are to stay
//! ```
//!
//! A socket that ends without `leave` is a harness that has ended, in whatever way: the kernel closes it, also after
//! kill -9. The harness moves lines without asking the guard: both hold them.

pub mod handed_over;
pub mod process;
pub mod safe_state;

pub use handed_over::HandedOver;
pub use safe_state::{RigOutput, SafeLine, SafeState};

use crate::bench::lease::LOG;
use dfota_record::folders::share;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The word behind the name of this program that makes it the guard.
pub const COMMAND: &str = "guard";
const READY: &str = "ready\n";
const LEAVE: &str = "leave\n";
/// How long a guard may take to get ready: it starts a program, which takes milliseconds. This is for a machine that hangs.
const START: Duration = Duration::from_secs(20);

/// A guard that did not get ready.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the guard, which makes the rig safe if this program dies: {0}")]
pub struct GuardError(String);

/// The guard of the lines of this process.
#[derive(Debug)]
pub struct Guard {
    socket: UnixStream,
    _process: Child,
}

impl Guard {
    /// Starts `program` as the guard and waits until it is ready. `descriptors` are as many locks as the safe state says, then
    /// those of the lines that have one. The guard writes into the log of the rig's folder.
    pub fn start(
        program: &Path,
        safe_state: &SafeState,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<Self, GuardError> {
        let log = safe_state.folder.join(LOG);
        let (socket, process) = spawn(program, &log)
            .map_err(|why| GuardError(format!("`{}` could not be started: {why}", program.display())))?;
        let mut guard = Self {
            socket,
            _process: process,
        };
        guard.engage(safe_state, descriptors).map_err(|why| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            GuardError(format!("{why}; it said: {}", said.trim()))
        })?;
        Ok(guard)
    }

    fn engage(&mut self, safe_state: &SafeState, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        safe_state.send(&self.socket, descriptors)?;
        self.socket.set_read_timeout(Some(START))?;
        let mut said = String::new();
        BufReader::new((&self.socket).take(READY.len() as u64)).read_line(&mut said)?;
        if said != READY {
            return Err(io::Error::other(format!(
                "it answered `{}`, expected `ready`",
                said.trim()
            )));
        }
        // From now on it sends nothing: reading is for noticing its end.
        self.socket.set_nonblocking(true)
    }

    /// Whether it is still there.
    pub fn is_there(&self) -> bool {
        let read = (&self.socket).read(&mut [0]);
        read.is_err_and(|why| why.kind() == io::ErrorKind::WouldBlock)
    }

    /// Tells it that the lines are where they are to stay. If it has ended already, nothing is lost.
    pub fn leave(&self) {
        let _ = (&self.socket).write_all(LEAVE.as_bytes());
    }
}

fn spawn(program: &Path, log: &Path) -> io::Result<(UnixStream, Child)> {
    let (ours, theirs) = UnixStream::pair()?;
    let said = File::create(log)?;
    share(log)?;
    let child = Command::new(program)
        .arg0(crate::program::NAME)
        .arg(COMMAND)
        // Only this process needs the signing key.
        .env_remove(dfota_record::evidence::signing_key::VARIABLE)
        .stdin(OwnedFd::from(theirs))
        // A program that reads this one's output to its end does not wait for the guard.
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()?;
    Ok((ours, child))
}
