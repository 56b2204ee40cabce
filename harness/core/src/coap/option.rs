//! Numbers and shapes of options (RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1 and §4).

use alloc::vec::Vec;

pub const URI_HOST: u16 = 3;
pub const ETAG: u16 = 4;
pub const OBSERVE: u16 = 6;
pub const URI_PORT: u16 = 7;
pub const LOCATION_PATH: u16 = 8;
pub const URI_PATH: u16 = 11;
pub const CONTENT_FORMAT: u16 = 12;
pub const URI_QUERY: u16 = 15;
pub const ACCEPT: u16 = 17;
/// Block2: a part of the response's payload.
pub const BLOCK2: u16 = 23;
/// Block1: a part of the request's payload.
pub const BLOCK1: u16 = 27;
/// Size2: the length of the response's whole payload.
pub const SIZE2: u16 = 28;
pub const PROXY_URI: u16 = 35;
pub const PROXY_SCHEME: u16 = 39;
/// Size1: the length of the request's whole payload.
pub const SIZE1: u16 = 60;

/// A receiver that does not know this option must not act on the message (RFC 7252 §5.4.6).
pub const fn is_critical(number: u16) -> bool {
    number & 1 == 1
}

/// Whether this endpoint understands a critical option with these values. One of another length, or that comes twice and may
/// not, counts as unknown (RFC 7252 §5.4.3, §5.4.5). Conditional requests are not supported, so If-Match and If-None-Match are
/// unknown on purpose.
pub(super) fn is_understood<'v>(number: u16, mut values: impl ExactSizeIterator<Item = &'v Vec<u8>>) -> bool {
    let (lengths, repeatable) = match number {
        URI_HOST | PROXY_SCHEME => (1..=255, false),
        URI_PORT | ACCEPT => (0..=2, false),
        URI_PATH | URI_QUERY => (0..=255, true),
        BLOCK2 | BLOCK1 => (0..=3, false),
        PROXY_URI => (1..=1034, false),
        _ => return false,
    };
    (repeatable || values.len() == 1) && values.all(|value| lengths.contains(&value.len()))
}
