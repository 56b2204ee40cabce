//! A worker, as its parent has it: a process in a group of its own, so that a Ctrl-C reaches it from the parent alone, once.

use super::wire::{FromWorker, ToWorker};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// What a parent hears of a worker.
#[derive(Debug)]
pub enum WorkerNews {
    Said(FromWorker),
    /// Nothing within the limit: it hangs, was stopped, or this machine is far too busy.
    Silent,
    /// It ended, or cannot be understood any more.
    Gone(String),
}

/// A worker. Dropped, it is killed; its guard makes the rig safe.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    news: Receiver<Result<FromWorker, String>>,
}

impl WorkerProcess {
    /// Starts `command`, which is this program as the worker of one rig.
    pub fn start(mut command: Command) -> std::io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (said, news) = channel();
        let stdout = child.stdout.take();
        std::thread::Builder::new().name("worker".into()).spawn(move || {
            let lines = stdout.map(BufReader::new).into_iter().flat_map(BufReader::lines);
            for line in lines.map_while(Result::ok) {
                let message = serde_json::from_str(&line);
                let message =
                    message.map_err(|why| format!("it said something that is not understood: {why}"));
                if said.send(message).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            stdin: child.stdin.take(),
            child,
            news,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells the worker something. A worker that is gone is told by [`Self::next`].
    pub fn tell(&mut self, message: &ToWorker) {
        let Some(stdin) = &mut self.stdin else { return };
        let line = serde_json::to_vec(message).unwrap_or_default();
        let _ = stdin
            .write_all(&line)
            .and_then(|()| stdin.write_all(b"\n"))
            .and_then(|()| stdin.flush());
    }

    /// Waits for what it says next.
    pub fn next(&mut self, limit: Duration) -> WorkerNews {
        match self.news.recv_timeout(limit) {
            Ok(Ok(said)) => WorkerNews::Said(said),
            Ok(Err(why)) => WorkerNews::Gone(why),
            Err(RecvTimeoutError::Timeout) => WorkerNews::Silent,
            Err(RecvTimeoutError::Disconnected) => WorkerNews::Gone(match self.child.wait() {
                Ok(status) => format!("its process ended: {status}"),
                Err(why) => format!("its process cannot be waited for: {why}"),
            }),
        }
    }

    /// Ends a worker that has nothing to do, and waits for it.
    pub fn end(mut self) {
        self.tell(&ToWorker::End);
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

impl WorkerProcess {
    /// Kills it and waits until it is dead; its guard makes the rig safe.
    pub fn kill(&mut self) {
        // Also one that is stopped. One that has ended already is waited for, which is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a worker that may have ended meanwhile.
pub fn signal_worker(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
