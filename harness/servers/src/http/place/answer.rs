//! An answer on its way to the socket: how far it came, and the report of it.
//!
//! It is counted where bytes are handed to the socket, so that a report tells what really went.

use super::Place;
use crate::http::plan::Trace;
use crate::shelf::lock;
use dfota_core::event::Request;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

/// The end of a head.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The report, but for what is known at the end only.
    pub(crate) request: Request,
    /// The offer it belongs to, and its number there.
    pub(crate) place: Option<(Arc<Place>, usize)>,
    /// Bytes of the package that it will have.
    pub(crate) planned: u64,
    /// The connection closes behind it.
    pub(crate) closes: bool,
    /// Sentences about the faults.
    pub(crate) traces: Vec<Trace>,
    progress: Mutex<Progress>,
}

/// How far it came.
#[derive(Debug, Default)]
struct Progress {
    /// Bytes of [`BLANK_LINE`] seen just now; all of them: the head is over.
    blank: usize,
    /// Bytes of the package that were handed to the socket.
    sent: u64,
    /// It is not over even when all was sent: a pause comes first.
    held: bool,
    /// What the pause is called, if there was one.
    stalled: Option<String>,
    /// Who waits until this many bytes were sent.
    waiting: Option<(u64, Waker)>,
}

impl Answer {
    /// An answer of which nothing was sent.
    pub(crate) fn new(
        request: Request,
        place: Option<(Arc<Place>, usize)>,
        planned: u64,
        closes: bool,
        traces: Vec<Trace>,
        held: bool,
    ) -> Self {
        let progress = Progress {
            held,
            ..Progress::default()
        };
        Self {
            request,
            place,
            planned,
            closes,
            traces,
            progress: Mutex::new(progress),
        }
    }

    /// Bytes were handed to the socket. Returns how many of them were this answer's.
    pub(crate) fn take(&self, bytes: &[u8]) -> usize {
        let mut progress = lock(&self.progress);
        let head = progress.take_head(bytes);
        let left = self.planned - progress.sent;
        let body = left.min((bytes.len() - head) as u64);
        progress.sent += body;
        progress.wake();
        if let Some((place, number)) = self.place.as_ref().filter(|_| body > 0) {
            place.tally.add(*number, body);
        }
        head + body as usize
    }

    /// Nothing of it is left to do.
    pub(crate) fn is_over(&self) -> bool {
        let progress = lock(&self.progress);
        progress.head_is_over() && progress.sent == self.planned && !progress.held
    }

    /// Whether `bytes` of the package were handed to the socket. If not, the task is woken when they were.
    pub(crate) fn has_sent(&self, bytes: u64, context: &Context<'_>) -> bool {
        let mut progress = lock(&self.progress);
        if progress.head_is_over() && progress.sent >= bytes {
            return true;
        }
        progress.waiting = Some((bytes, context.waker().clone()));
        false
    }

    pub(crate) fn stalled(&self, text: String) {
        lock(&self.progress).stalled = Some(text);
    }

    /// No pause is left that could hold it.
    pub(crate) fn release(&self) {
        lock(&self.progress).held = false;
    }

    /// What to report of it, over or broken.
    pub(crate) fn report(&self) -> Request {
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

impl Progress {
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
        let reached = |(bytes, _): &mut (u64, Waker)| self.blank == BLANK_LINE.len() && self.sent >= *bytes;
        if let Some((_, waker)) = self.waiting.take_if(reached) {
            waker.wake();
        }
    }
}
