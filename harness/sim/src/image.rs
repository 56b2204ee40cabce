//! Synthetic firmware images: bytes that follow from the version's name alone.
//!
//! Two versions differ as two builds of a real firmware do: something was inserted near the beginning, so that the rest
//! is shifted; addresses changed all over; some functions were replaced. Nearly every sector differs, so every chunk of
//! an update has work to do.

use crate::flash::{Flash, Result};
use crate::layout::FlashLayout;
use crate::random::{Random, hash};
use crate::version::FirmwareVersion;

/// Marks the place of the version, at the image's very end: it reads as new only once all of the image is.
const MAGIC: [u8; 16] = *b"bc66 firmware at";
/// Bytes from there to the end.
const TRAILER: usize = 64;
/// Where the inserted code begins.
const INSERT_AT: usize = 1000;
/// Distance of the addresses that each build changes.
const RELOCATION_EVERY: usize = 1024;
/// Replaced functions in each build.
const REPLACED: usize = 24;

/// Functions that a correction replaces.
const CORRECTED: usize = 6;
/// A correction touches the first one of so many parts of an image.
const CORRECTED_SHARE: usize = 3;

/// The image of `version`, `len` bytes long. A version that ends with a letter is a correction of the build that
/// ends with `1` in its place: a few functions in the first third are replaced, nothing is shifted, and its delta is small.
pub fn build(version: &FirmwareVersion, len: usize) -> Vec<u8> {
    let Some(corrected) = corrected(version) else {
        return whole(version, len);
    };
    let mut image = whole(&corrected, len);
    let mut own = Random::for_purpose(hash(version.as_str().as_bytes()), "correction");
    for _ in 0..CORRECTED {
        let size = 16 + own.below(64);
        let at = own.below(len / CORRECTED_SHARE - size);
        own.fill(&mut image[at..at + size]);
    }
    write_trailer(&mut image[len - TRAILER..], version);
    image
}

/// The build that a version corrects.
fn corrected(version: &FirmwareVersion) -> Option<FirmwareVersion> {
    let base = version.as_str().strip_suffix(|c: char| c.is_ascii_uppercase())?;
    format!("{base}1").parse().ok()
}

fn whole(version: &FirmwareVersion, len: usize) -> Vec<u8> {
    let mut image = vec![0; len];
    Random::for_purpose(hash(version.module().ati_model().as_bytes()), "common code").fill(&mut image);
    let mut own = Random::for_purpose(hash(version.as_str().as_bytes()), "own code");

    let mut inserted = vec![0; 32 + 8 * own.below(9)];
    own.fill(&mut inserted);
    image.splice(INSERT_AT..INSERT_AT, inserted);
    image.truncate(len);

    for at in (0..len - 4).step_by(RELOCATION_EVERY) {
        own.fill(&mut image[at..at + 4]);
    }
    for _ in 0..REPLACED {
        let size = 16 + own.below(64);
        let at = own.below(len - size);
        own.fill(&mut image[at..at + size]);
    }
    write_trailer(&mut image[len - TRAILER..], version);
    image
}

fn write_trailer(trailer: &mut [u8], version: &FirmwareVersion) {
    trailer.fill(0);
    trailer[..MAGIC.len()].copy_from_slice(&MAGIC);
    trailer[MAGIC.len()..][..version.as_str().len()].copy_from_slice(version.as_str().as_bytes());
}

/// The version of the image that really stands in the flash; `None` if nothing that could run stands there.
pub fn version(flash: &dyn Flash, layout: &FlashLayout) -> Result<Option<FirmwareVersion>> {
    let trailer = flash.read_vec(layout.image.start + layout.image.size() - TRAILER, TRAILER)?;
    let Some(name) = trailer.strip_prefix(&MAGIC) else {
        return Ok(None);
    };
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::SECTOR;

    #[test]
    fn versions_differ_nearly_everywhere() {
        let [a, b] = ["BC66NBR01A01", "BC66NBR01A02"]
            .map(|name| build(&name.parse().expect("a version"), 80 * SECTOR));
        let differing = a
            .chunks(SECTOR)
            .zip(b.chunks(SECTOR))
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(differing, 80);
    }
}
