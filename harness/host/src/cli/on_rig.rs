//! A temporary journal, for commands that open a rig without a run.

use dfota_clock::Clock;
use dfota_record::journal::{Journal, JournalWriter, Observer};

/// A journal of something that is not a run. Its folder is removed at once, so that nothing is left however the program ends.
pub fn nameless_journal(
    clock: Clock,
    observer: Box<dyn Observer>,
) -> std::io::Result<(Journal, JournalWriter)> {
    let folder = tempfile::Builder::new().prefix("dfota-hil-").tempdir()?;
    JournalWriter::start(folder.path(), clock, observer)
}
