//! The module's UART: the port, and the reader thread that cuts where the byte was read.

pub mod cutter;
mod line_budget;
pub mod message;
pub mod network;
pub mod port;
pub mod reader;
pub mod telnet;
pub mod trigger;

use rustix::time::Timespec;
use std::time::Duration;

/// A duration as `poll` takes it.
fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
