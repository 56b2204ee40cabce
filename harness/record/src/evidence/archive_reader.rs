//! Reads `evidence.tar.zst`. Anybody may have written it: nothing is unpacked to the disk, every length has a limit, and
//! reading stops at the first byte that this program would not have written.

use super::contents;
use super::manifest::Listed;
use crate::bundle::archive::{SEAL, SEAL_BYTES};
use crate::bundle::member;
use crate::bundle::stream::{bad, broken, decoder, next_header};
use crate::digest::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

/// Longest contents of a bundle, in bytes.
pub const LONGEST: u64 = 8 << 30;
/// Most files of a bundle.
pub const MOST: usize = 200_000;

/// What was read of a bundle.
#[derive(Debug, Default)]
pub struct BundleContents {
    /// Every file, in the order of the archive.
    pub files: Vec<Listed>,
    /// Contents of those that are looked into.
    pub kept: BTreeMap<String, Vec<u8>>,
    /// What is wrong with the archive itself, if something is. What had been read before it is there.
    pub problem: Option<String>,
}

/// Reads a bundle. An error means that it could not even be opened.
pub fn read(path: &Path) -> io::Result<BundleContents> {
    let mut file = File::open(path)?;
    let kind = file.metadata()?;
    if !kind.is_file() {
        return Err(io::Error::other("expected a regular file"));
    }
    let frame = kind.len().saturating_sub(SEAL_BYTES);
    let unsealed = seal(&mut file, frame)?;
    file.rewind()?;
    let mut found = BundleContents::default();
    let inside = walk(BufReader::new(file).take(frame), &mut found).err();
    found.problem = match (unsealed, inside) {
        (None, inside) => inside.map(|why| why.to_string()),
        (Some(seal), None) => Some(seal),
        (Some(seal), Some(inside)) => Some(format!("{seal}; {inside}")),
    };
    Ok(found)
}

/// What is wrong with the seal behind `frame` bytes.
fn seal(file: &mut File, frame: u64) -> io::Result<Option<String>> {
    let mut hash = Sha256::new();
    let mut bytes = vec![0; 1 << 18];
    let mut body = file.take(frame);
    loop {
        match body.read(&mut bytes)? {
            0 => break,
            read => hash.update(&bytes[..read]),
        }
    }
    let mut seal = Vec::new();
    file.take(SEAL_BYTES).read_to_end(&mut seal)?;
    let digest = hash.finalize();
    Ok(match seal.strip_prefix(&SEAL) {
        Some(sealed) if *sealed == *digest => None,
        Some(_) => Some("its bytes are not those that were sealed: something in it was changed".into()),
        None => Some(
            "it does not end with this program's seal: it was cut short, changed at its end, or not made by this program"
                .into(),
        ),
    })
}

/// Goes through the archive.
fn walk(compressed: impl Read, found: &mut BundleContents) -> io::Result<()> {
    let mut tar = decoder(compressed)?;
    let mut total = 0;
    while let Some((name, size)) = next_header(&mut tar)? {
        total += size;
        if total > LONGEST || found.files.len() >= MOST {
            return Err(bad(format!(
                "more than {LONGEST} bytes or {MOST} files: no run is that large, so it is not read to its end"
            )));
        }
        let ordered = found.files.last().is_none_or(|last| last.name < name);
        if !ordered {
            return Err(bad(format!(
                "`{name}` is there twice, or out of order: it was added"
            )));
        }
        take(&mut tar, name, size, found)?;
    }
    let mut rest = [0];
    match tar.read(&mut rest)? + tar.get_mut().read(&mut rest)? {
        0 => Ok(()),
        _ => Err(bad("more bytes behind its end: they were added")),
    }
}

/// Takes the digest of a file, and keeps what is looked into.
fn take(tar: &mut impl Read, name: String, size: u64, found: &mut BundleContents) -> io::Result<()> {
    let kept = contents::is_kept(&name);
    if contents::longest(&name).is_some_and(|limit| size > limit) {
        return Err(bad(format!(
            "`{name}` has {size} bytes, more than this program reads"
        )));
    }
    let mut hash = Sha256::new();
    let mut keep = Vec::new();
    let mut bytes = vec![0; 1 << 16];
    let mut left = size;
    while left > 0 {
        let most = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = tar.read(&mut bytes[..most]).map_err(broken)?;
        if read == 0 {
            return Err(bad(format!("it ends in the middle of `{name}`")));
        }
        hash.update(&bytes[..read]);
        if kept {
            keep.extend_from_slice(&bytes[..read]);
        }
        left -= read as u64;
    }
    let mut zeros = vec![0; member::padding(size)];
    tar.read_exact(&mut zeros).map_err(broken)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(bad(format!("bytes behind the end of `{name}`: they were added")));
    }
    if kept {
        found.kept.insert(name.clone(), keep);
    }
    found.files.push(Listed {
        name,
        size,
        sha256: hex(&hash.finalize()),
    });
    Ok(())
}
