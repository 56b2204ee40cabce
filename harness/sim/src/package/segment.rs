//! One chunk's share of a package: the library's diff of a sector against its neighbourhood, compressed.

use crate::flash::SECTOR;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use std::io;
use std::ops::Range;

/// Best compression: packages are small and made once.
const LEVEL: u8 = 9;
/// A segment unpacks to one sector and some control records; more is hostile.
const UNPACKED_MAX: usize = 8 * SECTOR;

/// The sectors around chunk `index` that its segment may refer to.
pub(super) fn window(index: usize, count: usize, reach: usize) -> Range<usize> {
    index.saturating_sub(reach)..count.min(index + reach + 1)
}

/// The segment that makes `new` out of `window`.
pub(super) fn make(window: &[u8], new: &[u8]) -> io::Result<Vec<u8>> {
    let mut diff = Vec::new();
    bsdiff::diff(window, new, &mut diff)?;
    Ok(compress_to_vec(&diff, LEVEL))
}

/// What `segment` makes out of `window`; `None` if it does not unpack, or is a diff of something else.
pub(super) fn apply(segment: &[u8], window: &[u8]) -> Option<Vec<u8>> {
    let diff = decompress_to_vec_with_limit(segment, UNPACKED_MAX).ok()?;
    let mut new = Vec::with_capacity(SECTOR);
    bsdiff::patch(window, &mut diff.as_slice(), &mut new).ok()?;
    Some(new)
}
