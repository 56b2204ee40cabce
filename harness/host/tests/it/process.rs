//! A process under test, and those below it.

use crate::lab::{LIMIT, Ran};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

pub(crate) use rustix::process::Signal;

/// A program that runs. What it writes goes to files, so that it never waits for this test.
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let file = || tempfile::tempfile().expect("a temporary file");
        let (stdout, stderr) = (file(), file());
        let copy = |file: &File| file.try_clone().expect("a file can be opened twice");
        let child = command.stdout(copy(&stdout)).stderr(copy(&stderr)).spawn();
        Self {
            child: child.expect("the program starts"),
            stdout,
            stderr,
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Every process below this one.
    pub(crate) fn descendants(&self) -> Vec<Process> {
        let all = Process::all();
        let mut found: Vec<Process> = Vec::new();
        let mut parents = vec![self.child.id()];
        while let Some(parent) = parents.pop() {
            for process in all.iter().filter(|process| process.parent == parent) {
                parents.push(process.pid);
                found.push(*process);
            }
        }
        found
    }

    /// Those that it started itself.
    pub(crate) fn children(&self) -> Vec<Process> {
        let all = Process::all().into_iter();
        all.filter(|process| process.parent == self.child.id()).collect()
    }

    /// Waits until its standard error holds `awaited`.
    #[track_caller]
    pub(crate) fn await_stderr(&mut self, awaited: &str) {
        let stderr = &mut self.stderr;
        wait_until(&format!("{awaited:?} on standard error"), || {
            whole(stderr).contains(awaited)
        });
    }

    /// What it wrote to its standard error so far.
    pub(crate) fn stderr(&mut self) -> String {
        whole(&mut self.stderr)
    }

    /// Waits until its standard output holds `awaited`, and gives it all.
    #[track_caller]
    pub(crate) fn await_stdout(&mut self, awaited: &str) -> String {
        let stdout = &mut self.stdout;
        wait_until(&format!("{awaited:?} on standard output"), || {
            whole(stdout).contains(awaited)
        });
        whole(stdout)
    }

    /// Waits until its standard output ends with `awaited`, behind what has been `seen` of it, and gives it all.
    #[track_caller]
    pub(crate) fn await_question(&mut self, seen: usize, awaited: &str) -> String {
        let mut all = String::new();
        let stdout = &mut self.stdout;
        wait_until(&format!("{awaited:?} at the end of standard output"), || {
            all = whole(stdout);
            all.len() > seen && all.ends_with(awaited)
        });
        all
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        // A descriptor of a process is readable when it has ended (pidfd_open(2)): nobody has to look again and again.
        let pid = rustix::process::Pid::from_child(&self.child);
        let process = pidfd_open(pid, PidfdFlags::empty()).expect("the process is there");
        let limit = Timespec::try_from(LIMIT).expect("two minutes");
        let ended = loop {
            match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)) {
                Err(Errno::INTR) => {}
                ended => break ended.expect("a descriptor can be waited for"),
            }
        };
        assert!(ended > 0, "waited {LIMIT:?} for the end of the program");
        let status = self.child.wait().expect("a child can be asked");
        Ran {
            code: status.code(),
            stdout: whole(&mut self.stdout),
            stderr: whole(&mut self.stderr),
        }
    }
}

/// A test that failed leaves nothing running.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All of a file that somebody else may still be writing.
fn whole(file: &mut File) -> String {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; file.metadata().expect("a file has a length").len() as usize];
    file.read_exact_at(&mut bytes, 0).expect("the file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Looks again and again, with a limit that says what was awaited.
#[track_caller]
pub(crate) fn wait_until(awaited: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let look = Instant::now();
        if is() {
            return;
        }
        assert!(Instant::now() < deadline, "waited {LIMIT:?} for {awaited}");
        // A look that is dear is taken less often: it takes the time from what is waited for.
        let dear = look.elapsed() * 4;
        std::thread::sleep(dear.clamp(Duration::from_millis(2), Duration::from_millis(50)));
    }
}

/// A process of this machine. A number is given out again some day; together with the start it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: u32,
    parent: u32,
    started: u64,
}

impl Process {
    fn all() -> Vec<Self> {
        let entries = std::fs::read_dir("/proc")
            .expect("this machine has /proc")
            .flatten();
        entries
            .filter_map(|entry| Self::of(entry.file_name().to_str()?.parse().ok()?))
            .collect()
    }

    /// The process of this number, as long as it lives.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let dead = matches!(*fields.first()?, "Z" | "X");
        (!dead).then_some(())?;
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// Every process that was started with this variable, or inherited it.
    pub(crate) fn with_variable(name: &str, value: &Path) -> Vec<Self> {
        let wanted = format!("{name}={}", value.display());
        let has = |process: &Self| {
            let environ = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            environ
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes())
        };
        Self::all().into_iter().filter(has).collect()
    }

    /// Its arguments, without the program.
    pub(crate) fn args(&self) -> Vec<String> {
        let words = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let words = words.split(|byte| *byte == 0).skip(1);
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .filter(|word| !word.is_empty())
            .collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid as i32).expect("a number of a process");
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.started == self.started)
    }
}

/// Waits until none of these runs any more.
#[track_caller]
pub(crate) fn all_end(processes: &[Process]) {
    wait_until(&format!("the end of {processes:?}"), || {
        !processes.iter().any(Process::is_alive)
    });
}
