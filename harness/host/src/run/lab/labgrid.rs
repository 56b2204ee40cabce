//! Holds the labgrid place of a rig for the time of a batch, so that people can use the board between batches.
//!
//! labgrid has no lease: a place stays acquired when the client that acquired it has ended. So a process beside the agent
//! holds it, the keeper: this program once more, in a session of its own, with a socket to the agent as its standard input.
//!
//! ```text
//! keeper → agent    what it waits for, or that the place is acquired    a line of JSON each
//! agent → keeper    the number of the worker's process                  a line, once the worker was started
//! ```
//!
//! The socket closes when the agent no longer needs the place, or has died. The keeper then waits until the worker has ended,
//! makes the rig safe, and releases the place. It stores which place it holds: if the keeper dies as well, the next keeper
//! releases it.

mod client;

pub use client::LabgridError;

use crate::exit::{CommandError, ExitCode};
use crate::program;
use crate::run::readable::is_readable;
use client::{client, is_gone, show};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The word behind the name of this program that makes it the keeper of a place.
pub const COMMAND: &str = "labgrid-keeper";
/// What the keeper holds, and its lock: one keeper of a rig at a time.
const HELD: &str = "labgrid.json";
/// What the keeper has to say beside that.
const LOG: &str = "labgrid.log";
/// How long the keeper waits before it asks labgrid again. Each time a Python program is started.
const AGAIN: Duration = Duration::from_secs(3);
/// How often the keeper looks for the end of the one before, and how long it does so in silence.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the log begins anew.
const LONGEST_LOG: u64 = 64 * 1024;

/// The place of a rig.
#[derive(Debug, Clone)]
pub struct Labgrid {
    pub place: String,
    /// The agent's.
    pub folder: PathBuf,
    /// The arguments of this program that make the rig safe; none: it has no lines.
    pub make_safe: Vec<OsString>,
}

/// What the keeper says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceNews {
    /// From now on the place is held.
    Acquired,
    /// It is not held yet, and why.
    Waits(String),
}

/// A place that is held, or will be. Dropped, it is released once its worker has ended.
#[derive(Debug)]
pub struct PlaceHold {
    socket: BufReader<UnixStream>,
    line: String,
    keeper: Option<Child>,
}

impl Labgrid {
    /// Begins to acquire the place.
    pub fn hold(&self) -> io::Result<PlaceHold> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(program::running());
        command.arg0(program::NAME).arg(COMMAND);
        command.arg(&self.folder).arg(&self.place).args(&self.make_safe);
        let keeper = command
            // Only this process needs the signing key.
            .env_remove(dfota_record::evidence::signing_key::VARIABLE)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            // Not the agent's, whose reader may wait for its end.
            .stderr(log(&self.folder.join(LOG))?)
            .spawn()?;
        Ok(PlaceHold {
            socket: BufReader::new(ours),
            line: String::new(),
            keeper: Some(keeper),
        })
    }

    /// Acquires the place if it can be had now; otherwise says why not.
    pub fn try_hold(&self, stop: &AtomicBool) -> Result<PlaceHold, LabgridError> {
        let mut hold = self.hold().map_err(LabgridError::unkept)?;
        while !stop.load(Ordering::Relaxed) {
            match hold.next(LOOK).map_err(LabgridError::unkept)? {
                None => {}
                Some(PlaceNews::Acquired) => return Ok(hold),
                Some(PlaceNews::Waits(why)) => return Err(LabgridError(why)),
            }
        }
        Err(LabgridError("the agent was stopped".to_owned()))
    }
}

/// The keeper before may still write to it.
fn log(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    if file.metadata()?.len() > LONGEST_LOG {
        file.set_len(0)?;
    }
    Ok(file)
}

impl PlaceHold {
    /// Waits for what the keeper says next.
    pub fn next(&mut self, limit: Duration) -> io::Result<Option<PlaceNews>> {
        // A limit of nothing would be none.
        self.socket
            .get_ref()
            .set_read_timeout(Some(limit.max(Duration::from_millis(1))))?;
        match self.socket.read_line(&mut self.line) {
            Ok(0) => Err(io::Error::other(format!("it ended; `{LOG}` has what it said"))),
            Ok(_) => {
                let news = serde_json::from_str(&self.line)?;
                self.line.clear();
                Ok(Some(news))
            }
            // What came of the line so far stays.
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(why) if why.kind() == ErrorKind::Interrupted => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// The place is not released before this process has ended.
    pub fn outlast(&self, worker: u32) -> io::Result<()> {
        writeln!(self.socket.get_ref(), "{worker}")
    }
}

impl Drop for PlaceHold {
    fn drop(&mut self) {
        let _ = self.socket.get_ref().shutdown(std::net::Shutdown::Both);
        // It may take as long as the coordinator is away, and is waited for so that no dead process is left.
        if let Some(mut keeper) = self.keeper.take() {
            std::thread::spawn(move || keeper.wait());
        }
    }
}

/// A place and who has it, as labgrid says: what the keeper writes down, and what it releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct HeldPlace {
    place: String,
    /// `HOST/USER`.
    owner: String,
}

/// A keeper at work.
struct Keeper {
    agent: UnixStream,
    place: String,
    /// Locked, as long as this keeper works.
    held: File,
    log: PathBuf,
    said: Option<PlaceNews>,
}

/// Holds the place that its arguments name for the agent at its standard input, and releases it.
pub fn main() -> Result<ExitCode, CommandError> {
    // A signal that ends every process may come before the worker has ended: the keeper ends when the place is released.
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::default()).map_err(CommandError::error)?;
    }
    // A signal of the terminal is for the agent. It fails for the first of a process group, as which no agent starts it.
    let _ = rustix::process::setsid();
    let by_hand = || CommandError::usage(format!("`{COMMAND}` is not for use by hand: `agent` starts it"));
    let mut words = std::env::args_os().skip(2);
    let (Some(folder), Some(place)) = (words.next(), words.next()) else {
        return Err(by_hand());
    };
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let agent = stdin.map(UnixStream::from).map_err(|_| by_hand())?;
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    let path = Path::new(&folder).join(HELD);
    let unusable = |why: io::Error| CommandError::error(format!("`{}`: {why}", path.display()));
    let mut keeper = Keeper {
        agent,
        place: place.to_string_lossy().into_owned(),
        held: options.open(&path).map_err(unusable)?,
        log: path.with_file_name(LOG),
        said: None,
    };
    if let Some(held) = keeper.acquire().map_err(unusable)? {
        keeper.await_worker();
        make_safe(words.collect());
        keeper.release(&held).map_err(unusable)?;
    }
    Ok(ExitCode::Success)
}

impl Keeper {
    /// Acquires the place, however long that takes. Nothing: the agent does not want it any more.
    fn acquire(&mut self) -> io::Result<Option<HeldPlace>> {
        if !self.lock()? {
            return Ok(None);
        }
        let mut left = self.left()?;
        if let Some(other) = left.take_if(|left| left.place != self.place) {
            self.release(&other)?;
        }
        let mut is_mine = false;
        loop {
            match self.try_acquire(left.as_ref(), &mut is_mine) {
                Ok(held) => {
                    self.note(Some(&held))?;
                    self.say(PlaceNews::Acquired);
                    return Ok(Some(held));
                }
                Err(why) => self.say(PlaceNews::Waits(why.to_string())),
            }
            // What was acquired has to be released: then it is asked again who has it, whether the agent waits or not.
            if self.has_left(AGAIN) && !is_mine {
                return Ok(None);
            }
        }
    }

    /// Waits for the keeper of the batch before; whether the agent still waits.
    fn lock(&mut self) -> io::Result<bool> {
        let began = Instant::now();
        loop {
            match self.held.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(why)) => return Err(why),
            }
            if self.has_left(LOOK) {
                return Ok(false);
            }
            if began.elapsed() > PATIENCE {
                let why = format!(
                    "waiting until labgrid place `{}` is released after the previous batch; for the reason of the delay see `{}`",
                    self.place,
                    self.log.display()
                );
                self.say(PlaceNews::Waits(why));
            }
        }
    }

    /// What a keeper before this one held when it died.
    fn left(&mut self) -> io::Result<Option<HeldPlace>> {
        let mut text = String::new();
        self.held.read_to_string(&mut text)?;
        // One that died while it wrote has acquired nothing that it could have used.
        Ok(serde_json::from_str(&text).ok())
    }

    fn note(&mut self, held: Option<&HeldPlace>) -> io::Result<()> {
        self.held.rewind()?;
        self.held.set_len(0)?;
        if let Some(held) = held {
            serde_json::to_writer(&self.held, held)?;
        }
        self.held.sync_all()
    }

    /// Tells the agent, once.
    fn say(&mut self, news: PlaceNews) {
        if self.said.as_ref() == Some(&news) {
            return;
        }
        if let PlaceNews::Waits(why) = &news {
            tracing::warn!("{why}");
        }
        if let Ok(mut line) = serde_json::to_vec(&news) {
            line.push(b'\n');
            // An agent that has ended is noticed where it is read from.
            let _ = self.agent.write_all(&line);
        }
        self.said = Some(news);
    }

    /// Whether the agent ends its connection, at the latest after this time. It says nothing before it has the place.
    fn has_left(&self, limit: Duration) -> bool {
        is_readable(&self.agent, Some(limit))
    }

    /// Acquires the place if it is free. `left`: what a keeper before this one had. `is_mine`: it was acquired.
    fn try_acquire(&self, left: Option<&HeldPlace>, is_mine: &mut bool) -> Result<HeldPlace, LabgridError> {
        let place = &self.place;
        let mut shown = show(place)?;
        if shown.name != *place {
            // The client takes a part of a name for the name.
            return Err(LabgridError(format!(
                "labgrid has no place `{place}`, only `{}`: write the whole name into the rig file",
                shown.name
            )));
        }
        if shown.owner.is_none() {
            client(place, &["acquire"])?;
            *is_mine = true;
            shown = show(place)?;
        }
        let Some(owner) = shown.owner else {
            *is_mine = false;
            return Err(LabgridError(format!(
                "labgrid place `{place}` was released by somebody else"
            )));
        };
        let held = HeldPlace {
            place: place.clone(),
            owner,
        };
        if *is_mine || left == Some(&held) {
            return Ok(held);
        }
        Err(LabgridError(format!(
            "waiting for labgrid place `{place}`, which `{}` has",
            held.owner
        )))
    }

    /// Waits for the end of the agent's connection, and then for that of its worker.
    fn await_worker(&self) {
        let mut worker = None;
        for line in BufReader::new(&self.agent).lines().map_while(Result::ok) {
            // A number is not given out again while the agent, whose child it is, has not waited for it.
            let pid = line.trim().parse().ok().and_then(Pid::from_raw);
            worker = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        }
        if let Some(worker) = worker {
            is_readable(&worker, None);
        }
    }

    /// Releases the place if it is still held for this agent, however long the coordinator is away.
    fn release(&mut self, held: &HeldPlace) -> io::Result<()> {
        while let Err(why) = try_release(held) {
            if is_gone(&held.place) {
                break;
            }
            tracing::warn!("labgrid place `{}` is not released yet: {why}", held.place);
            std::thread::sleep(AGAIN);
        }
        self.note(None)
    }
}

/// Releases a place. One that somebody else has by now is left to them.
fn try_release(held: &HeldPlace) -> Result<(), LabgridError> {
    let HeldPlace { place, owner } = held;
    let shown = show(place)?;
    if shown.name == *place && shown.owner.as_ref() == Some(owner) {
        client(place, &["release-from", owner])?;
    }
    Ok(())
}

/// Makes the rig safe, also behind a worker that was killed: nobody is to get a board whose guard still works.
fn make_safe(words: Vec<OsString>) {
    if words.is_empty() {
        return;
    }
    let mut command = Command::new(program::running());
    command.arg0(program::NAME).args(words).stdin(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::error!("the rig could not be made safe: {status}"),
        Err(why) => tracing::error!("the rig could not be made safe: {why}"),
    }
}
