//! Time: the clock that servers, journal and program share, and which of their threads goes first.

#![warn(clippy::print_stdout)]

mod clock;
pub mod priority;

pub use clock::Clock;
