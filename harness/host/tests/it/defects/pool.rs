//! Several runs of the program at a time: most of what they do is to wait. And once more where a machine was too busy.

use crate::turn::Turn;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs under way at once. More would disturb each other: cuts are aimed at a few milliseconds.
const AT_ONCE: usize = 12;

/// Does `work` with every item, and gives the results in the order of the items.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let turn = Turn::many();
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let _run = turn.run(AT_ONCE);
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    *results[at].lock().expect("nobody panics with it") = Some(result);
                }
            });
        }
    });
    let result = |slot: Mutex<Option<R>>| slot.into_inner().expect("nobody panics with it");
    results
        .into_iter()
        .map(|slot| result(slot).expect("every item was done"))
        .collect()
}

/// How often a run is tried that a busy machine can spoil.
const TRIES: usize = 3;

/// Tries until the outcome is not spoilt; gives the last one.
pub(crate) fn unspoilt<R>(mut run: impl FnMut() -> R, spoilt: impl Fn(&R) -> bool) -> R {
    let mut outcome = run();
    for _ in 1..TRIES {
        if !spoilt(&outcome) {
            break;
        }
        outcome = run();
    }
    outcome
}
