//! Work beside the application, in a thread of its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Work under way; dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Background(Cancellation);

/// Says whether the work was given up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancellation(Arc<AtomicBool>);

impl Background {
    /// Starts `work`, which must check the cancellation often, and write and report nothing after it.
    pub(crate) fn start(name: &str, work: impl FnOnce(&Cancellation) + Send + 'static) -> io::Result<Self> {
        let cancellation = Cancellation::default();
        let own = cancellation.clone();
        thread::Builder::new()
            .name(name.into())
            .spawn(move || work(&own))?;
        Ok(Self(cancellation))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Cancellation {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
