//! Why a package cannot be offered.

use std::io;

/// Why a package can not be offered.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    #[error("`{base}` is not a base URL: expected `{scheme}HOST[:PORT]`, printable, without `?` or `#`")]
    Base {
        base: String,
        /// The scheme that it needs.
        scheme: &'static str,
    },
    #[error(
        "the URL would have {length} characters and {holder} holds {longest}: shorten `{key}` (`{base}`) or the package's name"
    )]
    TooLong {
        length: usize,
        /// What has to hold it.
        holder: &'static str,
        /// As much as that holds.
        longest: usize,
        /// Where the rig file has the base.
        key: &'static str,
        base: String,
    },
    #[error(
        "`{0}` is not a path for a package: expected `/` and then letters, digits, `.`, `_`, `-`, `~` and `/`, no `..`"
    )]
    Path(String),
    #[error("another package is offered at `{0}` already")]
    Taken(String),
    #[error("{0} is not an HTTP status: expected 200 to 599")]
    Status(u16),
    #[error("a throttle of 0 bytes/s would never send a byte: expected at least 1, or use `stall`")]
    Throttle,
    #[error("losing or doubling every {0}. datagram: expected every 2nd or a later one")]
    Every(u32),
    #[error("blocks of {0} bytes do not exist: expected 16, 32, 64, 128, 256, 512 or 1024")]
    BlockSize(u16),
    #[error("the system gives no random bytes for an unguessable path: {0}")]
    Random(io::Error),
}
