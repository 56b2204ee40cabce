//! Reads the bytes of a log: lines, their times, their meaning, and the updates.

use super::clock::LogClock;
use super::fold::{Fold, LogContext};
use super::format::LogFormat;
use super::found::LogUpdate;
use super::heard::hear;
use super::lines::{LogLine, LogLines};
use super::place::LogPlace;
use super::text::{clean, is_clean, parts};
use alloc::vec::Vec;

/// What was read, beside the updates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCounts {
    pub bytes: u64,
    /// Lines, as an editor counts them.
    pub lines: u64,
    /// Lines that have a time stamp.
    pub stamped: u64,
    /// Lines with bytes that are not text.
    pub noise: u64,
    /// Lines of more than [`super::lines::PIECE`] bytes.
    pub long: u64,
}

#[derive(Debug)]
pub struct LogReader {
    lines: LogLines,
    listener: Listener,
}

/// What it hands its lines to.
#[derive(Debug)]
struct Listener {
    format: LogFormat,
    clock: LogClock,
    fold: Fold,
    read: LogCounts,
    scratch: Vec<u8>,
}

impl LogReader {
    /// At the start of a log in this format whose lines an editor counts by `counted`.
    pub fn new(format: LogFormat, counted: u8, told: LogContext) -> Self {
        Self {
            lines: LogLines::new(counted),
            listener: Listener {
                format,
                clock: LogClock::default(),
                fold: Fold::new(told),
                read: LogCounts::default(),
                scratch: Vec::new(),
            },
        }
    }

    /// Takes bytes; gives every update that is over by them.
    pub fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(LogUpdate)) {
        self.listener.read.bytes += bytes.len() as u64;
        let listener = &mut self.listener;
        self.lines.push(bytes, &mut |line| listener.line(line, each));
    }

    /// The end of the log: gives the update that it ends in.
    pub fn finish(&mut self, each: &mut impl FnMut(LogUpdate)) {
        let listener = &mut self.listener;
        let lines = self.lines.finish(&mut |line| listener.line(line, each));
        listener.read.lines = lines;
        if let Some(update) = listener.fold.finish() {
            each(update);
        }
    }

    pub fn read(&self) -> LogCounts {
        self.listener.read
    }

    pub fn clock(&self) -> &LogClock {
        &self.listener.clock
    }

    /// What was heard beside updates.
    pub fn fold(&self) -> &Fold {
        &self.listener.fold
    }
}

impl Listener {
    fn line(&mut self, line: LogLine<'_>, each: &mut impl FnMut(LogUpdate)) {
        let mut scratch = core::mem::take(&mut self.scratch);
        let bytes = if is_clean(line.bytes) {
            line.bytes
        } else {
            clean(line.bytes, &mut scratch);
            &scratch
        };
        let (stamp, text) = if line.begins {
            self.format.strip(bytes)
        } else {
            (None, bytes)
        };
        if let Some(stamp) = stamp {
            let jumps = self.clock.jumps();
            self.clock.read(stamp);
            self.read.stamped += 1;
            if self.clock.jumps() > jumps {
                self.fold.interrupt();
            }
        }
        let place = LogPlace {
            line: line.number,
            at: self.clock.now(),
        };
        let long = !(line.begins && line.ends);
        self.read.long += u64::from(long && line.begins);
        let noise = is_noise(line.bytes, text);
        self.read.noise += u64::from(noise && line.begins);
        if noise || long {
            self.fold.damage(place);
        }
        for part in parts(text) {
            if let Some(over) = hear(part).and_then(|heard| self.fold.take(&heard, place)) {
                each(over);
            }
        }
        self.scratch = scratch;
    }
}

/// Whether there are bytes that neither a module nor a terminal writes as text. What a format takes off may be in any
/// encoding.
fn is_noise(line: &[u8], text: &[u8]) -> bool {
    let control = |byte: &u8| matches!(byte, 0..=0x06 | 0x0B..=0x1A | 0x1C..=0x1F | 0x7F);
    line.iter().any(control) || core::str::from_utf8(text).is_err()
}
