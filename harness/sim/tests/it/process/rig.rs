//! One simulator under test: starts it, moves its lines, talks to its pty. Every wait says what it waited for.

use bc66_sim::package::pack;
use bc66_sim::version::FirmwareVersion;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Real time that anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(20);
/// Bytes that a failure shows.
const SHOWN_MAX: usize = 4000;
/// Fast enough for a short suite, slow enough that a percent lasts a millisecond.
pub(crate) const SPEED: &str = "400";

/// A01 → A02.
pub(crate) static FORWARD: LazyLock<Vec<u8>> = LazyLock::new(|| package("BC66NBR01A01", "BC66NBR01A02"));
/// A02 → A01.
pub(crate) static BACK: LazyLock<Vec<u8>> = LazyLock::new(|| package("BC66NBR01A02", "BC66NBR01A01"));

fn package(from: &str, to: &str) -> Vec<u8> {
    let version = |name: &str| -> FirmwareVersion { name.parse().expect("a version") };
    pack(&version(from), &version(to)).expect("a package")
}

/// The simulator's program.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_bc66-sim"))
}

pub(crate) struct Rig {
    process: Child,
    stdin: Option<ChildStdin>,
    tty: File,
    control: BufReader<UnixStream>,
    pub pty_path: PathBuf,
    pub control_path: PathBuf,
    seen: Vec<u8>,
}

impl Rig {
    /// A simulator with these flags; its module is still off.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = program();
        command
            .args(flags)
            .arg("--until-eof")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("the simulator starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("piped"));
        let mut announced = |what: &str| {
            let mut line = String::new();
            stdout
                .read_line(&mut line)
                .expect("the simulator announces itself");
            let path = line
                .strip_prefix(what)
                .unwrap_or_else(|| panic!("announced {line:?}, expected `{what}…`"));
            PathBuf::from(path.trim_end())
        };
        let (pty_path, control_path) = (announced("pty "), announced("control "));
        let tty = open(
            &pty_path,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .expect("the pty opens");
        let control = Self::client(&control_path);
        let stdin = process.stdin.take();
        Self {
            process,
            stdin,
            tty: tty.into(),
            control,
            pty_path,
            control_path,
            seen: Vec::new(),
        }
    }

    /// A simulator whose module boots at once.
    pub(crate) fn powered(speed: &str, flags: &[&str]) -> Self {
        let mut rig = Self::start(&[&["--speed", speed, "--pwrkey-tied"], flags].concat());
        rig.request("power on");
        rig
    }

    /// The same; `RDY` has been seen.
    pub(crate) fn booted(flags: &[&str]) -> Self {
        let mut rig = Self::powered(SPEED, flags);
        rig.until("RDY\r\n");
        rig
    }

    /// The same, with an address and a command line that answers.
    pub(crate) fn attached(flags: &[&str]) -> Self {
        let mut rig = Self::booted(flags);
        rig.settle();
        rig
    }

    /// The same, with echo off.
    pub(crate) fn without_echo(flags: &[&str]) -> Self {
        let mut rig = Self::attached(flags);
        rig.exchange("ATE0");
        rig
    }

    /// Another client of the control socket.
    pub(crate) fn client(path: &Path) -> BufReader<UnixStream> {
        let stream = UnixStream::connect(path).expect("the control socket answers");
        stream
            .set_read_timeout(Some(LIMIT))
            .expect("a socket has time-outs");
        BufReader::new(stream)
    }

    /// The lines, and what the module does.
    pub(crate) fn expect_state(&mut self, state: &str) {
        assert_eq!(self.request("state"), format!("ok {state}"));
    }

    /// Waits for the address and a command line that answers: from here on nothing comes unasked.
    pub(crate) fn settle(&mut self) {
        self.until("+IP:");
        self.until("\r\n");
        self.sync();
    }

    /// One request on the control socket, and its answer.
    pub(crate) fn request(&mut self, request: &str) -> String {
        Self::ask(&mut self.control, request)
    }

    pub(crate) fn ask(client: &mut BufReader<UnixStream>, request: &str) -> String {
        client
            .get_mut()
            .write_all(format!("{request}\n").as_bytes())
            .expect("the control socket takes a request");
        let mut answer = String::new();
        client
            .read_line(&mut answer)
            .unwrap_or_else(|error| panic!("no answer to `{request}`: {error}"));
        answer.trim_end().to_owned()
    }

    /// The host's end of the line runs at another rate from now on.
    pub(crate) fn set_baud(&mut self, baud: u32) {
        let mut termios = tcgetattr(&self.tty).expect("a terminal");
        termios.set_speed(baud).expect("a rate");
        tcsetattr(&self.tty, OptionalActions::Now, &termios).expect("a terminal");
    }

    /// Sends bytes to the module.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.tty.write_all(bytes.as_ref()).expect("the pty takes bytes");
    }

    /// Everything up to `awaited` and with it.
    pub(crate) fn until(&mut self, awaited: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let found = self
                .seen
                .windows(awaited.len())
                .position(|window| window == awaited.as_bytes());
            if let Some(at) = found {
                let rest = self.seen.split_off(at + awaited.len());
                let text = std::mem::replace(&mut self.seen, rest);
                return String::from_utf8_lossy(&text).into_owned();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let open = self.receive(left);
            assert!(
                open && !left.is_zero(),
                "waited for {awaited:?}, seen at last {:?}",
                String::from_utf8_lossy(&self.seen[self.seen.len().saturating_sub(SHOWN_MAX)..])
            );
        }
    }

    /// All that comes during `real` time, beside what was there.
    pub(crate) fn listen(&mut self, real: Duration) -> String {
        let deadline = Instant::now() + real;
        while let Some(left) = deadline
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            if !self.receive(left) {
                break;
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.seen)).into_owned()
    }

    /// Waits for bytes; false once the pty has hung up.
    fn receive(&mut self, limit: Duration) -> bool {
        let limit = Timespec {
            tv_sec: limit.as_secs() as i64,
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        let mut fds = [PollFd::from_borrowed_fd(self.tty.as_fd(), PollFlags::IN)];
        if !matches!(poll(&mut fds, Some(&limit)), Ok(n) if n > 0) {
            return true;
        }
        let mut buffer = [0; 4096];
        match self.tty.read(&mut buffer) {
            Ok(n) if n > 0 => {
                self.seen.extend_from_slice(&buffer[..n]);
                true
            }
            _ => false,
        }
    }

    /// Gets past the first line, which may be lost.
    pub(crate) fn sync(&mut self) {
        self.send("\rAT\r");
        self.until("\r\nOK\r\n");
    }

    /// Asks until there is an answer, as a host does whose lines may be lost.
    pub(crate) fn ask_until_answered(&mut self) {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            self.send("\rAT\r");
            if self.listen(Duration::from_millis(50)).contains("\r\nOK\r\n") {
                self.listen(Duration::from_millis(50)); // answers that are late
                return;
            }
        }
        panic!("`AT` is not answered");
    }

    /// Sends a line and takes everything up to the final result.
    pub(crate) fn exchange(&mut self, line: &str) -> String {
        self.send(format!("{line}\r"));
        let mut text = String::new();
        loop {
            text.push_str(&self.until("\r\n"));
            let last = text
                .trim_end_matches("\r\n")
                .rsplit("\r\n")
                .next()
                .unwrap_or_default();
            let refused = last.starts_with("+CME ERROR:") || last.starts_with("+CMEE ERROR:");
            if last == "OK" || last == "ERROR" || refused {
                return text;
            }
        }
    }

    /// Uploads a package and expects every block to be taken.
    pub(crate) fn upload(&mut self, package: &[u8], block: usize) {
        for (number, data) in package.chunks(block).enumerate() {
            self.send(format!("AT+QFUPLEX={block},{number},{},60\r", data.len() + 2)); // 60 s: a busy machine is slow
            self.until("\r\n> ");
            self.send(with_checksum(data));
            let reply = self.until("OK\r\n");
            assert_eq!(reply, format!("\r\n+QFUPLEX: {}\r\n\r\nOK\r\n", data.len()));
        }
    }

    /// Uploads a package and orders the update.
    pub(crate) fn order_uploaded(&mut self, package: &[u8]) {
        self.upload(package, 4096);
        self.exchange("AT+QFOTADL=1");
    }

    /// Orders an update over HTTP.
    pub(crate) fn order_download(&mut self, url: &str) -> String {
        self.exchange(&format!("AT+QFOTADL=\"{url}\""))
    }

    /// Power off and on; what was sent before the cut is not what comes after it.
    pub(crate) fn cycle(&mut self) {
        assert_eq!(self.request("power off"), "ok");
        self.listen(Duration::from_millis(1));
        assert_eq!(self.request("power on"), "ok");
    }

    /// The revision that `ATI` shows.
    pub(crate) fn revision(&mut self) -> String {
        let reply = self.exchange("ATI");
        let revision = reply.lines().find_map(|line| line.strip_prefix("Revision: "));
        revision
            .unwrap_or_else(|| panic!("no revision in {reply:?}"))
            .to_owned()
    }

    /// Kills the board without notice; true if the pty hangs up.
    pub(crate) fn kill_board(&mut self) -> bool {
        self.process.kill().expect("the simulator can be killed");
        self.process.wait().expect("the simulator can be reaped");
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if !self.receive(LIMIT) {
                return true;
            }
        }
        false
    }

    /// Sends the simulator a signal and waits for the exit code.
    pub(crate) fn signal(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.process), signal).expect("the simulator lives");
        self.process.wait().expect("the simulator can be reaped").code()
    }

    /// Ends stdin and waits for the exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.process.wait().expect("the simulator can be reaped").code()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

/// Expects all of `parts` in `text`.
pub(crate) fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in {text:?}");
    }
}

/// Expects none of `parts` in `text`.
pub(crate) fn lacks(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(!text.contains(part), "`{part}` is in {text:?}");
    }
}

/// Data and its checksum, low byte first, by the note's definition, bit by bit: not by the library that the module uses.
pub(crate) fn with_checksum(data: &[u8]) -> Vec<u8> {
    let mut crc = 0u16;
    for byte in data {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
        }
    }
    let [low, high] = crc.to_le_bytes();
    [data, &[low, high]].concat()
}
