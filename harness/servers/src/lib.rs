//! The package servers that a module downloads from: [`http`], and [`coap`] with an LwM2M server.
//!
//! They are reachable from the open Internet, because the module comes through an operator's network. What other
//! hosts send must not disturb the module.

#![warn(clippy::print_stdout)]

pub mod coap;
pub mod http;
mod limits;
mod listen;
mod offer;
mod sync;

pub use listen::explain as explain_listen;
pub use offer::{Offer, OfferError, OfferPath, Served, ServedMark};
