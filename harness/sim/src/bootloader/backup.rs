//! The backup of the one chunk that is being patched: afterwards either the sector or the backup holds its source.

use super::Bootloader;
use crate::defect::Defect;
use crate::flash::{PAGE, Result, SECTOR};
use crate::package::{Digest, digest};

impl Bootloader<'_> {
    /// Afterwards the sector at `at` and the backup both hold the chunk's source.
    pub(super) fn secure_source(&mut self, at: usize, now: Digest, source: Digest) -> Result<()> {
        if self.defects.has(Defect::NoBackup) {
            return Ok(());
        }
        let backup = self.layout.backup.start;
        let backed_up = self.digest_of(backup)? == source;
        let looks_backed_up = backed_up || self.same_first_page(at)?;
        if self.defects.has(Defect::TornBackupTrusted) && self.resumed && looks_backed_up {
            return self.copy(backup, at);
        }
        let enough = backed_up || self.defects.has(Defect::BackupNotVerified) && looks_backed_up;
        if now == source && !enough {
            self.copy(at, backup)?;
        } else if now != source && backed_up {
            self.copy(backup, at)?;
        }
        Ok(())
    }

    /// Does the backup begin like the sector at `at`?
    fn same_first_page(&self, at: usize) -> Result<bool> {
        let page = |at| self.flash.read_vec(at, PAGE);
        Ok(page(self.layout.backup.start)? == page(at)?)
    }

    fn copy(&mut self, from: usize, to: usize) -> Result<()> {
        let content = self.flash.read_vec(from, SECTOR)?;
        self.replace(to, &content)
    }

    pub(super) fn replace(&mut self, at: usize, content: &[u8]) -> Result<()> {
        self.flash.erase(at)?;
        self.flash.program_all(at, content)
    }

    pub(super) fn digest_of(&self, at: usize) -> Result<Digest> {
        Ok(digest(&self.flash.read_vec(at, SECTOR)?))
    }
}
