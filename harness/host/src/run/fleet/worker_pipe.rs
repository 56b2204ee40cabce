//! Reads the messages of a worker line by line, with a time-out. It has no thread of its own: to wake a thread costs the parent
//! more than to read the line.

use crate::run::readable::is_readable;
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::ChildStdout;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct WorkerPipe {
    pipe: BufReader<ChildStdout>,
    /// The beginning of the next line.
    begun: Vec<u8>,
}

/// What came out of the pipe.
#[derive(Debug)]
pub(super) enum Heard {
    /// Without its line feed.
    Line(Vec<u8>),
    /// Nothing within the limit.
    Nothing,
    /// The other side ended.
    End,
}

impl WorkerPipe {
    pub(super) fn new(pipe: ChildStdout) -> Self {
        Self {
            pipe: BufReader::new(pipe),
            begun: Vec::new(),
        }
    }

    /// The next line.
    pub(super) fn next(&mut self, limit: Duration) -> Heard {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.pipe.buffer().is_empty() && !is_readable(self.pipe.get_ref(), Some(left)) {
                return Heard::Nothing;
            }
            let bytes = match self.pipe.fill_buf() {
                Err(why) if why.kind() == ErrorKind::Interrupted => continue,
                Ok([]) | Err(_) => return Heard::End,
                Ok(bytes) => bytes,
            };
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let line = &bytes[..end.unwrap_or(bytes.len())];
            self.begun.extend_from_slice(line);
            let taken = line.len() + usize::from(end.is_some());
            self.pipe.consume(taken);
            if end.is_some() {
                return Heard::Line(std::mem::take(&mut self.begun));
            }
        }
    }
}
