//! Lines of the rig: the supply, reset and PWRKEY, moved through a driver.
//!
//! An output is an [`OutputLine`], an input a [`sense::Sense`]. The drivers are [`gpiochip`], [`rppal`], [`command`] and
//! [`simulated`]; `tests/lines.rs` tests one contract over all of them.

pub mod command;
pub mod driven;
pub mod gpiochip;
pub mod rppal;
pub mod sense;
pub mod simulated;

use std::os::fd::BorrowedFd;

/// One output of the rig, as its driver sees it. Dropping it moves nothing; each driver says what the hardware does with a line
/// that no process holds any more.
pub trait OutputLine: Send {
    /// Drives the line to its active level (supplied, asserted, pressed) or away from it. Returns when that is done, as
    /// far as the driver can tell. It runs between a byte and the cut: allocate only where it cannot be avoided.
    fn set(&mut self, active: bool) -> Result<(), LineError>;

    /// The file descriptor that holds the level, where there is one: the guard process keeps a duplicate.
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
    /// The level that was asked for.
    pub active: bool,
    /// What went wrong, with the program's own words where one was run.
    pub why: String,
}

impl LineError {
    pub fn new(line: &'static str, active: bool, why: impl ToString) -> Self {
        let why = why.to_string();
        Self { line, active, why }
    }
}

/// What a driver could not do, and what to do about it: open a line, read an input, run a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DriverError(String);

impl DriverError {
    pub fn new(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}
