//! Watches the rigs of a lab, for runs and for programs that list them.

use super::board::{LabRigState, RigCard};
use super::server::{Bucket, LabServer};
use super::subjects::token;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is known of the rigs. It follows the server, so that asking costs nothing.
#[derive(Debug)]
pub struct RigWatch {
    lease: Duration,
    known: Mutex<KnownRigs>,
}

/// By the keys of their buckets.
#[derive(Debug, Default)]
struct KnownRigs {
    seen: BTreeMap<String, SeenRig>,
    drained: BTreeSet<String>,
}

#[derive(Debug)]
struct SeenRig {
    card: RigCard,
    at: Instant,
}

impl RigWatch {
    /// Watches the rigs until the last one that asks is gone.
    pub fn start(lab: &LabServer) -> Arc<Self> {
        let watch = Arc::new(Self {
            lease: lab.lease,
            known: Mutex::default(),
        });
        for card in lab.rigs().unwrap_or_default() {
            let key = token(&card.name);
            watch.seen(&key, Some(card));
        }
        let (rigs, drained) = (Arc::downgrade(&watch), Arc::downgrade(&watch));
        lab.watch(Bucket::Rigs, move |key, value| {
            let watch = rigs.upgrade();
            let card = value.and_then(|bytes| serde_json::from_slice(bytes).ok());
            watch.map(|watch| watch.seen(key, card)).is_some()
        });
        lab.watch(Bucket::Drained, move |key, value| {
            let watch = drained.upgrade();
            watch.map(|watch| watch.drained(key, value.is_some())).is_some()
        });
        watch
    }

    fn known(&self) -> MutexGuard<'_, KnownRigs> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self, key: &str, card: Option<RigCard>) {
        let mut known = self.known();
        match card {
            Some(card) => {
                let at = Instant::now();
                known.seen.insert(key.to_owned(), SeenRig { card, at });
            }
            None => {
                known.seen.remove(key);
            }
        }
    }

    fn drained(&self, key: &str, is_drained: bool) {
        let mut known = self.known();
        if is_drained {
            known.drained.insert(key.to_owned());
        } else {
            known.drained.remove(key);
        }
    }

    /// Every rig that was seen, with whether its agent was silent for a lease or more. Nobody is silent while the server is not
    /// `heard`.
    pub fn each<T>(&self, heard: Option<Instant>, mut show: impl FnMut(&RigCard, bool, bool) -> T) -> Vec<T> {
        let known = self.known();
        let rigs = known.seen.iter().map(|(key, SeenRig { card, at })| {
            let is_gone = heard.is_some_and(|since| since.max(*at).elapsed() > self.lease);
            show(card, is_gone, known.drained.contains(key))
        });
        rigs.collect()
    }

    /// What a rig does, if its agent lives. One without work that somebody drained is drained, also before its agent says so.
    pub fn card(&self, rig: &str) -> Option<RigCard> {
        let (known, key) = (self.known(), token(rig));
        let seen = known.seen.get(&key)?;
        if seen.at.elapsed() > self.lease {
            return None;
        }
        let mut card = seen.card.clone();
        if card.state == LabRigState::Idle && known.drained.contains(&key) {
            card.state = LabRigState::Drained;
        }
        Some(card)
    }
}
