//! The packages on offer, by path: the only things that the server ever serves.

use super::ledger::Ledger;
use super::lock;
use super::offer::OfferError;
use super::tally::Tally;
use bytes::Bytes;
use dfota_core::fault::HttpFaults;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// Every package on offer.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    places: Mutex<HashMap<String, Arc<Place>>>,
}

impl Shelf {
    /// Puts a package at its path.
    pub(super) fn put(&self, place: Place) -> Result<Arc<Place>, OfferError> {
        let mut places = lock(&self.places);
        if places.contains_key(&place.path) {
            return Err(OfferError::Taken(place.path));
        }
        let place = Arc::new(place);
        places.insert(place.path.clone(), place.clone());
        Ok(place)
    }

    /// The package at exactly this path.
    pub(super) fn find(&self, path: &str) -> Option<Arc<Place>> {
        lock(&self.places).get(path).cloned()
    }

    /// The offers that want connections refused.
    pub(super) fn refusing(&self) -> Vec<Arc<Place>> {
        let places = lock(&self.places);
        let refusing = places.values().filter(|place| place.script().faults.refuse);
        refusing.cloned().collect()
    }

    /// Takes a package away and breaks what still goes on with it.
    pub(super) fn withdraw(&self, place: &Arc<Place>) {
        lock(&self.places).remove(&place.path);
        for ledger in lock(&place.ledgers)
            .drain(..)
            .filter_map(|ledger| ledger.upgrade())
        {
            ledger.break_off(place);
        }
    }
}

/// A package on offer.
#[derive(Debug)]
pub(super) struct Place {
    /// Where.
    pub(super) path: String,
    /// What.
    pub(super) package: Bytes,
    /// Its strong tag, quotes included.
    pub(super) etag: String,
    /// What was served of it.
    pub(super) tally: Tally,
    script: Mutex<Arc<Script>>,
    ledgers: Mutex<Vec<Weak<Ledger>>>,
    withdrawn: AtomicBool,
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
            ledgers: Mutex::default(),
            withdrawn: AtomicBool::new(false),
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
        if self.withdrawn.load(Ordering::SeqCst) {
            return ledger.break_off(self);
        }
        ledgers.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), &**ledger));
        ledgers.push(Arc::downgrade(ledger));
    }
}

/// Faults, and what is left of those that happen once.
#[derive(Debug)]
pub(super) struct Script {
    /// The faults.
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
