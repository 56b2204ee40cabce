//! A line of a simulated module, moved over the control socket of `dfota-hil sim`.

use super::sense::{Sense, SenseReading, SupplyEdge};
use super::{LineError, OutputLine};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the simulator may take to answer. It answers when the effect is there, which takes microseconds; this is for
/// one that hangs.
const ANSWER: Duration = Duration::from_secs(10);

/// A conversation with the simulator: one request a line, one answer a line.
#[derive(Debug)]
pub struct Control {
    socket: BufReader<UnixStream>,
    answer: String,
}

impl Control {
    /// Connects to the control socket at `path`.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(ANSWER))?;
        socket.set_write_timeout(Some(ANSWER))?;
        Ok(Self {
            socket: BufReader::new(socket),
            answer: String::with_capacity(64),
        })
    }

    /// Sends a request with its line end and waits for `ok`.
    pub fn ask(&mut self, request: &str) -> Result<(), String> {
        match self.answer_to(request)? {
            "ok" => Ok(()),
            other => Err(format!("the simulator answered `{other}`, expected `ok`")),
        }
    }

    fn answer_to(&mut self, request: &str) -> Result<&str, String> {
        self.socket
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(|e| e.to_string())?;
        self.answer.clear();
        let read = self
            .socket
            .read_line(&mut self.answer)
            .map_err(|e| e.to_string())?;
        match self.answer.trim_end() {
            _ if read == 0 => Err("the simulated module's process has ended".into()),
            answer => Ok(answer),
        }
    }
}

/// One line over a control socket of its own.
#[derive(Debug)]
pub struct SimulatedLine {
    name: &'static str,
    on: String,
    off: String,
    control: Control,
}

impl SimulatedLine {
    /// Connects the line `name` (`power`, `reset`, `pwrkey`) to the control socket at `path`.
    pub fn connect(name: &'static str, path: &Path) -> io::Result<Self> {
        Ok(Self {
            name,
            on: request(name, true),
            off: request(name, false),
            control: Control::connect(path)?,
        })
    }
}

fn request(name: &str, active: bool) -> String {
    format!("{name} {}\n", if active { "on" } else { "off" })
}

/// Moves the line `name` through a duplicate of the descriptor of somebody who has died: in the same conversation, so
/// that it happens after what that one asked for last. The conversation is over then.
pub fn drive(descriptor: BorrowedFd<'_>, name: &str, active: bool) -> Result<(), String> {
    let answers = || -> io::Result<String> {
        let mut socket = UnixStream::from(descriptor.try_clone_to_owned()?);
        socket.write_all(request(name, active).as_bytes())?;
        socket.shutdown(Shutdown::Write)?;
        let mut answers = String::new();
        socket.read_to_string(&mut answers)?;
        Ok(answers)
    };
    let answers = answers().map_err(|why| why.to_string())?;
    match answers.lines().last() {
        Some("ok") => Ok(()),
        other => Err(format!(
            "the simulator answered `{}`, expected `ok`",
            other.unwrap_or_default()
        )),
    }
}

impl OutputLine for SimulatedLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let request = if active { &self.on } else { &self.off };
        self.control.ask(request).map_err(|why| LineError {
            line: self.name,
            active,
            why,
        })
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.control.socket.get_ref().as_fd())
    }
}

/// VDD_EXT of a simulated module, over a control socket of its own.
#[derive(Debug)]
pub struct SimulatedSense(Control);

impl SimulatedSense {
    /// Connects to the control socket at `path`.
    pub fn connect(path: &Path) -> std::io::Result<Self> {
        Control::connect(path).map(Self)
    }
}

impl Sense for SimulatedSense {
    fn look(&mut self) -> Result<SenseReading, String> {
        let asked = Instant::now();
        let answer = self.0.answer_to("sense\n")?;
        let answered = Instant::now();
        let shown = answer.strip_prefix("ok ").and_then(|shown| shown.split_once(' '));
        let shown = shown.and_then(|(level, age)| Some((level, age.parse().ok()?)));
        let (supplied, age) = match shown {
            Some(("on", age)) => (true, age),
            Some(("off", age)) => (false, age),
            _ => {
                return Err(format!(
                    "the simulator answered `{answer}`, expected `ok on NANOSECONDS`"
                ));
            }
        };
        let seen = answered
            .checked_sub(Duration::from_nanos(age))
            .map(|at| SupplyEdge {
                at,
                // Its age was taken at some time since it was asked for.
                within: answered - asked,
            });
        Ok(SenseReading {
            supplied,
            since: seen,
        })
    }
}
