//! What is due when.

use std::time::Instant;

#[derive(Debug)]
struct AgendaEntry<T> {
    due: Instant,
    what: T,
}

#[derive(Debug)]
pub(super) struct Agenda<T>(Vec<AgendaEntry<T>>);

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Agenda<T> {
    pub(super) fn add(&mut self, due: Instant, what: T) {
        self.0.push(AgendaEntry { due, what });
    }

    pub(super) fn forget(&mut self, what: T) {
        self.0.retain(|entry| entry.what != what);
    }

    /// When the next entry is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|entry| entry.due).min()
    }

    /// The earliest entry that is due; of those due together, the one added first.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<T> {
        let next = self.next().filter(|due| *due <= now)?;
        let at = self.0.iter().position(|entry| entry.due == next)?;
        Some(self.0.remove(at).what)
    }
}
