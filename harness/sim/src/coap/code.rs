//! The code of a request or an answer (RFC 7252 §12.1).

use std::fmt;

/// Class and detail of a request or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCode(pub u8);

impl MessageCode {
    /// Neither request nor answer.
    pub const EMPTY: Self = Self(0);
    pub const GET: Self = Self(1);
    pub const POST: Self = Self(2);
    pub const PUT: Self = Self(3);
    pub const DELETE: Self = Self(4);
    pub const CREATED: Self = Self::new(2, 1);
    pub const DELETED: Self = Self::new(2, 2);
    pub const CHANGED: Self = Self::new(2, 4);
    pub const CONTENT: Self = Self::new(2, 5);
    /// Continue: the next block, please (RFC 7959 §2.9.1).
    pub const CONTINUE: Self = Self::new(2, 31);
    pub const BAD_REQUEST: Self = Self::new(4, 0);
    pub(crate) const BAD_OPTION: Self = Self::new(4, 2);
    pub const NOT_FOUND: Self = Self::new(4, 4);
    pub const METHOD_NOT_ALLOWED: Self = Self::new(4, 5);
    pub(crate) const NOT_ACCEPTABLE: Self = Self::new(4, 6);
    /// Request Entity Incomplete (RFC 7959 §2.9.2).
    pub const INCOMPLETE: Self = Self::new(4, 8);
    /// Request Entity Too Large.
    pub(crate) const TOO_LARGE: Self = Self::new(4, 13);
    pub(crate) const UNSUPPORTED_FORMAT: Self = Self::new(4, 15);
    pub const UNAVAILABLE: Self = Self::new(5, 3);

    const fn new(class: u8, detail: u8) -> Self {
        Self(class << 5 | detail)
    }

    /// 0 request, 2 success, 4 client error, 5 server error.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    pub const fn is_request(self) -> bool {
        self.class() == 0 && self.0 != 0
    }

    pub(crate) const fn is_answer(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }
}

impl fmt::Display for MessageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.0 & 0x1F)
    }
}
