//! Writes `evidence.tar.zst`: a tar archive, compressed, and a seal behind it.
//!
//! The seal is a skippable frame (RFC 8878 §3.1.2), which every other program passes over: the SHA-256 of all bytes before
//! it. With it each byte of the file counts, also those that say nothing about the contents.

use super::member;
use ruzstd::encoding::{CompressionLevel, compress};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// How a seal begins: the number of the frame, its length, whose it is.
pub const SEAL: [u8; 16] = *b"\x5d\x2a\x4d\x18\x28\x00\x00\x00dfotahil";
/// Length of a seal in bytes.
pub const SEAL_BYTES: u64 = 48;

/// A file that goes into an archive.
#[derive(Debug)]
pub struct Entry {
    /// Its path in the archive.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it comes from.
    pub source: Source,
}

/// Where a file comes from.
#[derive(Debug)]
pub enum Source {
    /// From here.
    Bytes(Vec<u8>),
    /// From the disk.
    File(PathBuf),
}

/// Writes an archive of these files, in their order.
pub fn write(entries: Vec<Entry>, to: impl Write) -> io::Result<()> {
    // The compressor panics when it cannot read or write: it never learns of it.
    let failed = RefCell::new(None);
    let mut sealed = Sealed {
        inner: to,
        hash: Sha256::new(),
        failed: &failed,
    };
    let source = Tar {
        entries: entries.into_iter(),
        current: Box::new(io::empty()),
        ended: false,
        failed: &failed,
    };
    compress(source, &mut sealed, CompressionLevel::Fastest);
    if let Some(why) = failed.take() {
        return Err(why);
    }
    let digest = sealed.hash.finalize();
    sealed.inner.write_all(&SEAL)?;
    sealed.inner.write_all(&digest)?;
    sealed.inner.flush()
}

/// The bytes of the archive before they are compressed.
struct Tar<'f> {
    entries: std::vec::IntoIter<Entry>,
    current: Box<dyn Read>,
    ended: bool,
    failed: &'f RefCell<Option<io::Error>>,
}

impl Tar<'_> {
    fn part(entry: Entry) -> io::Result<Box<dyn Read>> {
        let header = member::header(&entry.name, entry.size).ok_or_else(|| {
            let name = entry.name.escape_default();
            io::Error::other(format!("`{name}` is no name for a file of a bundle"))
        })?;
        let zeros = vec![0; member::padding(entry.size)];
        let contents: Box<dyn Read> = match entry.source {
            Source::Bytes(bytes) => Box::new(io::Cursor::new(bytes)),
            Source::File(path) => Box::new(Exactly {
                file: File::open(path)?,
                left: entry.size,
            }),
        };
        Ok(Box::new(
            io::Cursor::new(header)
                .chain(contents)
                .chain(io::Cursor::new(zeros)),
        ))
    }

    fn next_bytes(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.current.read(bytes)? {
                0 if self.ended => return Ok(0),
                0 => {}
                read => return Ok(read),
            }
            self.current = match self.entries.next() {
                Some(entry) => Self::part(entry)?,
                None => {
                    self.ended = true;
                    Box::new(io::repeat(0).take(2 * member::BLOCK as u64))
                }
            };
        }
    }
}

impl Read for Tar<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.failed.borrow().is_some() {
            return Ok(0);
        }
        Ok(self.next_bytes(bytes).unwrap_or_else(|why| {
            self.failed.replace(Some(why));
            0
        }))
    }
}

/// A file whose length is known: one that became shorter meanwhile is an error.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || bytes.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        match self.file.read(&mut bytes[..most])? {
            0 => Err(io::Error::other(
                "a file of the run became shorter while it was bundled",
            )),
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}

/// Takes the digest of what it hands on.
struct Sealed<'f, W> {
    inner: W,
    hash: Sha256,
    failed: &'f RefCell<Option<io::Error>>,
}

impl<W: Write> Write for Sealed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.borrow().is_none() {
            self.hash.update(bytes);
            if let Err(why) = self.inner.write_all(bytes) {
                self.failed.replace(Some(why));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
