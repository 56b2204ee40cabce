//! `AT+QFUPLEX`: the package over the UART, block by block (AN §3.2.1), with faults where a case asks for them.

use crate::bench::serial::trigger::{cut, moved};
use crate::device::dut::dialogue::{AtResponse, COMMAND};
use crate::device::dut::{Dut, Received, Stop};
use bc66_spec::{command, crc as wire_crc, qfuplex};
use dfota_core::cut::Cut;
use dfota_core::event::watched::Watched;
use dfota_core::event::{Event, Line};
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
/// `<timeout>` of a block that a fault leaves short: the shortest there is, to save time.
const SHORT_TIMEOUT_S: u8 = 1;

/// What is done wrong, and when to stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct UploadPlan {
    pub block_size: u16,
    /// What is done wrong, once.
    pub fault: Option<UartFault>,
    /// Stop after the fault in place of trying the block again.
    pub stop_at_fault: bool,
}

/// How an upload ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Every block is in.
    pub complete: bool,
    /// What answered the faulty block.
    pub reply: Option<CommandReply>,
}

/// One block of a package.
#[derive(Clone, Copy)]
struct PackageBlock<'a> {
    number: u32,
    bytes: &'a [u8],
    /// That of a full block.
    size: u16,
}

impl Dut {
    /// Uploads a package. A `cut` in the upload is made when half of its block's bytes are on the wire; then, or when the
    /// supply goes otherwise, the upload ends incomplete.
    pub fn upload(&mut self, package: &[u8], plan: UploadPlan, cut: Option<&Cut>) -> Result<Uploaded, Stop> {
        let mut uploaded = Uploaded::default();
        let size = plan.block_size;
        for (number, bytes) in (qfuplex::FIRST_BLOCK..).zip(package.chunks(usize::from(size))) {
            let block = PackageBlock { number, bytes, size };
            let moment = Moment::UploadBlock(number);
            self.journal.watched(Watched::Block { number });
            self.watch.on(UpdateInput::Block(number));
            self.came(moment, Instant::now());
            if let Some(cut) = cut.filter(|cut| cut.at == moment) {
                self.cut_in_block(block, cut)?;
                return Ok(uploaded);
            }
            if let Some(fault) = plan.fault.filter(|fault| fault.block() == Some(number)) {
                uploaded.reply = self.send_faulty(block, fault)?;
                if self.watch.cut.is_none() {
                    self.leave_nothing_behind()?;
                }
                if plan.stop_at_fault {
                    return Ok(uploaded);
                }
            }
            self.send_block(block)?;
            if self.watch.cut.is_some() {
                return Ok(uploaded);
            }
        }
        uploaded.complete = true;
        Ok(uploaded)
    }

    /// Sends a block until it is written.
    fn send_block(&mut self, block: PackageBlock<'_>) -> Result<(), Stop> {
        let mut seen = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.leave_nothing_behind()?;
            }
            let command = block.command(block.number, self.patient_timeout());
            let pending = PendingCommand::new(&command);
            match self.open_block(&command, &pending)? {
                Opened::Prompt => {}
                Opened::Refused(end) => {
                    seen = end.to_string();
                    continue;
                }
                Opened::Cut => return Ok(()),
            }
            self.send_data(&block.with_crc())?;
            match self.answer(&pending, patience(self.patient_timeout()))? {
                Some(answer) if answer.end.is_ok() => return block.written(&answer),
                Some(answer) => {
                    seen = answer
                        .info
                        .last()
                        .cloned()
                        .unwrap_or_else(|| answer.end.to_string())
                }
                None if self.watch.cut.is_some() => return Ok(()),
                None => {
                    seen = "nothing".into();
                    self.escape()?;
                }
            }
        }
        let sentence = format!(
            "block {} of the upload was answered with {seen} in {TRIES} tries; expected `+QFUPLEX: {}` and OK",
            block.number,
            block.bytes.len()
        );
        Err(Stop::rule(Rule::UnexpectedReply, sentence))
    }

    /// Sends one block wrongly; what the module made of it.
    fn send_faulty(
        &mut self,
        block: PackageBlock<'_>,
        fault: UartFault,
    ) -> Result<Option<CommandReply>, Stop> {
        self.journal.step(format!("fault: {fault}"));
        let (number, timeout) = match fault {
            UartFault::OutOfOrder(_) => (block.number + 1, self.patient_timeout()),
            UartFault::ShortBlock(_) => (block.number, Some(SHORT_TIMEOUT_S)),
            _ => (block.number, self.patient_timeout()),
        };
        let command = block.command(number, timeout);
        let pending = PendingCommand::new(&command);
        match self.open_block(&command, &pending)? {
            Opened::Prompt => {}
            Opened::Refused(_) => return Ok(Some(CommandReply::Error)),
            Opened::Cut => return Ok(None),
        }
        let mut data = block.with_crc();
        match fault {
            UartFault::CorruptBlock(_) => data[0] ^= 1,
            UartFault::ShortBlock(_) => data.truncate(data.len() / 2),
            UartFault::LongBlock(_) => data.extend([0x55; 16]),
            UartFault::Silence(_) => return self.escape(),
            UartFault::OutOfOrder(_) | UartFault::Damage(_) | UartFault::Nothing => {}
        }
        self.send_data(&data)?;
        let timed_out = |line: &String| line.contains(qfuplex::REPLY_TIMEOUT);
        let answer = self.answer(&pending, patience(timeout))?;
        Ok(answer.map(|answer| match answer.end {
            Final::Ok => CommandReply::Ok,
            _ if answer.info.iter().any(timed_out) => CommandReply::Timeout,
            _ => CommandReply::Error,
        }))
    }

    /// Bytes that the module did not take as data are now at the start of its command line: `AT` clears them, so that the next
    /// command is understood.
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
    fn cut_in_block(&mut self, block: PackageBlock<'_>, planned: &Cut) -> Result<(), Stop> {
        let command = block.command(block.number, self.patient_timeout());
        let opened = self.open_block(&command, &PendingCommand::new(&command))?;
        if !matches!(opened, Opened::Prompt) {
            return Ok(());
        }
        let half = &block.with_crc()[..block.bytes.len() / 2];
        let began = Instant::now();
        self.send_data(half)?;
        // Writing returns when the system has taken the bytes; the wire needs its time.
        let trigger = began + self.clock.real(self.wire_time(half.len()));
        let due = trigger + self.clock.real(planned.after);
        self.pause_until(due)?;
        let made = cut(planned, trigger, due, self.lines());
        let took_ns = made.returned.duration_since(made.commanded).as_nanos() as u64;
        for &line in moved(planned.kind) {
            let active = line == Line::Reset;
            let moved = Event::Line {
                line,
                active,
                took_ns,
            };
            self.journal.post_at(made.commanded, moved);
        }
        self.was_cut(made);
        Ok(())
    }

    fn open_block(&mut self, command: &str, pending: &PendingCommand) -> Result<Opened, Stop> {
        let sent = Instant::now();
        self.send(command)?;
        let deadline = Instant::now() + self.clock.time_out(COMMAND);
        while let Some(incoming) = self.next(deadline)? {
            match incoming {
                Received::Prompt { at } => {
                    self.measure_response("QFUPLEX", at.saturating_duration_since(sent));
                    return Ok(Opened::Prompt);
                }
                Received::Line { text, .. } => {
                    if let LineRole::Final(end) = pending.classify(&text) {
                        return Ok(Opened::Refused(end));
                    }
                }
                Received::Change if self.watch.cut.is_some() => return Ok(Opened::Cut),
                Received::Change | Received::Drained { .. } => {}
            }
        }
        Err(Stop::rule(
            Rule::NoReply,
            format!("`{command}` was answered with neither `>` nor a result"),
        ))
    }

    fn send_data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let sha256 = dfota_record::digest::hex(&Sha256::digest(bytes));
        self.journal.post(Event::TxData {
            bytes: bytes.len() as u64,
            sha256,
        });
        self.write(bytes)
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

impl PackageBlock<'_> {
    /// The command for it, under `number`. `<length>` may be left out of a full one (AN §3.2.1); a `<timeout>` needs it before
    /// it.
    fn command(self, number: u32, timeout: Option<u8>) -> String {
        let (name, size) = (command::QFUPLEX, self.size);
        let length = self.bytes.len() + qfuplex::CRC_BYTES;
        match timeout {
            Some(timeout) => format!("AT{name}={size},{number},{length},{timeout}"),
            None if self.bytes.len() == usize::from(size) => format!("AT{name}={size},{number}"),
            None => format!("AT{name}={size},{number},{length}"),
        }
    }

    fn with_crc(self) -> Vec<u8> {
        let mut data = self.bytes.to_vec();
        data.extend(wire_crc::to_wire(CRC.checksum(self.bytes)));
        data
    }

    /// OK must say how many bytes were written (AN §3.2.1 `<writelen>`).
    fn written(self, answer: &AtResponse) -> Result<(), Stop> {
        let len = self.bytes.len();
        let said = answer.value(command::QFUPLEX);
        if said.and_then(|value| value.parse().ok()) == Some(len) {
            return Ok(());
        }
        let sentence = format!(
            "block {} of the upload: the module says that it wrote `{}`, expected {len} bytes",
            self.number,
            said.unwrap_or("nothing")
        );
        Err(Stop::rule(Rule::UnexpectedReply, sentence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u32, bytes: &[u8]) -> PackageBlock<'_> {
        let size = 4096;
        PackageBlock { number, bytes, size }
    }

    #[test]
    fn the_orders_of_the_note() {
        // AN §6.2: the last block has 1080 bytes.
        let last = block(2, &[0; 1080]);
        assert_eq!(block(0, &[0; 4096]).command(0, None), "AT+QFUPLEX=4096,0");
        assert_eq!(last.command(2, None), "AT+QFUPLEX=4096,2,1082");
        assert_eq!(last.command(2, Some(1)), "AT+QFUPLEX=4096,2,1082,1");
    }

    #[test]
    fn the_checksum_goes_low_byte_first() {
        assert_eq!(block(0, b"123456789").with_crc()[9..], [0xC3, 0x31]);
        assert_eq!(CRC.checksum(b"123456789"), wire_crc::CHECK);
    }
}
