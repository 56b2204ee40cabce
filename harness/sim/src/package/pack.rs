//! Makes packages.

use super::{CRC, FORMAT, HEADER, MAGIC, NAME, digest, segment};
use crate::flash::SECTOR;
use crate::image;
use crate::layout::FlashLayout;
use crate::version::FirmwareVersion;
use std::io;

/// Sectors to each side that a segment may refer to: what was inserted shifts an image by less than one.
const REACH: usize = 2;

/// Why no package can be made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("`{from}` and `{to}` are for different modules")]
    Modules {
        from: FirmwareVersion,
        to: FirmwareVersion,
    },
    #[error("no difference could be computed: {0}")]
    Diff(#[from] io::Error),
}

/// The package that leads the simulated module from one version to another.
pub fn pack(from: &FirmwareVersion, to: &FirmwareVersion) -> Result<Vec<u8>, PackError> {
    pack_images(from, to, FlashLayout::BC66.image.size())
}

/// The package that leads from the image of one version to that of another, both of `len` bytes.
pub fn pack_images(from: &FirmwareVersion, to: &FirmwareVersion, len: usize) -> Result<Vec<u8>, PackError> {
    if from.module() != to.module() {
        return Err(PackError::Modules {
            from: from.clone(),
            to: to.clone(),
        });
    }
    let (source, target) = (&image::build(from, len)[..], &image::build(to, len)[..]);
    let payload = payload(source, target)?;
    let mut package = header(source, target, &payload);
    for name in [from, to] {
        let mut field = [0; NAME];
        field[..name.as_str().len()].copy_from_slice(name.as_str().as_bytes());
        package.extend_from_slice(&field);
    }
    package.resize(HEADER - 4, 0);
    package.extend_from_slice(&CRC.checksum(&package).to_le_bytes());
    package.extend_from_slice(&payload);
    Ok(package)
}

/// The header up to the two names.
fn header(source: &[u8], target: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&(REACH as u16).to_le_bytes());
    for length in [SECTOR, source.len() / SECTOR, payload.len()] {
        header.extend_from_slice(&length32(length));
    }
    for content in [source, target, payload] {
        header.extend_from_slice(&digest(content));
    }
    header
}

fn payload(source: &[u8], target: &[u8]) -> io::Result<Vec<u8>> {
    let count = source.len() / SECTOR;
    let mut flash = source.to_vec();
    let mut table = Vec::new();
    let mut segments = Vec::new();
    for (index, new) in target.chunks_exact(SECTOR).enumerate() {
        let here = index * SECTOR..(index + 1) * SECTOR;
        let window = segment::window(index, count, REACH);
        let segment = segment::make(&flash[window.start * SECTOR..window.end * SECTOR], new)?;
        table.extend_from_slice(&length32(segment.len()));
        table.extend_from_slice(&digest(&source[here.clone()]));
        table.extend_from_slice(&digest(new));
        segments.extend_from_slice(&segment);
        flash[here].copy_from_slice(new);
    }
    table.extend_from_slice(&segments);
    Ok(table)
}

fn length32(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("images are small").to_le_bytes()
}
