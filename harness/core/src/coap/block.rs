//! The block options with all 20 bits of their numbers (RFC 7959 §2.2), and which bytes a block holds.

use alloc::vec::Vec;
use core::fmt;

const NUMBER_MAX: u32 = (1 << 20) - 1;

/// Bytes in a block: a power of two from 16 to 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockSize(u8);

impl BlockSize {
    pub const MIN: Self = Self(0);
    pub const MEDIUM: Self = Self(5);
    pub const MAX: Self = Self(6);
    pub const ALL: [Self; 7] = [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6)];

    /// The size with exactly so many bytes.
    pub fn from_bytes(bytes: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.bytes() as u64 == bytes)
    }

    pub const fn bytes(self) -> usize {
        16 << self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOption {
    /// Which block, counted from 0 in blocks of `size`.
    pub number: u32,
    pub more: bool,
    pub size: BlockSize,
}

/// Why a block option cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockError {
    /// SZX 7: reserved, answered with 4.00 (RFC 7959 §2.2).
    ReservedSize,
    /// More than three bytes: an unknown critical option, answered with 4.02 (RFC 7252 §5.4.3).
    TooLong,
}

impl BlockOption {
    /// A block of this size, as a request asks for it.
    pub const fn new(number: u32, size: BlockSize) -> Self {
        Self {
            number,
            more: false,
            size,
        }
    }

    pub fn decode(value: &[u8]) -> Result<Self, BlockError> {
        if value.len() > 3 {
            return Err(BlockError::TooLong);
        }
        let bits = value
            .iter()
            .fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
        let szx = (bits & 7) as u8;
        if szx == 7 {
            return Err(BlockError::ReservedSize);
        }
        Ok(Self {
            number: bits >> 4,
            more: bits & 8 != 0,
            size: BlockSize(szx),
        })
    }

    pub fn encode(self) -> Vec<u8> {
        let bits = self.number << 4 | u32::from(self.more) << 3 | u32::from(self.size.0);
        super::shortest(bits)
    }

    pub const fn offset(self) -> u64 {
        self.number as u64 * self.size.bytes() as u64
    }

    /// This block in blocks of at most `limit`: the same place in the whole (RFC 7959 §2.2 lets a server take smaller
    /// ones). `None` where its number has no room in the option.
    pub fn at_most(self, limit: BlockSize) -> Option<Self> {
        let size = self.size.min(limit);
        let number = self.number << (self.size.0 - size.0);
        (number <= NUMBER_MAX).then_some(Self { number, size, ..self })
    }

    /// This block of a whole of `len` bytes, with its `more` set; `None` beyond the end. An empty whole has one block.
    pub fn within(self, len: u64) -> Option<Self> {
        let first = self.offset();
        let is_inside = first < len || (first, len) == (0, 0);
        let more = first + (self.size.bytes() as u64) < len;
        is_inside.then_some(Self { more, ..self })
    }

    /// Its bytes of a whole; none beyond the end.
    pub fn slice(self, whole: &[u8]) -> &[u8] {
        let first = whole.len().min(self.offset() as usize);
        let end = whole.len().min(first + self.size.bytes());
        &whole[first..end]
    }
}

impl fmt::Display for BlockOption {
    /// As RFC 7959 §3 writes it: `5/1/512`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.number, u8::from(self.more), self.size.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    #[rstest]
    #[case(&[], "0/0/16")]
    #[case(&[0x03], "0/0/128")]
    #[case(&[0x1B], "1/1/128")]
    #[case(&[0x26], "2/0/1024")]
    #[case(&[0x0F, 0xF8], "255/1/16")]
    #[case(&[0xFF, 0xF6], "4095/0/1024")]
    #[case(&[0x01, 0x00, 0x00], "4096/0/16")]
    #[case(&[0x01, 0x38, 0x85], "5000/0/512")]
    #[case(&[0xFF, 0xFF, 0xF8], "1048575/1/16")]
    fn golden(#[case] bytes: &[u8], #[case] shown: &str) {
        let block = BlockOption::decode(bytes).unwrap();
        assert_eq!(
            (block.to_string().as_str(), block.encode().as_slice()),
            (shown, bytes)
        );
    }

    #[rstest]
    #[case(&[0x07], BlockError::ReservedSize)]
    #[case(&[0xFF, 0xFF, 0xFF], BlockError::ReservedSize)]
    #[case(&[0, 0, 0, 0x03], BlockError::TooLong)]
    fn what_is_no_block(#[case] bytes: &[u8], #[case] why: BlockError) {
        assert_eq!(BlockOption::decode(bytes), Err(why));
    }

    #[test]
    fn leading_zeros_are_tolerated() {
        assert_eq!(BlockOption::decode(&[0, 0, 0x1B]), BlockOption::decode(&[0x1B]));
    }

    proptest::proptest! {
        #[test]
        fn the_blocks_of_a_whole_are_the_whole(len in 0_u64..5000, szx in 0_usize..7) {
            let size = BlockSize::ALL[szx];
            let whole = alloc::vec![0; len as usize];
            let (mut at, mut number) = (0, 0);
            while let Some(block) = (BlockOption::new(number, size)).within(len) {
                proptest::prop_assert_eq!(block.offset(), at);
                at += block.slice(&whole).len() as u64;
                proptest::prop_assert_eq!(block.more, at < len);
                number += 1;
            }
            proptest::prop_assert_eq!(at, len);
        }

        #[test]
        fn a_smaller_size_stays_at_its_place(number in 0_u32..=NUMBER_MAX, szx in 0_usize..7, limit in 0_usize..7) {
            let block = BlockOption::new(number, BlockSize::ALL[szx]);
            if let Some(small) = block.at_most(BlockSize::ALL[limit]) {
                proptest::prop_assert_eq!(small.offset(), block.offset());
                proptest::prop_assert_eq!(BlockOption::decode(&small.encode()), Ok(small));
            }
        }
    }
}
