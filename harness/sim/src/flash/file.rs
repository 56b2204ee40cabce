//! Flash as a file, which outlives the module process.
//!
//! Each operation first writes its torn state, then lets its duration pass, then writes its final state. A process that
//! is killed in between therefore leaves the operation torn, without help from the killer.

use super::{Flash, Result};
use crate::clock::{ModuleClock, Pacer};
use crate::random::Random;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct FileFlash {
    file: File,
    size: usize,
    clock: ModuleClock,
    pace: Pacer,
    random: Random,
}

impl FileFlash {
    /// Opens the chip in the file at `path`, which must be there.
    pub(crate) fn open(path: &Path, clock: ModuleClock, seed: u64) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let size = file.metadata()?.len() as usize;
        Ok(Self {
            file,
            size,
            clock,
            pace: Pacer::new(),
            random: Random::for_purpose(seed, "tear"),
        })
    }
}

impl Flash for FileFlash {
    fn size(&self) -> usize {
        self.size
    }

    fn read(&self, at: usize, into: &mut [u8]) -> Result<()> {
        Ok(self.file.read_exact_at(into, at as u64)?)
    }

    fn change(
        &mut self,
        at: usize,
        new: &[u8],
        time: Duration,
        tear: &dyn Fn(&mut Random) -> Vec<u8>,
    ) -> Result<()> {
        self.file.write_all_at(&tear(&mut self.random), at as u64)?;
        self.pace.restart();
        self.pace.pass(self.clock.real(time));
        Ok(self.file.write_all_at(new, at as u64)?)
    }
}
