//! Writes `evidence.tar.zst`: a tar archive, compressed, and a seal behind it.
//!
//! The seal is a skippable frame (RFC 8878 §3.1.2), which every other program passes over: the SHA-256 of all bytes before
//! it. With it each byte of the file counts, also those that say nothing about the contents.

use super::member;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use zrip::FrameEncoder;

/// The fastest level that is no worse than the next ones: three of them give the same size for a journal.
const LEVEL: i32 = 1;
/// How a seal begins: the number of the frame, its length, whose it is.
pub const SEAL: [u8; 16] = *b"\x5d\x2a\x4d\x18\x28\x00\x00\x00dfotahil";
/// Length of a seal in bytes.
pub const SEAL_BYTES: u64 = 48;

/// A file that goes into an archive.
#[derive(Debug)]
pub struct ArchiveEntry {
    /// Its path in the archive.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it comes from.
    pub source: ArchiveSource,
}

/// Where a file comes from.
#[derive(Debug)]
pub enum ArchiveSource {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// Writes an archive of these files, in their order.
pub fn write(entries: impl IntoIterator<Item = ArchiveEntry>, to: impl Write) -> io::Result<()> {
    let sealed = Sealed {
        inner: to,
        hash: Sha256::new(),
    };
    let mut tar = FrameEncoder::new(sealed, LEVEL).map_err(io::Error::other)?;
    for entry in entries {
        add(entry, &mut tar)?;
    }
    tar.write_all(&[0; 2 * member::BLOCK])?;
    let Sealed { mut inner, hash } = tar.finish()?;
    inner.write_all(&SEAL)?;
    inner.write_all(&hash.finalize())?;
    inner.flush()
}

/// Writes one file: its header, its contents, and what fills them up.
fn add(entry: ArchiveEntry, tar: &mut impl Write) -> io::Result<()> {
    let header = member::header(&entry.name, entry.size).ok_or_else(|| {
        let name = entry.name.escape_default();
        io::Error::other(format!("`{name}` cannot be the name of a file in a bundle"))
    })?;
    tar.write_all(&header)?;
    let written = match entry.source {
        ArchiveSource::Bytes(bytes) => io::copy(&mut &bytes[..], tar)?,
        ArchiveSource::File(path) => io::copy(&mut File::open(path)?.take(entry.size), tar)?,
    };
    if written < entry.size {
        return Err(io::Error::other(
            "a file of the run became shorter while it was bundled",
        ));
    }
    tar.write_all(&[0; member::BLOCK][..member::padding(entry.size)])
}

/// Takes the digest of what it hands on.
struct Sealed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
