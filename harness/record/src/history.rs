//! The history: what every run came to, in a SQLite store that can be made again from the run folders.
//!
//! It is written after the reports of a run were made, and nothing in a run folder depends on it: what a report shows of it
//! is an event in the journal ([`Trend`](dfota_core::event::trend::Trend)).

pub mod comparison;
pub mod entry;
pub mod figures;
pub mod rows;
pub mod store;
pub mod trend;

pub use entry::Entry;
pub use store::{Store, StoreError};

use crate::folders::free;
use std::path::{Path, absolute};
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the store.
pub const FILE: &str = "history.sqlite";
/// Keeps a run that has ended, and how much room there is after it.
pub fn keep(store: &Path, entry: &Entry, out: &Path) -> Result<(), StoreError> {
    let reports = absolute(out)
        .ok()
        .and_then(|out| out.parent()?.canonicalize().ok());
    let room = reports.and_then(|reports| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let free = free(&reports).ok()?;
        Some((reports, (now.as_secs().cast_signed(), free)))
    });
    let mut store = Store::open(store)?;
    store.keep([entry])?;
    room.map_or(Ok(()), |(reports, room)| store.keep_room(&reports, room))
}
