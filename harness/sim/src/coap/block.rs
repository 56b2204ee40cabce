//! The value of a block option (RFC 7959 §2.2).

use super::message::{uint_bytes, uint_of};

/// Which block, of which size, and whether more follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockValue {
    /// Number of the block: up to 20 bits.
    pub number: u32,
    pub more: bool,
    /// Exponent of the size, 0 to 6: 16 to 1024 bytes.
    pub exponent: u8,
}

impl BlockValue {
    pub(crate) const EXPONENT_MAX: u8 = 6;

    /// Reads an option's value; `None` if it is too long or has the reserved exponent 7.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let bits = uint_of(value).filter(|_| value.len() <= 3)?;
        let exponent = (bits & 7) as u8;
        (exponent <= Self::EXPONENT_MAX).then_some(Self {
            number: bits >> 4,
            more: bits & 8 != 0,
            exponent,
        })
    }

    pub fn encode(self) -> Vec<u8> {
        uint_bytes(self.number << 4 | u32::from(self.more) << 3 | u32::from(self.exponent))
    }

    /// The block of this size that begins at byte `at`.
    pub fn at(at: usize, exponent: u8) -> Self {
        let mut block = Self {
            number: 0,
            more: false,
            exponent,
        };
        block.number = (at / block.size()) as u32;
        block
    }

    /// Bytes of a whole block.
    pub const fn size(self) -> usize {
        1 << (self.exponent + 4)
    }

    /// Where the block begins.
    pub const fn offset(self) -> usize {
        self.number as usize * self.size()
    }

    /// The exponent for a size, which is a power of two from 16 to 1024.
    pub(crate) fn exponent_of(size: u16) -> Option<u8> {
        (size.is_power_of_two() && (16..=1024).contains(&size)).then(|| size.trailing_zeros() as u8 - 4)
    }

    /// The part of `whole` that this block is; notes whether more follow. `None` beyond the end.
    pub fn cut<'a>(&mut self, whole: &'a [u8]) -> Option<&'a [u8]> {
        let rest = whole.get(self.offset()..)?;
        if rest.is_empty() && self.number > 0 {
            return None;
        }
        let part = &rest[..rest.len().min(self.size())];
        self.more = part.len() < rest.len();
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The notations of RFC 7959 §3.1 to §3.3 and the borders of §2.2.
    #[rstest]
    #[case::b_0_1_128(0, true, 3, b"\x0b")]
    #[case::b_1_0_64(1, false, 2, b"\x12")]
    #[case::b_0_0_16(0, false, 0, b"")]
    #[case::b_16_1_1024(16, true, 6, b"\x01\x0e")]
    #[case::last_number(0xF_FFFF, true, 6, b"\xff\xff\xfe")]
    fn golden(#[case] number: u32, #[case] more: bool, #[case] exponent: u8, #[case] value: &[u8]) {
        let block = BlockValue {
            number,
            more,
            exponent,
        };
        assert_eq!(block.encode(), value);
        assert_eq!(BlockValue::decode(value), Some(block));
    }

    #[test]
    fn refused() {
        assert_eq!(BlockValue::decode(b"\x07"), None, "the reserved exponent");
        assert_eq!(
            BlockValue::decode(b"\x00\x00\x00\x02"),
            None,
            "more than three bytes"
        );
    }

    #[test]
    fn sizes() {
        assert_eq!(
            [512, 500, 2048].map(BlockValue::exponent_of),
            [Some(5), None, None]
        );
    }

    #[test]
    fn parts() {
        let whole: Vec<u8> = (0..40).collect();
        let part = |at: usize, whole: &[u8]| {
            let mut block = BlockValue::at(at, 0);
            let part = block.cut(whole)?.to_vec();
            Some((part, block.more))
        };
        assert_eq!(part(0, &whole), Some((whole[..16].to_vec(), true)));
        assert_eq!(part(32, &whole), Some((whole[32..].to_vec(), false)));
        assert_eq!(part(48, &whole), None);
        assert_eq!(part(0, &[]), Some((Vec::new(), false)));
    }
}
