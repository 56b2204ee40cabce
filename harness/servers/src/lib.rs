//! The package servers that a module downloads from: [`http`], and [`coap`] with an LwM2M server.
//!
//! They stand on the open Internet, for the module comes through an operator's network: what a stranger sends costs the
//! module nothing.

#![warn(clippy::print_stdout)]

pub mod coap;
pub mod http;
pub mod shelf;
