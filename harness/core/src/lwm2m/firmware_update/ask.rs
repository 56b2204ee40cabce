//! The words of the dialogue with a firmware update object: what is asked, what is heard, how it ends.

use alloc::string::String;
use bc66_spec::lwm2m::{State, UpdateResult};
use core::fmt;

/// What to ask the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Observe a resource of `/5/0`, which reads it too.
    Observe(u16),
    /// Read a resource of `/5/0`.
    Read(u16),
    /// Write `/5/0/1`; empty resets the object.
    Write(String),
    /// Execute `/5/0/2`.
    Execute,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The client has registered, for the first time or again: it has forgotten what was observed.
    Registered,
    /// The client has updated its registration. It listens now and may soon not any more; it may have rebooted and
    /// forgotten what was observed, as one that keeps its registration over a reboot says no more than this.
    Updated,
    /// The value of a resource of `/5/0`, read or notified.
    Value {
        resource: u16,
        value: i64,
        /// It was told unasked.
        notified: bool,
    },
    /// An observation was answered with a value: the response has the Observe option, or it has not and the client did not
    /// take the observation (RFC 7641 §4.1). The value is told besides.
    Observed {
        resource: u16,
        /// The client took it.
        taken: bool,
    },
    /// A write or execute was answered 2.xx.
    Accepted(Ask),
    /// It was refused, with this code (405 is 4.05).
    Refused(Ask, u16),
    /// No usable answer came.
    Unanswered(Ask),
    /// The last block of the package was served: it can be complete from now on.
    Served,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The object rests in this state with this result.
    Rests(State, UpdateResult),
    /// An order was refused.
    Refused(Ask, u16),
    /// An order was never answered.
    Unanswered(Ask),
}

impl Ending {
    /// State 0 and result 1.
    pub fn is_success(&self) -> bool {
        *self == Self::Rests(State::Idle, UpdateResult::Success)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Observe(resource) => write!(f, "observe /5/0/{resource}"),
            Self::Read(resource) => write!(f, "read /5/0/{resource}"),
            Self::Write(uri) => write!(f, "write `{uri}` to /5/0/1"),
            Self::Execute => f.write_str("execute /5/0/2"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rests(state, result) => write!(f, "state {state}, result {result}"),
            Self::Refused(ask, code) => write!(f, "{ask} was refused with {}.{:02}", code / 100, code % 100),
            Self::Unanswered(ask) => write!(f, "{ask} led to nothing"),
        }
    }
}
