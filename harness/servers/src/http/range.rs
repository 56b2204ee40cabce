//! The part of a package that a request asks for by `Range` (RFC 9110 section 14).
//!
//! One range of bytes is served. Anything else that a header may hold, several ranges or nonsense, is treated as if
//! the header were not there, as the RFC allows.

use hyper::header::{HeaderMap, IF_RANGE, RANGE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// Everything: there is no header, or none that counts.
    Whole,
    /// The bytes from `first` up to, not including, `end`; never empty.
    Part { first: u64, end: u64 },
    /// A range that has no byte of the package.
    Unsatisfiable,
}

impl RequestedRange {
    /// Reads the headers of a request for a package of `len` bytes with this strong tag.
    pub(super) fn parse_headers(headers: &HeaderMap, etag: &str, len: u64) -> Self {
        let mut lines = headers.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Self::Whole;
        };
        if headers.get_all(IF_RANGE).iter().any(|tag| tag != etag) {
            return Self::Whole; // also a date: there is no Last-Modified that it could match
        }
        let range = line.to_str().ok().and_then(|text| Self::parse(text, len));
        range.unwrap_or(Self::Whole)
    }

    /// How many bytes of a package of `len` bytes this is.
    pub(super) fn bytes(self, len: u64) -> u64 {
        match self {
            Self::Whole => len,
            Self::Part { first, end } => end - first,
            Self::Unsatisfiable => 0,
        }
    }

    /// One range of bytes; `None` for all that is something else.
    fn parse(text: &str, len: u64) -> Option<Self> {
        let (unit, range) = text.split_once('=')?;
        let (first, last) = range.split_once('-')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        if first.is_empty() {
            return Some(Self::suffix(number(last)?, len));
        }
        let first = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        if last < first {
            return None;
        }
        if first >= len {
            return Some(Self::Unsatisfiable);
        }
        let end = last.saturating_add(1).min(len);
        Some(Self::Part { first, end })
    }

    /// The last `count` bytes.
    fn suffix(count: u64, len: u64) -> Self {
        match (count, len) {
            (0, _) => Self::Unsatisfiable,
            (_, 0) => Self::Whole, // satisfiable by the RFC, but `Content-Range` can not say it
            _ => Self::Part {
                first: len.saturating_sub(count),
                end: len,
            },
        }
    }
}

/// A decimal number; one that is larger than any package counts as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}
