//! What a defective bootloader counts: resets in an update, boots after it. A sound one counts neither.

use super::{Bootloader, Next};
use crate::defect::Defect;
use crate::flash::Result;
use crate::record_log::RecordLog;
use crate::update_info::UpdateInfo;
use bc66_spec::code::UpdateCode;

const BOOTS_KEY: u8 = 3;
/// Resets by itself, in the update that is under way.
const RESETS_KEY: u8 = 4;

/// The boot on which the old image is back: [`Defect::OldImageOnSecondBoot`].
const OLD_AGAIN: u8 = 2;
/// The boot on which the update comes once more, the second after the new version's first one: [`Defect::UpdatesAgainLater`].
const UPDATE_AGAIN: u8 = 3;
/// Resets of an update that reaches its end all the same: [`Defect::ResetsWhileUpdating`].
const RESETS: u8 = 3;

struct BootCount {
    /// Since an update succeeded.
    boots: u8,
    /// Bytes of its package.
    package: u32,
}

impl Bootloader<'_> {
    /// No update is under way: starts the application, unless a defect starts something else.
    pub(super) fn boot_normally(&mut self) -> Result<Next> {
        let Some(BootCount { boots, package }) = self.boots()? else {
            return Ok(Next::Application);
        };
        match boots + 1 {
            OLD_AGAIN if self.defects.has(Defect::OldImageOnSecondBoot) => {
                self.restore_old_image()?;
                self.save_boots(None)?;
            }
            UPDATE_AGAIN if self.defects.has(Defect::UpdatesAgainLater) => {
                let package = package as usize;
                self.save_boots(None)?;
                UpdateInfo::Patching { package }.store(self.flash, self.layout)?;
                self.again = true;
                return self.resume(package);
            }
            boots => self.save_boots(Some(BootCount { boots, package }))?,
        }
        Ok(Next::Application)
    }

    /// An update of a package of `len` bytes is over: starts to count boots, and stops to count resets.
    pub(super) fn count_from_here(&mut self, code: UpdateCode, len: usize) -> Result<()> {
        self.forget_resets()?;
        let counts = [Defect::OldImageOnSecondBoot, Defect::UpdatesAgainLater];
        let counts = counts.into_iter().any(|defect| self.defects.has(defect));
        if counts && code == UpdateCode::Success && !self.again {
            let package = len as u32;
            self.save_boots(Some(BootCount { boots: 0, package }))?;
        }
        Ok(())
    }

    /// Is the processor reset after so many chunks? Counts the reset before it happens.
    pub(super) fn is_reset_at(&mut self, done: usize, count: usize) -> Result<bool> {
        let fails = self.defects.has(Defect::FiveTriesThenOld) && self.resumed && done == count / 2;
        if !fails && !self.defects.has(Defect::ResetsWhileUpdating) {
            return Ok(false);
        }
        let resets = self.resets()?;
        let next = count * (usize::from(resets) + 1) / (usize::from(RESETS) + 1);
        let is_reset = fails || resets < RESETS && done == next;
        if is_reset {
            self.save_resets(resets + 1)?;
        }
        Ok(is_reset)
    }

    pub(super) fn resets(&self) -> Result<u8> {
        let record = self.log().read(self.flash, RESETS_KEY)?;
        Ok(record.and_then(|record| record.first().copied()).unwrap_or(0))
    }

    pub(super) fn forget_resets(&mut self) -> Result<()> {
        match self.resets()? {
            0 => Ok(()),
            _ => self.save_resets(0),
        }
    }

    fn save_resets(&mut self, resets: u8) -> Result<()> {
        self.log().write(self.flash, RESETS_KEY, &[resets])
    }

    fn boots(&self) -> Result<Option<BootCount>> {
        let record = self.log().read(self.flash, BOOTS_KEY)?;
        Ok(record.and_then(|record| {
            let (boots, package) = record.split_first()?;
            let package = u32::from_le_bytes(package.try_into().ok()?);
            Some(BootCount {
                boots: *boots,
                package,
            })
        }))
    }

    fn save_boots(&mut self, count: Option<BootCount>) -> Result<()> {
        let record = count.map(|BootCount { boots, package }| {
            let [a, b, c, d] = package.to_le_bytes();
            vec![boots, a, b, c, d]
        });
        self.log()
            .write(self.flash, BOOTS_KEY, &record.unwrap_or_default())
    }

    fn log(&self) -> RecordLog {
        RecordLog::new(self.layout.info)
    }
}
