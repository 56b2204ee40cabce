//! Where the history of the runs is.

use super::{StateDir, StateError, StateFlag};
use dfota_record::history::{self, HistoryStore};
use dfota_record::retention::growth::DiskSample;
use std::path::{Path, PathBuf, absolute};

/// Folder of the run folders, where nothing else is said.
const REPORTS: &str = "reports";

/// The store that a run in the folder `out` is kept in: the state folder that was named, else beside the run folder where
/// that lies in `reports`, else the user's state folder.
pub fn of_run(flag: &StateFlag, out: &Path) -> Result<PathBuf, StateError> {
    let lies_in_reports = match (absolute(out), absolute(REPORTS)) {
        (Ok(out), Ok(reports)) => out.parent() == Some(&reports),
        _ => false,
    };
    if lies_in_reports && flag.state_dir.is_none() {
        Ok(Path::new(REPORTS).join(history::FILE))
    } else {
        Ok(StateDir::find(flag)?.folder().join(history::FILE))
    }
}

/// The stores that may be meant where no run is: the first is the one that is read.
pub fn candidates(flag: &StateFlag) -> Result<Vec<PathBuf>, StateError> {
    let mut stores = Vec::new();
    if flag.state_dir.is_none() {
        stores.push(Path::new(REPORTS).join(history::FILE));
    }
    match StateDir::find(flag) {
        Ok(dir) => stores.push(dir.folder().join(history::FILE)),
        Err(why) if stores.is_empty() => return Err(why),
        Err(_) => {}
    }
    stores.sort_by_key(|store| !store.exists());
    Ok(stores)
}

/// How much room there was after earlier runs whose folders lie in `reports`, as far as a store knows it.
pub fn room(flag: &StateFlag, reports: &Path) -> Vec<DiskSample> {
    let Ok(reports) = reports.canonicalize() else {
        return Vec::new();
    };
    let mut stores = candidates(flag).unwrap_or_default();
    stores.push(reports.join(history::FILE));
    let mut stores: Vec<PathBuf> = stores.iter().flat_map(|store| store.canonicalize()).collect();
    stores.sort();
    stores.dedup();
    let known = stores.iter().filter_map(|store| HistoryStore::read(store).ok());
    let mut room: Vec<DiskSample> = known.flat_map(|store| store.samples(&reports)).collect();
    room.sort_unstable();
    room
}
