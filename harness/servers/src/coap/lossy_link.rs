//! What the faults of a case do to datagrams: they get lost, or come twice. Each direction is counted for itself.

use dfota_core::fault::CoapFaults;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;

/// Which way a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// The link of one offer.
#[derive(Debug)]
pub(super) struct LossyLink {
    ways: [Direction; 2],
}

#[derive(Debug)]
struct Direction {
    rng: Rng,
    seen: u64,
}

impl LossyLink {
    /// A link whose losses come out of the seed.
    pub(super) fn new(seed: Seed) -> Self {
        let way = |label| Direction {
            rng: Rng::new(seed, label),
            seen: 0,
        };
        Self {
            ways: [way("coap datagrams in"), way("coap datagrams out")],
        }
    }

    /// How often the next datagram arrives: never, once or twice.
    pub(super) fn copies(&mut self, way: Way, faults: &CoapFaults) -> u8 {
        let direction = &mut self.ways[way as usize];
        direction.seen += 1;
        let nth = |every: Option<u32>| every.is_some_and(|every| direction.seen.is_multiple_of(every.into()));
        let (lost, doubled) = (nth(faults.drop_every), nth(faults.duplicate_every));
        let mut hits = |share: Option<_>| share.is_some_and(|share| direction.rng.hits(share));
        // Both are drawn for every datagram, so that one fault does not shift the other's choices.
        let (by_chance_lost, by_chance_doubled) = (hits(faults.drop_share), hits(faults.duplicate_share));
        match (lost || by_chance_lost, way) {
            (true, _) => 0,
            (false, Way::Out) if doubled || by_chance_doubled => 2,
            (false, _) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfota_core::percent::Percent;

    #[test]
    fn every_nth_and_a_share() {
        let mut link = LossyLink::new(Seed(1));
        let faults = CoapFaults {
            drop_every: Some(3),
            ..CoapFaults::default()
        };
        let copies: Vec<u8> = (0..6).map(|_| link.copies(Way::In, &faults)).collect();
        assert_eq!(copies, [1, 1, 0, 1, 1, 0]);
        assert_eq!(link.copies(Way::Out, &faults), 1, "counted for itself");
        let faults = CoapFaults {
            duplicate_share: Percent::new(50),
            drop_share: Percent::new(10),
            ..CoapFaults::default()
        };
        let run = || {
            let mut link = LossyLink::new(Seed(2));
            (0..1000)
                .map(|_| link.copies(Way::Out, &faults))
                .collect::<Vec<u8>>()
        };
        let count = |copies| run().iter().filter(|seen| **seen == copies).count();
        assert!((70..130).contains(&count(0)) && (400..500).contains(&count(2)));
        assert_eq!(run(), run());
    }
}
