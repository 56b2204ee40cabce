//! The journal of a run on several rigs, merged from the parent's journal and those of its parts.
//!
//! ```text
//! run.jsonl                        the parent's journal: what is planned, and which rig took which batch
//! rigs/RIG/BATCH/events.jsonl      the journal of a part: what one rig did with one batch
//! events.jsonl                     the merged journal
//! ```
//!
//! The merged journal has the parent's records in order, and behind each [`FleetEvent::Taken`] those of that part. Records are
//! numbered and chained anew, and what rests on a record is numbered with it. Times stay as the part has them. It is a function of
//! the other files, so it can be made again at any time; nothing is in it that is not in one of them, but for a
//! [`FleetEvent::Unread`] behind each part of which something is missing.

mod line;
mod part;

use super::chain::Touched;
use super::{FILE, PARENT_FILE, masked};
use crate::run_folder::{WriteError, plain_file, replace_by};
use dfota_core::event::fleet::{FleetEvent, PartEnd, Taken};
use dfota_core::event::{Event, Record};
use line::{Numbering, ReadLine};
use part::PartReader;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Folder of the parts in a run folder.
pub const RIGS: &str = "rigs";

/// A journal that a merged one is made of, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFault {
    /// The part's folder, relative to the run folder, or the name of the parent's journal.
    pub place: String,
    pub kind: FaultKind,
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no journal; the parent names how many lines it had, unless it was killed before.
    Missing { named: Option<u64> },
    /// It has fewer lines than the parent names.
    Short { lines: u64, named: u64 },
    /// It has more lines than the parent names; they are left out.
    Long { named: u64 },
    /// It has as many lines as the parent names, and another end.
    OtherEnd { lines: u64 },
    /// Its chain is broken: what follows is left out.
    Touched(Touched),
    /// It is the journal of something else.
    NoStart,
    /// The parent names it twice.
    Twice,
    /// It could not be read.
    Unreadable(String),
}

impl PartFault {
    /// Whether somebody changed what was written. A part that is missing or short in a run that was killed is no proof of that.
    pub fn is_proof(&self) -> bool {
        !matches!(self.kind, FaultKind::Missing { named: None })
    }

    /// Whether something that was heard is not in the merged journal, or may be another thing than was heard.
    pub fn hides(&self) -> bool {
        self.is_proof() && !matches!(self.kind, FaultKind::Long { .. } | FaultKind::Twice)
    }
}

impl PartFault {
    /// What is wrong, without the place.
    fn what(&self) -> String {
        let all = self.to_string();
        let what = all.strip_prefix(&format!("{}: ", self.place));
        what.unwrap_or(&all).to_owned()
    }
}

impl fmt::Display for PartFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = |count: u64| crate::count::count_of(count as usize, "line");
        write!(f, "{}: ", self.place)?;
        match &self.kind {
            FaultKind::Missing { named: None } => f.write_str("its journal is missing"),
            FaultKind::Missing { named: Some(named) } => {
                write!(f, "its journal is missing; {PARENT_FILE} names {}", lines(*named))
            }
            FaultKind::Short { lines: is, named } => {
                write!(f, "its journal has {}, {PARENT_FILE} names {named}", lines(*is))
            }
            FaultKind::Long { named } => write!(
                f,
                "line {} of its journal was added: {PARENT_FILE} names {}",
                named + 1,
                lines(*named)
            ),
            FaultKind::OtherEnd { lines } => write!(
                f,
                "line {lines} of its journal was changed: it is not the end that {PARENT_FILE} names"
            ),
            FaultKind::Touched(touched) if self.place == PARENT_FILE => touched.fmt(f),
            FaultKind::Touched(touched) => write!(f, "{FILE}: {touched}"),
            FaultKind::NoStart => {
                f.write_str("its journal does not begin with `run-started`: it is left out")
            }
            FaultKind::Twice => write!(f, "{PARENT_FILE} names it twice: it is taken once"),
            FaultKind::Unreadable(why) => write!(f, "its journal could not be read: {why}"),
        }
    }
}

/// A part that the parent names: who took which batch, and how its journal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPart {
    pub taken: Taken,
    /// Nothing while it runs, or where the parent was killed.
    pub end: Option<PartEnd>,
}

/// Whether a folder is that of a run on several rigs.
pub fn is_fleet(folder: &Path) -> bool {
    plain_file(folder, PARENT_FILE).is_ok()
}

/// Writes the merged journal of a run on several rigs, and gives what is missing in it. Nothing is written where a run is on
/// one rig.
pub fn write(folder: &Path) -> Result<Vec<PartFault>, WriteError> {
    if !is_fleet(folder) {
        return Ok(Vec::new());
    }
    let mut faults = Vec::new();
    replace_by(&folder.join(FILE), |to| {
        let mut merge = MergedLines::open(folder, false)?;
        while let Some(line) = merge.next_line()? {
            to.write_all(line)?;
        }
        faults = merge.faults;
        Ok(())
    })?;
    Ok(faults)
}

/// What is missing or wrong in the parts of a run on several rigs; nothing of a run on one.
pub fn faults(folder: &Path) -> io::Result<Vec<PartFault>> {
    if !is_fleet(folder) {
        return Ok(Vec::new());
    }
    let mut merge = MergedLines::open(folder, false)?;
    while merge.next_line()?.is_some() {}
    Ok(merge.faults)
}

/// The parts that the parent's journal names, in its order.
pub fn parts(folder: &Path, masked: bool) -> io::Result<Vec<NamedPart>> {
    Ok(ParentJournal::read(folder, masked)?.parts())
}

/// Folders with a journal that the parent's journal does not name, by name.
pub fn unnamed(folder: &Path, parts: &[NamedPart]) -> Vec<String> {
    let within = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    let rigs = folder.join(RIGS);
    let mut found: Vec<String> = within(&rigs)
        .flat_map(|rig| within(&rigs.join(&rig)).map(move |batch| format!("{RIGS}/{rig}/{batch}")))
        .filter(|place| plain_file(folder, &format!("{place}/{FILE}")).is_ok())
        .filter(|place| parts.iter().all(|part| part.taken.folder != *place))
        .collect();
    found.sort();
    found
}

/// The parent's journal, as far as its chain holds.
struct ParentJournal {
    lines: Vec<ReadLine>,
    fault: Option<PartFault>,
}

impl ParentJournal {
    fn read(folder: &Path, masked: bool) -> io::Result<Self> {
        let bytes = std::fs::read(plain_file(folder, masked::parent_name(masked))?)?;
        let (lines, touched) = line::all(&bytes);
        let fault = touched.map(|touched| PartFault {
            place: PARENT_FILE.into(),
            kind: FaultKind::Touched(touched),
        });
        Ok(Self { lines, fault })
    }

    /// The events about batches and rigs.
    fn fleet(&self) -> impl Iterator<Item = FleetEvent> {
        self.lines.iter().filter_map(ReadLine::fleet)
    }

    fn parts(&self) -> Vec<NamedPart> {
        let mut parts: Vec<NamedPart> = Vec::new();
        for event in self.fleet() {
            match event {
                FleetEvent::Taken(taken) => parts.push(NamedPart { taken, end: None }),
                FleetEvent::Closed(end) | FleetEvent::Lost { end, .. } => {
                    let same = |part: &&mut NamedPart| {
                        let taken = &part.taken;
                        (&taken.batch, taken.attempt, &taken.rig) == (&end.batch, end.attempt, &end.rig)
                    };
                    if let Some(part) = parts.iter_mut().rev().find(same) {
                        part.end = Some(end);
                    }
                }
                _ => {}
            }
        }
        parts
    }
}

/// The lines of the merged journal, one after the other.
pub struct MergedLines {
    folder: PathBuf,
    masked: bool,
    parent: std::vec::IntoIter<ReadLine>,
    /// How the journal of each part ends, by its folder.
    ends: HashMap<String, Option<PartEnd>>,
    /// Folders of the parts that were begun.
    begun: HashSet<String>,
    /// Suite and id of the cases that are planned so far or will be by the parent.
    planned: HashSet<(String, String)>,
    part: Option<PartReader>,
    /// The parent's record of the last part.
    taken: Option<ReadLine>,
    /// What has to be said of the last part, now that it is over.
    unread: Option<PartFault>,
    numbering: Numbering,
    /// Where the parent's records came to stand.
    parent_places: line::Places,
    out: Vec<u8>,
    /// What is missing so far.
    pub faults: Vec<PartFault>,
}

impl MergedLines {
    /// Those of the journals in a run folder, or of their masked copies.
    pub fn open(folder: &Path, masked: bool) -> io::Result<Self> {
        let parent = ParentJournal::read(folder, masked)?;
        let ends = parent.parts().into_iter();
        Ok(Self {
            folder: folder.to_owned(),
            masked,
            ends: ends.map(|part| (part.taken.folder, part.end)).collect(),
            begun: HashSet::new(),
            planned: parent.lines.iter().filter_map(ReadLine::planned).collect(),
            part: None,
            taken: None,
            unread: None,
            numbering: Numbering::default(),
            parent_places: line::Places::default(),
            out: Vec::new(),
            faults: parent.fault.into_iter().collect(),
            parent: parent.lines.into_iter(),
        })
    }

    /// The next line, with its line feed.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        while let Some(part) = &mut self.part {
            let Some(line) = part.next()? else {
                let fault = part.fault();
                self.part = None;
                self.fault(fault);
                break;
            };
            if !part.keeps(&line, &mut self.planned) {
                continue;
            }
            part.places.note(line.seq, self.numbering.seq());
            self.out = self.numbering.number(&line, &part.places);
            return Ok(Some(&self.out));
        }
        if let Some(line) = self.unread() {
            self.out = line;
            return Ok(Some(&self.out));
        }
        let Some(line) = self.parent.next() else {
            return Ok(None);
        };
        self.parent_places.note(line.seq, self.numbering.seq());
        self.out = self.numbering.number(&line, &self.parent_places);
        if let Some(FleetEvent::Taken(taken)) = line.fleet() {
            self.taken = Some(line);
            self.begin(taken.folder);
        }
        Ok(Some(&self.out))
    }

    /// Opens the part in this folder.
    fn begin(&mut self, place: String) {
        let end = self.ends.get(&place).cloned().flatten();
        let opened = if self.begun.insert(place.clone()) {
            PartReader::open(&self.folder, &place, end, self.masked)
        } else {
            Err(Some(FaultKind::Twice))
        };
        match opened {
            Ok(part) => self.part = Some(part),
            Err(kind) => self.fault(kind.map(|kind| PartFault { place, kind })),
        }
    }

    fn fault(&mut self, fault: Option<PartFault>) {
        self.unread = fault.clone().filter(PartFault::hides);
        self.faults.extend(fault);
    }

    /// The line that says what is missing of the last part.
    fn unread(&mut self) -> Option<Vec<u8>> {
        let fault = self.unread.take()?;
        let event = FleetEvent::Unread {
            why: fault.what(),
            folder: fault.place,
        };
        self.numbering.beside(self.taken.as_ref()?, Event::Fleet(event))
    }
}

/// The merged journal as a file that is read.
pub(super) struct MergedReader {
    merge: MergedLines,
    rest: Vec<u8>,
    at: usize,
}

impl MergedReader {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            merge: MergedLines::open(folder, false)?,
            rest: Vec::new(),
            at: 0,
        })
    }
}

impl Read for MergedReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.rest.len() {
            let line = self.merge.next_line()?.unwrap_or_default();
            self.rest.clear();
            self.rest.extend_from_slice(line);
            self.at = 0;
        }
        let read = (&self.rest[self.at..]).read(to)?;
        self.at += read;
        Ok(read)
    }
}

/// A record's event, where the line is one of this program's.
fn event(text: &str) -> Option<Event> {
    let record: Record = serde_json::from_str(text).ok()?;
    Some(record.event)
}
