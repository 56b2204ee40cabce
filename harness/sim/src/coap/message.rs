//! One CoAP message and its bytes (RFC 7252 §3).

use super::MessageCode;

/// Longest token (RFC 7252 §3).
const TOKEN_MAX: usize = 8;
const VERSION: u8 = 1;
const PAYLOAD_MARKER: u8 = 0xFF;

/// The four types of messages (RFC 7252 §4.2, §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    Confirmable,
    NonConfirmable,
    /// Acknowledges one, with or without an answer in it.
    Acknowledgement,
    Reset,
}

impl MessageType {
    const ALL: [Self; 4] = [
        Self::Confirmable,
        Self::NonConfirmable,
        Self::Acknowledgement,
        Self::Reset,
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMessage {
    pub kind: MessageType,
    pub code: MessageCode,
    pub id: u16,
    /// Token: 0 to 8 bytes.
    pub token: Vec<u8>,
    /// In any order; those of one number in theirs.
    pub options: Vec<CoapOption>,
    pub payload: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoapOption {
    pub number: u16,
    pub value: Vec<u8>,
}

impl CoapOption {
    pub fn new(number: u16, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        Self { number, value }
    }

    /// A number in as few bytes as it takes (RFC 7252 §3.2).
    pub(crate) fn uint(number: u16, value: u32) -> Self {
        Self::new(number, uint_bytes(value))
    }
}

/// The bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {why}")]
pub struct MalformedDatagram {
    /// The id of a confirmable message, which is to be answered with a reset.
    pub(crate) to_reset: Option<u16>,
    why: &'static str,
}

impl RawMessage {
    /// A message without options and payload.
    pub fn new(kind: MessageType, code: MessageCode, id: u16, token: &[u8]) -> Self {
        assert!(token.len() <= TOKEN_MAX, "a token has at most 8 bytes");
        Self {
            kind,
            code,
            id,
            token: token.to_vec(),
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// An acknowledgement or a reset without content.
    pub fn empty(kind: MessageType, id: u16) -> Self {
        Self::new(kind, MessageCode::EMPTY, id, &[])
    }

    pub fn push(&mut self, number: u16, value: impl AsRef<[u8]>) {
        self.options.push(CoapOption::new(number, value));
    }

    pub fn push_uint(&mut self, number: u16, value: u32) {
        self.options.push(CoapOption::uint(number, value));
    }

    /// The values of all options of this number.
    pub fn values(&self, number: u16) -> impl Iterator<Item = &[u8]> {
        let matching = self.options.iter().filter(move |option| option.number == number);
        matching.map(|option| option.value.as_slice())
    }

    /// The value of the first option of this number.
    pub fn value(&self, number: u16) -> Option<&[u8]> {
        self.values(number).next()
    }

    /// The same, as a number; `None` if it is longer than four bytes.
    pub fn uint(&self, number: u16) -> Option<u32> {
        self.value(number).and_then(uint_of)
    }

    /// The values of all options of this number as text; `None` if one is not UTF-8.
    pub fn texts(&self, number: u16) -> Option<Vec<&str>> {
        self.values(number)
            .map(|value| std::str::from_utf8(value).ok())
            .collect()
    }

    /// Is there a critical option (RFC 7252 §5.4.6) that is not among `known`?
    pub(crate) fn has_unknown_critical(&self, known: &[u16]) -> bool {
        let is_critical = |number: u16| number & 1 == 1;
        let mut numbers = self.options.iter().map(|option| option.number);
        numbers.any(|number| is_critical(number) && !known.contains(&number))
    }

    pub fn encode(&self) -> Vec<u8> {
        let first = VERSION << 6 | (self.kind as u8) << 4 | self.token.len() as u8;
        let mut bytes = vec![first, self.code.0];
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(&self.token);
        let mut options: Vec<&CoapOption> = self.options.iter().collect();
        options.sort_by_key(|option| option.number);
        let mut last = 0;
        for CoapOption { number, value } in options {
            encode_option(&mut bytes, usize::from(number - last), value);
            last = *number;
        }
        if !self.payload.is_empty() {
            bytes.push(PAYLOAD_MARKER);
            bytes.extend_from_slice(&self.payload);
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, MalformedDatagram> {
        Self::read(bytes).map_err(|why| {
            let to_reset = match *bytes {
                [first, _, high, low, ..] if first >> 4 == VERSION << 2 | MessageType::Confirmable as u8 => {
                    Some(u16::from_be_bytes([high, low]))
                }
                _ => None,
            };
            MalformedDatagram { to_reset, why }
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or("shorter than its header")?;
        let [first, code, high, low] = *head;
        if first >> 6 != VERSION {
            return Err("another version");
        }
        let code = MessageCode(code);
        if !code.is_request() && !code.is_answer() && code != MessageCode::EMPTY {
            return Err("a reserved class");
        }
        let token_len = usize::from(first & 0x0F);
        if code == MessageCode::EMPTY && (token_len > 0 || !rest.is_empty()) {
            return Err("an empty message with content");
        }
        if token_len > TOKEN_MAX {
            return Err("a reserved token length");
        }
        let (token, rest) = rest.split_at_checked(token_len).ok_or("a truncated token")?;
        let kind = MessageType::ALL[usize::from(first >> 4 & 3)];
        let mut message = Self::new(kind, code, u16::from_be_bytes([high, low]), token);
        message.read_content(rest)?;
        Ok(message)
    }

    /// Reads the options and the payload.
    fn read_content(&mut self, mut rest: &[u8]) -> Result<(), &'static str> {
        let mut number = 0usize;
        while let Some((&first, behind)) = rest.split_first() {
            if first == PAYLOAD_MARKER {
                self.payload = behind.to_vec();
                let empty = behind.is_empty().then_some("a payload marker without payload");
                return empty.map_or(Ok(()), Err);
            }
            let (delta, behind) = extended(first >> 4, behind)?;
            let (len, behind) = extended(first & 0x0F, behind)?;
            let (value, behind) = behind.split_at_checked(len).ok_or("a truncated option")?;
            number += delta;
            let short = u16::try_from(number).map_err(|_| "an option number beyond 65535")?;
            self.push(short, value);
            rest = behind;
        }
        Ok(())
    }
}

fn encode_option(bytes: &mut Vec<u8>, delta: usize, value: &[u8]) {
    let (delta_nibble, delta_more) = nibble(delta);
    let (len_nibble, len_more) = nibble(value.len());
    bytes.push(delta_nibble << 4 | len_nibble);
    bytes.extend_from_slice(&delta_more);
    bytes.extend_from_slice(&len_more);
    bytes.extend_from_slice(value);
}

/// A number up to 12 as it is, larger ones in one or two bytes more (RFC 7252 §3.1).
fn nibble(number: usize) -> (u8, Vec<u8>) {
    match number {
        0..=12 => (number as u8, Vec::new()),
        13..=268 => (13, vec![(number - 13) as u8]),
        _ => (14, ((number - 269) as u16).to_be_bytes().to_vec()),
    }
}

fn extended(nibble: u8, rest: &[u8]) -> Result<(usize, &[u8]), &'static str> {
    const TRUNCATED: &str = "a truncated option";
    match nibble {
        13 => {
            let (byte, rest) = rest.split_first().ok_or(TRUNCATED)?;
            Ok((usize::from(*byte) + 13, rest))
        }
        14 => {
            let (bytes, rest) = rest.split_first_chunk::<2>().ok_or(TRUNCATED)?;
            Ok((usize::from(u16::from_be_bytes(*bytes)) + 269, rest))
        }
        15 => Err("a reserved option nibble"),
        small => Ok((usize::from(small), rest)),
    }
}

/// A number in as few bytes as it takes: none for 0.
pub(crate) fn uint_bytes(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    bytes[value.leading_zeros() as usize / 8..].to_vec()
}

/// A number of up to four bytes.
pub(super) fn uint_of(bytes: &[u8]) -> Option<u32> {
    let shift = |number, byte: &u8| number << 8 | u32::from(*byte);
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, shift))
}

#[cfg(test)]
mod tests {
    use super::super::option::{BLOCK2, CONTENT_FORMAT, OBSERVE, URI_PATH, URI_PORT};
    use super::MessageType::{Acknowledgement, Confirmable, NonConfirmable, Reset};
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// With its options in pairs of number and value.
    fn message(kind: MessageType, code: u8, id: u16, token: &[u8], options: &[(u16, &[u8])]) -> RawMessage {
        let mut message = RawMessage::new(kind, MessageCode(code), id, token);
        for (number, value) in options {
            message.push(*number, value);
        }
        message
    }

    const TEMPERATURE: (u16, &[u8]) = (URI_PATH, b"temperature");

    /// The exchanges of RFC 7252, appendix A, figures 16 and 17, RFC 7641 appendix A and RFC 7959 §3.
    #[rstest]
    #[case(message(Confirmable, 1, 0x7d34, b"", &[TEMPERATURE]), "", b"\x40\x01\x7d\x34\xbbtemperature")]
    #[case(message(Acknowledgement, 0x45, 0x7d34, b"", &[]), "22.3 C", b"\x60\x45\x7d\x34\xff22.3 C")]
    #[case(message(Confirmable, 1, 0x7d35, b" ", &[TEMPERATURE]), "", b"\x41\x01\x7d\x35 \xbbtemperature")]
    #[case(message(Acknowledgement, 0x45, 0x7d35, b" ", &[]), "22.3 C", b"\x61\x45\x7d\x35 \xff22.3 C")]
    #[case(message(NonConfirmable, 1, 0x7d40, b"u", &[TEMPERATURE]), "", b"\x51\x01\x7d\x40u\xbbtemperature")]
    #[case(RawMessage::empty(Acknowledgement, 0x7d38), "", b"\x60\x00\x7d\x38")]
    #[case(RawMessage::empty(Reset, 0x7d37), "", b"\x70\x00\x7d\x37")]
    #[case::notification(
        message(Confirmable, 0x45, 0x7b50, b"J", &[(OBSERVE, &[60])]),
        "19.3 Cel",
        b"\x41\x45\x7b\x50J\x61\x3c\xff19.3 Cel"
    )]
    #[case::block(
        message(Confirmable, 1, 1234, b"", &[(URI_PATH, b"status"), (BLOCK2, &[0x12])]),
        "",
        b"\x40\x01\x04\xd2\xb6status\xc1\x12"
    )]
    #[case::long_option(
        message(Confirmable, 3, 1, b"", &[(URI_PATH, b"a-path-of-20-letters"), (CONTENT_FORMAT, &[])]),
        "",
        b"\x40\x03\x00\x01\xbd\x07a-path-of-20-letters\x10"
    )]
    #[case(message(Reset, 1, 1, b"", &[(2048, &[9])]), "", b"\x70\x01\x00\x01\xe1\x06\xf3\x09")]
    fn golden(#[case] mut message: RawMessage, #[case] payload: &str, #[case] bytes: &[u8]) {
        message.payload = payload.into();
        assert_eq!(message.encode(), bytes);
        assert_eq!(RawMessage::decode(bytes), Ok(message));
    }

    #[rstest]
    #[case(b"", None, "shorter than its header")]
    #[case(b"\x40\x01\x00", None, "shorter than its header")]
    #[case(b"\x80\x01\x00\x01", None, "another version")]
    #[case(b"\x49\x01\x00\x01123456789", Some(1), "a reserved token length")]
    #[case(b"\x42\x01\x00\x01\x01", Some(1), "a truncated token")]
    #[case(b"\x40\x00\x00\x01\x01", Some(1), "an empty message with content")]
    #[case(b"\x50\x01\x00\x02\xff", None, "a payload marker without payload")]
    #[case(b"\x40\x01\x00\x01\xb5abcd", Some(1), "a truncated option")]
    #[case(b"\x40\x01\x00\x01\xd0", Some(1), "a truncated option")]
    #[case(b"\x40\x01\x00\x01\x0e\x00", Some(1), "a truncated option")]
    #[case(b"\x40\x01\x00\x01\xf0", Some(1), "a reserved option nibble")]
    #[case(b"\x40\x01\x00\x01\xe0\xff\xff", Some(1), "an option number beyond 65535")]
    #[case(b"\x40\x21\x00\x01", Some(1), "a reserved class")]
    fn refused(#[case] bytes: &[u8], #[case] to_reset: Option<u16>, #[case] why: &'static str) {
        assert_eq!(
            RawMessage::decode(bytes),
            Err(MalformedDatagram { to_reset, why })
        );
    }

    #[rstest]
    #[case(0, b"")]
    #[case(1, b"\x01")]
    #[case(11_542, b"\x2d\x16")]
    #[case(0xFF_FFFF, b"\xff\xff\xff")]
    fn numbers(#[case] number: u32, #[case] bytes: &[u8]) {
        assert_eq!(uint_bytes(number), bytes);
        assert_eq!(uint_of(bytes), Some(number));
    }

    #[test]
    fn critical_options() {
        let elective: [(u16, &[u8]); 2] = [(OBSERVE, &[]), (258, &[])];
        let mut message = message(Confirmable, 1, 1, &[], &elective);
        assert!(!message.has_unknown_critical(&[]));
        message.push_uint(URI_PORT, 5683);
        assert!(message.has_unknown_critical(&[URI_PATH]));
        assert!(!message.has_unknown_critical(&[URI_PORT]));
        assert_eq!(MessageCode::NOT_FOUND.to_string(), "4.04");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = RawMessage::decode(&bytes) {
                prop_assert_eq!(RawMessage::decode(&message.encode()), Ok(message));
            }
        }

        #[test]
        fn what_was_written_is_read(
            token in prop::collection::vec(any::<u8>(), 0..=8),
            id in any::<u16>(),
            options in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..300)), 0..6),
            payload in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut message = RawMessage::new(MessageType::NonConfirmable, MessageCode::POST, id, &token);
            message.options = options.into_iter().map(|(number, value)| CoapOption::new(number, value)).collect();
            message.options.sort_by_key(|option| option.number);
            message.payload = payload;
            prop_assert_eq!(RawMessage::decode(&message.encode()), Ok(message));
        }
    }
}
