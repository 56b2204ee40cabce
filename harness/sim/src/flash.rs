//! NOR flash: all that survives a power cut.
//!
//! Erasing sets a whole sector to ones, programming turns ones into zeros inside one page, in whole write units. Breaking
//! these rules is a bug of the simulator, which panics then.
//! Two adapters: a running simulator uses `FileFlash`, tests use [`RamFlash`], which loses its power at a chosen
//! operation. Both tear the operation under way in the same manner (`tear`).

mod file;
mod ram;
mod shared;
mod tear;

pub(crate) use file::FileFlash;
pub use ram::RamFlash;
pub(crate) use shared::SharedFlash;

use crate::durations::{ERASE_SECTOR, PROGRAM_PAGE};
use crate::random::Random;
use std::io;
use std::time::Duration;

/// Bytes that are erased together.
pub const SECTOR: usize = 4096;
/// Bytes that one program operation can reach: it must not cross a page's end.
pub const PAGE: usize = 256;
/// Programming starts at a multiple of this and covers a multiple of it.
pub(crate) const WRITE_UNIT: usize = 16;
/// What erased flash reads as.
pub const ERASED: u8 = 0xFF;

/// Why a flash operation failed.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    #[error("the power was lost")]
    PowerLost,
    #[error("flash file: {0}")]
    File(#[from] io::Error),
}

pub type Result<T> = std::result::Result<T, FlashError>;

pub trait Flash {
    /// In bytes.
    fn size(&self) -> usize;

    fn read(&self, at: usize, into: &mut [u8]) -> Result<()>;

    /// Makes `new` the content at `at`, which takes `time`; what `tear` gives, if the power goes meanwhile.
    fn change(
        &mut self,
        at: usize,
        new: &[u8],
        time: Duration,
        tear: &dyn Fn(&mut Random) -> Vec<u8>,
    ) -> Result<()>;

    /// Erases the sector that begins at `at`.
    fn erase(&mut self, at: usize) -> Result<()> {
        check_erase(at, self.size());
        let old = self.read_vec(at, SECTOR)?;
        let tear = |random: &mut Random| tear::erase(&old, random);
        self.change(at, &[ERASED; SECTOR], ERASE_SECTOR, &tear)
    }

    /// Programs whole write units inside one page.
    fn program(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        let old = self.read_vec(at, bytes.len())?;
        check_program(at, &old, bytes);
        let time = PROGRAM_PAGE.mul_f64(bytes.len() as f64 / PAGE as f64);
        let tear = |random: &mut Random| tear::program(&old, bytes, random);
        self.change(at, &programmed(&old, bytes), time, &tear)
    }

    fn read_vec(&self, at: usize, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Programs any number of bytes anywhere, page by page; write units are filled up with ones, which change nothing.
    fn program_all(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        let begin = at - at % WRITE_UNIT;
        let mut padded = vec![ERASED; at - begin];
        padded.extend_from_slice(bytes);
        padded.resize(padded.len().next_multiple_of(WRITE_UNIT), ERASED);
        let mut from = 0;
        while from < padded.len() {
            let room = PAGE - (begin + from) % PAGE;
            let to = padded.len().min(from + room);
            self.program(begin + from, &padded[from..to])?;
            from = to;
        }
        Ok(())
    }
}

/// Panics unless `at` begins a sector inside a chip of `size` bytes.
fn check_erase(at: usize, size: usize) {
    let whole = at.is_multiple_of(SECTOR);
    assert!(whole, "erase at {at:#x}: not the beginning of a sector");
    let inside = at + SECTOR <= size;
    assert!(inside, "erase at {at:#x}: beyond the chip's {size:#x} bytes");
}

/// Panics unless `new` may be programmed over `old` at `at`.
fn check_program(at: usize, old: &[u8], new: &[u8]) {
    let len = new.len();
    let whole = at.is_multiple_of(WRITE_UNIT) && len.is_multiple_of(WRITE_UNIT);
    assert!(whole, "program at {at:#x}: not whole write units");
    let inside = len > 0 && at % PAGE + len <= PAGE;
    assert!(inside, "program {len} bytes at {at:#x}: not inside one page");
    let sets_bits = |(old, new): (&u8, &u8)| new & !old != 0 && *new != ERASED;
    let bad = old.iter().zip(new).position(sets_bits);
    assert!(
        bad.is_none(),
        "program at {at:#x}: bits would have to become ones at offset {bad:?}"
    );
}

/// What the cells hold after programming `new` over `old`.
fn programmed(old: &[u8], new: &[u8]) -> Vec<u8> {
    old.iter().zip(new).map(|(old, new)| old & new).collect()
}
