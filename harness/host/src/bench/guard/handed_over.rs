//! Lines that a guard holds after its harness has ended, and how the next harness takes them over without releasing them.
//!
//! The socket is found through its folder's descriptor: the path of a state folder may be longer than an address of a
//! socket can be.

use crate::bench::guard::SafeState;
use crate::config::rig::Driver;
use dfota_record::folders::share;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The socket's name in the rig's part of the state folder.
pub const SOCKET: &str = "guard.socket";
/// What the next owner says when a guard of its own holds the lines.
const MINE: u8 = b'!';
/// How long either side waits for the other: the next owner starts a guard before it answers.
const ANSWER: Duration = Duration::from_secs(60);

/// Lines that the guard before holds as well, until [`Self::release`].
#[derive(Debug)]
pub struct HandedOver {
    lines: Vec<(Driver, OwnedFd)>,
    guard: UnixStream,
    path: PathBuf,
}

impl HandedOver {
    /// Asks the guard that holds the lines of the rig whose state is in `folder`, if there is one.
    pub fn ask(folder: &Path) -> io::Result<Option<Self>> {
        let near = File::open(folder)?;
        let guard = match UnixStream::connect(address(&near)) {
            Ok(guard) => guard,
            Err(why)
                if matches!(
                    why.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(why) => return Err(why),
        };
        guard.set_read_timeout(Some(ANSWER))?;
        let (safe_state, descriptors) = SafeState::receive(&guard)?;
        let held = safe_state.lines.into_iter().filter(|line| line.descriptor);
        Ok(Some(Self {
            lines: held.map(|line| line.driver).zip(descriptors).collect(),
            guard,
            path: folder.join(SOCKET),
        }))
    }

    /// The descriptor of the line that this driver moves.
    pub fn take(&mut self, driver: &Driver) -> Option<OwnedFd> {
        let at = self.lines.iter().position(|(held, _)| held == driver)?;
        Some(self.lines.swap_remove(at).1)
    }

    /// Whether every line has been taken.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Ends the guard that held the lines until now, and releases those that were not taken.
    pub fn release(mut self) -> io::Result<()> {
        std::fs::remove_file(&self.path)?;
        self.guard.write_all(&[MINE])
    }
}

/// Holds the lines until another program has taken them. `listening` is called once it can ask for them.
pub fn hold(safe_state: &SafeState, descriptors: &[OwnedFd], listening: impl FnOnce()) -> io::Result<()> {
    let near = File::open(&safe_state.folder)?;
    match std::fs::remove_file(safe_state.folder.join(SOCKET)) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let listener = UnixListener::bind(address(&near))?;
    share(&safe_state.folder.join(SOCKET))?;
    listening();
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    for next in listener.incoming() {
        let taken = next.and_then(|mut next| {
            next.set_read_timeout(Some(ANSWER))?;
            safe_state.send(&next, &descriptors)?;
            let mut said = [0];
            next.read_exact(&mut said)?;
            Ok(said == [MINE])
        });
        match taken {
            Ok(true) => break,
            Ok(false) => tracing::warn!("the program that asked for the lines sent an unknown answer"),
            // It died before a guard of its own held them.
            Err(why) => tracing::warn!("the program that asked for the lines did not take them: {why}"),
        }
    }
    Ok(())
}

fn address(folder: &File) -> PathBuf {
    format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()).into()
}
