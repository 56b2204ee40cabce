//! A journal as far as it can be relied on: until its chain breaks, or it cannot be read any further.

use super::FILE;
use super::chain::Chain;
use crate::run_folder::plain_file;
use dfota_core::event::{Event, Record};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// How far a journal goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPrefix {
    /// Whole lines whose chain holds.
    pub lines: u64,
    /// SHA-256 of the last of them, in hex; of nothing where there is none.
    pub head: String,
    /// Why it goes no further, if it does not end there.
    pub broken: Option<String>,
}

/// Tells each record of the journal of a folder, not masked. Where there is no journal, there is nothing to be told.
pub fn each(folder: &Path, mut tell: impl FnMut(Record)) -> JournalPrefix {
    let mut chain = Chain::empty();
    let broken = match follow(folder, &mut chain, &mut tell) {
        Ok(broken) => broken,
        Err(why) if why.kind() == io::ErrorKind::NotFound && chain.lines == 0 => None,
        Err(why) => Some(why.to_string()),
    };
    JournalPrefix {
        lines: chain.lines,
        head: chain.head,
        broken,
    }
}

/// Gives what is wrong with the line at which it stops, if that is not the end.
fn follow(folder: &Path, chain: &mut Chain, tell: &mut impl FnMut(Record)) -> io::Result<Option<String>> {
    let file = File::open(plain_file(folder, FILE)?)?;
    let mut lines = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    // A last line without its end was torn when its writer died.
    while lines.read_until(b'\n', &mut line)? > 0 && line.pop() == Some(b'\n') {
        let number = chain.lines + 1;
        let record: Record = match serde_json::from_slice(&line) {
            Ok(record) => record,
            Err(why) => return Ok(Some(format!("line {number} is no event of a journal: {why}"))),
        };
        if number == 1 && !matches!(record.event, Event::RunStarted(_)) {
            return Ok(Some("it does not begin with `run-started`".to_owned()));
        }
        if !chain.take(&line) {
            return Ok(Some(format!("line {number} is not the one that was written")));
        }
        tell(record);
        line.clear();
    }
    Ok(None)
}
