//! Bookkeeping of `AT+QFUPLEX`: which block may come next, and how much of a package is there.
//!
//! All of it is lost at a reboot: the note keeps the configuration out of NVRAM ("will not be saved to NVRAM", AN §3.2.1).
//! Strict where the note only recommends: one block size for all of a package, blocks in sequence.

use crate::decimal::decimal;
use bc66_spec::qfuplex::{BLOCK_SIZES, CRC_BYTES, FIRST_BLOCK, TIMEOUT_DEFAULT_S, TIMEOUT_S, default_length};
use std::str::FromStr;
use std::time::Duration;

/// A block that the host announced, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UploadBlock {
    size: usize,
    number: u32,
    /// Bytes to come, the checksum included.
    pub(crate) length: usize,
    /// How long to wait for them.
    pub(crate) timeout: Duration,
}

impl UploadBlock {
    /// Reads `<blocksize>,<blocknum>[,<length>[,<timeout>]]`; `None` if a value is not allowed (AN §3.2.1).
    pub(crate) fn parse(parameters: &str) -> Option<Self> {
        let fields: Vec<&str> = parameters.split(',').map(str::trim).collect();
        let [size, number, rest @ ..] = fields.as_slice() else {
            return None;
        };
        let size = decimal(size).filter(|size| BLOCK_SIZES.contains(size) && rest.len() <= 2)?;
        let full = default_length(size);
        let length = optional(rest.first(), full)?;
        let timeout = optional(rest.get(1), TIMEOUT_DEFAULT_S)?;
        let sound = length > CRC_BYTES as u32 && length <= full && TIMEOUT_S.contains(&timeout);
        sound.then_some(Self {
            size: usize::from(size),
            number: decimal(number)?,
            length: length as usize,
            timeout: Duration::from_secs(timeout.into()),
        })
    }

    /// Bytes of a full block of this upload, without the checksum.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where it stands in the package.
    pub(crate) fn offset(&self) -> usize {
        self.size.saturating_mul(self.number as usize)
    }

    /// Its bytes without the checksum.
    pub(crate) fn data_len(&self) -> usize {
        self.length - CRC_BYTES
    }
}

/// A parameter left out, by its place or by leaving the place empty, takes its default (AN §1.1.1).
fn optional<T: FromStr>(text: Option<&&str>, default: T) -> Option<T> {
    match text {
        None | Some(&"") => Some(default),
        Some(text) => decimal(text),
    }
}

/// What has been uploaded since the last boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct UploadedPackage {
    last: Option<UploadBlock>,
}

impl UploadedPackage {
    /// May this block come now? The next one, the last one once more, or the first one of a new upload.
    pub(crate) fn admits(&self, block: &UploadBlock, area: usize) -> bool {
        let in_sequence = block.number == FIRST_BLOCK
            || self.last.is_some_and(|last| {
                let again = block.number == last.number;
                let next = block.number == last.number + 1 && last.data_len() == last.size;
                block.size == last.size && (again || next)
            });
        in_sequence && block.offset().saturating_add(block.data_len()) <= area
    }

    pub(crate) fn wrote(&mut self, block: UploadBlock) {
        self.last = Some(block);
    }

    /// A block is about to be written: until [`UploadedPackage::wrote`], the package ends before it.
    pub(crate) fn begins(&mut self, block: &UploadBlock) {
        if self.last.is_some_and(|last| block.number <= last.number) {
            self.last = (block.number > FIRST_BLOCK).then(|| UploadBlock {
                number: block.number - 1,
                length: block.size + CRC_BYTES,
                ..*block
            });
        }
    }

    /// Bytes of the package, if there is one.
    pub(crate) fn package_len(&self) -> Option<usize> {
        self.last.map(|last| last.offset() + last.data_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("4096,0", Some((4098, 6)))]
    #[case("4096,0,4098", Some((4098, 6)))]
    #[case("4096,2,1082,60", Some((1082, 60)))]
    #[case("128,7,,1", Some((130, 1)))]
    #[case("8192,0,3", Some((3, 6)))]
    #[case("4096", None)]
    #[case("4097,0", None)]
    #[case("4096,-1", None)]
    #[case("4096,0,4099", None)]
    #[case("4096,0,2", None)]
    #[case("4096,0,4098,0", None)]
    #[case("4096,0,4098,61", None)]
    #[case("4096,0,4098,6,1", None)]
    #[case("+4096,0", None)]
    #[case("", None)]
    fn parameters(#[case] text: &str, #[case] expected: Option<(usize, u64)>) {
        let parsed = UploadBlock::parse(text).map(|block| (block.length, block.timeout.as_secs()));
        assert_eq!(parsed, expected);
    }

    #[test]
    fn sequence() {
        let block = |text: &str| UploadBlock::parse(text).expect("allowed parameters");
        let mut upload = UploadedPackage::default();
        assert!(!upload.admits(&block("512,1"), 10_000), "the first block is 0");
        for text in ["512,0", "512,1", "512,1", "512,2,102"] {
            assert!(upload.admits(&block(text), 10_000), "{text}");
            upload.wrote(block(text));
        }
        assert_eq!(upload.package_len(), Some(1124));
        assert!(
            !upload.admits(&block("512,3"), 10_000),
            "nothing follows a short one"
        );
        assert!(!upload.admits(&block("512,1"), 10_000), "no going back");
        assert!(!upload.admits(&block("256,4"), 10_000), "one block size");
        assert!(upload.admits(&block("256,0"), 10_000), "0 starts over");
        assert!(!upload.admits(&block("8192,0"), 8000), "it must fit the area");
        upload.begins(&block("512,2"));
        assert_eq!(
            upload.package_len(),
            Some(1024),
            "a block being rewritten is not there"
        );
    }
}
