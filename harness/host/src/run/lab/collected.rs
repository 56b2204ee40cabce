//! What a lab knows of a run, laid out as the run folder that its owner would have.

use super::board::FromAgent;
use super::server::{LabError, LabServer};
use super::subjects;
use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{Event, Record};
use dfota_core::verdict::Verdict;
use dfota_record::journal::{self, PARENT_FILE};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What comes of a batch after it was given up.
pub const LATE: &str = "late.jsonl";
/// The owner of a run gives a sign of life each second.
const OWNER_SILENT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// The journals of a run.
#[derive(Debug, Default)]
pub struct CollectedRun {
    /// The journal of the run itself.
    run: String,
    /// The journal of each batch, by its folder.
    parts: BTreeMap<String, String>,
    /// Batches that their agents are through with.
    ended: BTreeSet<String>,
}

impl CollectedRun {
    /// Reads all that agents and owner have sent.
    pub fn read(lab: &LabServer, run: &str) -> Result<Self, LabError> {
        let mut collected = Self::default();
        let of_run = subjects::records_of_run_itself(run);
        for record in lab.read_all(&subjects::records_of_run(run))? {
            let Ok(message) = serde_json::from_slice::<FromAgent>(&record.payload) else {
                continue;
            };
            match message {
                FromAgent::Lines { folder, offset, text } => {
                    let journal = if record.subject == of_run {
                        &mut collected.run
                    } else {
                        collected.parts.entry(folder).or_default()
                    };
                    // Sent again where an answer of the server was lost.
                    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                    // What is missing in between is missing: nothing behind it counts.
                    if let Some(known) = journal.len().checked_sub(offset) {
                        journal.push_str(text.get(known..).unwrap_or_default());
                    }
                }
                FromAgent::Ended { folder, bytes, .. } => {
                    let arrived = collected.parts.get(&folder).map_or(0, |part| part.len() as u64);
                    if arrived == bytes {
                        collected.ended.insert(folder);
                    }
                }
                FromAgent::Refused { folder, .. } => {
                    collected.ended.insert(folder);
                }
                FromAgent::Taken { folder } => {
                    collected.parts.entry(folder).or_default();
                }
            }
        }
        Ok(collected)
    }

    /// What the run's own journal says of batches and rigs so far.
    pub fn fleet(&self) -> Vec<FleetEvent> {
        fleet_of(&self.run)
    }

    /// The verdicts of cases that their rigs have sent so far, in no order. A case that was run again has several.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let records = self.parts.values().flat_map(|text| text.lines());
        let records = records.filter_map(|line| serde_json::from_str::<Record>(line).ok());
        let ended = records.filter_map(|record| match record.event {
            Event::CaseEnded(ended) => Some(ended.verdict),
            _ => None,
        });
        ended.collect()
    }

    /// Whether the agent is through with the batch in this folder.
    pub fn has_ended(&self, folder: &str) -> bool {
        self.ended.contains(folder)
    }

    /// Whether an agent has the batch in this folder and may be running it.
    pub fn may_go_on(&self, folder: &str) -> bool {
        self.parts.contains_key(folder) && !self.has_ended(folder)
    }

    /// The folders of the batches that are not over by the journal in `out`.
    pub fn open(out: &Path) -> io::Result<Vec<TakenFolder>> {
        let mut open: Vec<TakenFolder> = Vec::new();
        for event in fleet_events(out)? {
            match event {
                FleetEvent::Taken(taken) => open.push(TakenFolder {
                    rig: taken.rig,
                    batch: taken.batch,
                    attempt: taken.attempt,
                    folder: taken.folder,
                }),
                FleetEvent::Closed(end) | FleetEvent::Lost { end, .. } => open.retain(|taken| {
                    (&taken.batch, taken.attempt, &taken.rig) != (&end.batch, end.attempt, &end.rig)
                }),
                _ => {}
            }
        }
        Ok(open)
    }

    /// Writes what is missing in the folder of the run. What came of a batch after the run gave it up is laid beside its journal.
    pub fn write(&self, out: &Path) -> io::Result<()> {
        std::fs::create_dir_all(out)?;
        let path = out.join(PARENT_FILE);
        // The file of the owner is the truth, where it is.
        let written = std::fs::metadata(&path).map_or(0, |facts| facts.len());
        if written < self.run.len() as u64 {
            std::fs::write(&path, &self.run)?;
        }
        let lines = ends(out)?;
        for (folder, text) in &self.parts {
            let at = out.join(folder);
            std::fs::create_dir_all(&at)?;
            let counts = lines
                .get(folder)
                .map_or(text.len(), |lines| first_lines(text, *lines));
            let (counted, late) = text.split_at(counts);
            let path = at.join(journal::FILE);
            let written = std::fs::metadata(&path).map_or(0, |facts| facts.len());
            if written < counted.len() as u64 {
                std::fs::write(&path, counted)?;
            }
            if !late.is_empty() {
                std::fs::write(at.join(LATE), late)?;
            }
        }
        Ok(())
    }
}

/// A batch that a rig has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFolder {
    pub rig: String,
    batch: String,
    attempt: u32,
    pub folder: String,
}

fn fleet_events(out: &Path) -> io::Result<Vec<FleetEvent>> {
    Ok(fleet_of(&std::fs::read_to_string(out.join(PARENT_FILE))?))
}

fn fleet_of(text: &str) -> Vec<FleetEvent> {
    let records = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Record>(line).ok());
    let fleet = records.filter_map(|record| match record.event {
        Event::Fleet(event) => Some(event),
        _ => None,
    });
    fleet.collect()
}

/// How many lines of each batch count, by its folder: those until it was closed or given up.
fn ends(out: &Path) -> io::Result<BTreeMap<String, u64>> {
    let events = fleet_events(out)?;
    let mut folders = BTreeMap::new();
    let mut ends = BTreeMap::new();
    for event in events {
        match event {
            FleetEvent::Taken(taken) => {
                folders.insert((taken.batch, taken.attempt, taken.rig), taken.folder);
            }
            FleetEvent::Closed(end) | FleetEvent::Lost { end, .. } => {
                if let Some(folder) = folders.get(&(end.batch, end.attempt, end.rig)) {
                    ends.insert(folder.clone(), end.lines);
                }
            }
            _ => {}
        }
    }
    Ok(ends)
}

/// The bytes of the first lines of a text.
fn first_lines(text: &str, lines: u64) -> usize {
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    text.split_inclusive('\n').take(lines).map(str::len).sum()
}

/// Whether a run has an owner that lives: it is listened to for a while.
pub fn has_owner(lab: &LabServer, run: &str) -> Result<bool, LabError> {
    let heard = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&heard);
    lab.listen(subjects::orders_of_run(run), move |_, _| {
        hears.store(true, Ordering::Relaxed);
        false
    })?;
    let until = Instant::now() + OWNER_SILENT;
    while !heard.load(Ordering::Relaxed) && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
    Ok(heard.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_after_the_end_of_a_batch_are_late() {
        assert_eq!(first_lines("a\nbb\nc\n", 2), 5);
        assert_eq!(first_lines("a\nbb\n", 9), 5);
        assert_eq!(first_lines("", 1), 0);
    }
}
