//! Restoring a module that does not boot any more.

use crate::bench::line::DriverError;
use crate::bench::line::command::run_program;
use crate::bench::line::simulated::Control;
use crate::config::rig::reflash::Reflash;
use std::process::Stdio;

/// Restores the module.
pub fn run(reflash: &Reflash) -> Result<(), DriverError> {
    match reflash {
        Reflash::Program { command, timeout } => run_program(command, *timeout, Stdio::null()),
        Reflash::Simulated { control } => Control::connect(control)?.ask("reflash\n"),
    }
}
