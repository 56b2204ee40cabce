//! What the application prints unasked.

use super::{App, NetworkRegistration, TimedEvent};
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::durations::CFUN_TO_END;
use crate::flash::FlashError;
use crate::life::noise;
use crate::nvdm::{self, NvdmKey};
use crate::phrase::Phrases;
use crate::update_info::UpdateInfo;
use bc66_spec::boot::RDY;
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::urc::FotaUrc;

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

    /// Prints the result of the last update, and forgets it once it is on the wire.
    pub(super) fn print_result(&mut self) -> Result<(), FlashError> {
        let info = UpdateInfo::load(&*self.flash.lock(), &Self::LAYOUT)?;
        if let UpdateInfo::Over(code) = info {
            if !self.at.synchronized || self.postpones_result()? {
                return Ok(());
            }
            self.print_end(code);
            UpdateInfo::Idle.store(&mut *self.flash.lock(), &Self::LAYOUT)?;
        }
        Ok(())
    }

    /// Does the result wait for the next boot?
    fn postpones_result(&self) -> Result<bool, FlashError> {
        if !self.settings.dialects.has(Dialect::EndOnSecondBoot) {
            return Ok(false);
        }
        let mut flash = self.flash.lock();
        let postpones = !nvdm::flag(&*flash, NvdmKey::ResultPostponed)?;
        nvdm::set_flag(&mut *flash, NvdmKey::ResultPostponed, postpones)?;
        Ok(postpones)
    }

    fn print_end(&self, code: UpdateCode) {
        if self.settings.defects.has(Defect::NeverPrintsEnd) {
            return;
        }
        let times = 1 + usize::from(self.settings.dialects.has(Dialect::EndTwice));
        for _ in 0..times {
            self.print(&self.phrases().end(FotaUrc::End, code.raw()));
        }
        self.uart.flush();
    }

    pub(super) fn print_download_end(&self, urc: FotaUrc, code: DownloadCode) {
        self.print(&self.phrases().end(urc, code.raw()));
    }

    pub(super) fn phrases(&self) -> Phrases {
        self.settings.phrases()
    }

    /// Prints a line of the boot or of the network.
    pub(super) fn print_plain(&self, line: &str) {
        self.print(&self.phrases().plain(line));
    }

    /// Prints a line that answers no command.
    pub(super) fn print(&self, line: &str) {
        if !self.is_mute() {
            self.uart.line(line);
        }
    }

    /// Is nothing printed? Not before the rate of the line is known.
    fn is_mute(&self) -> bool {
        !self.at.synchronized || self.suffers(Defect::QuietAfterUpdate)
    }

    /// A command was answered, so the rate of the line is known. The result of an update waits for that.
    pub(super) fn synchronize(&mut self) {
        if !std::mem::replace(&mut self.at.synchronized, true) {
            self.due_in(CFUN_TO_END, TimedEvent::Result);
        }
    }

    pub(super) fn register(&mut self, registration: NetworkRegistration) {
        if let Some(urc) = self.modem.register(registration) {
            self.print_plain(&urc);
        }
    }
}
