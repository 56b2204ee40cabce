//! Watches the runs of a lab, for programs that list or show them.

use super::board::RunCard;
use super::layout::KEPT;
use super::server::{Bucket, LabError, LabServer};
use super::subjects::token;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What is known of the runs. It follows the server, so that asking costs nothing.
#[derive(Debug, Default)]
pub struct RunWatch {
    /// By the keys of their bucket.
    known: Mutex<BTreeMap<String, RunCard>>,
}

impl RunWatch {
    /// Watches the runs until the last one that asks is gone.
    pub fn start(lab: &LabServer) -> Result<Arc<Self>, LabError> {
        let watch = Arc::new(Self::default());
        for card in lab.runs()? {
            watch.known().insert(token(&card.run), card);
        }
        let watched = Arc::downgrade(&watch);
        lab.watch(Bucket::Runs, move |key, value| {
            let Some(watch) = watched.upgrade() else {
                return false;
            };
            match value.and_then(|bytes| serde_json::from_slice(bytes).ok()) {
                Some(card) => watch.known().insert(key.to_owned(), card),
                None => watch.known().remove(key),
            };
            true
        });
        Ok(watch)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, RunCard>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runs, the newest first. The server does not say when it forgets one.
    pub fn cards(&self) -> Vec<RunCard> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let oldest = now.map_or(0, |now| now.saturating_sub(KEPT).as_secs());
        let mut known = self.known();
        known.retain(|_, card| card.began >= oldest);
        let mut cards: Vec<RunCard> = known.values().cloned().collect();
        drop(known);
        cards.sort_by(|a, b| b.began.cmp(&a.began).then_with(|| a.run.cmp(&b.run)));
        cards
    }
}
