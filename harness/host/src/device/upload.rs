//! `AT+QFUPLEX`: the package over the UART, block by block (AN §3.2.1), with faults where a case asks for them.

use crate::bench::serial::trigger::cut;
use crate::device::module::dialogue::COMMAND;
use crate::device::module::{Heard, Module, Stop};
use bc66_spec::{command, crc as wire_crc, qfuplex, timing};
use dfota_core::cut::Cut;
use dfota_core::event::Event;
use dfota_core::event::watched::Watched;
use dfota_core::expect::CommandReply;
use dfota_core::fault::UartFault;
use dfota_core::moment::Moment;
use dfota_core::reply::{Final, LineRole, PendingCommand};
use dfota_core::update::UpdateInput;
use dfota_core::verdict::Rule;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// CRC-16/XMODEM is what the note's reference code computes (§3.3).
const CRC: crc::Crc<u16, crc::Table<16>> = crc::Crc::<u16, crc::Table<16>>::new(&crc::CRC_16_XMODEM);
/// How often a block is tried; the note asks to try again until it is written.
const TRIES: u32 = 3;
/// `<timeout>` of a block that a fault leaves short: the shortest there is, so that nobody waits for nothing.
const SHORT_TIMEOUT_S: u8 = 1;

/// What is done wrong, and when to stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// Bytes in a block.
    pub block_size: u16,
    /// What is done wrong, once.
    pub fault: Option<UartFault>,
    /// Stop after the fault in place of trying the block again.
    pub stop_at_fault: bool,
}

/// How an upload ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Every block is in.
    pub complete: bool,
    /// What answered the faulty block.
    pub reply: Option<CommandReply>,
}

impl Module {
    /// Uploads a package. A `cut` at a block is made when half of that block's bytes are on the wire; then, or when the
    /// supply goes otherwise, the upload ends incomplete.
    pub fn upload(
        &mut self,
        package: &[u8],
        plan: Plan,
        cut_at: Option<(u32, &Cut)>,
    ) -> Result<Uploaded, Stop> {
        let mut reply = None;
        for (number, block) in (qfuplex::FIRST_BLOCK..).zip(package.chunks(usize::from(plan.block_size))) {
            self.watch(number);
            self.came(Moment::UploadBlock(number), Instant::now());
            if let Some((at, cut)) = cut_at
                && at == number
            {
                self.cut_in_block(number, block, plan, cut)?;
                return Ok(Uploaded {
                    complete: false,
                    reply,
                });
            }
            if let Some(fault) = plan.fault.filter(|fault| fault.block() == Some(number)) {
                reply = self.faulty(number, block, plan, fault)?;
                if self.cut.is_none() {
                    self.leave_nothing_behind()?;
                }
                if plan.stop_at_fault {
                    return Ok(Uploaded {
                        complete: false,
                        reply,
                    });
                }
            }
            self.sound(number, block, plan)?;
            if self.cut.is_some() {
                return Ok(Uploaded {
                    complete: false,
                    reply,
                });
            }
        }
        Ok(Uploaded {
            complete: true,
            reply,
        })
    }

    fn watch(&mut self, number: u32) {
        self.journal.watched(Watched::Block { number });
        if let Some(update) = &mut self.update {
            update.on(UpdateInput::Block(number));
        }
    }

    /// Sends a block until it is written.
    fn sound(&mut self, number: u32, block: &[u8], plan: Plan) -> Result<(), Stop> {
        let mut seen = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.leave_nothing_behind()?;
            }
            let command = order(number, block.len(), plan.block_size, self.patient_timeout());
            let pending = PendingCommand::new(&command);
            match self.open_block(&command, &pending)? {
                Opened::Prompt => {}
                Opened::Refused(end) => {
                    seen = end.to_string();
                    continue;
                }
                Opened::Cut => return Ok(()),
            }
            self.data(&with_crc(block))?;
            match self.result(&pending, patience(self.patient_timeout()))? {
                Some((Final::Ok, lines)) => return written(number, block.len(), &lines),
                Some((end, lines)) => seen = lines.last().cloned().unwrap_or_else(|| end.to_string()),
                None if self.cut.is_some() => return Ok(()),
                None => {
                    seen = "nothing".into();
                    self.escape()?;
                }
            }
        }
        let sentence = format!(
            "block {number} of the upload was answered with {seen} in {TRIES} tries; expected `+QFUPLEX: {}` and OK",
            block.len()
        );
        Err(Stop::rule(Rule::UnexpectedReply, sentence))
    }

    /// Sends one block wrongly; what the module made of it.
    fn faulty(
        &mut self,
        number: u32,
        block: &[u8],
        plan: Plan,
        fault: UartFault,
    ) -> Result<Option<CommandReply>, Stop> {
        self.journal.step(format!("fault: {fault}"));
        let (asked, timeout) = match fault {
            UartFault::OutOfOrder(_) => (number + 1, self.patient_timeout()),
            UartFault::ShortBlock(_) => (number, Some(SHORT_TIMEOUT_S)),
            _ => (number, self.patient_timeout()),
        };
        let command = order(asked, block.len(), plan.block_size, timeout);
        let pending = PendingCommand::new(&command);
        match self.open_block(&command, &pending)? {
            Opened::Prompt => {}
            Opened::Refused(_) => return Ok(Some(CommandReply::Error)),
            Opened::Cut => return Ok(None),
        }
        let mut data = with_crc(block);
        match fault {
            UartFault::CorruptBlock(_) => data[0] ^= 1,
            UartFault::ShortBlock(_) => data.truncate(data.len() / 2),
            UartFault::LongBlock(_) => data.extend([0x55; 16]),
            UartFault::Silence(_) => return self.escape(),
            UartFault::OutOfOrder(_) | UartFault::Damage(_) | UartFault::Nothing => {}
        }
        self.data(&data)?;
        let result = self.result(&pending, patience(timeout))?;
        Ok(result.map(|(end, lines)| match end {
            Final::Ok => CommandReply::Ok,
            _ if lines.iter().any(|line| line.contains(qfuplex::REPLY_TIMEOUT)) => CommandReply::Timeout,
            _ => CommandReply::Error,
        }))
    }

    /// Bytes that the module did not take as data stand at the start of its command line now, where they would spoil the
    /// next command.
    fn leave_nothing_behind(&mut self) -> Result<(), Stop> {
        self.sync(COMMAND).map(drop)
    }

    /// `<timeout>` of a sound block. The module's default is for real time; where it lives faster, a pause of this machine's
    /// scheduler would be longer than that, and the module would be blamed for it.
    fn patient_timeout(&self) -> Option<u8> {
        (self.clock.speed() > 1.0).then_some(*qfuplex::TIMEOUT_S.end())
    }

    /// Leaves data mode (AN §3.2.1 note 4).
    fn escape(&mut self) -> Result<Option<CommandReply>, Stop> {
        let answer = self.try_command(&format!("AT{}={}", command::QFUPLEX, qfuplex::ESC), COMMAND)?;
        Ok(answer.map(|answer| match answer.end {
            Final::Ok if answer.value(command::QFUPLEX) == Some(qfuplex::REPLY_ESC) => CommandReply::Esc,
            Final::Ok => CommandReply::Ok,
            _ => CommandReply::Error,
        }))
    }

    /// Makes a cut when half of the block's bytes have left the wire.
    fn cut_in_block(&mut self, number: u32, block: &[u8], plan: Plan, planned: &Cut) -> Result<(), Stop> {
        let command = order(number, block.len(), plan.block_size, self.patient_timeout());
        if !matches!(
            self.open_block(&command, &PendingCommand::new(&command))?,
            Opened::Prompt
        ) {
            return Ok(());
        }
        let half = &with_crc(block)[..block.len() / 2];
        let began = Instant::now();
        self.data(half)?;
        // Writing returns when the system has taken the bytes; the wire needs its time.
        let trigger = began + self.clock.real(self.wire_time(half.len()));
        let due = trigger + self.clock.real(planned.after);
        self.pause_until(due)?;
        let made = cut(planned, trigger, due, self.lines());
        let took_ns = made.returned.duration_since(made.commanded).as_nanos() as u64;
        for &line in crate::bench::serial::trigger::moved(planned.kind) {
            let active = line == dfota_core::event::Line::Reset;
            self.journal.post_at(
                made.commanded,
                Event::Line {
                    line,
                    active,
                    took_ns,
                },
            );
        }
        self.was_cut(made);
        Ok(())
    }

    fn open_block(&mut self, command: &str, pending: &PendingCommand) -> Result<Opened, Stop> {
        let sent = Instant::now();
        self.send(command)?;
        let deadline = Instant::now() + self.clock.time_out(COMMAND);
        while let Some(heard) = self.next(deadline)? {
            match heard {
                Heard::Prompt { at } => {
                    let took = self.clock.module_time(at.saturating_duration_since(sent));
                    self.measured("response QFUPLEX", took, Some(timing::MAX_RESPONSE));
                    return Ok(Opened::Prompt);
                }
                Heard::Line { text, .. } => {
                    if let LineRole::Final(end) = pending.classify(&text) {
                        return Ok(Opened::Refused(end));
                    }
                }
                Heard::Change if self.cut.is_some() => return Ok(Opened::Cut),
                Heard::Change | Heard::Drained { .. } => {}
            }
        }
        Err(Stop::rule(
            Rule::NoReply,
            format!("`{command}` was answered with neither `>` nor a result"),
        ))
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let sha256 = dfota_record::digest::hex(&Sha256::digest(bytes));
        self.journal.post(Event::TxData {
            bytes: bytes.len() as u64,
            sha256,
        });
        self.write(bytes)
    }

    fn result(
        &mut self,
        pending: &PendingCommand,
        limit: Duration,
    ) -> Result<Option<(Final, Vec<String>)>, Stop> {
        Ok(self
            .answer(pending, limit)?
            .map(|answer| (answer.end, answer.info)))
    }
}

enum Opened {
    Prompt,
    Refused(Final),
    Cut,
}

/// Longer than the module itself waits for the data.
fn patience(timeout: Option<u8>) -> Duration {
    Duration::from_secs(u64::from(timeout.unwrap_or(qfuplex::TIMEOUT_DEFAULT_S)) + 4)
}

/// The command for a block. `<length>` may be left out of a full one (AN §3.2.1); a `<timeout>` needs it before it.
fn order(number: u32, len: usize, block_size: u16, timeout: Option<u8>) -> String {
    let length = len + qfuplex::CRC_BYTES;
    let name = command::QFUPLEX;
    match timeout {
        Some(timeout) => format!("AT{name}={block_size},{number},{length},{timeout}"),
        None if len == usize::from(block_size) => format!("AT{name}={block_size},{number}"),
        None => format!("AT{name}={block_size},{number},{length}"),
    }
}

fn with_crc(block: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(block.len() + qfuplex::CRC_BYTES);
    data.extend_from_slice(block);
    data.extend(wire_crc::to_wire(CRC.checksum(block)));
    data
}

/// OK must say how many bytes were written (AN §3.2.1 `<writelen>`).
fn written(number: u32, len: usize, lines: &[String]) -> Result<(), Stop> {
    let said = lines
        .iter()
        .find_map(|line| dfota_core::reply::value(line, command::QFUPLEX));
    if said.and_then(|value| value.parse::<usize>().ok()) == Some(len) {
        return Ok(());
    }
    let said = said.unwrap_or("nothing");
    let sentence =
        format!("block {number} of the upload: the module says that it wrote `{said}`, expected {len} bytes");
    Err(Stop::rule(Rule::UnexpectedReply, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_of_the_note() {
        // AN §6.2: the last block has 1080 bytes.
        assert_eq!(order(0, 4096, 4096, None), "AT+QFUPLEX=4096,0");
        assert_eq!(order(2, 1080, 4096, None), "AT+QFUPLEX=4096,2,1082");
        assert_eq!(order(2, 1080, 4096, Some(1)), "AT+QFUPLEX=4096,2,1082,1");
    }

    #[test]
    fn the_checksum_goes_low_byte_first() {
        assert_eq!(with_crc(b"123456789")[9..], [0xC3, 0x31]);
        assert_eq!(CRC.checksum(b"123456789"), wire_crc::CHECK);
    }
}
