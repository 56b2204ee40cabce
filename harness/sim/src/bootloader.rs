//! The bootloader: verifies a package and patches the image in place, chunk by chunk.
//!
//! The order of its steps is that of the real bootloader's strings (FW): marker, header check, verify delta, verify
//! source; then per chunk: already target → skip; backed up → restore; else back up, patch, program, verify; then report
//! and reboot. There is no forced update mode: a marker that is still set after a power cut leads through the same steps.
//!
//! An [`UpdateObserver`] prints its progress and lets its time pass.

mod backup;
mod old_image;
mod tally;

use crate::brick;
use crate::defect::{Defect, Defects};
use crate::durations::{DIGEST_SECTOR, FRAGILE, PATCH_CHUNK};
use crate::flash::{Flash, Result, SECTOR};
use crate::layout::FlashLayout;
use crate::package::{DeltaPackage, digest, inspect, inspect_unverified};
use crate::update_info::UpdateInfo;
use bc66_spec::code::UpdateCode;
use bc66_spec::urc::UPDATING_FIRST_PERCENT;
use std::time::Duration;

/// Percentage at which a resume is given up: see [`Defect::RestoresOldWithError`].
const GIVES_UP_AT: u8 = 45;

/// Observes an update.
pub trait UpdateObserver {
    /// An update resumes after a cut.
    fn resumes(&mut self);
    fn percent(&mut self, percent: u8);
    /// The processor computes for this long.
    fn computes(&mut self, module_time: Duration);
}

/// What comes after the bootloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Application,
    /// An update ended, well or not: the module reboots.
    Reboot,
}

pub struct Bootloader<'a> {
    flash: &'a mut dyn Flash,
    layout: &'a FlashLayout,
    progress: &'a mut dyn UpdateObserver,
    defects: Defects,
    resumed: bool,
    /// An update that was over already: see [`Defect::UpdatesAgainLater`].
    again: bool,
}

impl<'a> Bootloader<'a> {
    pub fn new(
        flash: &'a mut dyn Flash,
        layout: &'a FlashLayout,
        progress: &'a mut dyn UpdateObserver,
        defects: Defects,
    ) -> Self {
        Self {
            flash,
            layout,
            progress,
            defects,
            resumed: false,
            again: false,
        }
    }

    /// Starts, resumes or skips an update, as the marker in the flash says.
    pub fn run(&mut self) -> Result<Next> {
        match UpdateInfo::load(self.flash, self.layout)? {
            UpdateInfo::Idle | UpdateInfo::Over(_) => self.boot_normally(),
            UpdateInfo::Patching { .. } if self.defects.has(Defect::ForgetsResume) => {
                UpdateInfo::Idle.store(self.flash, self.layout)?;
                Ok(Next::Application)
            }
            UpdateInfo::Ordered { package } => self.update(package),
            UpdateInfo::Patching { package } => match self.gives_up()? {
                Some(next) => Ok(next),
                None => self.resume(package),
            },
        }
    }

    fn resume(&mut self, package: usize) -> Result<Next> {
        self.resumed = true;
        self.progress.resumes();
        self.update(package)
    }

    fn update(&mut self, len: usize) -> Result<Next> {
        let bytes = self
            .flash
            .read_vec(self.layout.delta.start, len.min(self.layout.delta.size()))?;
        self.compute_digests(bytes.len().div_ceil(SECTOR));
        let inspected = if self.defects.has(Defect::WrongDigestAccepted) {
            inspect_unverified(&bytes)
        } else {
            inspect(&bytes)
        };
        let patched = match inspected {
            Some(package) if package.chunks.len() == self.layout.image.sectors => {
                self.compute_digests(package.chunks.len());
                if self.verify(&package)? {
                    self.patch_all(&package, len)?
                } else {
                    Some(UpdateCode::Mismatch)
                }
            }
            Some(_) => Some(UpdateCode::Mismatch),
            None => Some(UpdateCode::Invalid),
        };
        if let Some(code) = patched {
            let code = self.end_of_resume(code)?;
            self.count_from_here(code, len)?;
            UpdateInfo::Over(code).store(self.flash, self.layout)?;
        }
        Ok(Next::Reboot)
    }

    fn verify(&self, package: &DeltaPackage<'_>) -> Result<bool> {
        if self.resumed {
            self.verify_mixture(package)
        } else {
            Ok(self.defects.has(Defect::WrongBaseAccepted) || self.verify_source(package)?)
        }
    }

    /// Is every sector the source's? Checked before the first write.
    fn verify_source(&self, package: &DeltaPackage<'_>) -> Result<bool> {
        let image = self
            .flash
            .read_vec(self.layout.image.start, self.layout.image.size())?;
        let chunks = image
            .chunks_exact(SECTOR)
            .zip(&package.chunks)
            .all(|(now, chunk)| digest(now) == chunk.source);
        Ok(chunks && digest(&image) == package.source)
    }

    /// Is every sector the source's or the target's, after a cut? One may be torn if its backup is whole.
    fn verify_mixture(&self, package: &DeltaPackage<'_>) -> Result<bool> {
        let backup = self.digest_of(self.layout.backup.start)?;
        let mut torn = 0;
        for (index, chunk) in package.chunks.iter().enumerate() {
            let now = self.digest_of(self.layout.image.sector(index))?;
            if now != chunk.source && now != chunk.target {
                torn += 1;
                if torn > 1 || backup != chunk.source {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The result of the update; `None` if the processor was reset meanwhile.
    fn patch_all(&mut self, package: &DeltaPackage<'_>, len: usize) -> Result<Option<UpdateCode>> {
        self.keep_old_image()?;
        let marker = if self.defects.has(Defect::NoMarker) {
            UpdateInfo::Idle
        } else {
            UpdateInfo::Patching { package: len }
        };
        marker.store(self.flash, self.layout)?;
        let count = package.chunks.len();
        let mut shown = UPDATING_FIRST_PERCENT;
        self.show(shown)?;
        for index in self.first_chunk(package)?..count {
            if index + 1 == count && self.defects.has(Defect::MarkerClearedEarly) {
                UpdateInfo::Idle.store(self.flash, self.layout)?;
            }
            if !self.patch_chunk(package, index)? {
                return Ok(Some(UpdateCode::Unknown));
            }
            let percent = percent(index + 1, count);
            if percent > shown {
                shown = percent;
                self.show(shown)?;
            }
            if self.is_reset_at(index + 1, count)? {
                return Ok(None);
            }
            if self.resumed && shown >= GIVES_UP_AT && self.defects.has(Defect::RestoresOldWithError) {
                return Ok(Some(UpdateCode::Unknown));
            }
        }
        if self.defects.has(Defect::EndZeroCorruptedImage) {
            self.flash.erase(self.layout.image.sector(count / 2))?;
        }
        Ok(Some(UpdateCode::Success))
    }

    /// Patches one chunk; false if its target does not come out.
    fn patch_chunk(&mut self, package: &DeltaPackage<'_>, index: usize) -> Result<bool> {
        let chunk = &package.chunks[index];
        let at = self.layout.image.sector(index);
        let now = self.digest_of(at)?;
        self.compute_digests(1);
        if now == chunk.target {
            return Ok(true);
        }
        self.secure_source(at, now, chunk.source)?;
        let window = package.window(index);
        let sectors = self
            .flash
            .read_vec(self.layout.image.sector(window.start), window.len() * SECTOR)?;
        self.progress.computes(PATCH_CHUNK);
        if self.defects.has(Defect::EndZeroOldVersion) {
            return Ok(true);
        }
        let new = package.patch(index, &sectors);
        let Some(new) = new.filter(|new| digest(new) == chunk.target) else {
            return Ok(false);
        };
        self.replace(at, &new)?;
        Ok(self.digest_of(at)? == chunk.target)
    }

    /// The chunk to begin with. Usually the first: finished ones are skipped one by one.
    fn first_chunk(&self, package: &DeltaPackage<'_>) -> Result<usize> {
        if !self.resumed || !self.defects.has(Defect::ResumesWrongChunk) {
            return Ok(0);
        }
        for (index, chunk) in package.chunks.iter().enumerate() {
            if self.digest_of(self.layout.image.sector(index))? != chunk.target {
                return Ok(index + 1);
            }
        }
        Ok(package.chunks.len())
    }

    fn show(&mut self, percent: u8) -> Result<()> {
        if !self.defects.has(Defect::BricksNearPercent) {
            self.progress.percent(percent);
            return Ok(());
        }
        brick::set_fragile(self.flash, self.layout, true)?;
        self.progress.percent(percent);
        self.progress.computes(FRAGILE);
        brick::set_fragile(self.flash, self.layout, false)
    }

    fn compute_digests(&mut self, sectors: usize) {
        self.progress.computes(DIGEST_SECTOR * sectors as u32);
    }
}

/// 20 before the first chunk (AN §2.2.1 note 1), 100 after the last.
fn percent(done: usize, count: usize) -> u8 {
    let span = usize::from(100 - UPDATING_FIRST_PERCENT);
    UPDATING_FIRST_PERCENT + (done * span / count) as u8
}
