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
pub use segment::SegmentError;

use crate::flash::SECTOR;
use crate::version::FirmwareVersion;
use sha2::{Digest as _, Sha256};

pub type Digest = [u8; 32];

/// SHA-256 of `bytes`.
pub fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

const MAGIC: [u8; 4] = *b"core";
/// Of a package for a rehearsal: the same, for a bench whose wires end at this module in place of a real one.
const REHEARSAL: [u8; 4] = *b"rehe";
const FORMAT: u16 = 1;
const NAME: usize = 16;
/// Header length, its CRC included.
const HEADER: usize = 168;
const TABLE_ENTRY: usize = 4 + 32 + 32;
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// Why bytes are no sound package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Not even a header.
    #[error("{0} bytes are too short for a package: its header alone has {HEADER}")]
    TooShort(usize),
    /// Another kind of file.
    #[error("no package of the simulated module: it begins with {0:02x?}, expected `core`")]
    Magic([u8; 4]),
    #[error("the header is damaged: its checksum is {stated:#010x}, computed {computed:#010x}")]
    HeaderCrc {
        /// What the header says.
        stated: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// A header that is whole and still makes no sense.
    #[error("the header makes no sense: {0}")]
    Header(&'static str),
    /// More or fewer bytes than the header says.
    #[error("{seen} bytes, but the header announces {stated}")]
    Length {
        /// What the header says.
        stated: usize,
        seen: usize,
    },
    #[error("the content is damaged: its digest is not the header's")]
    Payload,
}

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
    /// The version it starts from.
    pub from: FirmwareVersion,
    /// The version it leads to.
    pub to: FirmwareVersion,
    /// Digest of the whole source image.
    pub source: Digest,
    /// Digest of the whole target image.
    pub target: Digest,
    /// Sectors to each side of a chunk that its segment may refer to.
    window: usize,
    /// The chunks in the order of patching.
    pub chunks: Vec<Chunk<'a>>,
}

/// What packages of this module are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackagePurpose {
    Simulation,
    /// A bench with wires, at whose end this module stands in for a real one.
    Rehearsal,
}

/// What the bytes are made for, by their magic alone; nothing for a package of anybody else.
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

/// Checks a package and shows what is in it.
pub fn inspect(bytes: &[u8]) -> Result<DeltaPackage<'_>, PackageError> {
    read(bytes, true)
}

/// The same without a look at whether its content is what its digest says.
pub fn inspect_unverified(bytes: &[u8]) -> Result<DeltaPackage<'_>, PackageError> {
    read(bytes, false)
}

fn read(bytes: &[u8], verify: bool) -> Result<DeltaPackage<'_>, PackageError> {
    let (header, payload) = bytes
        .split_at_checked(HEADER)
        .ok_or(PackageError::TooShort(bytes.len()))?;
    let mut fields = Fields(header);
    let magic = fields.array();
    if ![MAGIC, REHEARSAL].contains(&magic) {
        return Err(PackageError::Magic(magic));
    }
    let stated = u32::from_le_bytes(Fields(&header[HEADER - 4..]).array());
    let computed = CRC.checksum(&header[..HEADER - 4]);
    if stated != computed {
        return Err(PackageError::HeaderCrc { stated, computed });
    }
    if u16::from_le_bytes(fields.array()) != FORMAT {
        return Err(PackageError::Header("unknown format"));
    }
    let window = usize::from(u16::from_le_bytes(fields.array()));
    let (chunk_size, count, payload_len) = (fields.length(), fields.length(), fields.length());
    let (source, target, payload_digest) = (fields.array(), fields.array(), fields.array());
    let (from, to) = (fields.version()?, fields.version()?);
    if chunk_size != SECTOR || count == 0 {
        return Err(PackageError::Header("unknown chunk size, or no chunk at all"));
    }
    if payload.len() != payload_len {
        return Err(PackageError::Length {
            stated: HEADER + payload_len,
            seen: bytes.len(),
        });
    }
    if verify && digest(payload) != payload_digest {
        return Err(PackageError::Payload);
    }
    Ok(DeltaPackage {
        from,
        to,
        source,
        target,
        window,
        chunks: chunks(payload, count)?,
    })
}

fn chunks(payload: &[u8], count: usize) -> Result<Vec<Chunk<'_>>, PackageError> {
    let wrong = PackageError::Header("the segments do not fill the content");
    let table = count
        .checked_mul(TABLE_ENTRY)
        .and_then(|len| payload.split_at_checked(len));
    let (table, mut segments) = table.ok_or_else(|| wrong.clone())?;
    let mut chunks = Vec::with_capacity(count);
    for entry in table.chunks_exact(TABLE_ENTRY) {
        let mut fields = Fields(entry);
        let (len, source, target) = (fields.length(), fields.array(), fields.array());
        let (segment, rest) = segments.split_at_checked(len).ok_or_else(|| wrong.clone())?;
        segments = rest;
        chunks.push(Chunk {
            source,
            target,
            segment,
        });
    }
    if segments.is_empty() {
        Ok(chunks)
    } else {
        Err(wrong)
    }
}

impl DeltaPackage<'_> {
    /// The sectors that the segment of chunk `index` refers to.
    pub fn window(&self, index: usize) -> std::ops::Range<usize> {
        segment::window(index, self.chunks.len(), self.window)
    }

    /// The new content of chunk `index`, out of what the sectors of [`DeltaPackage::window`] hold.
    pub fn patch(&self, index: usize, window: &[u8]) -> Result<Vec<u8>, SegmentError> {
        segment::apply(self.chunks[index].segment, window)
    }
}

/// Reads a header whose length has been checked field by field.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .expect("the caller passes all bytes of the fields");
        self.0 = rest;
        *field
    }

    fn length(&mut self) -> usize {
        u32::from_le_bytes(self.array()) as usize
    }

    fn version(&mut self) -> Result<FirmwareVersion, PackageError> {
        let name: [u8; NAME] = self.array();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
        name.ok_or(PackageError::Header("a version's name is none"))
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
        assert_eq!(
            (package.from.as_str(), package.to.as_str()),
            ("BC66NBR01A01", "BC66NBR01A02")
        );
        assert_eq!(
            (package.source, package.target),
            (digest(&source), digest(&target))
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
            assert!(inspect(&damaged).is_err(), "byte {at} was flipped");
        }
        for len in (0..package.len()).step_by(7) {
            assert!(inspect(&package[..len]).is_err(), "cut to {len} bytes");
        }
    }

    #[test]
    fn errors_say_what_they_saw() {
        let page = inspect(&[b'<'; 200]).expect_err("no package").to_string();
        assert_eq!(
            page,
            "no package of the simulated module: it begins with [3c, 3c, 3c, 3c], expected `core`"
        );
        assert_eq!(
            inspect(b"core").expect_err("no package"),
            PackageError::TooShort(4)
        );
    }
}
