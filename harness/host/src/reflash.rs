//! How a rig restores a module that does not boot any more: the vendor's flash tool, or the simulator's.

use crate::line::command::run_program;
use crate::line::simulated::Control;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

/// The way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reflash {
    /// A program that ends with 0 once the module is restored.
    Program {
        /// Program and arguments.
        command: Vec<String>,
        /// How long it may take, in real time.
        timeout: Duration,
    },
    /// The control socket of a simulated module.
    Simulated {
        /// Its path.
        control: PathBuf,
    },
}

impl Reflash {
    /// Restores the module; the error says why that failed.
    pub fn run(&self) -> Result<(), String> {
        match self {
            Self::Program { command, timeout } => run_program(command, *timeout, Stdio::null()),
            Self::Simulated { control } => {
                let mut control = Control::connect(control).map_err(|why| why.to_string())?;
                control.ask("reflash\n")
            }
        }
    }
}

impl fmt::Display for Reflash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { command, .. } => write!(f, "`{}`", command.join(" ")),
            Self::Simulated { .. } => f.write_str("the simulator's factory firmware"),
        }
    }
}
