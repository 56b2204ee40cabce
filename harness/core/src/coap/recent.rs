//! Deduplication: a message that comes twice is acted on once (RFC 7252 §4.5). The memory is bounded: the oldest message is
//! forgotten first, and one that comes again after that counts as new.

use super::timing::EXCHANGE_LIFETIME;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

/// As many messages are remembered.
const MESSAGES_MAX: usize = 4096;
/// As many bytes of answers are kept.
const BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Deduplicator<P> {
    /// The answer to each message, where there is one yet.
    answers: BTreeMap<(P, u16), Option<Vec<u8>>>,
    /// In the order in which they came, and until when they count.
    order: VecDeque<(Duration, (P, u16))>,
    bytes: usize,
}

impl<P: Copy + Ord> Deduplicator<P> {
    pub(super) const fn new() -> Self {
        Self {
            answers: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The answer to this message if it came before; `Some(None)` where nothing was answered.
    pub(super) fn find(&mut self, peer: P, id: u16, now: Duration) -> Option<Option<&[u8]>> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        self.answers.get(&(peer, id)).map(Option::as_deref)
    }

    pub(super) fn note(&mut self, peer: P, id: u16, answer: Option<Vec<u8>>, now: Duration) {
        if !self.answers.contains_key(&(peer, id)) {
            self.order.push_back((now + EXCHANGE_LIFETIME, (peer, id)));
        }
        self.bytes += answer.as_ref().map_or(0, Vec::len);
        if let Some(Some(before)) = self.answers.insert((peer, id), answer) {
            self.bytes -= before.len();
        }
        while self.order.len() > MESSAGES_MAX || self.bytes > BYTES_MAX {
            self.forget_oldest();
        }
    }

    /// Remembers what a message was answered with, if it is still known.
    pub(super) fn answer(&mut self, peer: P, id: u16, answer: Vec<u8>, now: Duration) {
        if self.answers.contains_key(&(peer, id)) {
            self.note(peer, id, Some(answer), now);
        }
    }

    /// Gives what it knows of a peer to another memory.
    pub(super) fn hand_over(&mut self, peer: P, to: &mut Self) {
        let of_peer = |(_, key): &(Duration, (P, u16))| key.0 == peer;
        let known: Vec<_> = self.order.iter().copied().filter(of_peer).collect();
        self.order.retain(|entry| !of_peer(entry));
        for (until, key) in known {
            let answer = self.answers.remove(&key).flatten();
            self.bytes -= answer.as_ref().map_or(0, Vec::len);
            to.note(key.0, key.1, answer, until.saturating_sub(EXCHANGE_LIFETIME));
        }
        to.order.make_contiguous().sort_by_key(|(until, _)| *until);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    fn forget_oldest(&mut self) {
        let Some((_, key)) = self.order.pop_front() else {
            return;
        };
        if let Some(Some(answer)) = self.answers.remove(&key) {
            self.bytes -= answer.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_known_of_a_peer_is_handed_over() {
        let (mut many, mut few) = (Deduplicator::new(), Deduplicator::new());
        let (early, late) = (Duration::from_secs(1), Duration::from_secs(9));
        many.note("e", 1, Some(vec![1; 5]), early);
        many.note("other", 1, Some(vec![2; 7]), early);
        many.note("e", 2, None, late);
        few.note("f", 1, None, late);
        many.hand_over("e", &mut few);
        assert_eq!((many.len(), many.order.len(), many.bytes), (1, 1, 7));
        assert_eq!((few.len(), few.order.len(), few.bytes), (3, 3, 5));
        assert_eq!(few.find("e", 1, late), Some(Some(&[1; 5][..])));
        assert_eq!(
            few.find("e", 1, early + EXCHANGE_LIFETIME),
            None,
            "its time goes on"
        );
        assert_eq!(few.find("e", 2, early + EXCHANGE_LIFETIME), Some(None));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut recent = Deduplicator::new();
        let now = Duration::from_secs(1);
        for n in 0..20_000_u32 {
            recent.note(n, 1, None, now);
            recent.answer(n, 1, vec![0; 1200], now);
            assert!(recent.bytes <= BYTES_MAX && recent.order.len() == recent.len());
        }
        assert!(recent.len() <= BYTES_MAX / 1200);
        assert_eq!(recent.find(0, 1, now), None);
        assert!(recent.find(19_999, 1, now).flatten().is_some());
        for n in 0..20_000_u32 {
            recent.note(n, 2, None, now);
        }
        assert_eq!(recent.len(), MESSAGES_MAX);
        assert_eq!(recent.find(19_999, 2, now), Some(None));
        assert_eq!(recent.find(19_999, 2, now + EXCHANGE_LIFETIME), None);
        assert_eq!((recent.len(), recent.bytes), (0, 0));
    }
}
