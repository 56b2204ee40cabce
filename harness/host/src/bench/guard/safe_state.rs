//! The safe state of a rig's lines, and how it goes from one process to another: a line of JSON, and duplicates of descriptors
//! with its first byte (`SCM_RIGHTS`, unix(7)).

use crate::config::rig::{Bench, Driver, Rig, Safe};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Most descriptors that go along: the lease's lock, seven parts of the hardware (the file, two names of its port, four lines),
/// and four lines.
const DESCRIPTORS: usize = 12;

/// The lines of a rig and where they have to end, for its guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafeState {
    pub rig: String,
    /// The rig's part of the state folder.
    pub folder: PathBuf,
    /// How many of the descriptors, the first, are locks that keep other programs from the rig.
    pub locks: usize,
    /// Its lines, in the order in which they are brought to their safe state.
    pub lines: Vec<SafeLine>,
}

/// An output of a rig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RigOutput {
    Power,
    /// What isolates the UART while the supply is off.
    Isolate,
    Reset,
    Pwrkey,
}

impl RigOutput {
    /// As rig files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Isolate => "isolate",
            Self::Reset => "reset",
            Self::Pwrkey => "pwrkey",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafeLine {
    /// As every guard names it: one of an older program hands its lines over.
    #[serde(rename = "wire")]
    pub output: RigOutput,
    pub driver: Driver,
    /// Whether it is active in its safe state.
    pub safe: bool,
    /// Whether a descriptor of it goes along.
    pub descriptor: bool,
}

impl SafeState {
    /// The lines of a rig, the supply first; `folder` is its part of the state folder.
    pub fn new(rig: &Rig, bench: &Bench, folder: &Path) -> Self {
        let line = |output, driver: &Driver, safe| SafeLine {
            output,
            driver: driver.clone(),
            safe,
            descriptor: false,
        };
        let safe_on = bench.power.safe == Safe::On;
        let mut lines = vec![line(RigOutput::Power, &bench.power.driver, safe_on)];
        let isolate = bench.isolate.iter();
        lines.extend(isolate.map(|driver| line(RigOutput::Isolate, driver, !safe_on)));
        for (output, pulse) in [
            (RigOutput::Reset, &bench.reset),
            (RigOutput::Pwrkey, &bench.pwrkey),
        ] {
            lines.extend(pulse.iter().map(|pulse| line(output, &pulse.driver, false)));
        }
        Self {
            rig: rig.name.clone(),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            locks: 1,
            lines,
        }
    }

    /// Whether the supply is on in the safe state.
    pub fn is_supplied(&self) -> bool {
        let mut lines = self.lines.iter();
        lines.any(|line| line.output == RigOutput::Power && line.safe)
    }

    /// Sends it with its descriptors.
    pub fn send(&self, mut socket: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other("a rig has too many descriptors"));
        }
        let part = [IoSlice::new(&bytes)];
        let sent = rustix::net::sendmsg(socket, &part, &mut control, SendFlags::NOSIGNAL)?;
        socket.write_all(&bytes[sent..])
    }

    /// Receives one with its descriptors, in the order in which they were sent.
    pub fn receive(socket: &UnixStream) -> io::Result<(Self, Vec<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut first = [0];
        let part = &mut [IoSliceMut::new(&mut first)];
        let received = rustix::net::recvmsg(socket, part, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        let mut bytes = first[..received.bytes].to_vec();
        BufReader::new(socket).read_until(b'\n', &mut bytes)?;
        Ok((serde_json::from_slice(&bytes)?, descriptors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;

    #[test]
    fn a_descriptor_comes_through_and_outlives_the_one_it_was_made_of() {
        let safe_state = SafeState {
            rig: "bench".into(),
            folder: PathBuf::from("/state/rigs/bench"),
            locks: 0,
            lines: vec![SafeLine {
                output: RigOutput::Power,
                driver: Driver::Command {
                    on: vec!["relay".into(), "x".repeat(300_000)],
                    off: vec!["relay".into()],
                    timeout: std::time::Duration::from_millis(1500),
                },
                safe: true,
                descriptor: true,
            }],
        };
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let (mut level, line) = io::pipe().expect("a pipe");
        let sent = safe_state.clone();
        // More than a socket holds: one side writes while the other reads.
        let sender = std::thread::spawn(move || sent.send(&ours, &[line.as_fd()]).expect("sent"));
        let (received, descriptors) = SafeState::receive(&theirs).expect("received");
        sender.join().expect("the sender ends");
        assert_eq!(received, safe_state);
        let [line] = <[OwnedFd; 1]>::try_from(descriptors).expect("one descriptor");
        std::fs::File::from(line)
            .write_all(b"off")
            .expect("the line is moved");
        let mut seen = String::new();
        level.read_to_string(&mut seen).expect("the level");
        assert_eq!(seen, "off");
    }

    /// A guard that holds lines may be one of an older program.
    #[test]
    fn the_words_between_two_programs_stay() {
        let line = r#"{"wire":"power","driver":{"driver":"gpiochip","line":"GPIO17","active":"high"},"safe":false,"descriptor":true}"#;
        let keys = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        let now = SafeLine {
            output: RigOutput::Power,
            driver: Driver::Command {
                on: vec!["on".into()],
                off: vec!["off".into()],
                timeout: std::time::Duration::from_secs(1),
            },
            safe: false,
            descriptor: true,
        };
        let now = serde_json::to_string(&now).expect("JSON");
        assert_eq!(keys(&now), keys(line));
        assert!(now.contains(r#""wire":"power""#), "{now}");
    }

    #[test]
    fn a_sender_that_has_gone() {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        drop(ours);
        SafeState::receive(&theirs).expect_err("nobody sent anything");
    }
}
