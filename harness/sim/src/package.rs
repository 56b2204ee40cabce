//! Delta packages for the simulated module: `core`, a format of its own.
//!
//! ```text
//! header   magic `core` (`rehe` for a rehearsal), format, chunks, window, lengths, digests of source, target and payload, both versions, CRC-32
//! table    for each chunk: length of its segment, digest of its source, digest of its target
//! segments for each chunk: what the library's diff says, compressed
//! ```
//!
//! A chunk is one sector, patched in place. Chunk *k* is computed against the flash as it is just before *k* is patched:
//! target up to *k*, source from *k* on. So no byte is ever needed that has been overwritten, and a chunk can be patched
//! again after a power cut as long as its own old content is backed up.

mod pack;
mod segment;

pub use pack::{PackError, pack, pack_images};

use crate::flash::SECTOR;
use crate::version::FirmwareVersion;
use sha2::{Digest as _, Sha256};

pub type Digest = [u8; 32];

/// SHA-256.
pub fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

const MAGIC: [u8; 4] = *b"core";
/// The magic of a package for a rehearsal, on a bench whose wires end at this module in place of a real one.
const REHEARSAL: [u8; 4] = *b"rehe";
const FORMAT: u16 = 1;
const NAME: usize = 16;
/// Header length, its CRC included.
const HEADER: usize = 168;
/// Offset of the content's digest: after magic, format, reach, three lengths and two digests.
const DIGEST_AT: usize = 4 + 2 + 2 + 3 * 4 + 2 * 32;
const TABLE_ENTRY: usize = 4 + 32 + 32;
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// One chunk of a package.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// What the sector must hold before.
    pub source: Digest,
    /// What it must hold after.
    pub target: Digest,
    segment: &'a [u8],
}

/// A sound package: everything that can be known without the flash has been checked.
#[derive(Debug, Clone)]
pub struct DeltaPackage<'a> {
    pub from: FirmwareVersion,
    pub to: FirmwareVersion,
    /// Digest of the whole source image.
    pub source: Digest,
    /// Digest of the whole target image.
    pub target: Digest,
    /// Sectors to each side of a chunk that its segment may refer to.
    window: usize,
    /// In the order of patching.
    pub chunks: Vec<Chunk<'a>>,
}

/// What packages of this module are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackagePurpose {
    Simulation,
    /// A bench with wires, at whose end this module stands in for a real one.
    Rehearsal,
}

/// What the bytes are made for, by their magic alone; `None` if they are another kind of package.
pub fn purpose(bytes: &[u8]) -> Option<PackagePurpose> {
    match bytes.first_chunk() {
        Some(&MAGIC) => Some(PackagePurpose::Simulation),
        Some(&REHEARSAL) => Some(PackagePurpose::Rehearsal),
        _ => None,
    }
}

/// The same package for a rehearsal.
pub fn for_rehearsal(mut package: Vec<u8>) -> Vec<u8> {
    package[..REHEARSAL.len()].copy_from_slice(&REHEARSAL);
    let crc = CRC.checksum(&package[..HEADER - 4]);
    package[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
    package
}

/// What is in a package; `None` unless it is sound.
pub fn inspect(bytes: &[u8]) -> Option<DeltaPackage<'_>> {
    let (_, payload) = bytes.split_at_checked(HEADER)?;
    let stated: Digest = bytes[DIGEST_AT..].first_chunk().copied()?;
    inspect_unverified(bytes).filter(|_| digest(payload) == stated)
}

/// The same without a check of the content's digest.
pub(crate) fn inspect_unverified(bytes: &[u8]) -> Option<DeltaPackage<'_>> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let (covered, crc) = header.split_at(HEADER - 4);
    let mut fields = PackageFields(header);
    let magic = fields.array()?;
    let format = u16::from_le_bytes(fields.array()?);
    if ![MAGIC, REHEARSAL].contains(&magic) || format != FORMAT || CRC.checksum(covered).to_le_bytes() != crc
    {
        return None;
    }
    let window = usize::from(u16::from_le_bytes(fields.array()?));
    let (chunk_size, count, payload_len) = (fields.length()?, fields.length()?, fields.length()?);
    if chunk_size != SECTOR || count == 0 || payload.len() != payload_len {
        return None;
    }
    let (source, target, _) = (fields.array()?, fields.array()?, fields.array::<32>()?);
    Some(DeltaPackage {
        source,
        target,
        from: fields.version()?,
        to: fields.version()?,
        window,
        chunks: chunks(payload, count)?,
    })
}

/// The chunks of a content that they must fill.
fn chunks(payload: &[u8], count: usize) -> Option<Vec<Chunk<'_>>> {
    let (table, mut segments) = payload.split_at_checked(count.checked_mul(TABLE_ENTRY)?)?;
    let mut chunks = Vec::with_capacity(count);
    for entry in table.chunks_exact(TABLE_ENTRY) {
        let mut fields = PackageFields(entry);
        let (len, source, target) = (fields.length()?, fields.array()?, fields.array()?);
        let (segment, rest) = segments.split_at_checked(len)?;
        segments = rest;
        chunks.push(Chunk {
            source,
            target,
            segment,
        });
    }
    segments.is_empty().then_some(chunks)
}

impl DeltaPackage<'_> {
    /// The sectors that the segment of chunk `index` refers to.
    pub fn window(&self, index: usize) -> std::ops::Range<usize> {
        segment::window(index, self.chunks.len(), self.window)
    }

    /// The new content of chunk `index`, out of what the sectors of [`DeltaPackage::window`] hold.
    pub(crate) fn patch(&self, index: usize, window: &[u8]) -> Option<Vec<u8>> {
        segment::apply(self.chunks[index].segment, window)
    }
}

/// What is left to read of a header or of an entry of the table.
struct PackageFields<'a>(&'a [u8]);

impl PackageFields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn length(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.array()?) as usize)
    }

    fn version(&mut self) -> Option<FirmwareVersion> {
        let name: [u8; NAME] = self.array()?;
        let name = name.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(name).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image;

    const LEN: usize = 4 * SECTOR;

    fn sample() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let [from, to] =
            ["BC66NBR01A01", "BC66NBR01A02"].map(|name| name.parse::<FirmwareVersion>().expect("a version"));
        let package = pack_images(&from, &to, LEN).expect("a package");
        (image::build(&from, LEN), image::build(&to, LEN), package)
    }

    #[test]
    fn chunk_by_chunk_in_place() {
        let (source, target, package) = sample();
        let package = inspect(&package).expect("a sound package");
        let names = [package.from.as_str(), package.to.as_str()];
        assert_eq!(names, ["BC66NBR01A01", "BC66NBR01A02"]);
        assert_eq!(
            [package.source, package.target],
            [&source, &target].map(|image| digest(image))
        );
        let mut flash = source;
        for index in 0..package.chunks.len() {
            let window = package.window(index);
            let new = package
                .patch(index, &flash[window.start * SECTOR..window.end * SECTOR])
                .expect("it applies");
            flash[index * SECTOR..][..SECTOR].copy_from_slice(&new);
        }
        assert!(flash == target);
    }

    #[test]
    fn a_package_for_a_rehearsal_is_the_same_under_another_magic() {
        let (.., package) = sample();
        let rehearsal = for_rehearsal(package.clone());
        let made_for = [&package[..], &rehearsal, b"rock", b"cor", b""].map(purpose);
        let [simulation, at_a_bench] = [PackagePurpose::Simulation, PackagePurpose::Rehearsal].map(Some);
        assert_eq!(made_for, [simulation, at_a_bench, None, None, None]);
        let [one, other] = [&package[..], &rehearsal].map(|bytes| inspect(bytes).expect("a sound package"));
        assert_eq!((one.source, one.target), (other.source, other.target));
        assert_eq!(package[HEADER..], rehearsal[HEADER..]);
    }

    #[test]
    fn no_damage_passes() {
        let (.., package) = sample();
        for at in 0..package.len() {
            let mut damaged = package.clone();
            damaged[at] ^= 0x10;
            assert!(inspect(&damaged).is_none(), "byte {at} was flipped");
        }
        for len in (0..package.len()).step_by(7) {
            assert!(inspect(&package[..len]).is_none(), "cut to {len} bytes");
        }
    }
}
