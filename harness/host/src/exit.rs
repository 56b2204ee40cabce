//! The error that ends a command.

use crate::terminal::print_warning;
pub use dfota_core::exit_code::ExitCode;

/// An error that ends a command, with its exit code.
#[derive(Debug)]
pub struct CommandError {
    pub code: ExitCode,
    pub message: String,
}

impl CommandError {
    /// The user has to change the command line or a file; nothing was powered.
    pub fn usage(message: impl ToString) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Rig, network, server or harness failed.
    pub fn error(message: impl ToString) -> Self {
        Self::new(ExitCode::Error, message)
    }

    pub fn new(code: ExitCode, message: impl ToString) -> Self {
        let message = message.to_string();
        Self { code, message }
    }

    /// Prints it to standard error; every error begins alike.
    pub fn print(&self) {
        print_warning(format_args!("error: {}", self.message.trim_end()));
    }
}
