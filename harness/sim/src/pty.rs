//! The pty that is the module's main UART.
//!
//! The board opens the slave side itself, makes it raw before the host can open it, and keeps it open. Otherwise early
//! output would be echoed and rewritten by the line discipline, and the master side would hang up with the last client.

use bc66_spec::timing::BAUD_DEFAULT;
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Both sides of a pty, kept open for life.
#[derive(Debug)]
pub(crate) struct Pty {
    master: OwnedFd,
    _slave: OwnedFd,
    path: PathBuf,
}

impl Pty {
    /// A new pty, raw, its master side not blocking.
    pub(crate) fn open() -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = open(
            &name,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut termios = tcgetattr(&slave)?;
        termios.make_raw();
        termios.set_speed(BAUD_DEFAULT)?;
        tcsetattr(&slave, OptionalActions::Now, &termios)?;
        fcntl_setfl(&master, OFlags::NONBLOCK)?;
        Ok(Self {
            master,
            _slave: slave,
            path: PathBuf::from(name.to_string_lossy().into_owned()),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// Discards what the host has sent to a module that is off.
    pub(crate) fn discard_input(&self) {
        let mut buffer = [0; 1024];
        while matches!(rustix::io::read(&self.master, &mut buffer), Ok(n) if n > 0) {}
    }
}
