//! An answer on its way to the socket: how far it came, and the report of it.
//!
//! It is counted where bytes are handed to the socket, so that a report says what really went.

use super::HttpPackage;
use crate::http::answer_plan::{AnswerPlan, FaultTrace};
use crate::sync::lock;
use dfota_core::event::Request;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

const BLANK_LINE: &[u8] = b"\r\n\r\n";

#[derive(Debug)]
pub(crate) struct HttpAnswer {
    /// The report, but for what is known at the end only.
    request: Request,
    of: Option<CountedRequest>,
    /// Bytes of the package that it will have.
    planned: u64,
    /// The connection closes behind it.
    pub(super) closes: bool,
    traces: Vec<FaultTrace>,
    progress: Mutex<SendProgress>,
}

#[derive(Debug)]
struct CountedRequest {
    package: Arc<HttpPackage>,
    number: usize,
}

#[derive(Debug, Default)]
struct SendProgress {
    /// Bytes of [`BLANK_LINE`] seen just now; all of them: the head is over.
    blank: usize,
    /// Bytes of the package that were handed to the socket.
    sent: u64,
    /// A pause follows what was sent, so the answer is not over with its last byte.
    held: bool,
    /// The report's text of the pause, if there was one.
    stalled: Option<String>,
    waiting: Option<SendWaiter>,
}

/// The body waits until this many bytes were sent.
#[derive(Debug)]
struct SendWaiter {
    bytes: u64,
    waker: Waker,
}

impl HttpAnswer {
    /// A planned answer of which nothing was sent; `package` is what was asked for, if it is on offer.
    pub(crate) fn new(request: Request, package: Option<&Arc<HttpPackage>>, plan: &AnswerPlan) -> Self {
        let of = package.map(|package| CountedRequest {
            package: package.clone(),
            number: package.served.begin(plan.first),
        });
        let progress = SendProgress {
            held: plan.stall.is_some_and(|stall| stall.before == plan.end),
            ..SendProgress::default()
        };
        Self {
            request,
            of,
            planned: plan.end - plan.first,
            closes: plan.closes,
            traces: plan.traces.clone(),
            progress: Mutex::new(progress),
        }
    }

    /// No answer: the connection is reset.
    pub(crate) fn refused(request: Request, package: &Arc<HttpPackage>) -> Self {
        let plan = AnswerPlan {
            closes: true,
            ..AnswerPlan::default()
        };
        Self::new(request, Some(package), &plan)
    }

    pub(super) fn is_of(&self, package: &Arc<HttpPackage>) -> bool {
        self.of
            .as_ref()
            .is_some_and(|of| Arc::ptr_eq(&of.package, package))
    }

    /// Bytes were handed to the socket. Returns how many of them were this answer's.
    pub(super) fn take(&self, bytes: &[u8]) -> usize {
        let mut progress = lock(&self.progress);
        let head = progress.take_head(bytes);
        let left = self.planned - progress.sent;
        let body = left.min((bytes.len() - head) as u64);
        progress.sent += body;
        progress.wake();
        if let Some(of) = self.of.as_ref().filter(|_| body > 0) {
            of.package.served.add(of.number, body);
        }
        head + body as usize
    }

    /// Nothing of it is left to do.
    pub(super) fn is_over(&self) -> bool {
        let progress = lock(&self.progress);
        progress.head_is_over() && progress.sent == self.planned && !progress.held
    }

    /// Whether `bytes` of the package were handed to the socket. If not, the task is woken when they were.
    pub(crate) fn has_sent(&self, bytes: u64, context: &Context<'_>) -> bool {
        let mut progress = lock(&self.progress);
        if progress.head_is_over() && progress.sent >= bytes {
            return true;
        }
        let waker = context.waker().clone();
        progress.waiting = Some(SendWaiter { bytes, waker });
        false
    }

    pub(crate) fn stalled(&self, text: String) {
        lock(&self.progress).stalled = Some(text);
    }

    /// No pause is left that could hold it.
    pub(crate) fn release(&self) {
        lock(&self.progress).held = false;
    }

    /// The report of it, over or broken.
    pub(super) fn report(&self) -> Request {
        let progress = lock(&self.progress);
        let mut request = self.request.clone();
        request.sent = progress.sent;
        if !progress.head_is_over() {
            request.status = None;
            return request;
        }
        let traces = self.traces.iter().filter(|trace| trace.after <= progress.sent);
        let texts = progress.stalled.iter().chain(traces.map(|trace| &trace.text));
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        request.fault = request.fault.or((!texts.is_empty()).then(|| texts.join(", ")));
        request
    }
}

impl SendProgress {
    fn head_is_over(&self) -> bool {
        self.blank == BLANK_LINE.len()
    }

    /// Looks for the end of the head. Returns how many bytes were the head's.
    fn take_head(&mut self, bytes: &[u8]) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            if self.head_is_over() {
                return index;
            }
            self.blank = match *byte {
                byte if byte == BLANK_LINE[self.blank] => self.blank + 1,
                b'\r' => 1,
                _ => 0,
            };
        }
        bytes.len()
    }

    fn wake(&mut self) {
        let (head_is_over, sent) = (self.head_is_over(), self.sent);
        let reached = |waiting: &mut SendWaiter| head_is_over && sent >= waiting.bytes;
        if let Some(waiting) = self.waiting.take_if(reached) {
            waiting.waker.wake();
        }
    }
}
