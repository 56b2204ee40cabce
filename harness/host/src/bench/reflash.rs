//! Restoring a module that does not boot any more.

use crate::bench::line::command::run_program;
use crate::bench::line::simulated::Control;
use crate::config::rig::reflash::Reflash;
use std::process::Stdio;

/// Restores the module; the error says why that failed.
pub fn run(reflash: &Reflash) -> Result<(), String> {
    match reflash {
        Reflash::Program { command, timeout } => run_program(command, *timeout, Stdio::null()),
        Reflash::Simulated { control } => {
            let mut control = Control::connect(control).map_err(|why| why.to_string())?;
            control.ask("reflash\n")
        }
    }
}
