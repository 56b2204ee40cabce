//! Reads a bundle file by file. Anybody may have written it: nothing is unpacked to the disk, and reading stops at the first
//! byte that this program would not have written.

use super::archive::SEAL_BYTES;
use super::member;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use tar::Header;

/// Largest window of a compressed bundle, in bytes; ours are far smaller.
const WINDOW: u64 = 16 << 20;

/// The contents of one file, as they come. For a bundle that was read and found to be sound.
pub fn contents(path: &Path, name: &str) -> io::Result<impl Read + use<>> {
    let file = File::open(path)?;
    let frame = file.metadata()?.len().saturating_sub(SEAL_BYTES);
    let mut tar = decoder(BufReader::new(file).take(frame))?;
    while let Some((found, size)) = next_header(&mut tar)? {
        if found == name {
            return Ok(tar.take(size));
        }
        let rest = size + member::padding(size) as u64;
        io::copy(&mut (&mut tar).take(rest), &mut io::sink())?;
    }
    Err(bad(format!("`{name}` is not in it")))
}

/// Gives each file to `take`, as they come. For a bundle that was read and found to be sound.
pub fn each(path: &Path, mut take: impl FnMut(&str, &mut dyn Read) -> io::Result<()>) -> io::Result<()> {
    let file = File::open(path)?;
    let frame = file.metadata()?.len().saturating_sub(SEAL_BYTES);
    let mut tar = decoder(BufReader::new(file).take(frame))?;
    while let Some((found, size)) = next_header(&mut tar)? {
        let mut inside = (&mut tar).take(size);
        take(&found, &mut inside)?;
        let rest = inside.limit() + member::padding(size) as u64;
        io::copy(&mut (&mut tar).take(rest), &mut io::sink())?;
    }
    Ok(())
}

/// The archive behind the compression.
pub fn decoder<R: Read>(compressed: R) -> io::Result<StreamingDecoder<R, FrameDecoder>> {
    StreamingDecoder::new_with_max_window_size(compressed, WINDOW)
        .map_err(|why| bad(format!("expected a zstd file: {why}")))
}

/// A bundle that is not as this program writes one.
pub fn bad(why: impl Into<String>) -> io::Error {
    io::Error::other(why.into())
}

/// Name and size of the next file; `None` at the end of the archive.
pub fn next_header(tar: &mut impl Read) -> io::Result<Option<(String, u64)>> {
    let mut bytes = block(tar)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return if block(tar)?.iter().all(|byte| *byte == 0) {
            Ok(None)
        } else {
            Err(bad("a damaged end of the archive"))
        };
    }
    let mut name = None;
    if Header::from_byte_slice(&bytes).entry_type() == tar::EntryType::XHeader {
        let size = Header::from_byte_slice(&bytes).entry_size()?;
        if size > member::BLOCK as u64 {
            return Err(bad("a name longer than any of this program's"));
        }
        let record = block(tar)?;
        name = member::name_of_pax(&record[..size as usize]).map(str::to_owned);
        bytes.extend(record);
        bytes.extend(block(tar)?);
    }
    let header = Header::from_byte_slice(&bytes[bytes.len() - member::BLOCK..]);
    let size = header
        .entry_size()
        .map_err(|why| bad(format!("a damaged header: {why}")))?;
    let name = name.unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned());
    if member::header(&name, size) != Some(bytes) {
        return Err(bad(format!(
            "a header that this program never writes, for `{}`: expected a regular file with a plain relative name; nothing was unpacked",
            name.escape_default()
        )));
    }
    Ok(Some((name, size)))
}

fn block(tar: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; member::BLOCK];
    tar.read_exact(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// A bundle that cannot be read on.
pub fn broken(why: io::Error) -> io::Error {
    match why.kind() {
        io::ErrorKind::UnexpectedEof => bad("it ends in the middle"),
        _ => bad(format!("damaged compressed data: {why}")),
    }
}
