//! Lines of the rig: the supply, reset and PWRKEY, moved through a driver.
//!
//! The port is [`Line`], one method. Its adapters are [`simulated`] and [`command`]; drivers for GPIOs fit behind the same
//! method.

pub mod command;
pub mod simulated;

use std::os::fd::BorrowedFd;

/// One line of the rig, as its driver sees it.
pub trait Line: Send {
    /// Drives the line to its active level (supplied, asserted, pressed) or away from it. Returns when that is done, as
    /// far as the driver can tell. Stands on the way from a byte to the supply: it must not allocate where it can avoid it.
    fn set(&mut self, active: bool) -> Result<(), LineError>;

    /// The descriptor through which the line is moved, where there is one: whoever holds a duplicate can move the line too.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A line that could not be moved.
#[derive(Debug, thiserror::Error)]
#[error("{line} could not be switched {}: {why}", if *.active { "on" } else { "off" })]
pub struct LineError {
    /// The line, as rig files name it.
    pub line: &'static str,
    /// Where to it was to be moved.
    pub active: bool,
    /// What went wrong, with the program's own words where one was run.
    pub why: String,
}
