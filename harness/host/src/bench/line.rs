//! Lines of the rig: the supply, reset and PWRKEY, moved through a driver.
//!
//! The port of what is moved is [`OutputLine`], that of what is read is [`sense::Sense`]. The adapters are [`gpiochip`], [`rppal`], [`command`] and [`simulated`]; one contract is tested over all
//! of them (`tests/lines.rs`).

pub mod command;
pub mod driven;
pub mod gpiochip;
pub mod rppal;
pub mod sense;
pub mod simulated;

use std::os::fd::BorrowedFd;

/// One line of the rig, as its driver sees it. Dropping it moves nothing; what the hardware does with a line that nobody
/// holds any more is said beside each driver.
pub trait OutputLine: Send {
    /// Drives the line to its active level (supplied, asserted, pressed) or away from it. Returns when that is done, as
    /// far as the driver can tell. Stands on the way from a byte to the supply: it must not allocate where it can avoid it.
    fn set(&mut self, active: bool) -> Result<(), LineError>;

    /// The file descriptor that holds the level, where there is one: a guard process keeps a duplicate.
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
