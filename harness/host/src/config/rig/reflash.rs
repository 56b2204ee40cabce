//! How a rig restores a module that does not boot any more: the vendor's flash tool, or the simulator's.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reflash {
    /// A program that ends with 0 once the module is restored.
    Program {
        command: Vec<String>,
        /// How long it may take, in real time.
        timeout: Duration,
    },
    /// The control socket of a simulated module.
    Simulated { control: PathBuf },
}

impl fmt::Display for Reflash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { command, .. } => write!(f, "`{}`", command.join(" ")),
            Self::Simulated { .. } => f.write_str("the simulator's factory firmware"),
        }
    }
}
