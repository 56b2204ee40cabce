//! Bytes of the wire as readable text: printable ASCII stands for itself, every other byte as `\x1b`, a backslash as `\\`.

use std::fmt::Write;

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

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_can_be_told_from_every_other() {
        let shown: std::collections::BTreeSet<String> =
            (0..=255).map(|byte| super::readable(&[byte])).collect();
        assert_eq!(shown.len(), 256);
        assert_eq!(
            super::readable(b"+QIND: \"FOTA\"\0\x1b\\"),
            "+QIND: \"FOTA\"\\x00\\x1b\\\\"
        );
    }
}
