//! Flash as a file, which outlives the module process.
//!
//! Each operation first writes its torn state, then lets its duration pass, then writes its final state. A process that
//! is killed in between therefore leaves the operation torn, without help from the killer.

use super::{ERASED, Flash, PAGE, Result, SECTOR, check_erase, check_program, programmed, tear};
use crate::clock::{ModuleClock, Pacer};
use crate::durations::{ERASE_SECTOR, PROGRAM_PAGE};
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

    fn spend(&mut self, module: Duration) {
        self.pace.restart();
        self.pace.pass(self.clock.real(module));
    }
}

impl Flash for FileFlash {
    fn read(&self, at: usize, into: &mut [u8]) -> Result<()> {
        Ok(self.file.read_exact_at(into, at as u64)?)
    }

    fn erase(&mut self, at: usize) -> Result<()> {
        check_erase(at, self.size);
        let old = self.read_vec(at, SECTOR)?;
        let torn = tear::erase(&old, &mut self.random);
        self.file.write_all_at(&torn, at as u64)?;
        self.spend(ERASE_SECTOR);
        Ok(self.file.write_all_at(&[ERASED; SECTOR], at as u64)?)
    }

    fn program(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        let old = self.read_vec(at, bytes.len())?;
        check_program(at, &old, bytes);
        let torn = tear::program(&old, bytes, &mut self.random);
        self.file.write_all_at(&torn, at as u64)?;
        self.spend(PROGRAM_PAGE.mul_f64(bytes.len() as f64 / PAGE as f64));
        Ok(self.file.write_all_at(&programmed(&old, bytes), at as u64)?)
    }
}
