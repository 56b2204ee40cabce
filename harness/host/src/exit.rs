//! How a command ends that cannot do what it was asked.

use crate::terminal::complain;

/// Bad flag, unreadable or invalid file, nothing selected: nothing was powered.
pub const USAGE: u8 = 2;

/// An error that ends a command, with its exit code.
#[derive(Debug)]
pub struct Failed {
    pub code: u8,
    pub message: String,
}

impl Failed {
    pub fn usage(message: impl ToString) -> Self {
        Self {
            code: USAGE,
            message: message.to_string(),
        }
    }

    /// Tells it; every error begins alike.
    pub fn tell(&self) {
        complain(format_args!("error: {}", self.message.trim_end()));
    }

    /// An error of ours: rig, server or harness.
    pub fn ours(message: impl ToString) -> Self {
        Self {
            code: 3,
            message: message.to_string(),
        }
    }
}
