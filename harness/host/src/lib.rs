//! The world: everything of `dfota-hil` that touches a file, a socket, a port, a line or a clock.

pub mod case_file;
pub mod clock;
pub mod digest;
pub mod fault_file;
pub mod matrix;
pub mod rig;
pub mod rig_file;
pub mod rig_keys;
pub mod suite;
pub mod suite_file;
pub mod suite_keys;
pub mod suite_literals;
pub mod yaml;
