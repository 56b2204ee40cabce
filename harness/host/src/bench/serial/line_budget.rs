//! A bound on what one case writes into the journal: a module may never stop sending.

use dfota_core::event::Event;
use dfota_core::urc::{Fota, Urc};
use dfota_record::journal::Journal;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lines of one case that are written down, whatever they say. A case over the air has some hundreds.
const LINES: u64 = 20_000;
/// The same for those on which a verdict may rest.
const OF_AN_UPDATE: u64 = 2 * LINES;

/// Lines of the present case.
#[derive(Debug, Default)]
pub(super) struct LineBudget {
    all: AtomicU64,
    left_out: AtomicU64,
}

impl LineBudget {
    /// Counts a line; whether it is written down. Where the bound bites first, the journal says so.
    pub(super) fn takes(&self, urc: Option<Urc>, journal: &Journal) -> bool {
        let before = self.all.fetch_add(1, Ordering::Relaxed);
        let tells = matches!(urc, Some(Urc::Fota(_) | Urc::BootRom | Urc::Rdy))
            && urc != Some(Urc::Fota(Fota::Unknown));
        if before < LINES || (tells && before < OF_AN_UPDATE) {
            return true;
        }
        if self.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
            journal.post(Event::Note {
                text: format!(
                    "the module has sent {LINES} lines in this case: from now on, lines that are not about an update are counted and not written down"
                ),
            });
        }
        false
    }

    /// Counts anew; gives how many were left out.
    pub(super) fn reset(&self) -> u64 {
        self.all.store(0, Ordering::Relaxed);
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfota_clock::Clock;
    use dfota_record::journal::{JournalWriter, Nobody};

    #[test]
    fn a_module_that_never_stops_sending_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let (journal, writer) =
            JournalWriter::start(folder.path(), Clock::system(), Box::new(Nobody)).expect("a journal");
        let budget = LineBudget::default();
        let taken = (0..LINES + 1_000)
            .filter(|_| budget.takes(None, &journal))
            .count();
        assert_eq!(taken as u64, LINES);
        assert!(budget.takes(Some(Urc::Rdy), &journal), "a verdict may rest on it");
        assert_eq!((budget.reset(), budget.takes(None, &journal)), (1_000, true));
        drop(journal);
        writer.finish().expect("the end");
        let text =
            std::fs::read_to_string(folder.path().join(dfota_record::journal::FILE)).expect("the journal");
        assert_eq!(text.matches("counted and not written down").count(), 1);
    }
}
