//! What the HTTP server keeps of a package on offer.

pub(super) mod answer;
pub(super) mod ledger;

use self::ledger::Ledger;
use crate::shelf::tally::Tally;
use crate::shelf::{Shelf, lock};
use bytes::Bytes;
use dfota_core::fault::HttpFaults;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// A package on offer.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) package: Bytes,
    /// Its strong tag, quotes included.
    pub(super) etag: String,
    /// What was served of it.
    pub(super) tally: Tally,
    script: Mutex<Arc<Script>>,
    /// Connections that were asked for it; none any more once it is withdrawn.
    ledgers: Mutex<Option<Vec<Weak<Ledger>>>>,
}

impl Place {
    /// A package that is not yet on the shelf.
    pub(super) fn new(path: String, package: Bytes, faults: HttpFaults) -> Self {
        Self {
            etag: etag(&package),
            path,
            package,
            tally: Tally::default(),
            script: Mutex::new(Arc::new(Script::new(faults))),
            ledgers: Mutex::new(Some(Vec::new())),
        }
    }

    /// What goes wrong with it now.
    pub(super) fn script(&self) -> Arc<Script> {
        lock(&self.script).clone()
    }

    /// What goes wrong with later requests.
    pub(super) fn set_faults(&self, faults: HttpFaults) {
        *lock(&self.script) = Arc::new(Script::new(faults));
    }

    /// Remembers a connection that is answering a request for it; breaks it off if the offer has just ended.
    pub(super) fn asked_by(self: &Arc<Self>, ledger: &Arc<Ledger>) {
        let mut ledgers = lock(&self.ledgers);
        let Some(ledgers) = ledgers.as_mut() else {
            return ledger.break_off(self);
        };
        ledgers.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), &**ledger));
        ledgers.push(Arc::downgrade(ledger));
    }
}

/// The offers that want connections refused.
pub(super) fn refusing(shelf: &Shelf<Place>) -> Vec<Arc<Place>> {
    let mut places = shelf.all();
    places.retain(|place| place.script().faults.refuse);
    places
}

/// Takes a package away and breaks what still goes on with it.
pub(super) fn withdraw(shelf: &Shelf<Place>, place: &Arc<Place>) {
    shelf.remove(&place.path);
    let ledgers = lock(&place.ledgers).take().unwrap_or_default();
    for ledger in ledgers.iter().filter_map(Weak::upgrade) {
        ledger.break_off(place);
    }
}

/// Faults, and what is left of those that happen once.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) faults: HttpFaults,
    stalled: AtomicBool,
}

impl Script {
    fn new(faults: HttpFaults) -> Self {
        Self {
            faults,
            stalled: AtomicBool::new(false),
        }
    }

    /// True for the first who asks: the pause happens once.
    pub(super) fn may_stall(&self) -> bool {
        !self.stalled.swap(true, Ordering::Relaxed)
    }
}

/// A strong tag: the first half of the SHA-256.
fn etag(package: &[u8]) -> String {
    let digest = Sha256::digest(package);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::place::answer::Answer;
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// A request can find its package an instant before the offer ends, and begin its answer an instant after.
    #[test]
    fn an_answer_that_begins_after_the_offer_has_ended_is_broken_off() {
        let shelf = Shelf::default();
        let package = Bytes::from_static(b"delta");
        let place = Place::new("/p".to_owned(), package, HttpFaults::default());
        let place = shelf.put("/p", place).expect("the path is free");
        let ledger = Arc::new(Ledger::new("peer".to_owned(), Arc::new(|_| {})));
        let answer = Answer::new(
            ledger.blank(),
            Some((place.clone(), place.tally.begin(0))),
            5,
            false,
            Vec::new(),
            false,
        );
        ledger.answering(Arc::new(answer));

        withdraw(&shelf, &place);
        place.asked_by(&ledger);

        let broken_off = pin!(ledger.broken_off());
        let polled = broken_off.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_ready());
    }
}
