//! QEMU's monitor, over its machine protocol (QMP): asks and ends the machine from outside. It knows no device.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long QEMU may take to answer; it does so between two slices of the guest.
const ANSWER: Duration = Duration::from_secs(20);

/// A conversation with the monitor.
pub(crate) struct Monitor {
    socket: BufReader<UnixStream>,
}

impl Monitor {
    /// Connects to the monitor's socket, which QEMU makes when it starts.
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(ANSWER))?;
        let mut monitor = Self {
            socket: BufReader::new(socket),
        };
        monitor.line()?;
        monitor.execute(&json!({"execute": "qmp_capabilities"}))?;
        Ok(monitor)
    }

    /// What a command of the monitor for people prints.
    pub(crate) fn ask(&mut self, command: &str) -> io::Result<String> {
        let arguments = json!({"command-line": command});
        let answer = self.execute(&json!({"execute": "human-monitor-command", "arguments": arguments}))?;
        let text = answer["return"].as_str();
        text.map(str::to_owned)
            .ok_or_else(|| io::Error::other(format!("`{command}`: {answer}")))
    }

    /// Ends the machine.
    pub(crate) fn quit(&mut self) -> io::Result<()> {
        self.execute(&json!({"execute": "quit"})).map(drop)
    }

    /// Sends a request; events that come before its answer are passed over.
    fn execute(&mut self, request: &Value) -> io::Result<Value> {
        self.socket
            .get_mut()
            .write_all(format!("{request}\n").as_bytes())?;
        loop {
            let answer = self.line()?;
            if answer.get("event").is_none() {
                return Ok(answer);
            }
        }
    }

    fn line(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(io::Error::other)
    }
}
