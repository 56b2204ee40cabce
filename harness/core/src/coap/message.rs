//! One CoAP message (RFC 7252 §3). Malformed and merely unknown are kept apart, because the answers differ.

use super::block::{BlockError, BlockOption};
use super::code::{CoapCode, CodeClass};
use super::option;
use super::shortest;
use super::token::CoapToken;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use coap_lite::{CoapOption, MessageClass, MessageType, Packet};

#[derive(Debug, Clone, PartialEq)]
pub struct CoapMessage(Packet);

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedMessage {
    pub why: &'static str,
    /// The id to reset, where the sender wants to know (RFC 7252 §4.2). Nothing else is answered.
    pub reset: Option<u16>,
}

impl CoapMessage {
    pub fn new(kind: MessageType, code: CoapCode, id: u16, token: CoapToken) -> Self {
        let mut packet = Packet::new();
        packet.header.code = MessageClass::from(code.0);
        packet.header.message_id = id;
        packet.set_token(token.as_bytes().to_vec());
        packet.header.set_type(kind);
        Self(packet)
    }

    /// A request or response that has no id and no token yet: the endpoint gives it those.
    pub fn draft(code: CoapCode) -> Self {
        Self::new(MessageType::Confirmable, code, 0, CoapToken::default())
    }

    /// A draft of a request for this path (`5/0/3`).
    pub fn request(method: CoapCode, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        segments.fold(Self::draft(method), |draft, segment| {
            draft.with(option::URI_PATH, segment.as_bytes())
        })
    }

    /// A draft of a response that says why, for people (RFC 7252 §5.5.2).
    pub fn diagnostic(code: CoapCode, why: &str) -> Self {
        Self::draft(code).with_payload(why.as_bytes().to_vec())
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, MalformedMessage> {
        let reset = match bytes {
            [first, _, high, low, ..] if first >> 4 == 0b0100 => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
        let malformed = |why| MalformedMessage { why, reset };
        match bytes {
            [first, _, _, _, ..] if first >> 6 != 1 => return Err(malformed("unknown version")),
            [_, 0, _, _] if bytes[0] & 0x0F == 0 => {}
            [_, 0, _, _, ..] => return Err(malformed("an empty message with something in it")),
            [_, _, _, _, ..] => {}
            _ => return Err(malformed("shorter than a header")),
        }
        let packet = Packet::from_bytes(bytes).map_err(|_| malformed("token or options are cut off"))?;
        let message = Self(packet);
        // An option has exactly one encoding, so a length that differs is that of a marker without a payload.
        if bytes.last() == Some(&0xFF)
            && message.payload().is_empty()
            && message.encode().len() != bytes.len()
        {
            return Err(malformed("a payload marker without a payload"));
        }
        Ok(message)
    }

    pub fn encode(&self) -> Vec<u8> {
        // The codec refuses nothing that can be built here: tokens have eight bytes at most.
        self.0.to_bytes_unlimited().unwrap_or_default()
    }

    pub fn kind(&self) -> MessageType {
        self.0.header.get_type()
    }

    pub fn code(&self) -> CoapCode {
        CoapCode(u8::from(self.0.header.code))
    }

    pub fn class(&self) -> CodeClass {
        self.code().class()
    }

    pub fn id(&self) -> u16 {
        self.0.header.message_id
    }

    pub fn token(&self) -> CoapToken {
        CoapToken::new(self.0.get_token()).unwrap_or_default() // the codec lets no longer one through
    }

    /// The draft with type, id and token.
    pub(super) fn addressed(mut self, kind: MessageType, id: u16, token: CoapToken) -> Self {
        self.0.header.set_type(kind);
        self.0.header.message_id = id;
        self.0.set_token(token.as_bytes().to_vec());
        self
    }

    pub fn payload(&self) -> &[u8] {
        &self.0.payload
    }

    pub fn into_payload(self) -> Vec<u8> {
        self.0.payload
    }

    pub fn with_payload(mut self, payload: Vec<u8>) -> Self {
        self.0.payload = payload;
        self
    }

    pub fn with(mut self, number: u16, value: &[u8]) -> Self {
        self.0.add_option(CoapOption::from(number), value.to_vec());
        self
    }

    pub fn with_uint(mut self, number: u16, value: u32) -> Self {
        self.0.add_option(CoapOption::from(number), shortest(value));
        self
    }

    /// The same with this block option and no other of its number.
    pub fn with_block(mut self, number: u16, block: BlockOption) -> Self {
        self = self.without(number);
        self.0.add_option(CoapOption::from(number), block.encode());
        self
    }

    pub fn without(mut self, number: u16) -> Self {
        self.0.clear_option(CoapOption::from(number));
        self
    }

    pub fn options(&self, number: u16) -> impl Iterator<Item = &[u8]> {
        let values = self.0.get_option(CoapOption::from(number));
        values.into_iter().flatten().map(Vec::as_slice)
    }

    pub fn option(&self, number: u16) -> Option<&[u8]> {
        self.options(number).next()
    }

    /// The number in an option; `None` as well where it is none of at most 32 bits.
    pub fn uint(&self, number: u16) -> Option<u32> {
        let value = self.option(number).filter(|value| value.len() <= 4)?;
        Some(value.iter().fold(0, |bits, &byte| bits << 8 | u32::from(byte)))
    }

    pub fn block(&self, number: u16) -> Result<Option<BlockOption>, BlockError> {
        self.option(number).map(BlockOption::decode).transpose()
    }

    /// Its path, `/` before every segment; `/` where it has none. Bytes that are no text or could be mistaken for the
    /// path's own are escaped with `%`, so that different paths never look the same.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.options(option::URI_PATH) {
            path.push('/');
            escape(segment, &mut path);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    /// The first critical option that is unknown, or of an impossible shape (RFC 7252 §5.4).
    pub fn unknown_critical(&self) -> Option<u16> {
        let mut critical = self
            .0
            .options()
            .filter(|(number, _)| option::is_critical(**number));
        let unknown = critical.find(|(number, values)| !option::is_understood(**number, values.iter()));
        unknown.map(|(number, _)| *number)
    }
}

impl From<BlockError> for CoapMessage {
    /// The answer to a request with such an option.
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::ReservedSize => Self::diagnostic(CoapCode::BAD_REQUEST, "block size 7 is reserved"),
            BlockError::TooLong => {
                Self::diagnostic(CoapCode::BAD_OPTION, "a block option has 3 bytes at most")
            }
        }
    }
}

fn escape(segment: &[u8], path: &mut String) {
    for &byte in segment {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use rstest::rstest;

    fn token(bytes: &[u8]) -> CoapToken {
        CoapToken::new(bytes).unwrap()
    }

    /// RFC 7252, appendix A, figures 16 and 17.
    #[rstest]
    #[case(b"\x40\x01\x7d\x34\xbbtemperature", CoapMessage::request(CoapCode::GET, "temperature").addressed(MessageType::Confirmable, 0x7d34, CoapToken::default()))]
    #[case(b"\x60\x45\x7d\x34\xff22.3 C", CoapMessage::diagnostic(CoapCode::CONTENT, "22.3 C").addressed(MessageType::Acknowledgement, 0x7d34, CoapToken::default()))]
    #[case(b"\x41\x01\x7d\x35\x20\xbbtemperature", CoapMessage::request(CoapCode::GET, "temperature").addressed(MessageType::Confirmable, 0x7d35, token(&[0x20])))]
    #[case(b"\x61\x45\x7d\x35\x20\xff22.3 C", CoapMessage::diagnostic(CoapCode::CONTENT, "22.3 C").addressed(MessageType::Acknowledgement, 0x7d35, token(&[0x20])))]
    #[case(
        b"\x70\x00\x7d\x35",
        CoapMessage::new(MessageType::Reset, CoapCode::EMPTY, 0x7d35, CoapToken::default())
    )]
    // 13, 14 and more: every form of delta and length (RFC 7252 §3.1).
    #[case(b"\x40\x01\x00\x01\xd1\x0a\x06\x51\x80", CoapMessage::draft(CoapCode::GET).with(23, &[6]).with(28, &[0x80]).addressed(MessageType::Confirmable, 1, CoapToken::default()))]
    #[case(b"\x40\x01\x00\x01\xe0\x06\xf3", CoapMessage::draft(CoapCode::GET).with(2048, b"").addressed(MessageType::Confirmable, 1, CoapToken::default()))]
    fn golden(#[case] bytes: &[u8], #[case] message: CoapMessage) {
        assert_eq!(CoapMessage::decode(bytes).unwrap(), message);
        assert_eq!(message.encode(), bytes);
    }

    #[rstest]
    #[case(b"", None)]
    #[case(b"\x40\x01\x7d", None)]
    #[case(b"\x00\x01\x7d\x34", None)]
    #[case(b"\x80\x01\x7d\x34", None)]
    #[case(b"\x49\x01\x7d\x34123456789", Some(0x7d34))]
    #[case(b"\x44\x01\x7d\x34\x01\x02", Some(0x7d34))]
    #[case(b"\x40\x00\x7d\x34\x00", Some(0x7d34))]
    #[case(b"\x41\x00\x7d\x34\x00", Some(0x7d34))]
    #[case(b"\x40\x01\x7d\x34\xff", Some(0x7d34))]
    #[case(b"\x40\x01\x7d\x34\xb1\xff\xff", Some(0x7d34))]
    #[case(b"\x40\x01\x7d\x34\xbbtemp", Some(0x7d34))]
    #[case(b"\x40\x01\x7d\x34\xf0", Some(0x7d34))]
    #[case(b"\x40\x01\x7d\x34\x0f", Some(0x7d34))]
    #[case(b"\x50\x01\x7d\x34\xff", None)]
    #[case(b"\x60\x45\x7d\x34\xff", None)]
    fn malformed(#[case] bytes: &[u8], #[case] reset: Option<u16>) {
        assert_eq!(CoapMessage::decode(bytes).unwrap_err().reset, reset);
    }

    #[test]
    fn an_option_may_end_with_what_a_marker_looks_like() {
        let message = CoapMessage::decode(b"\x40\x01\x7d\x34\xb1\xff").unwrap();
        assert_eq!((message.path().as_str(), message.payload()), ("/%FF", &b""[..]));
    }

    #[test]
    fn every_option_number_survives() {
        for number in 0..=u16::MAX {
            let message = CoapMessage::draft(CoapCode::GET).with(number, &[7]);
            let back = CoapMessage::decode(&message.encode()).unwrap();
            assert_eq!(back.option(number), Some(&[7][..]), "{number}");
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (value, bytes) in [
            (0, vec![]),
            (1, vec![1]),
            (256, vec![1, 0]),
            (0x0100_0000, vec![1, 0, 0, 0]),
        ] {
            let message = CoapMessage::draft(CoapCode::GET).with_uint(28, value);
            assert_eq!(message.option(28), Some(bytes.as_slice()));
            assert_eq!(message.uint(28), Some(value));
        }
    }

    #[rstest]
    #[case(CoapMessage::request(CoapCode::GET, "a/b"), None)]
    #[case(CoapMessage::draft(CoapCode::GET).with(9, b""), Some(9))]
    #[case(CoapMessage::draft(CoapCode::GET).with(1, b""), Some(1))]
    #[case(CoapMessage::draft(CoapCode::GET).with(65535, b""), Some(65535))]
    #[case(CoapMessage::draft(CoapCode::GET).with(65534, b""), None)]
    #[case(CoapMessage::draft(CoapCode::GET).with(23, &[0, 0, 0, 0]), Some(23))]
    #[case(CoapMessage::draft(CoapCode::GET).with(23, &[6]).with(23, &[6]), Some(23))]
    #[case(CoapMessage::draft(CoapCode::GET).with(3, b""), Some(3))]
    #[case(CoapMessage::draft(CoapCode::GET).with(3, b"h"), None)]
    #[case(CoapMessage::draft(CoapCode::GET).with(17, &[42]).with(17, &[42]), Some(17))]
    fn critical(#[case] message: CoapMessage, #[case] number: Option<u16>) {
        assert_eq!(message.unknown_critical(), number);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            if let Ok(message) = CoapMessage::decode(&bytes) {
                proptest::prop_assert_eq!(message.encode(), bytes);
                let _ = (message.path(), message.unknown_critical(), message.block(23), message.uint(6));
            }
        }

        #[test]
        fn what_looks_like_a_message_too(head in 0x40_u8..0x49, rest in proptest::collection::vec(proptest::num::u8::ANY, 3..64)) {
            let bytes: Vec<u8> = core::iter::once(head).chain(rest).collect();
            if let Ok(message) = CoapMessage::decode(&bytes) {
                proptest::prop_assert_eq!(message.encode(), bytes);
            }
        }
    }
}
