//! The TLV format of LwM2M (TS 1.0.2 §6.4.3).

use alloc::vec::Vec;

/// How deep entries may nest: object instance, resource, resource instance.
const DEPTH_MAX: u8 = 3;

/// What an entry is (bits 7 and 6 of its type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An object instance that holds resources.
    ObjectInstance,
    /// One value of a multiple resource.
    ResourceInstance,
    /// A resource that holds several values.
    MultipleResource,
    /// A resource with its value.
    Resource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub id: u16,
    pub content: Content,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Value(Vec<u8>),
    Entries(Vec<Entry>),
}

/// Bytes that are no TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTlv(pub &'static str);

impl Kind {
    const fn bits(self) -> u8 {
        match self {
            Self::ObjectInstance => 0,
            Self::ResourceInstance => 1,
            Self::MultipleResource => 2,
            Self::Resource => 3,
        }
    }

    const fn of(first: u8) -> Self {
        match first >> 6 {
            0 => Self::ObjectInstance,
            1 => Self::ResourceInstance,
            2 => Self::MultipleResource,
            _ => Self::Resource,
        }
    }

    const fn nests(self) -> bool {
        matches!(self, Self::ObjectInstance | Self::MultipleResource)
    }
}

impl Entry {
    /// A resource with this value.
    pub fn resource(id: u16, value: &[u8]) -> Self {
        Self {
            kind: Kind::Resource,
            id,
            content: Content::Value(value.to_vec()),
        }
    }
}

pub fn decode(bytes: &[u8]) -> Result<Vec<Entry>, NoTlv> {
    entries(bytes, DEPTH_MAX)
}

fn entries(mut bytes: &[u8], depth: u8) -> Result<Vec<Entry>, NoTlv> {
    if depth == 0 {
        return Err(NoTlv("entries nest deeper than objects do"));
    }
    let mut entries = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        let (id, rest) = number(rest, if first & 0x20 == 0 { 1 } else { 2 })?;
        let (length, rest) = match first >> 3 & 3 {
            0 => (u32::from(first & 7), rest),
            octets => number(rest, usize::from(octets))?,
        };
        let (value, rest) = rest
            .split_at_checked(length as usize)
            .ok_or(NoTlv("a value is cut off"))?;
        let kind = Kind::of(first);
        let content = if kind.nests() {
            Content::Entries(self::entries(value, depth - 1)?)
        } else {
            Content::Value(value.to_vec())
        };
        let id = id as u16; // two bytes at most
        entries.push(Entry { kind, id, content });
        bytes = rest;
    }
    Ok(entries)
}

fn number(bytes: &[u8], octets: usize) -> Result<(u32, &[u8]), NoTlv> {
    let (number, rest) = bytes
        .split_at_checked(octets)
        .ok_or(NoTlv("a header is cut off"))?;
    Ok((number.iter().fold(0, |n, &byte| n << 8 | u32::from(byte)), rest))
}

pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let value = match &entry.content {
            Content::Value(value) => value.clone(),
            Content::Entries(entries) => encode(entries),
        };
        let wide = entry.id > 0xFF;
        let length = (value.len() as u32).to_be_bytes();
        let (octets, in_type) = match value.len() {
            0..8 => (0, value.len() as u8),
            8..0x100 => (1, 0),
            0x100..0x1_0000 => (2, 0),
            _ => (3, 0),
        };
        bytes.push(entry.kind.bits() << 6 | u8::from(wide) << 5 | octets << 3 | in_type);
        let id = entry.id.to_be_bytes();
        bytes.extend_from_slice(if wide { &id } else { &id[1..] });
        bytes.extend_from_slice(&length[4 - usize::from(octets)..]);
        bytes.extend_from_slice(&value);
    }
    bytes
}

/// An integer's bytes (TS 1.0.2 annex C): as few of 1, 2, 4 or 8 as it needs.
pub fn integer(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let len = match value {
        -0x80..0x80 => 1,
        -0x8000..0x8000 => 2,
        -0x8000_0000..0x8000_0000 => 4,
        _ => 8,
    };
    bytes[8 - len..].to_vec()
}

/// The integer in these bytes.
pub fn as_integer(bytes: &[u8]) -> Option<i64> {
    let first = *bytes.first()?;
    let sign = if first & 0x80 == 0 { 0 } else { -1_i64 };
    matches!(bytes.len(), 1 | 2 | 4 | 8).then(|| bytes.iter().fold(sign, |n, &byte| n << 8 | i64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn golden() {
        let entries = decode(DEVICE).unwrap();
        assert_eq!(DEVICE.len(), 121);
        assert_eq!(encode(&entries), DEVICE);
        let ids: Vec<u16> = entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 13, 14, 16]);
        assert_eq!(entries[3], Entry::resource(3, b"1.0"));
        let Content::Entries(voltages) = &entries[5].content else {
            panic!("a multiple resource");
        };
        let Content::Value(value) = &voltages[1].content else {
            panic!("a value");
        };
        assert_eq!(
            (entries[5].kind, as_integer(value)),
            (Kind::MultipleResource, Some(5000))
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
        assert_eq!(
            (integer(value).as_slice(), as_integer(bytes)),
            (bytes, Some(value))
        );
    }

    #[rstest]
    #[case(b"\xC1")]
    #[case(b"\xC1\x03")]
    #[case(b"\xC8\x03")]
    #[case(b"\xD8\x03\xFF\xFF\xFF")]
    #[case(b"\xE1\x00")]
    #[case(b"\x08\x00\x08\x08\x00\x05\x08\x00\x02\x00\x00")]
    fn what_is_none(#[case] bytes: &[u8]) {
        assert!(decode(bytes).is_err());
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(bytes: Vec<u8>) {
            if let Ok(entries) = decode(&bytes) {
                proptest::prop_assert_eq!(decode(&encode(&entries)), Ok(entries));
            }
        }

        #[test]
        fn values_of_every_length(id: u16, len in 0_usize..70_000) {
            let entry = Entry::resource(id, &alloc::vec![7; len]);
            proptest::prop_assert_eq!(decode(&encode(core::slice::from_ref(&entry))), Ok(alloc::vec![entry]));
        }
    }
}
