//! CoAP (RFC 7252) with block-wise transfers (RFC 7959) and observation (RFC 7641), as machines without I/O.
//!
//! Bytes and the time come in as arguments, datagrams and events go out: a lossy network can be tested in virtual time. The
//! crate `coap-lite` reads and writes the bytes of a message. Its block options hold 12 bits only, so those have a codec of
//! their own; and it accepts some messages that RFC 7252 calls malformed, which are refused on top of it.

mod block;
mod code;
mod endpoint;
mod message;
mod observe;
pub mod option;
mod outbox;
mod recent;
pub mod timing;
mod token;
mod transfer;
mod upload;

pub use block::{BlockError, BlockOption, BlockSize};
pub use coap_lite::MessageType;
pub use code::{CoapCode, CodeClass};
pub use endpoint::{Endpoint, Failure, Output, Ticket};
pub use message::{CoapMessage, MalformedMessage};
pub use token::CoapToken;
pub use upload::{ReceivedPayload, Uploads};

use alloc::vec::Vec;

/// A number in as few bytes as it needs; 0 needs none (RFC 7252 §3.2).
fn shortest(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    bytes[(value.leading_zeros() / 8) as usize..].to_vec()
}
