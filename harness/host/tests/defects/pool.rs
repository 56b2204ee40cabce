//! Several runs of the program at a time: most of what they do is to wait.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs under way at once. More would disturb the cuts that are aimed at a few milliseconds.
const AT_ONCE: usize = 4;

/// Does `work` with every item, and gives what came of it in the order of the items.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                loop {
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
