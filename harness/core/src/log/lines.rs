//! Bytes → lines. `\r`, `\n`, `\r\n` and the boot ROM's `\n\r` end a line, and the bytes may come in any pieces.
//!
//! It is not [`crate::lexer`], which reads a UART: here `>` is what a terminal program puts before a line that it sent, and
//! a line has a number, by which an editor finds it.

use alloc::vec::Vec;

/// Bytes of a line that are read at once. A longer one is read in pieces of this size: it cannot be one line of a module,
/// whose longest are below 300, nor with the longest prefix that is known.
pub const PIECE: usize = 4096;

/// A line, or a piece of one that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// The bytes, without a line end; never empty.
    pub bytes: &'a [u8],
    /// Its number, from 1, as an editor counts.
    pub number: u64,
    /// It begins where a line begins, not in the middle of a long one.
    pub begins: bool,
    /// It ends where a line ends.
    pub ends: bool,
}

#[derive(Debug, Clone)]
pub struct LogLines {
    held: Vec<u8>,
    number: u64,
    /// The byte at which editors begin a new line.
    counted: u8,
    begins: bool,
}

impl LogLines {
    /// At the start of a log whose lines are counted by this byte: `\n`, or `\r` where there is no `\n`.
    pub fn new(counted: u8) -> Self {
        Self {
            held: Vec::with_capacity(PIECE),
            number: 1,
            counted,
            begins: true,
        }
    }

    /// Takes bytes; gives every line that ended in them.
    pub fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(LogLine<'_>)) {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.take(&bytes[..at], each);
            self.end(each);
            self.number += u64::from(bytes[at] == self.counted);
            bytes = &bytes[at + 1..];
        }
        self.take(bytes, each);
    }

    /// The end of the log: gives what was not ended, and the number of lines.
    pub fn finish(&mut self, each: &mut impl FnMut(LogLine<'_>)) -> u64 {
        let unended = !self.begins || !self.held.is_empty();
        self.end(each);
        self.number - 1 + u64::from(unended)
    }

    fn take(&mut self, mut bytes: &[u8], each: &mut impl FnMut(LogLine<'_>)) {
        while self.held.len() + bytes.len() >= PIECE {
            let (now, later) = bytes.split_at(PIECE - self.held.len());
            self.held.extend_from_slice(now);
            self.give(false, each);
            bytes = later;
        }
        self.held.extend_from_slice(bytes);
    }

    fn end(&mut self, each: &mut impl FnMut(LogLine<'_>)) {
        if !self.held.is_empty() {
            self.give(true, each);
        }
        self.begins = true;
    }

    fn give(&mut self, ends: bool, each: &mut impl FnMut(LogLine<'_>)) {
        each(LogLine {
            bytes: &self.held,
            number: self.number,
            begins: self.begins,
            ends,
        });
        self.begins = false;
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use rstest::rstest;

    fn cut(counted: u8, chunks: &[&[u8]]) -> (Vec<(String, u64)>, u64) {
        let mut out = Vec::new();
        let mut each = |line: LogLine<'_>| {
            let text = String::from_utf8_lossy(line.bytes).into_owned();
            out.push((text, line.number));
        };
        let mut lines = LogLines::new(counted);
        for chunk in chunks {
            lines.push(chunk, &mut each);
        }
        let last = lines.finish(&mut each);
        (out, last)
    }

    #[rstest]
    #[case(b"a\nb\n", b'\n', &[("a", 1), ("b", 2)], 2)]
    #[case(b"a\r\n\r\nb", b'\n', &[("a", 1), ("b", 3)], 3)]
    #[case(b"\n\rF1: 0\n\rV0: 1\n\r", b'\n', &[("F1: 0", 2), ("V0: 1", 3)], 3)]
    #[case(b"a\rb\rc", b'\r', &[("a", 1), ("b", 2), ("c", 3)], 3)]
    #[case(b"", b'\n', &[], 0)]
    fn ends(#[case] bytes: &[u8], #[case] counted: u8, #[case] expected: &[(&str, u64)], #[case] last: u64) {
        let expected: Vec<_> = expected.iter().map(|(text, n)| ((*text).into(), *n)).collect();
        assert_eq!(cut(counted, &[bytes]), (expected, last));
    }

    #[test]
    fn a_line_without_end_is_given_in_pieces() {
        let (out, last) = cut(b'\n', &[&[b'x'; 2 * PIECE + 5], b"\nOK\n"]);
        let sizes: Vec<_> = out.iter().map(|(text, n)| (text.len(), *n)).collect();
        assert_eq!(sizes, [(PIECE, 1), (PIECE, 1), (5, 1), (2, 2)]);
        assert_eq!(last, 2);
    }

    proptest::proptest! {
        #[test]
        fn any_split_gives_the_same(bytes in "[a\r\n]{0,40}", long in 0..3_usize, at in 0..100_usize) {
            let mut bytes = bytes.into_bytes();
            bytes.extend(core::iter::repeat_n(b'x', long * (PIECE - 3)));
            bytes.extend_from_slice(b"\r\ny");
            let (one, two) = bytes.split_at(at.min(bytes.len()));
            proptest::prop_assert_eq!(cut(b'\n', &[one, two]), cut(b'\n', &[&bytes]));
        }
    }
}
