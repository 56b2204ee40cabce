//! Numbers and shapes of options (RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1 and §4).

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

/// What a critical option must look like for this endpoint to know it: lengths of its value, and whether it may come twice. One
/// of another shape counts as unknown (RFC 7252 §5.4.3, §5.4.5). Conditional requests are not part of this endpoint, so
/// If-Match and If-None-Match are unknown on purpose.
pub(super) const fn critical_shape(number: u16) -> Option<(core::ops::RangeInclusive<usize>, bool)> {
    Some(match number {
        URI_HOST => (1..=255, false),
        URI_PORT => (0..=2, false),
        URI_PATH | URI_QUERY => (0..=255, true),
        ACCEPT => (0..=2, false),
        BLOCK2 | BLOCK1 => (0..=3, false),
        PROXY_URI => (1..=1034, false),
        PROXY_SCHEME => (1..=255, false),
        _ => return None,
    })
}
