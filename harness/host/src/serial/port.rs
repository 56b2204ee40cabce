//! The serial port: opened and configured by `serialport`, read and written through its file descriptor.
//!
//! `serialport` is asked for an exclusive lock, so that no second program talks to the module. Its own `read` gives up on
//! the last bytes before a hang-up (it reports a broken pipe when data and hang-up come together), and the cut path wants
//! to wait for the port and for its own deadline in one call: so reading and writing are done here.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A port that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("serial port `{}` could not be opened: {why}{hint}", path.display())]
pub struct OpenError {
    path: PathBuf,
    why: String,
    hint: &'static str,
}

/// The port, shared between the reader and the writer. After the device has come back, both see the new one.
#[derive(Debug, Clone)]
pub struct Port {
    path: PathBuf,
    baud: u32,
    device: Arc<Mutex<Arc<OwnedFd>>>,
}

impl Port {
    /// Opens and locks the device at `path`: 8N1, no flow control (the module has no pins for it).
    pub fn open(path: &Path, baud: u32) -> Result<Self, OpenError> {
        let device = open(path, baud)?;
        Ok(Self {
            path: path.to_owned(),
            baud,
            device: Arc::new(Mutex::new(Arc::new(device))),
        })
    }

    /// Opens the device again after it has gone, for instance because a USB adapter was enumerated anew.
    pub fn reopen(&self) -> Result<(), OpenError> {
        let device = open(&self.path, self.baud)?;
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(device);
        Ok(())
    }

    /// Gives the device up, so that another program can open it; [`Self::reopen`] takes it back.
    pub fn close(&self) -> io::Result<()> {
        let nothing = std::fs::File::open("/dev/null")?;
        let device = self.device();
        // A lock outlives its owner for as long as anybody has the device open.
        let _ = rustix::termios::ioctl_tiocnxcl(&*device);
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(nothing.into());
        Ok(())
    }

    /// The device as it is now.
    pub fn device(&self) -> Arc<OwnedFd> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bits per second.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all bytes, or says how many were written before `limit` of real time was over or the device had gone.
    pub fn write_all(&self, bytes: &[u8], limit: Duration) -> Result<(), (usize, io::Error)> {
        let device = self.device();
        let deadline = Instant::now() + limit;
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::write(&*device, &bytes[written..]) {
                Ok(n) => written += n,
                Err(Errno::AGAIN) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err((
                            written,
                            io::Error::new(io::ErrorKind::TimedOut, "the module takes no more bytes"),
                        ));
                    }
                    let mut fds = [PollFd::new(&*device, PollFlags::OUT)];
                    poll(&mut fds, Some(&timespec(left))).map_err(|e| (written, e.into()))?;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err((written, error.into())),
            }
        }
        Ok(())
    }
}

/// A duration as `poll` takes it.
pub fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

fn open(path: &Path, baud: u32) -> Result<OwnedFd, OpenError> {
    let fail = |why: String, hint| OpenError {
        path: path.to_owned(),
        why,
        hint,
    };
    let port = serialport::new(path.to_string_lossy(), baud)
        .open_native()
        .map_err(|error| {
            let hint = match error.kind() {
                serialport::ErrorKind::Io(io::ErrorKind::NotFound) => {
                    "; is the adapter plugged in? `ls /dev/serial/by-id` lists those that are"
                }
                serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
                    "; is this user in the group `dialout`?"
                }
                serialport::ErrorKind::NoDevice => "; another program may hold it: `fuser` names it",
                _ => "",
            };
            fail(error.to_string(), hint)
        })?;
    let fd = own(port.into_raw_fd());
    let flags = rustix::fs::fcntl_getfl(&fd).map_err(|e| fail(e.to_string(), ""))?;
    rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK)
        .map_err(|e| fail(e.to_string(), ""))?;
    // What came before nobody listened is of no use, and a line torn in the middle would be misread.
    rustix::termios::tcflush(&fd, rustix::termios::QueueSelector::IFlush)
        .map_err(|e| fail(e.to_string(), ""))?;
    Ok(fd)
}

#[allow(unsafe_code)]
fn own(fd: std::os::fd::RawFd) -> OwnedFd {
    // SAFETY: `fd` comes straight out of `into_raw_fd`, which gives up ownership; nobody else closes it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
