//! The world: everything of `dfota-hil` that touches a file, a socket, a port, a line or a clock.

pub mod attempt;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod command;
pub mod console;
pub mod digest;
pub mod escape;
pub mod journal;
pub mod line;
pub mod lines;
pub mod module;
pub mod package_server;
pub mod paint;
pub mod plan;
pub mod prepare;
pub mod report;
pub mod rig;
pub mod runner;
pub mod schema;
pub mod serial;
pub mod sim_process;
pub mod suite;
pub mod upload;
pub mod yaml;
