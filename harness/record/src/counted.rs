//! Which result of a case counts, where several rigs ran it: the first that is complete.
//!
//! A case of a batch that was lost is run again on another rig. If the lost rig ended it all the same, that result came first
//! and stays, unless the run's own journal says that the case is run again: its cut was not proven, or it ended by the fault of
//! the rig. A case that ended before anything was done for it has no complete result either: a later one takes its place. A
//! result that the run's own journal gives after its parts replaces any earlier one.

use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::verdict::Verdict;
use std::collections::HashMap;

/// What an event says about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It counts.
    Counts,
    /// It counts, and revises a case that has ended before.
    Revises,
    /// It does not: the case has a result already, of another part.
    Extra,
}

/// The results so far, on the way through a journal.
#[derive(Debug, Default)]
pub struct CountedResults {
    /// Number of the part that speaks; nothing: the journal of the run itself.
    part: Option<u32>,
    parts: u32,
    results: HashMap<(String, String), CaseResult>,
    /// The suite of each batch.
    suites: HashMap<String, String>,
    /// The case that is run although it has a result.
    extra: Option<(String, String)>,
}

#[derive(Debug)]
struct CaseResult {
    part: Option<u32>,
    is_complete: bool,
}

impl CountedResults {
    /// Takes the next event.
    pub fn on(&mut self, event: &Event) -> Counted {
        match event {
            Event::Fleet(fleet) => {
                self.part = None;
                self.extra = None;
                self.on_fleet(fleet);
                Counted::Counts
            }
            Event::CaseStarted { id, suite } => self.started((suite.clone(), id.clone())),
            Event::TryEnded(tried) if self.is_extra(&tried.suite, &tried.id) => Counted::Extra,
            Event::CaseEnded(ended) => self.ended(ended),
            _ => Counted::Counts,
        }
    }

    fn on_fleet(&mut self, event: &FleetEvent) {
        match event {
            FleetEvent::Queued { batch, suite, .. } => {
                self.suites.insert(batch.clone(), suite.clone());
            }
            FleetEvent::Taken(_) => {
                self.parts += 1;
                self.part = Some(self.parts);
            }
            FleetEvent::Again { batch, cases } => {
                let suite = self.suites.get(batch).cloned().unwrap_or_default();
                for case in cases {
                    if let Some(result) = self.results.get_mut(&(suite.clone(), case.clone())) {
                        result.is_complete = false;
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether any part of a run on several rigs has begun.
    pub fn has_parts(&self) -> bool {
        self.parts > 0
    }

    fn is_extra(&self, suite: &str, id: &str) -> bool {
        self.extra
            .as_ref()
            .is_some_and(|extra| extra.0 == suite && extra.1 == id)
    }

    fn started(&mut self, name: (String, String)) -> Counted {
        let other = |result: &CaseResult| result.is_complete && result.part != self.part;
        if self.results.get(&name).is_some_and(other) {
            self.extra = Some(name);
            return Counted::Extra;
        }
        self.extra = None;
        Counted::Counts
    }

    fn ended(&mut self, ended: &CaseEnded) -> Counted {
        let part = self.part;
        let tried = ended.tries > 0 && !matches!(ended.verdict, Verdict::Skip { .. } | Verdict::NotReached);
        let name = (ended.suite.clone(), ended.id.clone());
        let is_complete = match self.results.get(&name) {
            Some(before) if before.part == part => before.is_complete || tried,
            Some(before) if before.is_complete && part.is_some() => return Counted::Extra,
            _ => tried,
        };
        let result = CaseResult { part, is_complete };
        match self.results.insert(name, result) {
            Some(before) if before.part == part => Counted::Revises,
            _ => Counted::Counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfota_core::event::fleet::Taken;
    use dfota_core::verdict::Rule;

    fn taken(rig: &str) -> Event {
        Event::Fleet(FleetEvent::Taken(Taken {
            batch: "smoke-1".into(),
            attempt: 1,
            rig: rig.into(),
            folder: format!("rigs/{rig}/smoke-1"),
        }))
    }

    fn ended(verdict: Verdict, tries: u32) -> Event {
        Event::CaseEnded(CaseEnded {
            id: "a".into(),
            suite: "s".into(),
            verdict,
            outcome: None,
            evidence: Vec::new(),
            tries,
            took_ns: 0,
            summary: String::new(),
            rerun: String::new(),
        })
    }

    fn started() -> Event {
        Event::CaseStarted {
            id: "a".into(),
            suite: "s".into(),
        }
    }

    fn bad() -> Verdict {
        Verdict::by(Rule::NoResume, "it forgot".into())
    }

    #[test]
    fn the_first_complete_result_stays() {
        let mut counted = CountedResults::default();
        let events = [
            (taken("a"), Counted::Counts),
            (started(), Counted::Counts),
            (ended(bad(), 1), Counted::Counts),
            // A later case of the same part has the last word.
            (ended(bad(), 1), Counted::Revises),
            (taken("b"), Counted::Counts),
            (started(), Counted::Extra),
            (ended(Verdict::Pass, 1), Counted::Extra),
            (ended(Verdict::Pass, 1), Counted::Extra),
        ];
        for (event, expected) in events {
            assert_eq!(counted.on(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn a_case_that_is_run_again_counts_when_it_ends_again() {
        let queued = FleetEvent::Queued {
            batch: "smoke-1".into(),
            suite: "s".into(),
            cases: vec!["a".into()],
            real_ms: 1,
            terms: None,
        };
        let again = FleetEvent::Again {
            batch: "smoke-1".into(),
            cases: vec!["a".into()],
        };
        let mut counted = CountedResults::default();
        let events = [
            (Event::Fleet(queued), Counted::Counts),
            (taken("a"), Counted::Counts),
            (started(), Counted::Counts),
            (ended(Verdict::Pass, 1), Counted::Counts),
            (Event::Fleet(again), Counted::Counts),
            (taken("b"), Counted::Counts),
            (started(), Counted::Counts),
            (ended(bad(), 1), Counted::Counts),
        ];
        for (event, expected) in events {
            assert_eq!(counted.on(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn the_run_itself_has_the_last_word() {
        let given_up = FleetEvent::GivenUp {
            batch: "smoke-1".into(),
            why: "it was lost 3 times".into(),
        };
        let mut counted = CountedResults::default();
        let events = [
            (taken("a"), Counted::Counts),
            (started(), Counted::Counts),
            (ended(Verdict::Pass, 1), Counted::Counts),
            (Event::Fleet(given_up), Counted::Counts),
            (
                ended(Verdict::by(Rule::RigLost, "nobody ran it".into()), 0),
                Counted::Counts,
            ),
        ];
        for (event, expected) in events {
            assert_eq!(counted.on(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn a_result_takes_the_place_of_none() {
        let mut counted = CountedResults::default();
        let events = [
            (taken("a"), Counted::Counts),
            (ended(bad(), 0), Counted::Counts),
            (taken("b"), Counted::Counts),
            (started(), Counted::Counts),
            (ended(Verdict::Pass, 1), Counted::Counts),
        ];
        for (event, expected) in events {
            assert_eq!(counted.on(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn on_one_rig_each_later_end_is_a_last_word() {
        let mut counted = CountedResults::default();
        let events = [
            (started(), Counted::Counts),
            (ended(Verdict::Pass, 1), Counted::Counts),
            (ended(bad(), 1), Counted::Revises),
        ];
        for (event, expected) in events {
            assert_eq!(counted.on(&event), expected, "{event:?}");
        }
    }
}
