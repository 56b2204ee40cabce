//! Mutexes that stay usable after a panic of another thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex guards, also after a panic elsewhere: every change under these locks is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
