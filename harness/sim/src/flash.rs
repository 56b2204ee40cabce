//! NOR flash: all that survives a power cut.
//!
//! Erasing sets a whole sector to ones, programming turns ones into zeros inside one page, in whole write units. The
//! rules are checked in every adapter, because breaking one is a bug of the simulator.
//! Two adapters: a running simulator uses `FileFlash`, tests use [`RamFlash`], which loses its power at a chosen
//! operation. Both tear the operation under way in the same manner (`tear`).

mod file;
mod ram;
mod shared;
mod tear;

pub(crate) use file::FileFlash;
pub use ram::RamFlash;
pub(crate) use shared::SharedFlash;

use std::io;

/// Bytes that are erased together.
pub const SECTOR: usize = 4096;
/// Bytes that one program operation can reach: it must not cross a page's end.
pub const PAGE: usize = 256;
/// Programming starts at a multiple of this and covers a multiple of it.
pub const WRITE_UNIT: usize = 16;
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
    fn read(&self, at: usize, into: &mut [u8]) -> Result<()>;
    /// Erases the sector that begins at `at`.
    fn erase(&mut self, at: usize) -> Result<()>;
    /// Programs whole write units inside one page.
    fn program(&mut self, at: usize, bytes: &[u8]) -> Result<()>;

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
    assert!(
        at.is_multiple_of(SECTOR),
        "erase at {at:#x}: not the beginning of a sector"
    );
    assert!(
        at + SECTOR <= size,
        "erase at {at:#x}: beyond the chip's {size:#x} bytes"
    );
}

/// Panics unless `new` may be programmed at `at`, where `old` stands.
fn check_program(at: usize, old: &[u8], new: &[u8]) {
    assert!(
        at.is_multiple_of(WRITE_UNIT) && new.len().is_multiple_of(WRITE_UNIT),
        "program at {at:#x}: not whole write units"
    );
    assert!(
        !new.is_empty() && at % PAGE + new.len() <= PAGE,
        "program {} bytes at {at:#x}: not inside one page",
        new.len()
    );
    let bad = old
        .iter()
        .zip(new)
        .position(|(old, new)| new & !old != 0 && *new != ERASED);
    assert!(
        bad.is_none(),
        "program at {at:#x}: bits would have to become ones at offset {bad:?}"
    );
}

/// What the cells hold after programming `new` over `old`.
fn programmed(old: &[u8], new: &[u8]) -> Vec<u8> {
    old.iter().zip(new).map(|(old, new)| old & new).collect()
}
