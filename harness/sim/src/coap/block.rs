//! The value of a block option (RFC 7959 §2.2).

use super::message::{uint_bytes, uint_of};

/// Which block, of which size, and whether more follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOption {
    /// Number of the block: up to 20 bits.
    pub number: u32,
    pub more: bool,
    /// Exponent of the size, 0 to 6: 16 to 1024 bytes.
    pub exponent: u8,
}

impl BlockOption {
    /// Exponent of the largest size.
    pub const EXPONENT_MAX: u8 = 6;

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

    /// Bytes of a whole block.
    pub const fn size(self) -> usize {
        1 << (self.exponent + 4)
    }

    /// Where the block begins.
    pub const fn offset(self) -> usize {
        self.number as usize * self.size()
    }

    /// The exponent for a size, which is a power of two from 16 to 1024.
    pub fn exponent_of(size: u16) -> Option<u8> {
        (size.is_power_of_two() && (16..=1024).contains(&size)).then(|| size.trailing_zeros() as u8 - 4)
    }

    /// The part of `whole` that this block is, with the block that says so; `None` beyond the end.
    pub fn cut(self, whole: &[u8]) -> Option<(Self, &[u8])> {
        let rest = whole
            .get(self.offset()..)
            .filter(|rest| !rest.is_empty() || self.number == 0)?;
        let part = &rest[..rest.len().min(self.size())];
        let more = part.len() < rest.len();
        Some((Self { more, ..self }, part))
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
        let block = BlockOption {
            number,
            more,
            exponent,
        };
        assert_eq!(block.encode(), value);
        assert_eq!(BlockOption::decode(value), Some(block));
    }

    #[test]
    fn refused() {
        assert_eq!(BlockOption::decode(b"\x07"), None, "the reserved exponent");
        assert_eq!(BlockOption::decode(b"\x00\x00\x00\x02"), None, "more than three bytes");
    }

    #[test]
    fn sizes_and_parts() {
        assert_eq!(BlockOption::exponent_of(512), Some(5));
        assert_eq!(BlockOption::exponent_of(500), None);
        assert_eq!(BlockOption::exponent_of(2048), None);
        let whole: Vec<u8> = (0..40).collect();
        let block = |number| BlockOption {
            number,
            more: false,
            exponent: 0,
        };
        assert_eq!(
            block(0).cut(&whole),
            Some((
                BlockOption {
                    more: true,
                    ..block(0)
                },
                &whole[..16]
            ))
        );
        assert_eq!(block(2).cut(&whole), Some((block(2), &whole[32..])));
        assert_eq!(block(3).cut(&whole), None);
        assert_eq!(block(0).cut(&[]), Some((block(0), &[][..])));
    }
}
