//! One line of a journal on its way into the merged one: what it says about its place, and its new number.
//!
//! Lines are changed as text, so that nothing else in them changes, not even the last digit of a measurement.

use super::event;
use crate::digest::hex;
use crate::journal::chain::{self, Touched};
use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{Event, Record};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A line whose chain holds.
#[derive(Debug, Clone)]
pub(super) struct ReadLine {
    pub(super) seq: u64,
    /// Where in the text the digest of the line before it is.
    prev_at: usize,
    /// Name of its event.
    pub(super) event: String,
    /// Without its line feed.
    pub(super) text: String,
}

/// What a line says about its place.
#[derive(Deserialize)]
struct LinePlace<'l> {
    seq: u64,
    prev: &'l str,
    event: &'l str,
}

impl ReadLine {
    /// The line that has to have this number and to name this digest.
    pub(super) fn parse(bytes: &[u8], seq: u64, prev: &str) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let place: LinePlace<'_> = serde_json::from_str(text).ok()?;
        let prev_at = text.find(PREV)? + PREV.len();
        let ours = text.starts_with(&number(seq)) && text[prev_at..].starts_with(prev);
        (ours && place.seq == seq && place.prev == prev).then(|| Self {
            seq,
            prev_at,
            event: place.event.to_owned(),
            text: text.to_owned(),
        })
    }

    /// SHA-256 in hex.
    pub(super) fn digest(&self) -> String {
        hex(&Sha256::digest(&self.text))
    }

    /// What it says about a batch or a rig.
    pub(super) fn fleet(&self) -> Option<FleetEvent> {
        match self.event_named("fleet")? {
            Event::Fleet(fleet) => Some(fleet),
            _ => None,
        }
    }

    /// Suite and id of the case that it plans.
    pub(super) fn planned(&self) -> Option<(String, String)> {
        match self.event_named("case-planned")? {
            Event::CasePlanned { case, .. } => Some((case.suite, case.id)),
            _ => None,
        }
    }

    fn event_named(&self, name: &str) -> Option<Event> {
        (self.event == name).then(|| event(&self.text)).flatten()
    }
}

/// The lines of a journal as far as its chain holds, and where it breaks. A torn last line is left out.
pub(super) fn all(bytes: &[u8]) -> (Vec<ReadLine>, Option<Touched>) {
    let mut lines: Vec<ReadLine> = Vec::new();
    let mut prev = nothing();
    for bytes_of_line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = bytes_of_line.strip_suffix(b"\n") else {
            break;
        };
        let seq = lines.len() as u64;
        let Some(line) = ReadLine::parse(line, seq, &prev) else {
            let touched = chain::follow(bytes).err();
            return (lines, Some(touched.unwrap_or(Touched::Changed(seq + 1))));
        };
        prev = line.digest();
        lines.push(line);
    }
    (lines, None)
}

/// The digest that the first line of a journal names.
pub(super) fn nothing() -> String {
    hex(&Sha256::digest([]))
}

fn number(seq: u64) -> String {
    format!("{{\"seq\":{seq},")
}

/// What stands before the digest of the line before.
const PREV: &str = "\"prev\":\"";

/// Where the records of one journal came to stand in the merged one: by stretches that moved by as much.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The first record of each stretch, and its new number.
    stretches: Vec<Stretch>,
}

#[derive(Debug)]
struct Stretch {
    was: u64,
    is: u64,
}

impl Places {
    /// A record has got a new number.
    pub(super) fn note(&mut self, was: u64, is: u64) {
        let goes_on = |last: &Stretch| is.wrapping_sub(last.is) == was.wrapping_sub(last.was);
        if !self.stretches.last().is_some_and(goes_on) {
            self.stretches.push(Stretch { was, is });
        }
    }

    /// The new number of a record.
    fn find(&self, was: u64) -> u64 {
        let at = self.stretches.partition_point(|stretch| stretch.was <= was);
        match self.stretches[..at].last() {
            Some(stretch) => stretch.is + (was - stretch.was),
            None => was,
        }
    }
}

/// The numbers and the chain of the merged journal.
#[derive(Debug)]
pub(super) struct Numbering {
    seq: u64,
    prev: String,
}

impl Default for Numbering {
    fn default() -> Self {
        Self {
            seq: 0,
            prev: nothing(),
        }
    }
}

/// How the evidence of a verdict begins. Inside of a string its quotes would be escaped.
const EVIDENCE: &str = "\"evidence\":[";

impl Numbering {
    /// The number of the next line.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// The line as it stands in the merged journal, with its line feed.
    pub(super) fn number(&mut self, line: &ReadLine, places: &Places) -> Vec<u8> {
        let (before, after) = line.text.split_at(line.prev_at);
        let mut text = number(self.seq);
        text.reserve(line.text.len() + 1);
        text += &before[number(line.seq).len()..];
        text += &self.prev;
        text += &after[self.prev.len()..];
        if matches!(line.event.as_str(), "case-ended" | "try-ended") {
            text = with_evidence(&text, places);
        }
        self.chained(text)
    }

    /// A line of the merged journal alone, as old as this one.
    pub(super) fn beside(&mut self, line: &ReadLine, event: Event) -> Option<Vec<u8>> {
        let record: Record = serde_json::from_str(&line.text).ok()?;
        let (seq, prev) = (self.seq, self.prev.clone());
        let text = serde_json::to_string(&Record {
            seq,
            prev,
            event,
            ..record
        });
        Some(self.chained(text.ok()?))
    }

    fn chained(&mut self, mut text: String) -> Vec<u8> {
        self.seq += 1;
        self.prev = hex(&Sha256::digest(&text));
        text.push('\n');
        text.into_bytes()
    }
}

/// The same line, its evidence with new numbers.
fn with_evidence(text: &str, places: &Places) -> String {
    let parts = text.split_once(EVIDENCE).and_then(|(before, rest)| {
        let (numbers, after) = rest.split_once(']')?;
        Some((before, numbers, after))
    });
    let Some((before, numbers, after)) = parts else {
        return text.to_owned();
    };
    let moved = numbers.split(',').map(|number| match number.parse() {
        Ok(was) => places.find(was).to_string(),
        Err(_) => number.to_owned(),
    });
    let moved: Vec<String> = moved.collect();
    format!("{before}{EVIDENCE}{}]{after}", moved.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_moves_with_its_records() {
        let mut places = Places::default();
        // Two records before, the second and third are left out.
        for (was, is) in [(0, 2), (3, 3), (4, 4), (9, 20)] {
            places.note(was, is);
        }
        let moved = |numbers: &str| {
            let line =
                format!("{{\"story\":\"\\\"evidence\\\":[3]\",\"evidence\":[{numbers}],\"rerun\":\"\"}}");
            with_evidence(&line, &places)
        };
        assert_eq!(
            moved("0,3,4,9"),
            "{\"story\":\"\\\"evidence\\\":[3]\",\"evidence\":[2,3,4,20],\"rerun\":\"\"}"
        );
        assert_eq!(
            moved(""),
            "{\"story\":\"\\\"evidence\\\":[3]\",\"evidence\":[],\"rerun\":\"\"}"
        );
    }
}
