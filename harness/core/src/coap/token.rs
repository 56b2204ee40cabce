//! What matches a response to its request (RFC 7252 §5.3.1).

use core::fmt;

/// A token: at most eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CoapToken {
    bytes: [u8; 8],
    len: u8,
}

impl CoapToken {
    /// A token of these bytes, where they are not too many.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut token = Self {
            len: bytes.len() as u8,
            ..Self::default()
        };
        token.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(token)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for CoapToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", self.as_bytes())
    }
}
