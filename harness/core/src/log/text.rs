//! Removes from a log line what the module did not send: escape sequences, control characters, and line ends that a
//! program wrote as signs.

use alloc::vec::Vec;

/// Whether [`clean`] would change the line.
pub fn is_clean(line: &[u8]) -> bool {
    line.iter().all(|byte| *byte >= b' ' && *byte != 0x7F)
}

/// The line without escape sequences and control characters; a backspace takes back what stands before it, as on a
/// screen. Tabs become blanks.
pub fn clean(line: &[u8], into: &mut Vec<u8>) {
    into.clear();
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            0x1B => rest = &after[escape(after)..],
            b'\t' => into.push(b' '),
            0x08 => {
                into.pop();
            }
            b' '..=b'~' | 0x80.. => into.push(byte),
            _ => {}
        }
    }
}

/// The length of what follows ESC (ECMA-48): `[` and parameters up to a letter, `]` and text up to BEL or ESC `\`, or one
/// character, before which others may stand.
fn escape(after: &[u8]) -> usize {
    let upto = |is_last: fn(&u8) -> bool| {
        let last = after.iter().skip(1).position(is_last);
        last.map_or(after.len(), |last| last + 2)
    };
    match after.first() {
        Some(b'[') => upto(|byte| matches!(byte, 0x40..=0x7E)),
        Some(b']' | b'P' | b'_' | b'^') => {
            let end = upto(|byte| matches!(byte, 0x07 | 0x1B));
            // ESC `\` ends it as well.
            end + usize::from(after.get(end - 1) == Some(&0x1B) && after.get(end) == Some(&b'\\'))
        }
        Some(0x20..=0x2F) => upto(|byte| matches!(byte, 0x30..=0x7E)),
        Some(_) => 1,
        None => 0,
    }
}

/// The signs that programs write where a line ended: U+240D and U+240A or U+2424 (labgrid's StepLogger, CuteCom), and
/// `\r` and `\n` in letters, as Python shows bytes.
const ENDS: [&[u8]; 5] = [b"\xE2\x90\x8D", b"\xE2\x90\x8A", b"\xE2\x90\xA4", b"\\r", b"\\n"];

/// The parts of a line between such signs.
pub fn parts(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    core::iter::from_fn(move || {
        let line = rest?;
        let ends = |at: &usize| ENDS.iter().find(|end| line[*at..].starts_with(end));
        let candidates = line.iter().enumerate();
        let mut candidates = candidates.filter(|(_, byte)| matches!(byte, 0xE2 | b'\\'));
        let found = candidates.find_map(|(at, _)| ends(&at).map(|end| (at, end.len())));
        let (part, after) = match found {
            Some((at, len)) => (&line[..at], Some(&line[at + len..])),
            None => (line, None),
        };
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use rstest::rstest;

    #[rstest]
    #[case(b"\x1b[32mRDY\x1b[0m", "RDY")]
    #[case(b"\x1b[?2004h\x1b]0;ttyUSB0\x07OK", "OK")]
    #[case(b"\x1b]0;a\x1b\\OK", "OK")]
    #[case(b"\x1b(BOK\x1b=", "OK")]
    #[case(b"AT+QX\x08 \x08FOTADL=1", "AT+QFOTADL=1")]
    #[case(b"\0\0RDY\0", "RDY")]
    #[case(b"a\tb", "a b")]
    #[case(b"\x1b[", "")]
    #[case(b"\x1b", "")]
    fn cleaned(#[case] line: &[u8], #[case] expected: &str) {
        let mut into = Vec::new();
        clean(line, &mut into);
        assert_eq!(String::from_utf8_lossy(&into), expected);
        assert!(!is_clean(line));
    }

    #[rstest]
    #[case("OK\u{240d}\u{240a}", &["OK", "", ""])]
    #[case("\u{2424}\u{240d}F1: 0\u{2424}\u{240d}V0: 1", &["", "", "F1: 0", "", "V0: 1"])]
    #[case(r"b'\r\nRDY\r\n'", &["b'", "", "RDY", "", "'"])]
    #[case("→ a\\b", &["→ a\\b"])]
    #[case("", &[""])]
    fn parted(#[case] line: &str, #[case] expected: &[&str]) {
        let found: Vec<_> = parts(line.as_bytes()).map(String::from_utf8_lossy).collect();
        assert_eq!(found, expected);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(line: Vec<u8>) {
            let mut into = Vec::new();
            clean(&line, &mut into);
            proptest::prop_assert!(is_clean(&into));
            let bytes: usize = parts(&line).map(<[u8]>::len).sum();
            proptest::prop_assert!(bytes <= line.len());
        }
    }
}
