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

use crate::check::machine::free;
use crate::retention::growth::Sample;
use crate::state::{StateDir, StateError, StateFlag};
use std::path::{Path, PathBuf, absolute};
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the store.
pub const FILE: &str = "history.sqlite";
/// Folder of the run folders, where nothing else is said.
const REPORTS: &str = "reports";

/// The store that a run in the folder `out` is kept in: the state folder that was named, else beside the run folder where
/// that lies in `reports`, else the user's state folder.
pub fn of_run(flag: &StateFlag, out: &Path) -> Result<PathBuf, StateError> {
    let lies_in_reports = match (absolute(out), absolute(REPORTS)) {
        (Ok(out), Ok(reports)) => out.parent() == Some(&reports),
        _ => false,
    };
    match lies_in_reports && flag.state_dir.is_none() {
        true => Ok(Path::new(REPORTS).join(FILE)),
        false => Ok(StateDir::find(flag)?.folder().join(FILE)),
    }
}

/// The stores that may be meant where no run is: the first is the one that is read.
pub fn candidates(flag: &StateFlag) -> Result<Vec<PathBuf>, StateError> {
    let mut stores = Vec::new();
    if flag.state_dir.is_none() {
        stores.push(Path::new(REPORTS).join(FILE));
    }
    match StateDir::find(flag) {
        Ok(dir) => stores.push(dir.folder().join(FILE)),
        Err(why) if stores.is_empty() => return Err(why),
        Err(_) => {}
    }
    stores.sort_by_key(|store| !store.exists());
    Ok(stores)
}

/// How much room there was after earlier runs whose folders lie in `reports`, as far as a store knows it.
pub fn room(flag: &StateFlag, reports: &Path) -> Vec<Sample> {
    let Ok(reports) = reports.canonicalize() else {
        return Vec::new();
    };
    let mut stores = candidates(flag).unwrap_or_default();
    stores.push(reports.join(FILE));
    let mut stores: Vec<PathBuf> = stores.iter().flat_map(|store| store.canonicalize()).collect();
    stores.sort();
    stores.dedup();
    let known = stores.iter().filter_map(|store| Store::read(store).ok());
    let mut room: Vec<Sample> = known.flat_map(|store| store.room(&reports)).collect();
    room.sort_unstable();
    room
}

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
