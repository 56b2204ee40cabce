//! The program: its commands, and what moves a rig. Servers, clock and record are crates of their own.
//!
//! Each module may use those below it: `cli`, `run`, `check`, `device`, `plan`, `bench`, `state`, `config`, `terminal`. All may use
//! `exit` and `program`.

// `terminal::print` bears a reader that has gone.
#![warn(clippy::print_stdout)]

pub mod bench;
pub mod check;
pub mod cli;
pub mod config;
pub mod device;
pub mod exit;
pub mod plan;
pub mod program;
pub mod run;
pub mod state;
pub mod terminal;
