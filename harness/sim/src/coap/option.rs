//! Numbers of CoAP options (RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1 and §4).

/// Names the server's host.
pub(crate) const URI_HOST: u16 = 3;
/// Tells one representation of a resource from another.
pub const ETAG: u16 = 4;
/// Asks for notifications, or numbers them.
pub const OBSERVE: u16 = 6;
/// Names the server's port.
pub(crate) const URI_PORT: u16 = 7;
/// One segment of where a created resource stands.
pub const LOCATION_PATH: u16 = 8;
/// One segment of the path.
pub const URI_PATH: u16 = 11;
/// What the payload is.
pub const CONTENT_FORMAT: u16 = 12;
pub const URI_QUERY: u16 = 15;
/// What the answer's payload should be.
pub const ACCEPT: u16 = 17;
/// A block of the answer.
pub const BLOCK2: u16 = 23;
/// A block of the request.
pub const BLOCK1: u16 = 27;
/// Size of the whole answer.
pub const SIZE2: u16 = 28;
/// Size of the whole request.
pub(crate) const SIZE1: u16 = 60;
