//! A line of a simulated module, moved over the control socket of `dfota-hil sim`.

use super::sense::{Sense, SenseReading, SupplyEdge, unreadable};
use super::{DriverError, LineError, OutputLine};
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
    pub fn connect(path: &Path) -> Result<Self, DriverError> {
        let connected = || -> io::Result<UnixStream> {
            let socket = UnixStream::connect(path)?;
            socket.set_read_timeout(Some(ANSWER))?;
            socket.set_write_timeout(Some(ANSWER))?;
            Ok(socket)
        };
        let socket = connected().map_err(|why| {
            DriverError::new(format_args!(
                "control socket `{}` of the simulated module: {why}; is `dfota-hil sim` running?",
                path.display()
            ))
        })?;
        Ok(Self {
            socket: BufReader::new(socket),
            answer: String::with_capacity(64),
        })
    }

    /// Sends a request with its line end and waits for `ok`.
    pub fn ask(&mut self, request: &str) -> Result<(), DriverError> {
        expect_ok(self.answer_to(request)?)
    }

    fn answer_to(&mut self, request: &str) -> Result<&str, DriverError> {
        let sent = self.socket.get_mut().write_all(request.as_bytes());
        sent.map_err(DriverError::new)?;
        self.answer.clear();
        let read = self.socket.read_line(&mut self.answer);
        match self.answer.trim_end() {
            _ if read.map_err(DriverError::new)? == 0 => {
                Err(DriverError::new("the simulated module's process has ended"))
            }
            answer => Ok(answer),
        }
    }
}

fn expect_ok(answer: &str) -> Result<(), DriverError> {
    match answer {
        "ok" => Ok(()),
        other => Err(DriverError::new(format_args!(
            "the simulator answered `{other}`, expected `ok`"
        ))),
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
    pub fn connect(name: &'static str, path: &Path) -> Result<Self, DriverError> {
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

/// Moves the line `name` through a duplicate of the descriptor of a program that has died: in the same conversation, so
/// that it happens after what that program asked for last. The conversation is over then.
pub fn drive(descriptor: BorrowedFd<'_>, name: &str, active: bool) -> Result<(), DriverError> {
    let answers = || -> io::Result<String> {
        let mut socket = UnixStream::from(descriptor.try_clone_to_owned()?);
        socket.write_all(request(name, active).as_bytes())?;
        socket.shutdown(Shutdown::Write)?;
        let mut answers = String::new();
        socket.read_to_string(&mut answers)?;
        Ok(answers)
    };
    let answers = answers().map_err(DriverError::new)?;
    expect_ok(answers.lines().last().unwrap_or_default())
}

impl OutputLine for SimulatedLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let request = if active { &self.on } else { &self.off };
        let asked = self.control.ask(request);
        asked.map_err(|why| LineError::new(self.name, active, why))
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
    pub fn connect(path: &Path) -> Result<Self, DriverError> {
        Control::connect(path).map(Self)
    }
}

impl Sense for SimulatedSense {
    fn look(&mut self) -> Result<SenseReading, DriverError> {
        let asked = Instant::now();
        let answer = self.0.answer_to("sense\n").map_err(unreadable)?;
        let answered = Instant::now();
        let shown = answer.strip_prefix("ok ").and_then(|shown| shown.split_once(' '));
        let shown = shown.and_then(|(level, age)| Some((level, age.parse().ok()?)));
        let (supplied, age) = match shown {
            Some(("on", age)) => (true, age),
            Some(("off", age)) => (false, age),
            _ => {
                let why = format!("the simulator answered `{answer}`, expected `ok on NANOSECONDS`");
                return Err(unreadable(why));
            }
        };
        let since = answered
            .checked_sub(Duration::from_nanos(age))
            .map(|at| SupplyEdge {
                at,
                // Its age was taken at some time since it was asked for.
                within: answered - asked,
            });
        Ok(SenseReading { supplied, since })
    }
}
