//! What happens on one connection, noted where its bytes pass: every request is reported once.

use super::HttpPackage;
use super::answer::HttpAnswer;
use crate::http::OnRequest;
use crate::sync::lock;
use dfota_core::event::Request;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How many bytes of what was no request are reported.
const READ_MAX: usize = 32;

pub(crate) struct ConnectionLog {
    peer: String,
    on_request: OnRequest,
    state: Mutex<LogState>,
    broken_off: Notify,
}

#[derive(Debug, Default)]
struct LogState {
    /// Answers under way, the oldest first; more than one only where requests are pipelined.
    answers: VecDeque<Arc<HttpAnswer>>,
    /// First bytes read since the last request.
    read: Vec<u8>,
    had_request: bool,
    /// Status of an answer that no request led to.
    stray: Option<u16>,
    /// An answer is over that closes the connection.
    cut: bool,
    reset: bool,
}

impl std::fmt::Debug for ConnectionLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionLog")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl ConnectionLog {
    pub(crate) fn new(peer: String, on_request: OnRequest) -> Self {
        Self {
            peer,
            on_request,
            state: Mutex::default(),
            broken_off: Notify::new(),
        }
    }

    /// A report with nothing in it but the peer.
    pub(crate) fn blank(&self) -> Request {
        Request {
            server: "http".to_owned(),
            peer: self.peer.clone(),
            ..Request::default()
        }
    }

    pub(crate) fn report(&self, request: Request) {
        (self.on_request)(request);
    }

    pub(crate) fn read(&self, bytes: &[u8]) {
        let read = &mut lock(&self.state).read;
        let room = READ_MAX - read.len();
        read.extend(bytes.iter().take(room));
    }

    /// A request came, and this will be its answer.
    pub(crate) fn answering(&self, answer: Arc<HttpAnswer>) {
        let mut state = lock(&self.state);
        state.read.clear();
        state.had_request = true;
        state.answers.push_back(answer);
    }

    /// Bytes were handed to the socket.
    pub(crate) fn wrote(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(answer) = lock(&self.state).answers.front().cloned() else {
                lock(&self.state).stray = status_of(bytes);
                return;
            };
            let taken = answer.take(bytes);
            bytes = &bytes[taken..];
            if !self.settle() && taken == 0 {
                return;
            }
        }
    }

    /// Reports the oldest answer if it is over.
    pub(crate) fn settle(&self) -> bool {
        let mut state = lock(&self.state);
        let Some(answer) = state.answers.front().filter(|answer| answer.is_over()).cloned() else {
            return false;
        };
        state.answers.pop_front();
        state.cut |= answer.closes;
        drop(state);
        self.report(answer.report());
        true
    }

    /// Nothing more may be sent.
    pub(crate) fn is_cut(&self) -> bool {
        lock(&self.state).cut
    }

    /// The connection is to end with a reset, not in order.
    pub(crate) fn reset(&self) {
        lock(&self.state).reset = true;
    }

    pub(crate) fn wants_reset(&self) -> bool {
        lock(&self.state).reset
    }

    /// Breaks the connection off if it is sending this package.
    pub(super) fn break_off(&self, package: &Arc<HttpPackage>) {
        let answers = &lock(&self.state).answers;
        if answers.iter().any(|answer| answer.is_of(package)) {
            self.broken_off.notify_one();
        }
    }

    /// Waits until somebody breaks the connection off.
    pub(crate) async fn broken_off(&self) {
        self.broken_off.notified().await;
    }

    /// The connection is gone: reports what was under way, and bytes that were no request.
    pub(crate) fn close(&self, garbled: bool) {
        let mut state = lock(&self.state);
        let answers = std::mem::take(&mut state.answers);
        let read = std::mem::take(&mut state.read);
        let stray = state.stray.take();
        let noise = garbled || (!state.had_request && !read.is_empty());
        state.had_request = true;
        drop(state);
        for answer in answers {
            self.report(answer.report());
        }
        if noise {
            self.report(Request {
                path: read.escape_ascii().to_string(),
                status: stray,
                ..self.blank()
            });
        }
    }
}

/// The status in the first bytes of an answer.
fn status_of(answer: &[u8]) -> Option<u16> {
    let digits = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
