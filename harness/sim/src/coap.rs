//! CoAP as the module speaks it (RFC 7252, RFC 7959, RFC 7641), written by hand: the harness uses a library, and an error must
//! not hide by being on both sides.
//!
//! [`message`] knows the bytes, [`block`] the block options, [`exchange`] how one confirmable request fares over a
//! network that loses datagrams. No socket is opened here.

pub mod block;
pub mod exchange;
pub mod message;
pub mod option;
pub mod uri;

pub use block::BlockOption;
pub use exchange::{Exchange, News, Step};
pub use message::{CoapCode, MessageType, MalformedMessage, CoapMessage};
pub use uri::{Uri, UriError};
