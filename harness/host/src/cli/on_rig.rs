//! An open rig for as long as a command works with it.

use crate::bench::lease::Lease;
use crate::bench::line::LineError;
use crate::bench::signals;
use crate::config::rig::Rig;
use crate::device::bench::{Bench, OpenError, runtime};
use dfota_clock::Clock;
use dfota_record::journal::{Journal, JournalWriter, Observer};
use std::path::PathBuf;

/// A rig that a command cannot work with.
#[derive(Debug, thiserror::Error)]
pub enum BenchUnavailable {
    #[error("no runtime for the servers: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Rig(OpenError),
}

/// The result of the work, and whether the lines are in their safe state after it.
pub struct BenchResult<T> {
    pub result: T,
    pub safe: Result<(), LineError>,
}

/// Opens a rig, works with it, and leaves it in its safe state. Signals do the same meanwhile.
pub fn with_bench<T>(
    rig: &Rig,
    lease: Option<&Lease>,
    seed: u64,
    clock: Clock,
    journal: &Journal,
    work: impl FnOnce(&mut Bench) -> T,
) -> Result<BenchResult<T>, BenchUnavailable> {
    let runtime = runtime().map_err(BenchUnavailable::Runtime)?;
    let _within = runtime.enter();
    let opened = Bench::open(rig, lease, &this_program(), seed, clock, journal);
    let mut bench = opened.map_err(BenchUnavailable::Rig)?;
    signals::install_handlers(&runtime, bench.inbox.clone(), &bench.lines);
    let result = work(&mut bench);
    let safe = bench.lines.safe();
    Ok(BenchResult { result, safe })
}

/// This program, which is also its own guard and simulated module.
pub fn this_program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("dfota-hil"))
}

/// A journal of something that is not a run. Its folder is removed at once, so that nothing is left however the program ends.
pub fn nameless_journal(
    clock: Clock,
    observer: Box<dyn Observer>,
) -> std::io::Result<(Journal, JournalWriter)> {
    let folder = tempfile::Builder::new().prefix("dfota-hil-").tempdir()?;
    JournalWriter::start(folder.path(), clock, observer)
}
