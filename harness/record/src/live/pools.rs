//! The modules of a run that goes on, and their cuts, folded as the merged journal will have them.
//!
//! Rigs speak at the same time. In the merged journal one part stands behind the other, in the order in which the batches
//! were taken, and the claim is judged by that. So what a part says is kept until every part before it is over.

use dfota_core::event::Event;
use dfota_core::event::fleet::FleetEvent;
use dfota_core::pool_fold::PoolFold;
use std::collections::{HashMap, VecDeque};

/// The part with this number, from 1, of those that a rig took.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PartName {
    rig: String,
    number: u32,
}

/// What a part has said so far.
#[derive(Debug, Default)]
struct PartSoFar {
    events: Vec<Event>,
    is_over: bool,
}

/// An event of the run's own journal, and the part that stands behind it.
#[derive(Debug)]
struct Turn {
    event: Event,
    part: Option<PartName>,
}

#[derive(Debug, Default)]
pub(super) struct LivePools {
    /// As far as nothing can come in between any more.
    settled: PoolFold,
    turns: VecDeque<Turn>,
    parts: HashMap<PartName, PartSoFar>,
    /// How many parts of each rig have begun to speak. A part may do so before the page sees that it was taken.
    begun: HashMap<String, u32>,
    /// How many batches each rig has taken.
    taken: HashMap<String, u32>,
}

impl LivePools {
    /// Takes the next event that a pool depends on: of the run's own journal, or of the part of a `rig`.
    pub(super) fn on(&mut self, rig: Option<&str>, event: &Event) {
        match rig {
            Some(rig) => self.on_part(rig, event),
            None => self.on_run(event),
        }
    }

    fn on_part(&mut self, rig: &str, event: &Event) {
        // The run's own journal has the figures of earlier runs.
        if matches!(event, Event::Tallied(tallied) if tallied.run.is_some()) {
            return;
        }
        let begun = self.begun.entry(rig.to_owned()).or_default();
        // Each part begins with it.
        if matches!(event, Event::RunStarted(_)) {
            *begun += 1;
        }
        let name = PartName {
            rig: rig.to_owned(),
            number: (*begun).max(1),
        };
        self.parts.entry(name).or_default().events.push(event.clone());
    }

    fn on_run(&mut self, event: &Event) {
        let part = match event {
            Event::Fleet(FleetEvent::Taken(taken)) => {
                let number = self.taken.entry(taken.rig.clone()).or_default();
                *number += 1;
                let number = *number;
                let rig = taken.rig.clone();
                Some(PartName { rig, number })
            }
            Event::Fleet(FleetEvent::Closed(end) | FleetEvent::Lost { end, .. }) => {
                let number = self.taken.get(&end.rig).copied().unwrap_or(1);
                let rig = end.rig.clone();
                self.parts.entry(PartName { rig, number }).or_default().is_over = true;
                None
            }
            _ => None,
        };
        let event = event.clone();
        self.turns.push_back(Turn { event, part });
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(turn) = self.turns.pop_front() {
            let part = turn.part.as_ref().map(|name| self.parts.get(name));
            if part.is_some_and(|part| part.is_none_or(|part| !part.is_over)) {
                self.turns.push_front(turn);
                return;
            }
            self.settled.on(&turn.event);
            let part = turn.part.and_then(|name| self.parts.remove(&name));
            let said = part.into_iter().flat_map(|part| part.events);
            said.for_each(|event| self.settled.on(&event));
        }
    }

    /// The pools as they are now: what every part has said so far. A cut that a rig is at is no open attempt yet.
    pub(super) fn now(&self) -> PoolFold {
        let mut now = self.settled.clone();
        for turn in &self.turns {
            now.on(&turn.event);
            let part = turn.part.as_ref().and_then(|name| self.parts.get(name));
            let said = part.into_iter().flat_map(|part| &part.events);
            said.for_each(|event| now.on(event));
            if part.is_some_and(|part| !part.is_over) {
                now.goes_on();
            }
        }
        now
    }
}
