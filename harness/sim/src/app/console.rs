//! Command mode: bytes become lines, lines become replies.

use super::{App, DataMode, ApplicationInput};
use crate::app::at::{self, End};
use crate::durations::REPLY;
use crate::life::ModuleError;
use bc66_spec::qfuplex::PROMPT;

/// Longest command line; the longest useful one is `AT+QFOTADL` with a URL of 255 bytes. Assumed.
const LINE_MAX: usize = 400;

/// The command line that is being typed.
#[derive(Debug)]
pub(super) struct LineBuffer {
    line: Vec<u8>,
    overlong: bool,
    deaf: bool,
}

impl LineBuffer {
    /// A deaf console loses its first line to the detection of the baud rate (AL: "auto baud synchronization").
    pub(super) fn new(deaf: bool) -> Self {
        Self {
            line: Vec::new(),
            overlong: false,
            deaf,
        }
    }

    /// Takes one byte; true if it ends the line.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            b'\r' => return true,
            b'\n' => {}
            _ if self.line.len() == LINE_MAX => self.overlong = true,
            _ => self.line.push(byte),
        }
        false
    }
}

impl App {
    pub(super) fn on_console(&mut self, bytes: &[u8]) -> Result<(), ModuleError> {
        for byte in bytes {
            if self.profile.echo && !self.console.deaf && *byte != b'\n' {
                self.uart.send([*byte]);
            }
            if self.console.take(*byte) {
                self.end_line()?;
            }
            if self.data_mode.is_some() {
                break; // what came before the prompt is no data
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), ModuleError> {
        let LineBuffer { line, overlong, deaf } = std::mem::replace(&mut self.console, LineBuffer::new(false));
        if deaf {
            return Ok(());
        }
        let Some(command) = at::command_of(&line) else {
            return Ok(());
        };
        if self.loses_line() {
            return Ok(());
        }
        self.clock.sleep(REPLY);
        let answer = match self.only_answer() {
            Some(answer) => at::final_answer(answer),
            None if overlong => at::refused(),
            None => at::execute(self, command)?,
        };
        let text = self.as_sent(answer.text);
        self.uart.send(text);
        self.synchronize();
        match answer.end {
            End::Final => {
                for after in std::mem::take(&mut self.after) {
                    self.do_after(after)?;
                }
                Ok(())
            }
            End::Prompt(block) => {
                self.take_bytes(); // what came before the prompt is no data
                self.uart.send([b'\r', b'\n', PROMPT, b' ']);
                self.uart.flush();
                self.data_mode = Some(DataMode::new(block, self.clock));
                Ok(())
            }
        }
    }

    /// Takes what the host has sent so far out of the queue; everything else stays in it.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.early.extend(self.inputs.try_iter());
        for input in std::mem::take(&mut self.early) {
            match input {
                ApplicationInput::Bytes(more) => bytes.extend_from_slice(&more),
                other => self.early.push_back(other),
            }
        }
        bytes
    }
}
