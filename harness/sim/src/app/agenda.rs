//! What is due when: a few entries, kept in a plain list.

use std::time::Instant;

#[derive(Debug)]
pub(super) struct Agenda<T> {
    entries: Vec<(Instant, T)>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T: PartialEq> Agenda<T> {
    pub(super) fn add(&mut self, due: Instant, entry: T) {
        self.entries.push((due, entry));
    }

    /// Forgets an entry, if it is there.
    pub(super) fn forget(&mut self, entry: T) {
        self.entries.retain(|(_, other)| *other != entry);
    }

    /// When the next entry is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.entries.iter().map(|(due, _)| *due).min()
    }

    /// The earliest entry that is due; of those due together, the one added first.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<T> {
        let next = self.next().filter(|due| *due <= now)?;
        let at = self.entries.iter().position(|(due, _)| *due == next)?;
        Some(self.entries.remove(at).1)
    }
}
