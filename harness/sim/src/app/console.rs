//! Command mode: bytes become lines, lines become replies.

use super::{AfterReply, App, DataMode, Profile};
use crate::app::at;
use crate::durations::REPLY;
use crate::flash::{Flash, FlashError};
use crate::life::ModuleError;
use crate::random::Random;
use crate::settings::Settings;
use crate::upload::UploadedPackage;
use bc66_spec::qfuplex::PROMPT;
use std::time::Instant;

/// Longest command line; the longest that is needed is `AT+QFOTADL` with a URL of 255 bytes. Assumed.
const LINE_MAX: usize = 400;

/// The module's side of the dialogue with the host.
#[derive(Debug)]
pub(crate) struct AtInterface {
    pub(crate) profile: Profile,
    /// What `AT+QFUPLEX` brought since the boot.
    pub(crate) upload: UploadedPackage,
    /// Filled by commands: what follows their final result.
    pub(crate) after: Vec<AfterReply>,
    line: LineBuffer,
    pub(super) data_mode: Option<DataMode>,
    /// Is the rate of the line known?
    pub(super) synchronized: bool,
}

/// The command line that is being typed.
#[derive(Debug, Default)]
struct LineBuffer {
    bytes: Vec<u8>,
    overlong: bool,
    /// The line is lost to the detection of the baud rate (AL: "auto baud synchronization").
    lost: bool,
}

impl LineBuffer {
    /// Takes one byte; true if it ends the line.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            b'\r' => return true,
            b'\n' => {}
            _ if self.bytes.len() == LINE_MAX => self.overlong = true,
            _ => self.bytes.push(byte),
        }
        false
    }
}

impl AtInterface {
    pub(super) fn new(settings: &Settings, flash: &dyn Flash) -> Result<Self, FlashError> {
        let profile = Profile::load(flash, settings.dialects)?;
        let first_is_lost = Random::for_purpose(settings.boot_seed(), "baud sync").below(2) == 0;
        Ok(Self {
            upload: UploadedPackage::default(),
            after: Vec::new(),
            line: LineBuffer {
                lost: first_is_lost,
                ..LineBuffer::default()
            },
            data_mode: None,
            synchronized: !profile.is_automatic(),
            profile,
        })
    }

    /// Until when a block of data may take to come, in data mode.
    pub(super) fn data_until(&self) -> Option<Instant> {
        self.data_mode.as_ref().map(DataMode::until)
    }
}

impl App {
    pub(super) fn on_console(&mut self, bytes: &[u8]) -> Result<(), ModuleError> {
        for byte in bytes {
            if self.at.profile.echo && !self.at.line.lost && *byte != b'\n' {
                self.uart.send([*byte]);
            }
            if self.at.line.take(*byte) {
                self.end_line()?;
            }
            if self.at.data_mode.is_some() {
                break; // bytes before the prompt are not data
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), ModuleError> {
        let line = std::mem::take(&mut self.at.line);
        let Some(command) = at::command_in(&line.bytes).filter(|_| !line.lost) else {
            return Ok(());
        };
        if self.loses_line() {
            return Ok(());
        }
        self.clock.sleep(REPLY);
        let answer = match self.only_answer() {
            Some(answer) => answer.into(),
            None if line.overlong => at::refused(),
            None => at::execute(self, command)?,
        };
        let text = self.as_sent(answer.text);
        self.uart.send(text);
        self.synchronize();
        if let Some(block) = answer.prompt {
            self.inbox.take_bytes(); // bytes before the prompt are not data
            self.uart.send([b'\r', b'\n', PROMPT, b' ']);
            self.uart.flush();
            self.at.data_mode = Some(DataMode::new(block, self.clock));
            return Ok(());
        }
        for after in std::mem::take(&mut self.at.after) {
            self.do_after(after)?;
        }
        Ok(())
    }
}
