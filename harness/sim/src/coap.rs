//! CoAP for the module (RFC 7252, RFC 7959, RFC 7641), written by hand: the harness uses a library, and an error
//! on both sides would hide.
//!
//! `message` knows the bytes, `block` the block options, `exchange` repeats a confirmable request until its
//! answer comes. No socket is opened here.

mod block;
mod code;
mod exchange;
mod message;
pub mod option;
mod uri;

pub use block::BlockValue;
pub use code::MessageCode;
pub(crate) use exchange::{Exchange, News};
pub use message::{CoapOption, MalformedDatagram, MessageType, RawMessage};
pub(crate) use uri::{Uri, UriError};
