//! What the application prints unasked, and when it does not.

use super::{App, TimedEvent, NetworkRegistration};
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::durations::CFUN_TO_END;
use crate::flash::FlashError;
use crate::life::noise;
use crate::phrase::Phrases;
use crate::update_info::UpdateInfo;
use bc66_spec::boot::RDY;
use bc66_spec::code::UpdateCode;

impl App {
    pub(super) fn print_ready(&self) {
        if self.is_mute() {
            return;
        }
        if self.settings.dialects.has(Dialect::NoisyBootRom) {
            self.uart.send(noise(&self.settings, "glued"));
            self.uart.send(format!("{RDY}\r\n"));
        } else {
            self.uart.line(RDY);
        }
    }

    /// Tells the result of the last update, and forgets it once it is on the wire.
    pub(super) fn tell_result(&mut self) -> Result<(), FlashError> {
        let info = UpdateInfo::load(&*self.flash(), &Self::LAYOUT)?;
        if let UpdateInfo::Over(code) = info {
            if !self.synchronized || self.keeps_result()? {
                return Ok(());
            }
            self.print_end(code);
            UpdateInfo::Idle.store(&mut *self.flash(), &Self::LAYOUT)?;
        }
        Ok(())
    }

    /// Is the result kept for the next boot?
    fn keeps_result(&self) -> Result<bool, FlashError> {
        if !self.settings.dialects.has(Dialect::EndOnSecondBoot) {
            return Ok(false);
        }
        let mut flash = self.flash();
        let kept = !self.nvdm().result_kept(&*flash)?;
        self.nvdm().save_result_kept(&mut *flash, kept)?;
        Ok(kept)
    }

    /// Prints the result of an update.
    fn print_end(&self, code: UpdateCode) {
        if self.settings.defects.has(Defect::NeverPrintsEnd) {
            return;
        }
        let times = 1 + usize::from(self.settings.dialects.has(Dialect::EndTwice));
        for _ in 0..times {
            self.unasked(&self.phrases().end(code));
        }
        self.uart.flush();
    }

    pub(super) fn phrases(&self) -> Phrases {
        self.settings.phrases()
    }

    /// Prints a line of the boot or of the network.
    pub(super) fn say(&self, line: &str) {
        self.unasked(&self.phrases().plain(line));
    }

    /// Prints a line that answers no command.
    pub(super) fn unasked(&self, line: &str) {
        if !self.is_mute() {
            self.uart.line(line);
        }
    }

    /// Nothing is printed at a rate that is not known yet.
    fn is_mute(&self) -> bool {
        !self.synchronized || self.suffers(Defect::QuietAfterUpdate)
    }

    /// A command was answered, so the rate of the line is known: the result of an update has waited for that.
    pub(super) fn synchronize(&mut self) {
        if !std::mem::replace(&mut self.synchronized, true) {
            self.due_in(CFUN_TO_END, TimedEvent::Result);
        }
    }

    pub(super) fn register(&mut self, registration: NetworkRegistration) {
        if let Some(urc) = self.modem.register(registration) {
            self.say(&urc);
        }
    }
}
