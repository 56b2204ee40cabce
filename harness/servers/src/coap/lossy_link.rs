//! What the faults of a case do to datagrams: they get lost, or come twice. Each direction is counted for itself.

use dfota_core::fault::CoapFaults;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    In,
    Out,
}

#[derive(Debug)]
pub(super) struct LossyLink {
    directions: [DirectedLink; 2],
}

#[derive(Debug)]
struct DirectedLink {
    rng: Rng,
    seen: u64,
}

impl LossyLink {
    /// A link whose losses come out of the seed.
    pub(super) fn new(seed: Seed) -> Self {
        let new = |label| DirectedLink {
            rng: Rng::new(seed, label),
            seen: 0,
        };
        Self {
            directions: [new("coap datagrams in"), new("coap datagrams out")],
        }
    }

    /// How often the next datagram arrives: never, once or twice.
    pub(super) fn copies(&mut self, direction: Direction, faults: &CoapFaults) -> u8 {
        let link = &mut self.directions[direction as usize];
        link.seen += 1;
        let nth = |every: Option<u32>| every.is_some_and(|every| link.seen.is_multiple_of(every.into()));
        let (lost, doubled) = (nth(faults.drop_every), nth(faults.duplicate_every));
        let mut hits = |share: Option<_>| share.is_some_and(|share| link.rng.hits(share));
        // Both are drawn for every datagram, so that one fault does not shift the other's choices.
        let (by_chance_lost, by_chance_doubled) = (hits(faults.drop_share), hits(faults.duplicate_share));
        match (lost || by_chance_lost, direction) {
            (true, _) => 0,
            (false, Direction::Out) if doubled || by_chance_doubled => 2,
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
        let copies: Vec<u8> = (0..6).map(|_| link.copies(Direction::In, &faults)).collect();
        assert_eq!(copies, [1, 1, 0, 1, 1, 0]);
        assert_eq!(link.copies(Direction::Out, &faults), 1, "counted for itself");
        let faults = CoapFaults {
            duplicate_share: Percent::new(50),
            drop_share: Percent::new(10),
            ..CoapFaults::default()
        };
        let run = || {
            let mut link = LossyLink::new(Seed(2));
            (0..1000)
                .map(|_| link.copies(Direction::Out, &faults))
                .collect::<Vec<u8>>()
        };
        let count = |copies| run().iter().filter(|seen| **seen == copies).count();
        assert!((70..130).contains(&count(0)) && (400..500).contains(&count(2)));
        assert_eq!(run(), run());
    }
}
