//! The module's UART: the port, and the reader thread that cuts where the byte was read.

pub mod network;
pub mod port;
pub mod reader;
pub mod telnet;
mod written;
