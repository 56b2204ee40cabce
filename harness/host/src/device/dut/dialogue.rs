//! The AT dialogue with the module: command lines and their answers. Moves none of its lines.

use super::{Dut, Received, Stop};
use crate::bench::serial::port::PartialWrite;
use dfota_core::event::Event;
use dfota_core::reply::{Final, LineRole, PendingCommand, revision};
use dfota_core::verdict::Rule;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// How long a command may take whose answer is not limited by the application note.
pub const COMMAND: Duration = Duration::from_secs(10);
/// How long one `AT` of the synchronisation may stay without an answer. The first one after a boot may be lost (AL).
const SYNC: Duration = Duration::from_millis(500);
/// The same for this machine's scheduler, in real time, for the first `AT`, and at most. Nothing is decided by it: the next
/// `AT` follows. The first one is lost after nearly every boot, so it is not waited for long.
const SYNC_GRACE: Duration = Duration::from_millis(2);
const SYNC_GRACE_MAX: Duration = Duration::from_millis(30);

/// The answer to a command line.
#[derive(Debug)]
pub struct AtResponse {
    pub end: Final,
    /// The lines before the end.
    pub info: Vec<String>,
}

impl AtResponse {
    /// What follows `NAME:` in the first line that has it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.info
            .iter()
            .find_map(|line| dfota_core::reply::value(line, name))
    }
}

/// Whether the module answered `AT` with OK, and with what else it did last.
pub(in crate::device) enum Synced {
    Ok,
    No { refused: Option<Final> },
}

impl Dut {
    /// Writes bytes to the module, once the port is there. Where the port has gone with the supply, the bytes are dropped.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if !self.wait_for_port()? {
            return Ok(());
        }
        let Err(PartialWrite { written, why: error }) = self.write_now(bytes) else {
            return Ok(());
        };
        let path = self.port.address();
        let sentence = format!(
            "serial port `{path}` failed after {written} of {} bytes were written: {error}",
            bytes.len()
        );
        // Bytes of which none was taken can be written again.
        let gone = written == 0 && error.kind() != ErrorKind::TimedOut;
        if gone && self.came_back()? && self.write_now(bytes).is_ok() {
            return Ok(());
        }
        Err(Stop::rule(Rule::SerialLost, sentence))
    }

    fn write_now(&self, bytes: &[u8]) -> Result<(), PartialWrite> {
        // Ten times the time on the wire, and never less than a second.
        let wire = self.wire_time(bytes.len());
        let limit = self.clock.time_out(wire * 10 + Duration::from_secs(1));
        self.port.write_all(bytes, limit)
    }

    /// The module's time that bytes take on the wire.
    pub fn wire_time(&self, bytes: usize) -> Duration {
        let bits = bytes as u64 * u64::from(bc66_spec::timing::BITS_PER_BYTE);
        Duration::from_nanos(bits * 1_000_000_000 / u64::from(self.port.baud()))
    }

    /// Sends a command line; `None` when no result comes within `limit`.
    pub fn try_command(&mut self, text: &str, limit: Duration) -> Result<Option<AtResponse>, Stop> {
        self.send(text)?;
        self.answer(&PendingCommand::new(text), limit)
    }

    /// The same for a command line that holds a secret: what is written down is `shown`.
    pub fn secret_command(&mut self, text: &str, shown: &str) -> Result<Option<AtResponse>, Stop> {
        self.send_as(text, shown)?;
        self.answer(&PendingCommand::new(text), COMMAND)
    }

    /// Writes a command line and its carriage return.
    pub fn send(&mut self, text: &str) -> Result<(), Stop> {
        self.send_as(text, text)
    }

    fn send_as(&mut self, text: &str, shown: &str) -> Result<(), Stop> {
        let shown = dfota_core::escape::readable(shown.as_bytes());
        self.journal.post(Event::Tx { text: shown });
        self.write(format!("{text}\r").as_bytes())
    }

    /// Waits for the result of a command.
    pub fn answer(&mut self, pending: &PendingCommand, limit: Duration) -> Result<Option<AtResponse>, Stop> {
        self.answer_until(pending, Instant::now() + self.clock.time_out(limit))
    }

    fn answer_until(
        &mut self,
        pending: &PendingCommand,
        deadline: Instant,
    ) -> Result<Option<AtResponse>, Stop> {
        let mut info = Vec::new();
        while let Some(incoming) = self.next(deadline)? {
            let Received::Line { text, .. } = incoming else {
                if self.watch.cut.is_some() {
                    // The supply is gone in the middle of the command.
                    return Ok(None);
                }
                continue;
            };
            match pending.classify(&text) {
                LineRole::Final(end) => return Ok(Some(AtResponse { end, info })),
                LineRole::Info => info.push(String::from_utf8_lossy(&text).trim().to_owned()),
                LineRole::Echo | LineRole::Urc(_) | LineRole::Other => {}
            }
        }
        Ok(None)
    }

    /// Sends `AT` until the module answers OK; whether it did within `limit`.
    pub fn sync(&mut self, limit: Duration) -> Result<bool, Stop> {
        Ok(matches!(self.synchronise(limit)?, Synced::Ok))
    }

    /// The same, with what came in place of OK.
    pub(in crate::device) fn synchronise(&mut self, limit: Duration) -> Result<Synced, Stop> {
        let deadline = Instant::now() + self.clock.time_out(limit);
        let pending = PendingCommand::new("AT");
        let mut refused = None;
        for tries in 1.. {
            self.send("AT")?;
            let grace = (SYNC_GRACE * tries).min(SYNC_GRACE_MAX);
            let patience = Instant::now() + self.clock.real(SYNC) + grace;
            match self.answer_until(&pending, patience)? {
                Some(answer) if answer.end.is_ok() => {
                    if tries > 1 {
                        self.let_late_answers_pass()?;
                    }
                    return Ok(Synced::Ok);
                }
                Some(answer) => {
                    refused = Some(answer.end);
                    // An error that comes at once is no reason to ask again at once: a module can do that for ever. An OK
                    // behind it is the answer, and the error was one to something that was sent before.
                    let second = self.answer_until(&pending, patience)?;
                    if second.is_some_and(|answer| answer.end.is_ok()) {
                        self.let_late_answers_pass()?;
                        return Ok(Synced::Ok);
                    }
                    self.pause_until(patience)?;
                }
                None => {}
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(Synced::No { refused })
    }

    /// The answers to earlier commands may still come, however late, and none of them may pass for that of the next
    /// command. The module answers in order, and only the reply to `ATI` names a version: what comes before it is theirs. A
    /// reply that does not come is asked for again, since some adapters hold bytes back until others move; all of them
    /// are waited for then.
    fn let_late_answers_pass(&mut self) -> Result<(), Stop> {
        const QUESTIONS: u32 = 4;
        let pending = PendingCommand::new("ATI");
        let patience = self.clock.time_out(COMMAND) / QUESTIONS;
        let mut open = 0;
        for _ in 0..QUESTIONS {
            self.send("ATI")?;
            open += 1;
            let deadline = Instant::now() + patience;
            while let Some(answer) = self.answer_until(&pending, deadline)? {
                if answer.info.iter().any(|line| revision(line).is_some()) {
                    open -= 1;
                }
                if open == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends a query that the application note does not ask for: without an OK there is no answer, which is no failure.
    pub fn query(&mut self, text: &str) -> Result<Option<AtResponse>, Stop> {
        Ok(self
            .try_command(text, COMMAND)?
            .filter(|answer| answer.end.is_ok()))
    }
}

/// A command without which the update cannot go on had no result.
pub(in crate::device) fn no_reply(text: &str) -> Stop {
    let sentence = format!("`{text}` was not answered within {} s", COMMAND.as_secs());
    Stop::rule(Rule::NoReply, sentence)
}
