//! The exit codes of the program: the only place that has their numbers.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done; of a run: every case passed or was skipped, and at least one passed.
    Success = 0,
    /// The module, or what was checked, is at fault.
    Failed = 1,
    /// Bad flag, unreadable or invalid file, nothing selected: nothing was powered.
    Usage = 2,
    /// Rig, network, server or harness failed, or there is no result.
    Error = 3,
    /// A signal ended it, with the rig in its safe state.
    Interrupted = 130,
}

impl ExitCode {
    /// The number that the shell sees and the journal holds.
    pub const fn code(self) -> u8 {
        self as u8
    }
}
