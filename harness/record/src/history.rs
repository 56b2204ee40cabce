//! The history: the results of every run, in a SQLite store that can be made again from the run folders.
//!
//! It is written after the reports of a run were made, and nothing in a run folder depends on it: what a report shows of it
//! is an event in the journal ([`Trend`](dfota_core::event::trend::Trend)).

pub mod comparison;
pub mod figures;
pub mod rows;
pub mod run;
pub mod store;
pub mod trend;

pub use run::HistoryRun;
pub use store::{HistoryStore, StoreError};

use crate::folders::free;
use crate::retention::growth::DiskSample;
use std::path::{Path, absolute};
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the store.
pub const FILE: &str = "history.sqlite";

/// Stores a run that has ended, and how much of the disk is free after it.
pub fn record(store: &Path, run: &HistoryRun, out: &Path) -> Result<(), StoreError> {
    let mut store = HistoryStore::open(store)?;
    store.insert([run])?;
    let reports = absolute(out)
        .ok()
        .and_then(|out| out.parent()?.canonicalize().ok());
    let Some(reports) = reports else { return Ok(()) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let (Ok(now), Ok(free)) = (now, free(&reports)) else {
        return Ok(());
    };
    let sample = DiskSample {
        at: now.as_secs().cast_signed(),
        free,
    };
    store.insert_sample(&reports, sample)
}
