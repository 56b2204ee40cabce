//! What the answer to a request for an offered package will be: status, bytes, and what the faults do to them.
//!
//! Pure: made from the request's head, the package's length and the faults, before a byte is sent. Shares (`50%`) are
//! of the whole package, also where a request asks for a part of it:
//!
//! - `drop`: no byte at or behind its share is ever sent. An answer that begins behind it is its head alone. At 100 %
//!   the answer is complete and the connection closes after it.
//! - `corrupt` and `stall` act on, and before, the byte at their share; 100 % means the last byte, for behind it nothing
//!   is left to damage or to hold up. A part without that byte is untouched.
//! - `truncate` makes the package look shorter to every request: lengths, ranges and 416 speak of the short one. The tag
//!   stays, so that a client may believe that it resumes the same thing.

use super::range::RequestedRange;
use dfota_core::fault::{HttpFaults, Stall};
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};

/// What `wrong-length` adds to the length.
const TOO_MANY: u64 = 16;

/// An answer as it is meant to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AnswerPlan {
    pub(super) status: StatusCode,
    pub(super) content_range: Option<String>,
    /// Offset of the first byte of the package.
    pub(super) first: u64,
    /// Offset behind the last one that will be sent.
    pub(super) end: u64,
    /// The length that its head claims.
    pub(super) declared: u64,
    /// The connection closes behind the last byte, whatever the head claims.
    pub(super) closes: bool,
    /// Bytes that a sound answer would have had.
    pub(super) wanted: u64,
    /// The byte that is inverted.
    pub(super) inverted: Option<u64>,
    pub(super) stall: Option<PlannedStall>,
    /// Bytes a second of the module's time.
    pub(super) throttle: Option<u32>,
    /// Sentences about the faults.
    pub(super) traces: Vec<FaultTrace>,
}

/// A pause, and the offset of the byte that it holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlannedStall {
    pub(super) before: u64,
    pub(super) stall: Stall,
}

/// A sentence about a fault, true as soon as this many bytes of the answer were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FaultTrace {
    pub(super) after: u64,
    pub(super) text: String,
    /// The fault is one of the head, which HEAD has too.
    of_head: bool,
}

impl AnswerPlan {
    /// An answer without a byte of any package.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// The answer to GET or HEAD of a package of `len` bytes.
    pub(super) fn new(
        method: &Method,
        headers: &HeaderMap,
        etag: &str,
        len: u64,
        faults: &HttpFaults,
    ) -> Self {
        let head = method == Method::HEAD;
        let requested = |len| {
            if head {
                RequestedRange::Whole
            } else {
                RequestedRange::parse_headers(headers, etag, len)
            }
        };
        let wanted = if head { 0 } else { requested(len).bytes(len) };
        let mut plan = match faults.status.and_then(|code| StatusCode::from_u16(code).ok()) {
            Some(status) => Self::status(status),
            None => Self::content(requested, len, faults),
        };
        plan.wanted = wanted;
        if head {
            plan.headless();
        }
        plan
    }

    /// The answer of the fault `status`.
    fn status(status: StatusCode) -> Self {
        let mut plan = Self::bare(status);
        plan.trace_head(format!("answered {}", status.as_u16()));
        plan
    }

    /// An answer out of the package.
    fn content(requested: impl Fn(u64) -> RequestedRange, len: u64, faults: &HttpFaults) -> Self {
        let short = faults.truncate.map_or(len, |share| share.of(len));
        let mut plan = Self::bare(StatusCode::OK);
        if let Some(share) = faults.truncate.filter(|_| short < len) {
            plan.trace_head(format!("truncated at {share}"));
        }
        let range = match requested(short) {
            RequestedRange::Part { .. } | RequestedRange::Unsatisfiable if faults.ignore_range => {
                plan.trace(0, "ignored the range".to_owned());
                RequestedRange::Whole
            }
            range => range,
        };
        if plan.pick(range, short) {
            plan.add_byte_faults(len, faults);
        }
        plan
    }

    /// Sets what is sent of a package that has `len` bytes; false when that is nothing by right.
    fn pick(&mut self, range: RequestedRange, len: u64) -> bool {
        match range {
            RequestedRange::Whole => self.end = len,
            RequestedRange::Part { first, end } => {
                self.status = StatusCode::PARTIAL_CONTENT;
                self.content_range = Some(format!("bytes {first}-{}/{len}", end - 1));
                (self.first, self.end) = (first, end);
            }
            RequestedRange::Unsatisfiable => {
                self.status = StatusCode::RANGE_NOT_SATISFIABLE;
                self.content_range = Some(format!("bytes */{len}"));
                return false;
            }
        }
        self.declared = self.end - self.first;
        true
    }

    /// Plans the faults that act on the bytes.
    fn add_byte_faults(&mut self, len: u64, faults: &HttpFaults) {
        if let Some(rate) = faults.throttle {
            self.throttle = Some(rate);
            self.trace(0, format!("throttled to {rate} bytes/s"));
        }
        if faults.wrong_length {
            self.declared += TOO_MANY;
            self.closes = true;
            self.trace_head(format!("claimed {TOO_MANY} bytes too many"));
        }
        let last = len.saturating_sub(1);
        let inverted = faults.corrupt.map(|share| share.of(len).min(last));
        self.stall = faults.stall.map(|stall| PlannedStall {
            before: stall.at.of(len).min(last),
            stall,
        });
        if let Some(share) = faults.drop.filter(|share| share.of(len) <= self.end) {
            self.end = share.of(len).max(self.first);
            self.closes = true;
            self.trace(self.end - self.first, format!("dropped at {share}"));
        }
        if let Some(at) = inverted.filter(|at| (self.first..self.end).contains(at)) {
            self.inverted = Some(at);
            self.trace(at - self.first + 1, format!("corrupted byte {at}"));
        }
        let (first, end, closes) = (self.first, self.end, self.closes);
        self.stall.take_if(|stall| {
            let at = stall.before;
            !((first..end).contains(&at) || closes && at == end)
        });
    }

    /// What is left of it for HEAD: the same head, no byte, and so nothing that happens to bytes.
    fn headless(&mut self) {
        self.end = self.first;
        self.closes = false;
        self.stall = None;
        self.traces.retain(|trace| trace.of_head);
    }

    /// Notes a fault that the head shows.
    fn trace_head(&mut self, text: String) {
        self.trace(0, text);
        if let Some(trace) = self.traces.last_mut() {
            trace.of_head = true;
        }
    }

    /// Notes a fault that shows when so many bytes were sent.
    fn trace(&mut self, after: u64, text: String) {
        let of_head = false;
        self.traces.push(FaultTrace { after, text, of_head });
    }
}
