//! Places in a log, by which an editor finds them.

/// Where something stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// Its line, from 1.
    pub line: u64,
    /// Nanoseconds since the log's first time stamp; `None` in a log without any.
    pub at: Option<u64>,
}
