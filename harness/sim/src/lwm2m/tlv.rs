//! `application/vnd.oma.lwm2m+tlv` (TS10 §6.4.3): type, id, length, value.

/// What an entry is, by the two highest bits of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlvKind {
    Instance,
    /// One value of a multiple resource.
    ResourceInstance,
    /// A multiple resource; its value is a row of resource instances.
    Multiple,
    /// A resource with its value.
    Resource,
}

impl TlvKind {
    const ALL: [Self; 4] = [
        Self::Instance,
        Self::ResourceInstance,
        Self::Multiple,
        Self::Resource,
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlvEntry {
    pub(crate) kind: TlvKind,
    pub(crate) id: u16,
    pub(crate) value: Vec<u8>,
}

pub(crate) fn write(into: &mut Vec<u8>, kind: TlvKind, id: u16, value: &[u8]) {
    let wide = id > 0xFF;
    let len = (value.len() as u32).to_be_bytes();
    let (length_type, short, length): (u8, u8, &[u8]) = match value.len() {
        0..=7 => (0, value.len() as u8, &[]),
        8..=0xFF => (1, 0, &len[3..]),
        0x100..=0xFFFF => (2, 0, &len[2..]),
        _ => (3, 0, &len[1..]),
    };
    into.push((kind as u8) << 6 | u8::from(wide) << 5 | length_type << 3 | short);
    into.extend_from_slice(&id.to_be_bytes()[usize::from(!wide)..]);
    into.extend_from_slice(length);
    into.extend_from_slice(value);
}

/// Reads a row of entries; `None` if it is malformed.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Vec<TlvEntry>> {
    let mut entries = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        let (id, rest) = rest.split_at_checked(1 + usize::from(first >> 5 & 1))?;
        let (length, rest) = rest.split_at_checked(usize::from(first >> 3 & 3))?;
        let len = match length {
            [] => usize::from(first & 7),
            length => number(length),
        };
        let (value, rest) = rest.split_at_checked(len)?;
        entries.push(TlvEntry {
            kind: TlvKind::ALL[usize::from(first >> 6)],
            id: number(id) as u16,
            value: value.to_vec(),
        });
        bytes = rest;
    }
    Some(entries)
}

fn number(bytes: &[u8]) -> usize {
    let shift = |number, byte: &u8| number << 8 | usize::from(*byte);
    bytes.iter().fold(0, shift)
}

/// An integer in one, two, four or eight bytes.
pub(crate) fn integer(value: i64) -> Vec<u8> {
    let fits = |len: &usize| {
        let unused = 64 - 8 * len;
        value << unused >> unused == value
    };
    let len = [1, 2, 4].into_iter().find(fits).unwrap_or(8);
    value.to_be_bytes()[8 - len..].to_vec()
}

/// The integer in one, two, four or eight bytes.
pub(crate) fn integer_of(bytes: &[u8]) -> Option<i64> {
    let is_sound = matches!(bytes.len(), 1 | 2 | 4 | 8);
    let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
    let shift = |number, byte: &u8| number << 8 | i64::from(*byte);
    is_sound.then(|| bytes.iter().fold(sign, shift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Bytes of TS10 §6.4.3.1 (the example of the device object) and of each length field.
    #[rstest]
    #[case(
        TlvKind::Resource,
        0,
        b"Open Mobile Alliance",
        b"\xc8\x00\x14Open Mobile Alliance"
    )]
    #[case(TlvKind::Resource, 3, b"1.0", b"\xc3\x03\x31\x2e\x30")]
    #[case(
        TlvKind::Multiple,
        6,
        b"\x41\x00\x01\x41\x01\x05",
        b"\x86\x06\x41\x00\x01\x41\x01\x05"
    )]
    #[case(TlvKind::Instance, 0, b"\xc1\x03\x02", b"\x03\x00\xc1\x03\x02")]
    #[case::long(TlvKind::Resource, 1, &[7; 256], &[&b"\xd0\x01\x01\x00"[..], &[7; 256]].concat())]
    #[case::wide_id(TlvKind::Resource, 0x1234, b"", b"\xe0\x12\x34")]
    fn golden(#[case] kind: TlvKind, #[case] id: u16, #[case] value: &[u8], #[case] bytes: &[u8]) {
        let mut written = Vec::new();
        write(&mut written, kind, id, value);
        assert_eq!(written, bytes);
        let value = value.to_vec();
        assert_eq!(read(bytes), Some(vec![TlvEntry { kind, id, value }]));
    }

    #[rstest]
    #[case(0, b"\x00")]
    #[case(-1, b"\xff")]
    #[case(128, b"\x00\x80")]
    #[case(86_400, b"\x00\x01\x51\x80")]
    #[case(1 << 32, b"\x00\x00\x00\x01\x00\x00\x00\x00")]
    fn integers(#[case] value: i64, #[case] bytes: &[u8]) {
        assert_eq!(integer(value), bytes);
        assert_eq!(integer_of(bytes), Some(value));
    }

    #[test]
    fn malformed() {
        for bytes in [&b"\xc1"[..], b"\xc8\x00", b"\xc3\x03\x31", b"\xe0\x12"] {
            assert_eq!(read(bytes), None, "{bytes:x?}");
        }
        assert_eq!(integer_of(b""), None);
        assert_eq!(integer_of(b"\x00\x00\x00"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_entries_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_was_written_is_read(id in any::<u16>(), value in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut bytes = Vec::new();
            write(&mut bytes, TlvKind::Resource, id, &value);
            prop_assert_eq!(read(&bytes), Some(vec![TlvEntry { kind: TlvKind::Resource, id, value }]));
        }
    }
}
