//! Time: the clock that servers, journal and program share, and the priorities of their threads.

#![warn(clippy::print_stdout)]

mod clock;
pub mod priority;

pub use clock::Clock;
