//! The decisions from outside: one binary, so that it is linked once.

mod claims;
mod coap;
mod exhaustive;
mod firmware_update;
mod fleets;
mod judgement;
mod log;
mod pools;
