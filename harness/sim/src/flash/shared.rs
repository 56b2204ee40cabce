//! The flash, shared by the application and the threads beside it.

use super::FileFlash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The flash; locked for as long as one access needs it.
#[derive(Debug, Clone)]
pub(crate) struct SharedFlash(Arc<Mutex<FileFlash>>);

impl SharedFlash {
    pub(crate) fn new(flash: FileFlash) -> Self {
        Self(Arc::new(Mutex::new(flash)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, FileFlash> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
