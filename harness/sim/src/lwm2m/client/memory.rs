//! The messages of the server that were handled, so that their copies are known (RFC 7252 §4.5).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Assumed.
pub(super) const REMEMBERED_MAX: usize = 256;

#[derive(Debug)]
struct Handled {
    id: u16,
    at: Instant,
    /// The bytes of its answer, if it had one.
    answer: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct MessageMemory {
    /// For how long a message is remembered, in real time.
    life: Duration,
    handled: VecDeque<Handled>,
}

impl MessageMemory {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            handled: VecDeque::new(),
        }
    }

    /// Was this message handled before? Then its answer, if it had one.
    pub(super) fn find(&mut self, id: u16, now: Instant) -> Option<Option<Vec<u8>>> {
        let is_old = |handled: &Handled| now.duration_since(handled.at) > self.life;
        while self.handled.len() >= REMEMBERED_MAX || self.handled.front().is_some_and(is_old) {
            self.handled.pop_front();
        }
        let copy = self.handled.iter().find(|handled| handled.id == id);
        copy.map(|handled| handled.answer.clone())
    }

    pub(super) fn add(&mut self, id: u16, at: Instant, answer: Option<Vec<u8>>) {
        self.handled.push_back(Handled { id, at, answer });
    }

    pub(super) fn clear(&mut self) {
        self.handled.clear();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.handled.len()
    }
}
