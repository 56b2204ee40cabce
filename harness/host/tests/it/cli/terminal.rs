//! A program at a terminal: its standard output on one, its standard error on another.

use crate::cli::wire::pty;
use crate::process::{Signal, wait_until};
use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// How wide the terminal is.
pub(crate) const COLUMNS: u16 = 80;
/// A terminal that is not known to have links, and one that is.
pub(crate) const PLAIN: &str = "xterm";
pub(crate) const LINKS: &str = "xterm-kitty";

/// A program that runs at a terminal.
pub(crate) struct Session {
    child: Child,
    shown: JoinHandle<String>,
    told: JoinHandle<String>,
}

/// How it ended.
pub(crate) struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Session {
    /// Starts it at a terminal of this name.
    pub(crate) fn start(command: &mut Command, term: &str) -> Self {
        let (stdout, shown) = terminal();
        let (stderr, told) = terminal();
        command.stdout(stdout).stderr(stderr).env("TERM", term);
        for variable in [
            "COLORTERM",
            "TERM_PROGRAM",
            "VTE_VERSION",
            "KONSOLE_VERSION",
            "FORCE_HYPERLINK",
        ] {
            command.env_remove(variable);
        }
        let child = command.spawn().expect("the program starts");
        // The program alone has the terminals from here on, so that reading ends with it.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self { child, shown, told }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    /// Waits for its end with this exit code.
    #[track_caller]
    pub(crate) fn ends(mut self, code: i32) -> Ended {
        let mut status = None;
        wait_until("the end of the program", || {
            status = self.child.try_wait().expect("a child can be asked");
            status.is_some()
        });
        let text = |read: JoinHandle<String>| read.join().expect("the terminal is read");
        let ended = Ended {
            code: status.and_then(|status| status.code()),
            stdout: text(self.shown),
            stderr: text(self.told),
        };
        assert_eq!(ended.code, Some(code), "{}\n{}", ended.stdout, ended.stderr);
        ended
    }
}

/// The program's end of a terminal, and a reader of the other one.
fn terminal() -> (File, JoinHandle<String>) {
    let (mut own, path) = pty();
    let size = rustix::termios::Winsize {
        ws_row: 24,
        ws_col: COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&own, size).expect("a terminal has a size");
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("a terminal");
    let read = std::thread::spawn(move || {
        let (mut all, mut chunk) = (Vec::new(), [0; 4096]);
        // It fails when the last of the others has closed it.
        while let Ok(count @ 1..) = own.read(&mut chunk) {
            all.extend_from_slice(&chunk[..count]);
        }
        String::from_utf8_lossy(&all).replace("\r\n", "\n")
    });
    (theirs, read)
}
