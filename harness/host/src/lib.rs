//! The world: everything of `dfota-hil` that touches a file, a socket, a port, a line or a clock.

pub mod clock;
pub mod package_server;
