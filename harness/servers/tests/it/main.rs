//! The package servers over loopback: one binary, so that it is linked once.

mod coap;
mod http;
