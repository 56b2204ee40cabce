//! Method and response codes (RFC 7252 §12.1, RFC 7959 §2.9).

use core::fmt;

/// A code: three bits of class and five of detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoapCode(pub u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeClass {
    /// 0.00: no request and no response.
    Empty,
    /// 0.01 to 0.31.
    Request,
    /// 2.xx, 4.xx and 5.xx.
    Response,
    /// 1.xx, 3.xx, 6.xx and 7.xx: nothing over UDP.
    Reserved,
}

impl CoapCode {
    pub const EMPTY: Self = Self::new(0, 0);
    pub const GET: Self = Self::new(0, 1);
    pub const POST: Self = Self::new(0, 2);
    pub const PUT: Self = Self::new(0, 3);
    pub const DELETE: Self = Self::new(0, 4);
    pub const CREATED: Self = Self::new(2, 1);
    pub const DELETED: Self = Self::new(2, 2);
    pub const VALID: Self = Self::new(2, 3);
    pub const CHANGED: Self = Self::new(2, 4);
    pub const CONTENT: Self = Self::new(2, 5);
    pub const CONTINUE: Self = Self::new(2, 31);
    pub const BAD_REQUEST: Self = Self::new(4, 0);
    pub const BAD_OPTION: Self = Self::new(4, 2);
    pub const NOT_FOUND: Self = Self::new(4, 4);
    pub const NOT_ALLOWED: Self = Self::new(4, 5);
    pub const NOT_ACCEPTABLE: Self = Self::new(4, 6);
    pub const INCOMPLETE: Self = Self::new(4, 8);
    pub const PRECONDITION_FAILED: Self = Self::new(4, 12);
    pub const TOO_LARGE: Self = Self::new(4, 13);
    pub const UNSUPPORTED_FORMAT: Self = Self::new(4, 15);
    pub const NO_PROXY: Self = Self::new(5, 5);

    const fn new(class: u8, detail: u8) -> Self {
        Self(class << 5 | detail)
    }

    pub const fn class(self) -> CodeClass {
        match self.0 >> 5 {
            0 if self.0 == 0 => CodeClass::Empty,
            0 => CodeClass::Request,
            2 | 4 | 5 => CodeClass::Response,
            _ => CodeClass::Reserved,
        }
    }

    pub const fn is_success(self) -> bool {
        self.0 >> 5 == 2
    }

    /// As a number of three digits: 205 for 2.05.
    pub const fn number(self) -> u16 {
        (self.0 >> 5) as u16 * 100 + (self.0 & 0x1F) as u16
    }

    pub const fn method(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "GET",
            2 => "POST",
            3 => "PUT",
            4 => "DELETE",
            5 => "FETCH",
            6 => "PATCH",
            7 => "iPATCH",
            _ => return None,
        })
    }
}

impl fmt::Display for CoapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method() {
            Some(method) => f.write_str(method),
            None => write!(f, "{}.{:02}", self.0 >> 5, self.0 & 0x1F),
        }
    }
}
