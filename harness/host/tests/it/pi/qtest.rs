//! QEMU's qtest protocol, beside a processor that runs: moves the inputs of a device from outside, and hears when its outputs
//! move. It knows no wire.
//!
//! docs: https://www.qemu.org/docs/master/devel/testing/qtest.html#qtest-protocol

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long QEMU may take to answer; it does so between two slices of the guest.
const ANSWER: Duration = Duration::from_secs(20);

/// An output that moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    pub line: usize,
    pub high: bool,
}

/// A conversation; QEMU has one at a time.
pub(crate) struct Qtest {
    socket: BufReader<UnixStream>,
    /// What came before an answer.
    moved: VecDeque<Moved>,
    /// A line that has begun.
    line: String,
}

impl Qtest {
    /// Connects to the socket, which QEMU makes when it starts.
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self {
            socket: BufReader::new(UnixStream::connect(path)?),
            moved: VecDeque::new(),
            line: String::new(),
        })
    }

    /// From now on the outputs of a device are heard.
    pub(crate) fn hear(&mut self, device: &str) -> io::Result<()> {
        self.execute(&format!("irq_intercept_out {device}"))
    }

    /// Moves an input of a device.
    pub(crate) fn set(&mut self, device: &str, line: usize, high: bool) -> io::Result<()> {
        let level = u8::from(high);
        self.execute(&format!("set_irq_in {device} unnamed-gpio-in {line} {level}"))
    }

    /// Writes a word into the guest's physical memory.
    pub(crate) fn write(&mut self, address: u32, word: u32) -> io::Result<()> {
        self.execute(&format!("writel {address:#x} {word:#x}"))
    }

    /// The next output that moves, if one does within `limit`; with zero, if one has.
    pub(crate) fn moved(&mut self, limit: Duration) -> io::Result<Option<Moved>> {
        if self.moved.is_empty() {
            self.read(limit)?;
        }
        Ok(self.moved.pop_front())
    }

    fn execute(&mut self, command: &str) -> io::Result<()> {
        self.socket
            .get_mut()
            .write_all(format!("{command}\n").as_bytes())?;
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.read(ANSWER)?.as_deref() {
                Some("OK") => return Ok(()),
                Some(answer) => return Err(io::Error::other(format!("`{command}`: {answer}"))),
                None if Instant::now() < deadline => {}
                None => return Err(io::Error::other(format!("`{command}`: no answer in {ANSWER:?}"))),
            }
        }
    }

    /// Reads a line that comes within `limit`: an answer, or nothing where it was an output that moved.
    fn read(&mut self, limit: Duration) -> io::Result<Option<String>> {
        let now = limit.is_zero();
        self.socket.get_ref().set_nonblocking(now)?;
        self.socket.get_ref().set_read_timeout((!now).then_some(limit))?;
        let read = self.socket.read_line(&mut self.line);
        self.socket.get_ref().set_nonblocking(false)?;
        match read {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            // What has come of a line so far stays there.
            Err(why) if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(why) => return Err(why),
        }
        let line = std::mem::take(&mut self.line);
        let Some(moved) = line.strip_prefix("IRQ ") else {
            return Ok(Some(line.trim_end().to_owned()));
        };
        let moved = moved.split_once(' ').and_then(|(edge, line)| {
            let (high, line) = (edge == "raise", line.trim_end().parse().ok()?);
            Some(Moved { line, high })
        });
        self.moved.extend(moved);
        Ok(None)
    }
}
