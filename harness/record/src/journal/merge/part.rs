//! The journal of one part, read as far as its chain holds and its parent names it.

use super::line::{Places, ReadLine, nothing};
use super::{FaultKind, PartFault, RIGS, event};
use crate::bundle::member;
use crate::journal::chain::{self, Touched};
use crate::journal::masked;
use crate::run_folder::plain_file;
use dfota_core::event::Event;
use dfota_core::event::fleet::PartEnd;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Reads it line by line.
pub(super) struct PartReader {
    place: String,
    path: PathBuf,
    lines: BufReader<File>,
    end: Option<PartEnd>,
    masked: bool,
    /// How many lines were read.
    read: u64,
    /// Digest of the last one.
    head: String,
    /// Of a masked copy: the digest of the last line of its original.
    masked_from: Option<String>,
    /// What ended it, if that was no end.
    broken: Option<FaultKind>,
    pub(super) places: Places,
}

impl PartReader {
    /// Opens the journal in a folder of the run folder. `Err(None)`: there is none, and there need be none.
    pub(super) fn open(
        run: &Path,
        place: &str,
        end: Option<PartEnd>,
        masked: bool,
    ) -> Result<Self, Option<FaultKind>> {
        let named = end.as_ref().map(|end| end.lines);
        let missing = || (named != Some(0)).then_some(FaultKind::Missing { named });
        let name = format!("{place}/{}", masked::name(masked));
        if !member::is_safe(&name) || !place.starts_with(&format!("{RIGS}/")) {
            let why = format!("expected a folder `{RIGS}/RIG/BATCH` within the run folder");
            return Err(Some(FaultKind::Unreadable(why)));
        }
        let opened = plain_file(run, &name).and_then(|path| Ok((File::open(&path)?, path)));
        let (file, path) = opened.map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => Some(FaultKind::Unreadable(why.to_string())),
        })?;
        Ok(Self {
            place: place.to_owned(),
            path,
            lines: BufReader::with_capacity(1 << 18, file),
            end,
            masked,
            read: 0,
            head: nothing(),
            masked_from: None,
            broken: None,
            places: Places::default(),
        })
    }

    /// The next line that belongs to the part; nothing at its end, or where it breaks.
    pub(super) fn next(&mut self) -> io::Result<Option<ReadLine>> {
        if self.broken.is_some() || self.end.as_ref().is_some_and(|end| self.read >= end.lines) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        if let Err(why) = self.lines.read_until(b'\n', &mut bytes) {
            self.broken = Some(FaultKind::Unreadable(why.to_string()));
            return Ok(None);
        }
        if bytes.pop() != Some(b'\n') {
            return Ok(None);
        }
        let Some(line) = ReadLine::parse(&bytes, self.read, &self.head) else {
            self.broken = Some(FaultKind::Touched(self.touched()?));
            return Ok(None);
        };
        if self.read == 0 {
            match event(&line.text) {
                Some(Event::RunStarted(started)) => self.masked_from = started.masked_from,
                _ => {
                    self.broken = Some(FaultKind::NoStart);
                    return Ok(None);
                }
            }
        }
        self.read += 1;
        self.head = line.digest();
        Ok(Some(line))
    }

    /// The line that was changed, removed or added.
    fn touched(&self) -> io::Result<Touched> {
        let followed = chain::follow_file(&self.path)?;
        Ok(followed.err().unwrap_or(Touched::Changed(self.read + 1)))
    }

    /// Whether a line stands in the merged journal. The parent has the plan, the figures of earlier runs, and the end. A case that
    /// it did not plan is planned by the first part that has it.
    pub(super) fn keeps(&self, line: &ReadLine, planned: &mut HashSet<(String, String)>) -> bool {
        match line.event.as_str() {
            "trend" | "run-ended" => false,
            "case-planned" => line.planned().is_none_or(|case| planned.insert(case)),
            "tallied" => !matches!(event(&line.text), Some(Event::Tallied(tallied)) if tallied.run.is_some()),
            _ => true,
        }
    }

    /// What is wrong with it, once its last line was read.
    pub(super) fn fault(&mut self) -> Option<PartFault> {
        let kind = self.broken.take().or_else(|| self.other_end())?;
        let place = self.place.clone();
        Some(PartFault { place, kind })
    }

    fn other_end(&mut self) -> Option<FaultKind> {
        let end = self.end.as_ref()?;
        let (lines, named) = (self.read, end.lines);
        if lines < named {
            return Some(FaultKind::Short { lines, named });
        }
        // What is behind it may be a torn line, of a program that was killed.
        let mut more = Vec::new();
        let read = self.lines.read_until(b'\n', &mut more);
        if read.is_ok() && more.last() == Some(&b'\n') {
            return Some(FaultKind::Long { named });
        }
        let head = match (&self.masked_from, self.masked) {
            (Some(head), true) => head,
            _ => &self.head,
        };
        (lines > 0 && *head != end.head).then_some(FaultKind::OtherEnd { lines })
    }
}
