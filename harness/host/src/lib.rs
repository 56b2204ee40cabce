//! The world: everything of `dfota-hil` that touches a file, a socket, a port, a line or a clock.
//!
//! Each module may use those below it: `cli`, `run`, `check`, `device`, `plan`, `bench`, `state`, `config`, `terminal`.

// `terminal::print` bears a reader that has gone.
#![warn(clippy::print_stdout)]

pub mod bench;
pub mod check;
pub mod cli;
pub mod config;
pub mod device;
pub mod exit;
pub mod plan;
pub mod run;
pub mod state;
pub mod terminal;
