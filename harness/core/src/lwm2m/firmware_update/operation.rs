//! The dialogue with a firmware update object: operations, their results, and how it ends.

use alloc::collections::VecDeque;
use alloc::string::String;
use bc66_spec::lwm2m::{State, UpdateResult};
use core::fmt;

/// An operation on the client (LwM2M TS 1.0.2 §5.4, §5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Observe a resource of `/5/0`, which reads it too.
    Observe(u16),
    /// Read a resource of `/5/0`.
    Read(u16),
    /// Write `/5/0/1`; empty resets the object.
    Write(String),
    /// Execute `/5/0/2`.
    Execute,
}

impl Operation {
    /// The resource whose value answers it.
    pub(super) const fn reads(&self) -> Option<u16> {
        match self {
            Self::Observe(resource) | Self::Read(resource) => Some(*resource),
            Self::Write(_) | Self::Execute => None,
        }
    }
}

/// What the client did, unasked or in answer to an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The client has registered, for the first time or again: it has forgotten what was observed.
    Registered,
    /// The client has updated its registration. It listens now and may soon not any more. It may have rebooted and
    /// forgotten what was observed: a client that keeps its registration over a reboot sends nothing but this.
    Updated,
    /// The value of a resource of `/5/0`, read or notified.
    Value {
        resource: u16,
        value: i64,
        notified: bool,
    },
    /// An observation was answered with a value, which is an event of its own. Without the Observe option in the response,
    /// the client did not take the observation (RFC 7641 §4.1).
    Observed { resource: u16, taken: bool },
    /// A write or execute was answered 2.xx.
    Accepted(Operation),
    /// It was refused, with this code (405 is 4.05).
    Refused(Operation, u16),
    /// No usable answer came.
    Unanswered(Operation),
    /// The last block of the package was served: the package can be complete from now on.
    Served,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateEnding {
    /// The object rests in this state with this result.
    Rests(State, UpdateResult),
    /// A write or execute was refused.
    Refused(Operation, u16),
    /// A write or execute was never answered.
    Unanswered(Operation),
}

impl UpdateEnding {
    /// State 0 and result 1.
    pub fn is_success(&self) -> bool {
        *self == Self::Rests(State::Idle, UpdateResult::Success)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Observe(resource) => write!(f, "observe /5/0/{resource}"),
            Self::Read(resource) => write!(f, "read /5/0/{resource}"),
            Self::Write(uri) => write!(f, "write `{uri}` to /5/0/1"),
            Self::Execute => f.write_str("execute /5/0/2"),
        }
    }
}

impl fmt::Display for UpdateEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rests(state, result) => write!(f, "state {state}, result {result}"),
            Self::Refused(operation, code) => {
                write!(f, "{operation} was refused with {}.{:02}", code / 100, code % 100)
            }
            Self::Unanswered(operation) => write!(f, "{operation} got no response"),
        }
    }
}

/// Operations that wait, and the one that is out.
#[derive(Debug, Default)]
pub(super) struct OperationQueue {
    waiting: VecDeque<Operation>,
    out: Option<Operation>,
}

impl OperationQueue {
    /// Sends the next one, where none is out.
    pub(super) fn next(&mut self) -> Option<Operation> {
        if self.out.is_some() {
            return None;
        }
        self.out = self.waiting.pop_front();
        self.out.clone()
    }

    pub(super) fn push(&mut self, operation: Operation) {
        self.waiting.push_back(operation);
    }

    /// Puts one before all others, unless it is out already.
    pub(super) fn push_first(&mut self, operation: Operation) {
        if self.out.as_ref() != Some(&operation) {
            self.cancel(&operation);
            self.waiting.push_front(operation);
        }
    }

    pub(super) fn cancel(&mut self, operation: &Operation) {
        self.waiting.retain(|waiting| waiting != operation);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The operation that is out was answered, if it is one of these.
    pub(super) fn answered(&mut self, is: impl Fn(&Operation) -> bool) {
        self.out.take_if(|out| is(out));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.out.is_none()
    }

    /// A URI is being written, or is about to be.
    pub(super) fn writes(&self) -> bool {
        let mut all = self.waiting.iter().chain(&self.out);
        all.any(|operation| matches!(operation, Operation::Write(_)))
    }
}
