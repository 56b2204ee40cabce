//! The records of a run, from the messages of its program and its agents: each record once. Records that come after their batch
//! was given up are left out.

use super::board::FromAgent;
use super::followed_records::StoredRecord;
use super::subjects::{self, name_of};
use dfota_core::event::fleet::{FleetEvent, PartEnd, Taken};
use dfota_core::event::{Event, Record};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A record, and the rig that it is of; of the run itself none.
pub type RigRecord = (Option<Arc<str>>, Record);

/// Reads what lies under `records.RUN.>`, in order.
#[derive(Debug)]
pub struct RunRecords {
    /// The subject of the journal of the run itself.
    of_run: String,
    run: SentJournal,
    /// The journals of batches, by their folders.
    parts: BTreeMap<String, SentPart>,
}

/// A journal, as far as it was sent.
#[derive(Debug, Default)]
struct SentJournal {
    bytes: u64,
    /// A line that is not whole yet.
    torn: String,
}

/// The journal of a batch. Its first lines may come before the run says who took the batch.
#[derive(Debug, Default)]
struct SentPart {
    taken: Option<Taken>,
    journal: SentJournal,
    /// What comes of it does not count any more.
    is_over: bool,
}

impl RunRecords {
    pub fn new(run: &str) -> Self {
        Self {
            of_run: subjects::records_of_run_itself(run),
            run: SentJournal::default(),
            parts: BTreeMap::new(),
        }
    }

    /// The records that a message brings.
    pub fn read(&mut self, message: &StoredRecord) -> Vec<RigRecord> {
        let Ok(FromAgent::Lines { folder, offset, text }) = serde_json::from_slice(&message.payload) else {
            return Vec::new();
        };
        if message.subject == self.of_run {
            let records = self.run.take(offset, &text);
            for record in &records {
                if let Event::Fleet(event) = &record.event {
                    self.on(event);
                }
            }
            return records.into_iter().map(|record| (None, record)).collect();
        }
        let Some(rig) = message.subject.rsplit('.').next().and_then(name_of) else {
            return Vec::new();
        };
        let (rig, part) = (Arc::from(rig), self.parts.entry(folder).or_default());
        if part.is_over {
            return Vec::new();
        }
        let records = part.journal.take(offset, &text).into_iter();
        records.map(|record| (Some(Arc::clone(&rig)), record)).collect()
    }

    fn on(&mut self, event: &FleetEvent) {
        match event {
            FleetEvent::Taken(taken) => {
                let part = self.parts.entry(taken.folder.clone()).or_default();
                part.taken = Some(taken.clone());
            }
            FleetEvent::Closed(end) | FleetEvent::Lost { end, .. } => self.end(end),
            _ => {}
        }
    }

    fn end(&mut self, end: &PartEnd) {
        let is_it = |part: &&mut SentPart| {
            let taken = part.taken.as_ref();
            taken.is_some_and(|taken| {
                (&taken.batch, taken.attempt, &taken.rig) == (&end.batch, end.attempt, &end.rig)
            })
        };
        if let Some(part) = self.parts.values_mut().find(is_it) {
            part.is_over = true;
            part.journal.torn = String::new();
        }
    }
}

impl SentJournal {
    /// The records of the lines that end in a text that begins at `offset`.
    fn take(&mut self, offset: u64, text: &str) -> Vec<Record> {
        // Sent again where an answer of the server was lost. What is missing in between is missing: nothing behind it counts.
        let known = self.bytes.checked_sub(offset).map(usize::try_from);
        let Some(new) = known.and_then(|known| text.get(known.ok()?..)) else {
            return Vec::new();
        };
        self.bytes += new.len() as u64;
        self.torn += new;
        let whole = self.torn.rfind('\n').map_or(0, |last| last + 1);
        let lines: String = self.torn.drain(..whole).collect();
        let records = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
        records.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(subject: &str, folder: &str, offset: usize, text: &str) -> StoredRecord {
        let lines = FromAgent::Lines {
            folder: folder.to_owned(),
            offset: offset as u64,
            text: text.to_owned(),
        };
        StoredRecord {
            seq: 0,
            subject: subject.to_owned(),
            payload: serde_json::to_vec(&lines).expect("JSON").into(),
        }
    }

    fn line(event: Event) -> String {
        let record = Record { event, ..record() };
        format!("{}\n", serde_json::to_string(&record).expect("JSON"))
    }

    fn record() -> Record {
        let text = r#"{"seq":0,"prev":"","mono_ns":0,"module_ns":0,"utc":"2026-01-01T00:00:00Z","event":"step","text":""}"#;
        serde_json::from_str(text).expect("a record")
    }

    fn step(text: &str) -> String {
        line(Event::Step { text: text.into() })
    }

    fn taken() -> Taken {
        Taken {
            batch: "b-1".into(),
            attempt: 1,
            rig: "a".into(),
            folder: "rigs/a/b-1".into(),
        }
    }

    #[test]
    fn each_record_comes_once_and_nothing_after_the_batch_was_lost() {
        let mut records = RunRecords::new("out");
        let mut read = |message: &StoredRecord| -> Vec<(Option<String>, String)> {
            let read = records.read(message).into_iter();
            let text = |event| match event {
                Event::Step { text } => text,
                _ => "another".to_owned(),
            };
            read.map(|(rig, record)| (rig.map(|rig| rig.to_string()), text(record.event)))
                .collect()
        };
        let (one, two) = (step("one"), step("two"));
        let folder = taken().folder;
        let part = |offset, text: &str| said("records.out.a", &folder, offset, text);
        let of_a = |text: &str| (Some("a".to_owned()), text.to_owned());
        let (first, rest) = one.split_at(9);
        assert_eq!(read(&part(0, first)), [], "no whole line");
        let begun = line(Event::Fleet(FleetEvent::Taken(taken())));
        assert_eq!(read(&said("records.out.=run", "", 0, &begun)).len(), 1);
        assert_eq!(
            read(&part(9, &format!("{rest}{two}"))),
            [of_a("one"), of_a("two")]
        );
        assert_eq!(read(&part(0, &one)), [], "sent again");
        let end = PartEnd {
            batch: "b-1".into(),
            attempt: 1,
            rig: "a".into(),
            lines: 2,
            head: String::new(),
            result: Default::default(),
            left: Vec::new(),
        };
        let lost = line(Event::Fleet(FleetEvent::Lost {
            end,
            why: "silent".into(),
            open: Vec::new(),
            unread: Vec::new(),
            parent_ended: false,
        }));
        assert_eq!(read(&said("records.out.=run", "", begun.len(), &lost)).len(), 1);
        assert_eq!(read(&part(one.len() + two.len(), &one)), [], "late");
    }
}
