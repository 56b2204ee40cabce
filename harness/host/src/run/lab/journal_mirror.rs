//! A journal on its way to the lab: whole lines, in order, each once.

use super::board::FromAgent;
use super::server::{LabError, LabServer};
use super::subjects;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes of a message, at most: the server takes 1 MiB.
const CHUNK: usize = 256 * 1024;
/// A journal that is written by somebody else.
#[derive(Debug)]
pub struct JournalMirror {
    /// Where it is published.
    subject: String,
    /// The folder of the journal below the run's.
    folder: String,
    path: PathBuf,
    /// So much of it is in the lab.
    sent: u64,
}

impl JournalMirror {
    /// The journal at `path`, of the batch in `folder`, on this rig.
    pub fn of_batch(run: &str, rig: &str, folder: &str, path: PathBuf) -> Self {
        Self {
            subject: subjects::records(run, rig),
            folder: folder.to_owned(),
            path,
            sent: 0,
        }
    }

    /// The journal at `path`, of the run itself.
    pub fn of_run(run: &str, path: PathBuf) -> Self {
        Self {
            subject: subjects::records_of_run_itself(run),
            folder: String::new(),
            path,
            sent: 0,
        }
    }

    /// Bytes that are in the lab.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Publishes the lines that have been written since the last time. What fails is tried again the next time.
    pub fn catch_up(&mut self, lab: &LabServer) -> Result<(), LabError> {
        while let Some(text) = self.next_lines() {
            let (offset, length) = (self.sent, text.len() as u64);
            let lines = FromAgent::Lines {
                folder: self.folder.clone(),
                offset,
                text,
            };
            // With its length: where an answer of the server was lost, the same lines go again with those that were written since.
            let id = format!("{}/{}@{offset}+{length}", self.subject, self.folder);
            let payload = serde_json::to_vec(&lines).unwrap_or_default();
            lab.store(self.subject.clone(), id, payload)?;
            self.sent += length;
        }
        Ok(())
    }

    fn next_lines(&self) -> Option<String> {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.sent))?;
            let mut bytes = Vec::new();
            file.take(CHUNK as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let mut bytes = read().ok()?;
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(last) => bytes.truncate(last + 1),
            // A line that is longer than a message goes in several. Of one that is not whole nothing goes.
            None if bytes.len() < CHUNK => return None,
            None => {}
        }
        let valid = match std::str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(why) => why.valid_up_to(),
        };
        bytes.truncate(valid);
        String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    }
}
