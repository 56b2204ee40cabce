//! The bootloader: verifies a package and patches the image in place, chunk by chunk.
//!
//! The order of its steps is that of the real bootloader's strings (FW): marker, header check, verify delta, verify
//! source; then per chunk: already target → skip; backed up → restore; else back up, patch, program, verify; then report
//! and reboot. Forced update mode is no mode: a marker that is still set after a power cut leads through the same steps.
//!
//! What it prints and how long things take is the business of [`Progress`].

use crate::defect::{Defect, Defects};
use crate::durations::{DIGEST_SECTOR, PATCH_CHUNK};
use crate::flash::{Flash, Result, SECTOR};
use crate::layout::Layout;
use crate::package::{Digest, Package, digest, inspect};
use crate::update_info::UpdateInfo;
use bc66_wire::code::UpdateCode;
use bc66_wire::urc::UPDATING_FIRST_PERCENT;
use std::time::Duration;

/// Who watches an update.
pub trait Progress {
    /// An update that was cut goes on.
    fn resumes(&mut self);
    /// So many percent are done.
    fn percent(&mut self, percent: u8);
    /// The processor computes for this long.
    fn computes(&mut self, module_time: Duration);
}

/// What comes after the bootloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The application starts.
    Application,
    /// An update ended, well or not: the module reboots.
    Reboot,
}

/// The bootloader of one boot.
pub struct Bootloader<'a> {
    /// What it works on.
    pub flash: &'a mut dyn Flash,
    /// Where things stand in there.
    pub layout: &'a Layout,
    /// Who watches.
    pub progress: &'a mut dyn Progress,
    /// What is wrong with it.
    pub defects: Defects,
}

impl Bootloader<'_> {
    /// Does whatever the flash says must be done.
    pub fn run(&mut self) -> Result<Next> {
        match UpdateInfo::load(self.flash, self.layout)? {
            UpdateInfo::Idle | UpdateInfo::Over(_) => Ok(Next::Application),
            UpdateInfo::Patching { .. } if self.defects.has(Defect::ForgetsResume) => {
                UpdateInfo::Idle.store(self.flash, self.layout)?;
                Ok(Next::Application)
            }
            UpdateInfo::Ordered { package } => self.update(package, Self::verify_source),
            UpdateInfo::Patching { package } => {
                self.progress.resumes();
                self.update(package, Self::verify_mixture)
            }
        }
    }

    fn update(&mut self, len: usize, verify: fn(&Self, &Package<'_>) -> Result<bool>) -> Result<Next> {
        let bytes = self
            .flash
            .read_vec(self.layout.delta.start, len.min(self.layout.delta.len()))?;
        self.compute_digests(bytes.len().div_ceil(SECTOR));
        let code = match inspect(&bytes) {
            Ok(package) if package.chunks.len() == self.layout.image.sectors => {
                self.compute_digests(package.chunks.len());
                if verify(self, &package)? {
                    self.patch_all(&package, len)?
                } else {
                    UpdateCode::Mismatch
                }
            }
            Ok(_) => UpdateCode::Mismatch,
            Err(_) => UpdateCode::Invalid,
        };
        UpdateInfo::Over(code).store(self.flash, self.layout)?;
        Ok(Next::Reboot)
    }

    /// Before the first write: every sector is the source's.
    fn verify_source(&self, package: &Package<'_>) -> Result<bool> {
        let image = self
            .flash
            .read_vec(self.layout.image.start, self.layout.image.len())?;
        let chunks = image
            .chunks_exact(SECTOR)
            .zip(&package.chunks)
            .all(|(now, chunk)| digest(now) == chunk.source);
        Ok(chunks && digest(&image) == package.source)
    }

    /// After a cut: every sector is the source's or the target's, but for one that may be torn if its backup is whole.
    fn verify_mixture(&self, package: &Package<'_>) -> Result<bool> {
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

    fn patch_all(&mut self, package: &Package<'_>, len: usize) -> Result<UpdateCode> {
        UpdateInfo::Patching { package: len }.store(self.flash, self.layout)?;
        let count = package.chunks.len();
        let mut shown = UPDATING_FIRST_PERCENT;
        self.progress.percent(shown);
        for index in 0..count {
            if !self.patch_chunk(package, index)? {
                return Ok(UpdateCode::Unknown);
            }
            let percent = percent(index + 1, count);
            if percent > shown {
                shown = percent;
                self.progress.percent(shown);
            }
        }
        if self.defects.has(Defect::EndZeroCorruptedImage) {
            self.flash.erase(self.layout.image.sector(count / 2))?;
        }
        Ok(UpdateCode::Success)
    }

    /// Brings one chunk to its target; false if the package turns out not to lead there.
    fn patch_chunk(&mut self, package: &Package<'_>, index: usize) -> Result<bool> {
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
        let Ok(new) = package.patch(index, &sectors) else {
            return Ok(false);
        };
        if digest(&new) != chunk.target {
            return Ok(false);
        }
        self.replace(at, &new)?;
        Ok(self.digest_of(at)? == chunk.target)
    }

    /// Afterwards the sector at `at` and the backup both hold the chunk's source.
    fn secure_source(&mut self, at: usize, now: Digest, source: Digest) -> Result<()> {
        let backup = self.layout.backup.start;
        let backed_up = self.digest_of(backup)? == source;
        if now == source && !backed_up {
            let content = self.flash.read_vec(at, SECTOR)?;
            self.replace(backup, &content)?;
        } else if now != source && backed_up {
            let content = self.flash.read_vec(backup, SECTOR)?;
            self.replace(at, &content)?;
        }
        Ok(())
    }

    fn replace(&mut self, at: usize, content: &[u8]) -> Result<()> {
        self.flash.erase(at)?;
        self.flash.program_all(at, content)
    }

    fn digest_of(&self, at: usize) -> Result<Digest> {
        Ok(digest(&self.flash.read_vec(at, SECTOR)?))
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
