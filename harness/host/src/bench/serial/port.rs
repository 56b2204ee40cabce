//! The serial port: a device, opened and configured by `serialport`, or a TCP socket; read and written through its file
//! descriptor either way.
//!
//! `serialport` is asked for an exclusive lock, so that no second program talks to the module. Its own `read` gives up on
//! the last bytes before a hang-up (it reports a broken pipe when data and hang-up come together), and the cut path wants
//! to wait for the port and for its own deadline in one call: so reading and writing are done here.

use super::network::{self, PortRefused};
use super::telnet::{self, Telnet};
use super::timespec;
use crate::config::rig::serial_address::Address;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A port that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("serial port `{address}` could not be opened: {why}")]
pub struct PortError {
    address: Address,
    why: PortRefused,
}

/// Bytes that were not all written.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct PartialWrite {
    /// Those that were.
    pub written: usize,
    pub why: io::Error,
}

/// The port, shared between the reader and the writer. After the device has come back, both see the new one.
#[derive(Debug, Clone)]
pub struct Port {
    address: Address,
    baud: u32,
    device: Arc<Mutex<Arc<OwnedFd>>>,
    /// What stands between the socket and the bytes of the module, where something does.
    telnet: Option<Arc<Mutex<Telnet>>>,
}

impl Port {
    /// Opens and locks the device at `path`: 8N1, no flow control (the module has no pins for it).
    pub fn open(path: &Path, baud: u32) -> Result<Self, PortError> {
        Self::at(&Address::Device(path.to_owned()), baud)
    }

    /// Opens the port at an address. A socket's speed is the other side's business; by RFC 2217 it is set there.
    pub fn at(address: &Address, baud: u32) -> Result<Self, PortError> {
        let (device, telnet) = open(address, baud)?;
        Ok(Self {
            address: address.clone(),
            baud,
            device: Arc::new(Mutex::new(Arc::new(device))),
            telnet: telnet.map(|telnet| Arc::new(Mutex::new(telnet))),
        })
    }

    /// Whether the system may drop bytes that are not read in time: a UART has no flow control here. A pseudo-terminal and a
    /// socket make the other side wait.
    pub fn may_drop(&self) -> bool {
        match &self.address {
            Address::Device(path) => !path.starts_with("/dev/pts"),
            _ => false,
        }
    }

    /// Opens the device again after it has gone, for instance because a USB adapter was enumerated anew.
    pub fn reopen(&self) -> Result<(), PortError> {
        let (device, telnet) = open(&self.address, self.baud)?;
        if let (Some(old), Some(new)) = (&self.telnet, telnet) {
            *old.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(device);
        Ok(())
    }

    /// Gives the device up, so that another program can open it; [`Self::reopen`] takes it back.
    pub fn close(&self) -> io::Result<()> {
        let nothing = std::fs::File::open("/dev/null")?;
        let device = self.device();
        // Otherwise the lock would last as long as any process has the device open.
        let _ = rustix::termios::ioctl_tiocnxcl(&*device);
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(nothing.into());
        Ok(())
    }

    /// The device as it is now.
    pub fn device(&self) -> Arc<OwnedFd> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn baud(&self) -> u32 {
        self.baud
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Takes what was read: the module's bytes move to the front. Gives how many they are. Of a device they all are.
    pub fn decode(&self, read: &mut [u8]) -> usize {
        let Some(telnet) = &self.telnet else {
            return read.len();
        };
        let mut telnet = telnet.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = telnet.decode(read);
        let replies = telnet.take_replies();
        if !replies.is_empty() {
            // Refusals of a few bytes; a socket that does not take them is lost, and the next read says so.
            let _ = rustix::io::write(&*self.device(), &replies);
        }
        kept
    }

    /// Writes all bytes, or says how many were written before `limit` of real time was over or the device had gone.
    pub fn write_all(&self, bytes: &[u8], limit: Duration) -> Result<(), PartialWrite> {
        if self.telnet.is_none() {
            return self.write_wire(bytes, limit);
        }
        let written = self.write_wire(&telnet::encode(bytes), limit);
        written.map_err(|error| PartialWrite {
            written: error.written.min(bytes.len()),
            ..error
        })
    }

    fn write_wire(&self, bytes: &[u8], limit: Duration) -> Result<(), PartialWrite> {
        let device = self.device();
        let deadline = Instant::now() + limit;
        let mut written = 0;
        while written < bytes.len() {
            let why = match rustix::io::write(&*device, &bytes[written..]) {
                Ok(n) => {
                    written += n;
                    continue;
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => match writable(&device, deadline) {
                    Ok(()) => continue,
                    Err(why) => why,
                },
                Err(why) => why.into(),
            };
            return Err(PartialWrite { written, why });
        }
        Ok(())
    }
}

fn writable(device: &OwnedFd, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let why = "the module takes no more bytes";
        return Err(io::Error::new(io::ErrorKind::TimedOut, why));
    }
    let mut fds = [PollFd::new(device, PollFlags::OUT)];
    poll(&mut fds, Some(&timespec(left)))?;
    Ok(())
}

fn open(address: &Address, baud: u32) -> Result<(OwnedFd, Option<Telnet>), PortError> {
    let opened = match address {
        Address::Device(path) => device(path, baud).map(|device| (device, None)),
        Address::Socket(peer) => network::connect(peer).map(|stream| (stream.into(), None)),
        Address::Rfc2217(peer) => network::connect(peer).and_then(|mut stream| {
            let telnet = network::agree(&mut stream, baud)?;
            Ok((stream.into(), Some(telnet)))
        }),
    };
    let ready = opened.and_then(|(fd, telnet)| {
        let flags = rustix::fs::fcntl_getfl(&fd).map_err(io::Error::from)?;
        rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK).map_err(io::Error::from)?;
        Ok((fd, telnet))
    });
    ready.map_err(|why| PortError {
        address: address.clone(),
        why,
    })
}

fn device(path: &Path, baud: u32) -> Result<OwnedFd, PortRefused> {
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
            PortRefused::new(error, hint)
        })?;
    let fd = own(port.into_raw_fd());
    // What came before is of no use, and a line torn in the middle would be misread.
    rustix::termios::tcflush(&fd, rustix::termios::QueueSelector::IFlush).map_err(io::Error::from)?;
    Ok(fd)
}

#[allow(unsafe_code, reason = "`serialport` gives its descriptor up as a number")]
fn own(fd: std::os::fd::RawFd) -> OwnedFd {
    // SAFETY: `fd` comes straight out of `into_raw_fd`, which gives up ownership; nobody else closes it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
