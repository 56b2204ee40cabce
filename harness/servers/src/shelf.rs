//! The packages on offer at one server, by path: the only things that it ever serves. Both servers have one.

pub mod limiter;
mod offer_error;
pub mod offer_path;
pub mod tally;

pub use offer_error::OfferError;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Every package on offer, with what its server keeps of it.
#[derive(Debug)]
pub struct Shelf<P> {
    places: Mutex<HashMap<String, Arc<P>>>,
}

impl<P> Default for Shelf<P> {
    fn default() -> Self {
        Self {
            places: Mutex::default(),
        }
    }
}

impl<P> Shelf<P> {
    /// Puts a package at a path that no other has.
    pub fn put(&self, path: &str, place: P) -> Result<Arc<P>, OfferError> {
        let mut places = lock(&self.places);
        if places.contains_key(path) {
            return Err(OfferError::Taken(path.to_owned()));
        }
        let place = Arc::new(place);
        places.insert(path.to_owned(), place.clone());
        Ok(place)
    }

    /// The package at exactly this path.
    pub fn find(&self, path: &str) -> Option<Arc<P>> {
        lock(&self.places).get(path).cloned()
    }

    pub fn all(&self) -> Vec<Arc<P>> {
        lock(&self.places).values().cloned().collect()
    }

    /// Takes the package at this path away.
    pub fn remove(&self, path: &str) {
        lock(&self.places).remove(path);
    }
}

/// What a mutex guards, also after a panic elsewhere: every change under these locks is whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
