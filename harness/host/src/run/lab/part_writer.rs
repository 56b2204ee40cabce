//! Journals that come from an agent, on their way to the run folder.

use super::board::FromAgent;
use super::collected::LATE;
use crate::run::fleet::wire::is_dialogue;
use dfota_core::event::Record;
use dfota_record::journal;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Writes the journals of one rig.
#[derive(Debug)]
pub struct PartWriter {
    /// The run folder.
    out: PathBuf,
    shows_dialogue: bool,
    /// The batch that the rig has now.
    present: Option<String>,
    /// Bytes of each batch's journal that are written.
    written: BTreeMap<String, u64>,
    /// A line of the present batch that is not whole yet.
    torn: String,
}

impl PartWriter {
    pub fn new(out: PathBuf, shows_dialogue: bool) -> Self {
        Self {
            out,
            shows_dialogue,
            present: None,
            written: BTreeMap::new(),
            torn: String::new(),
        }
    }

    /// The rig is given this batch.
    pub fn begin(&mut self, folder: &str) {
        self.present = Some(folder.to_owned());
        self.torn.clear();
    }

    /// The batch is given up.
    pub fn end(&mut self) {
        self.present = None;
    }

    /// Writes lines that are new. Gives what the seat of the rig has to hear: of lines, those that are whole and that it needs; or why
    /// they could not be written.
    pub fn write(&mut self, message: FromAgent) -> Result<Option<FromAgent>, String> {
        let FromAgent::Lines { folder, offset, text } = message else {
            let is_present = self.present.as_deref() == Some(message.folder());
            if let FromAgent::Ended { folder, bytes, .. } = &message {
                let written = self.written.get(folder).copied().unwrap_or_default();
                if is_present && written != *bytes {
                    return Err(format!(
                        "its journal has {bytes} bytes on its machine, and {written} of them arrived"
                    ));
                }
            }
            return Ok(is_present.then_some(message));
        };
        let is_present = self.present.as_ref() == Some(&folder);
        let name = if is_present { journal::FILE } else { LATE };
        let path = self.out.join(&folder).join(name);
        let before = self.written.entry(folder.clone()).or_insert_with(|| {
            // Written by a program that had this run before.
            let journal = self.out.join(&folder).join(journal::FILE);
            std::fs::metadata(journal).map_or(0, |facts| facts.len())
        });
        let skip = usize::try_from(before.saturating_sub(offset)).unwrap_or(usize::MAX);
        let new = text
            .get(skip..)
            .filter(|new| !new.is_empty() && offset <= *before);
        let Some(new) = new else { return Ok(None) };
        let at = if is_present { Some(*before) } else { None };
        append(&path, at, new).map_err(|why| format!("`{}` cannot be written: {why}", path.display()))?;
        *before += new.len() as u64;
        Ok(is_present.then(|| FromAgent::Lines {
            text: self.needed(new),
            folder,
            offset,
        }))
    }

    /// The whole lines that the seat needs. Most of a journal is the dialogue.
    fn needed(&mut self, new: &str) -> String {
        self.torn += new;
        let whole = self.torn.rfind('\n').map_or(0, |last| last + 1);
        let lines: String = self.torn.drain(..whole).collect();
        let needs = |line: &&str| {
            self.shows_dialogue
                || serde_json::from_str::<Record>(line).is_ok_and(|record| !is_dialogue(&record.event))
        };
        lines.split_inclusive('\n').filter(needs).collect()
    }
}

/// Writes at this byte; at the end where none is given.
fn append(path: &std::path::Path, at: Option<u64>, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.seek(at.map_or(SeekFrom::End(0), SeekFrom::Start))?;
    file.write_all(text.as_bytes())
}
