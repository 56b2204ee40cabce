//! Defective bootloaders that copy the whole old image and restore it where the sound one would go on.

use super::{Bootloader, Next};
use crate::defect::Defect;
use crate::flash::{Result, SECTOR};
use crate::layout::Region;
use crate::update_info::UpdateInfo;
use bc66_spec::code::UpdateCode;

/// The defects that need the copy.
const COPYING: [Defect; 5] = [
    Defect::RestoresOldWithError,
    Defect::GivesUpResume,
    Defect::GivesUpSilently,
    Defect::FiveTriesThenOld,
    Defect::OldImageOnSecondBoot,
];
/// "Update failed" of other modules of the maker, which keep the old image.
const FAILED: UpdateCode = UpdateCode::Undocumented(502);
/// Resumes before the old image is put back: [`Defect::FiveTriesThenOld`].
const TRIES: u8 = 5;

impl Bootloader<'_> {
    /// Before the first write to the image.
    pub(super) fn keep_old_image(&mut self) -> Result<()> {
        let keeps = COPYING.into_iter().any(|defect| self.defects.has(defect));
        if keeps && !self.resumed {
            self.copy_image(self.layout.image, self.layout.spare)?;
        }
        Ok(())
    }

    pub(super) fn restore_old_image(&mut self) -> Result<()> {
        self.copy_image(self.layout.spare, self.layout.image)
    }

    fn copy_image(&mut self, from: Region, to: Region) -> Result<()> {
        for index in 0..from.sectors {
            let content = self.flash.read_vec(from.sector(index), SECTOR)?;
            self.replace(to.sector(index), &content)?;
        }
        Ok(())
    }

    /// Puts the old image back instead of resuming, if a defect says so; what comes next.
    pub(super) fn gives_up(&mut self) -> Result<Option<Next>> {
        let (info, next) = if self.defects.has(Defect::GivesUpResume)
            || self.defects.has(Defect::FiveTriesThenOld) && self.resets()? >= TRIES
        {
            (UpdateInfo::Over(UpdateCode::Unknown), Next::Reboot)
        } else if self.defects.has(Defect::GivesUpSilently) {
            (UpdateInfo::Idle, Next::Application)
        } else {
            return Ok(None);
        };
        self.restore_old_image()?;
        self.forget_resets()?;
        info.store(self.flash, self.layout)?;
        Ok(Some(next))
    }

    /// The code to report; a resumed update may be taken back, whatever its code.
    pub(super) fn end_of_resume(&mut self, code: UpdateCode) -> Result<UpdateCode> {
        if !self.resumed || !self.defects.has(Defect::RestoresOldWithError) {
            return Ok(code);
        }
        self.restore_old_image()?;
        Ok(FAILED)
    }
}
