//! Data mode of `AT+QFUPLEX`: raw bytes until the announced length, the timeout or ESC (AN §3.2.1).

use super::App;
use crate::clock::ModuleClock;
use crate::defect::Defect;
use crate::delta_area;
use crate::durations::{QUIET, REPLY};
use crate::life::ModuleError;
use crate::phrase::framed;
use crate::upload::UploadBlock;
use bc66_spec::command::QFUPLEX;
use bc66_spec::crc as wire_crc;
use bc66_spec::qfuplex::{REPLY_ESC, REPLY_TIMEOUT};
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// Surplus bytes are over after this much real time, however fast the module runs: the host sends in real time.
const SURPLUS_REAL: Duration = Duration::from_millis(3);
/// Bytes that a buffer holds: see [`Defect::LargeBlocksCorrupted`].
const BUFFER: usize = 4096;
const ESCAPE: &[u8] = b"AT+QFUPLEX=ESC\r";
const CRC: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_XMODEM);

/// A block on its way.
#[derive(Debug)]
pub(super) struct DataMode {
    block: UploadBlock,
    received: Vec<u8>,
    until: Instant,
}

impl DataMode {
    pub(super) fn new(block: UploadBlock, clock: ModuleClock) -> Self {
        Self {
            block,
            received: Vec::new(),
            until: clock.after(block.timeout),
        }
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Does the data end with ESC? Nothing else distinguishes it from data.
    fn is_escaped(&self) -> bool {
        let tail = self.received.strip_suffix(b"\n").unwrap_or(&self.received);
        tail.len() >= ESCAPE.len() && tail[tail.len() - ESCAPE.len()..].eq_ignore_ascii_case(ESCAPE)
    }
}

impl App {
    pub(super) fn on_data(&mut self, bytes: Vec<u8>) -> Result<(), ModuleError> {
        let Some(mut data) = self.at.data_mode.take() else {
            return Ok(());
        };
        data.received.extend_from_slice(&bytes);
        let missing = data.block.length.saturating_sub(data.received.len());
        if data.is_escaped() {
            self.reply(&format!("{QFUPLEX}: {REPLY_ESC}"), "OK");
        } else if data.received.len() > data.block.length {
            self.end_surplus(data);
        } else if missing == 0 {
            self.end_block(data)?;
        } else {
            self.at.data_mode = Some(data);
        }
        Ok(())
    }

    pub(super) fn end_data_late(&mut self) {
        self.at.data_mode = None;
        self.reply(&format!("{QFUPLEX}: {REPLY_TIMEOUT}"), "ERROR");
    }

    /// All bytes are there: checks, writes, answers. What arrives before the answer is surplus.
    fn end_block(&mut self, mut data: DataMode) -> Result<(), ModuleError> {
        self.clock.sleep(QUIET);
        let (content, checksum) = data.received.split_at(data.block.data_len());
        let trusting = self.settings.defects.has(Defect::WrongCrcAccepted);
        let sound = trusting || checksum == wire_crc::to_wire(CRC.checksum(content));
        if sound {
            self.forget_download()?; // it is about to be overwritten
            self.forget_coap_package()?;
            self.at.upload.begins(&data.block);
            delta_area::write(
                &mut *self.flash.lock(),
                Self::LAYOUT.delta,
                data.block.offset(),
                &self.as_stored(&data.block, content),
            )?;
        }
        self.clock.sleep(REPLY);
        let surplus = self.inbox.take_bytes();
        if !surplus.is_empty() {
            data.received.extend_from_slice(&surplus);
            self.end_surplus(data);
        } else if sound {
            self.at.upload.wrote(data.block);
            self.reply(&format!("{QFUPLEX}: {}", data.block.data_len()), "OK");
        } else {
            self.uart.line("ERROR");
        }
        Ok(())
    }

    /// The block as it is stored: unchanged, or as a buffer of half its size garbles it.
    fn as_stored<'a>(&self, block: &UploadBlock, content: &'a [u8]) -> Cow<'a, [u8]> {
        let half = BUFFER.min(content.len());
        if block.size() <= BUFFER || !self.settings.defects.has(Defect::LargeBlocksCorrupted) {
            return Cow::Borrowed(content);
        }
        let repeated = content[..half].iter().copied().cycle();
        repeated.take(content.len()).collect()
    }

    /// Too many bytes: waits until they end, then answers `ERROR`, or ESC if they end with it.
    fn end_surplus(&mut self, mut data: DataMode) {
        let quiet = self.clock.real(QUIET).max(SURPLUS_REAL);
        data.received.extend(self.inbox.take_bytes_until_quiet(quiet));
        if data.is_escaped() {
            self.reply(&format!("{QFUPLEX}: {REPLY_ESC}"), "OK");
        } else {
            self.uart.line("ERROR");
        }
    }

    fn reply(&self, line: &str, result: &str) {
        self.uart.send(framed(line) + &framed(result));
    }
}
