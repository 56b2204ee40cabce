//! Bytes of the wire as readable text and back: printable ASCII stands for itself, every other byte as `\x1b`, a backslash
//! as `\\`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// The text. Different bytes give different texts.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}

/// A text in which `mark` and two hexadecimal digits stand for a byte, as `%20` in a path. Nothing for an escape that is not whole,
/// and for what is no text.
pub fn unescaped(text: &str, mark: u8) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == mark {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The bytes of a readable text. Anything but an escape stands for itself.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let hex = |digits: &[u8]| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok();
        match after {
            [b'\\', after @ ..] => {
                bytes.push(b'\\');
                rest = after;
            }
            [b'x', high, low, after @ ..] if hex(&[*high, *low]).is_some() => {
                bytes.extend(hex(&[*high, *low]));
                rest = after;
            }
            _ => bytes.push(b'\\'),
        }
    }
    bytes
}

/// A text in back-ticks for a message: control characters escaped, shortened where it is long.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let escaped: String = text
        .chars()
        .take(LONGEST)
        .flat_map(|c| {
            let escape = c.is_control().then(|| c.escape_default());
            let itself = escape.is_none().then_some(c);
            escape.into_iter().flatten().chain(itself)
        })
        .collect();
    let more = if text.chars().nth(LONGEST).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{escaped}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn every_byte_can_be_told_from_every_other() {
        let shown: BTreeSet<String> = (0..=255).map(|byte| readable(&[byte])).collect();
        assert_eq!(shown.len(), 256);
        assert_eq!(
            readable(b"+QIND: \"FOTA\"\0\x1b\\"),
            "+QIND: \"FOTA\"\\x00\\x1b\\\\"
        );
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_its_bytes(line: Vec<u8>) {
            proptest::prop_assert_eq!(bytes(&readable(&line)), line);
        }
    }
}
