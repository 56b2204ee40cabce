//! A worker as a child process. It has its own process group: Ctrl-C reaches only the parent, which passes it on once.

use super::rig_worker::{InterruptWorker, RigWorker, WorkerNews};
use super::wire::ToWorker;
use super::worker_pipe::{Heard, WorkerPipe};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long a worker that has nothing to do may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);

/// A worker. Dropped, it is killed; its guard makes the rig safe.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    process: ProcessHandle,
    /// To the thread that writes to it: one that is stopped reads nothing, and nobody waits for it.
    orders: Option<Sender<Vec<u8>>>,
    /// Nothing where it was started without one.
    said: Option<WorkerPipe>,
}

impl WorkerProcess {
    /// Starts `command`, which is this program as the worker of one rig.
    pub fn start(mut command: Command) -> std::io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let process = match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(process) => ProcessHandle(Arc::new(process)),
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(why.into());
            }
        };
        let said = child.stdout.take().map(WorkerPipe::new);
        let (orders, lines) = channel();
        let stdin = child.stdin.take();
        std::thread::Builder::new()
            .name("orders".into())
            .spawn(move || write_lines(stdin, &lines))?;
        Ok(Self {
            orders: Some(orders),
            child,
            process,
            said,
        })
    }
}

impl WorkerProcess {
    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl RigWorker for WorkerProcess {
    fn tell(&mut self, message: &ToWorker) {
        let Some(orders) = &self.orders else { return };
        let mut line = serde_json::to_vec(message).unwrap_or_default();
        line.push(b'\n');
        let _ = orders.send(line);
    }

    fn next(&mut self, limit: Duration) -> WorkerNews {
        match self.said.as_mut().map_or(Heard::End, |said| said.next(limit)) {
            Heard::Line(line) => match serde_json::from_slice(&line) {
                Ok(said) => WorkerNews::Said(said),
                Err(why) => WorkerNews::Gone(format!("it said something that is not understood: {why}")),
            },
            Heard::Nothing => WorkerNews::Silent,
            Heard::End => WorkerNews::Gone(match self.child.wait() {
                Ok(status) => format!("its process ended: {status}"),
                Err(why) => format!("its process cannot be waited for: {why}"),
            }),
        }
    }

    /// Waits until it is dead; its guard makes the rig safe.
    fn kill(&mut self) {
        // Also one that is stopped. One that has ended already is waited for, which is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for it. One that does not end is killed.
    fn end(mut self: Box<Self>) {
        self.tell(&ToWorker::End);
        drop(self.orders.take());
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < ENDS_WITHIN {
            std::thread::sleep(LOOK);
        }
    }

    fn interrupter(&self) -> Box<dyn InterruptWorker> {
        Box::new(self.process.clone())
    }
}

/// Writes each line to a worker, until nobody has one any more or the worker is dead.
fn write_lines(stdin: Option<ChildStdin>, lines: &Receiver<Vec<u8>>) {
    let Some(mut stdin) = stdin else { return };
    while let Ok(line) = lines.recv() {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process that may have ended meanwhile. Its number may be that of another one then, so it is not asked for by its number.
#[derive(Debug, Clone)]
struct ProcessHandle(Arc<OwnedFd>);

impl ProcessHandle {
    /// Sends a signal; whether the process was still there.
    fn signal(&self, signal: Signal) -> bool {
        pidfd_send_signal(&self.0, signal).is_ok()
    }
}

impl InterruptWorker for ProcessHandle {
    fn interrupt(&self) {
        self.signal(Signal::INT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fleet::wire::WorkerBatch;
    use dfota_core::event::fleet::Taken;
    use std::collections::BTreeMap;

    #[test]
    fn a_signal_reaches_a_worker_until_it_has_ended() {
        let mut sleeper = Command::new("sleep");
        sleeper.arg("600");
        let mut worker = WorkerProcess::start(sleeper).expect("a process");
        let process = worker.process.clone();
        assert!(process.signal(Signal::TERM));
        let gone = worker.next(Duration::from_secs(30));
        assert!(
            matches!(&gone, WorkerNews::Gone(why) if why.contains("SIGTERM")),
            "{gone:?}"
        );
        assert!(
            !process.signal(Signal::KILL),
            "it was waited for: its number is free"
        );
    }

    /// A pipe holds 64 KiB. Were the parent to wait for the rest, it could not tell that the worker is silent.
    #[test]
    fn a_worker_that_reads_nothing_holds_nobody_up() {
        let mut sleeper = Command::new("sleep");
        sleeper.arg("600");
        let mut worker = WorkerProcess::start(sleeper).expect("a process");
        let batch = WorkerBatch {
            taken: Taken {
                batch: "smoke-1".to_owned(),
                attempt: 1,
                rig: "sim".to_owned(),
                folder: "x".repeat(1 << 20),
            },
            run: "run".into(),
            calibrations: Vec::new(),
            cases: Vec::new(),
            again: BTreeMap::new(),
            timed: Vec::new(),
        };
        let (told, is_told) = channel();
        std::thread::spawn(move || {
            worker.tell(&ToWorker::Batch(batch));
            let silent = matches!(worker.next(Duration::ZERO), WorkerNews::Silent);
            worker.kill();
            let _ = told.send(silent);
        });
        let silent = is_told.recv_timeout(Duration::from_secs(30));
        assert_eq!(
            silent,
            Ok(true),
            "within 30 s the parent sees that the worker is silent"
        );
    }
}
