//! Bytes from the module, cut into lines and prompts.
//!
//! It takes `\r`, `\n`, `\r\n` and the boot ROM's `\n\r` as line ends, any split of the bytes, any byte value, and lines
//! without end: after [`LINE_MAX`] bytes a line is given out as it stands and a new one begins. It allocates nothing.

use bc66_spec::qfuplex;

/// Longest line that is kept whole. The longest that the module is known to send is a URL of 255 bytes in an echo.
pub const LINE_MAX: usize = 1024;

/// What has been read.
#[derive(Debug, PartialEq, Eq)]
pub enum LexerToken<'a> {
    /// A line without its end; never empty.
    Line(&'a [u8]),
    /// The prompt of data mode, `>` at the start of a line. It has no line end: the module waits.
    Prompt,
}

/// The machine: one byte in, at most one token out. A copy reads ahead.
#[derive(Debug, Clone)]
pub struct Lexer {
    line: [u8; LINE_MAX],
    len: usize,
    /// The line was given out with the last byte: begin anew with the next.
    given: bool,
}

impl Default for Lexer {
    fn default() -> Self {
        Self::new()
    }
}

impl Lexer {
    /// A lexer at the start of a line.
    pub const fn new() -> Self {
        Self {
            line: [0; LINE_MAX],
            len: 0,
            given: false,
        }
    }

    pub fn push(&mut self, byte: u8) -> Option<LexerToken<'_>> {
        if core::mem::take(&mut self.given) {
            self.len = 0;
        }
        match byte {
            b'\r' | b'\n' => self.give(),
            qfuplex::PROMPT if self.line[..self.len].iter().all(|&b| b == b' ') => {
                self.len = 0;
                Some(LexerToken::Prompt)
            }
            _ => {
                self.line[self.len] = byte;
                self.len += 1;
                if self.len == LINE_MAX { self.give() } else { None }
            }
        }
    }

    /// What was read of a line that has not ended, for the evidence; the line begins anew. For the moments after which
    /// nothing more can come, such as the end of the supply.
    pub fn take_partial(&mut self) -> Option<&[u8]> {
        let len = if core::mem::take(&mut self.given) {
            0
        } else {
            self.len
        };
        self.len = 0;
        (!self.line[..len].trim_ascii().is_empty()).then_some(&self.line[..len])
    }

    fn give(&mut self) -> Option<LexerToken<'_>> {
        self.given = true;
        let line = &self.line[..self.len];
        (!line.trim_ascii().is_empty()).then_some(LexerToken::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use rstest::rstest;

    fn lex(lexer: &mut Lexer, bytes: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        for &byte in bytes {
            match lexer.push(byte) {
                Some(LexerToken::Line(line)) => out.push(String::from_utf8_lossy(line).into_owned()),
                Some(LexerToken::Prompt) => out.push(">".into()),
                None => {}
            }
        }
        out
    }

    #[rstest]
    #[case(b"\r\nOK\r\n", &["OK"])]
    #[case(b"AT\r\r\nOK\r\n", &["AT", "OK"])]
    #[case(b"\n\rF1: 0000 0000\n\rV0: 0000 0000 [0001]\n\r", &["F1: 0000 0000", "V0: 0000 0000 [0001]"])]
    #[case(b"\r\n> ", &[">"])]
    #[case(b"\r\n>\r\nERROR\r\n", &[">", "ERROR"])]
    #[case(b" > \r\n+QFUPLEX: 512\r\n", &[">", "+QFUPLEX: 512"])]
    #[case(b"a>b\r\n", &["a>b"])]
    #[case(b"\0\xFFRDY\r\n", &["\0\u{fffd}RDY"])]
    #[case(b"   \r\n", &[])]
    fn lines(#[case] bytes: &[u8], #[case] expected: &[&str]) {
        assert_eq!(lex(&mut Lexer::new(), bytes), expected);
    }

    #[test]
    fn a_line_without_end_is_given_out_in_pieces() {
        let mut lexer = Lexer::new();
        let out = lex(&mut lexer, &[b'x'; 3 * LINE_MAX]);
        assert_eq!(out.iter().map(String::len).collect::<Vec<_>>(), [LINE_MAX; 3]);
        assert_eq!(lexer.take_partial(), None);
    }

    #[test]
    fn a_torn_line_is_kept_once() {
        let mut lexer = Lexer::new();
        assert!(lex(&mut lexer, b"\r\n+QIND: \"FO").is_empty());
        assert_eq!(lexer.take_partial(), Some(&b"+QIND: \"FO"[..]));
        assert_eq!(lexer.take_partial(), None);
        assert_eq!(lex(&mut lexer, b"RDY\r\n"), ["RDY"]);
        assert_eq!(lexer.take_partial(), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_but_line_ends(bytes: Vec<u8>) {
            let mut lexer = Lexer::new();
            let mut kept = Vec::new();
            for &byte in &bytes {
                match lexer.push(byte) {
                    Some(LexerToken::Line(line)) => kept.extend_from_slice(line),
                    Some(LexerToken::Prompt) => kept.push(b'>'),
                    None => {}
                }
            }
            kept.extend(lexer.take_partial().unwrap_or_default());
            let marks = |bytes: &[u8]| bytes.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != 0x0B).collect::<Vec<_>>();
            proptest::prop_assert_eq!(marks(&kept), marks(&bytes));
        }
    }
}
