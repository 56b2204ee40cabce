//! The TLV format of LwM2M (TS 1.0.2 §6.4.3), as far as a server reads it: the value of one resource.

/// How deep entries may nest: object instance, resource, resource instance.
const DEPTH_MAX: u8 = 3;

/// Why bytes are no TLV.
pub(super) type TlvError = &'static str;

/// Bits 7 and 6 of an entry's type: what it is.
const OBJECT_INSTANCE: u8 = 0;
const MULTIPLE_RESOURCE: u8 = 2;
const RESOURCE: u8 = 3;

/// The value of the resource with this id, also inside an object instance. All bytes must be sound.
pub(super) fn resource(bytes: &[u8], id: u16) -> Result<Option<&[u8]>, TlvError> {
    find(bytes, id, DEPTH_MAX)
}

fn find(mut bytes: &[u8], wanted: u16, depth: u8) -> Result<Option<&[u8]>, TlvError> {
    if depth == 0 {
        return Err("entries nest deeper than objects do");
    }
    let mut found = None;
    while let Some((&first, rest)) = bytes.split_first() {
        let (id, rest) = number(rest, if first & 0x20 == 0 { 1 } else { 2 })?;
        let (length, rest) = match first >> 3 & 3 {
            0 => (usize::from(first & 7), rest),
            octets => number(rest, octets.into())?,
        };
        let (value, rest) = rest.split_at_checked(length).ok_or("a value is cut off")?;
        let here = match first >> 6 {
            OBJECT_INSTANCE => find(value, wanted, depth - 1)?,
            MULTIPLE_RESOURCE => find(value, wanted, depth - 1).map(|_| None)?,
            RESOURCE => (id == usize::from(wanted)).then_some(value),
            _ => None,
        };
        found = found.or(here);
        bytes = rest;
    }
    Ok(found)
}

fn number(bytes: &[u8], octets: usize) -> Result<(usize, &[u8]), TlvError> {
    let (number, rest) = bytes.split_at_checked(octets).ok_or("a header is cut off")?;
    Ok((number.iter().fold(0, |n, &byte| n << 8 | usize::from(byte)), rest))
}

/// The integer in these bytes (TS 1.0.2 annex C).
pub(super) fn integer(bytes: &[u8]) -> Option<i64> {
    let first = *bytes.first()?;
    let sign = if first & 0x80 == 0 { 0 } else { -1_i64 };
    matches!(bytes.len(), 1 | 2 | 4 | 8).then(|| bytes.iter().fold(sign, |n, &byte| n << 8 | i64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use rstest::rstest;

    /// TS 1.0.2 §6.4.3.1, the device object's instance as the specification prints it.
    const DEVICE: &[u8] = b"\xC8\x00\x14Open Mobile Alliance\
        \xC8\x01\x16Lightweight M2M Client\
        \xC8\x02\x09345000123\
        \xC3\x031.0\
        \x86\x06\x41\x00\x01\x41\x01\x05\
        \x88\x07\x08\x42\x00\x0E\xD8\x42\x01\x13\x88\
        \x87\x08\x41\x00\x7D\x42\x01\x03\x84\
        \xC1\x09\x64\
        \xC1\x0A\x0F\
        \x83\x0B\x41\x00\x00\
        \xC4\x0D\x51\x82\x42\x8F\
        \xC6\x0E+02:00\
        \xC1\x10U";

    #[rstest]
    #[case(0, Some(&b"Open Mobile Alliance"[..]))]
    #[case(3, Some(&b"1.0"[..]))]
    #[case(9, Some(&[100][..]))]
    #[case(13, Some(&b"\x51\x82\x42\x8F"[..]))]
    #[case(16, Some(&b"U"[..]))]
    #[case::several_values(7, None)]
    #[case::not_there(5, None)]
    fn golden(#[case] id: u16, #[case] value: Option<&[u8]>) {
        assert_eq!(resource(DEVICE, id), Ok(value));
    }

    #[test]
    fn an_id_of_two_bytes_and_a_long_value() {
        let long = [&b"\xF0\x01\x02\x01\x00"[..], &[7; 256]].concat();
        assert_eq!(resource(&long, 0x102), Ok(Some(&[7; 256][..])));
        assert_eq!(
            resource(b"\x06\x00\xC1\x05\x00\xC1\x03\x01", 3),
            Ok(Some(&[1][..]))
        );
    }

    #[rstest]
    #[case(0, &[0])]
    #[case(1, &[1])]
    #[case(-1, &[0xFF])]
    #[case(127, &[0x7F])]
    #[case(128, &[0, 0x80])]
    #[case(-32769, &[0xFF, 0xFF, 0x7F, 0xFF])]
    #[case(i64::MIN, &[0x80, 0, 0, 0, 0, 0, 0, 0])]
    fn integers(#[case] value: i64, #[case] bytes: &[u8]) {
        assert_eq!(integer(bytes), Some(value));
    }

    #[rstest]
    #[case(b"\xC1")]
    #[case(b"\xC1\x03")]
    #[case(b"\xC8\x03")]
    #[case(b"\xD8\x03\xFF\xFF\xFF")]
    #[case(b"\xE1\x00")]
    #[case(b"\x08\x00\x08\x08\x00\x05\x08\x00\x02\x00\x00")]
    fn no_tlv(#[case] bytes: &[u8]) {
        assert!(resource(bytes, 0).is_err());
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(bytes: Vec<u8>, id: u16) {
            let _ = resource(&bytes, id);
        }
    }
}
