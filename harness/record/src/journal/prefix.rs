//! A journal as far as it can be relied on: until its chain breaks, or it cannot be read any further.

use super::FILE;
use super::chain::{Chain, ChainLink};
use crate::run_folder::plain_file;
use dfota_core::event::Record;
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

/// Events that say what went over the wires. They are most lines of a journal, and nothing of what became of its cases.
const WIRES: [&str; 6] = ["rx", "tx", "tx-data", "prompt", "line", "measured"];

/// Tells the records of the journal of a folder, not masked; those of the wires only if `wires`. Where there is no journal, there is
/// nothing to be told.
pub fn each(folder: &Path, wires: bool, mut tell: impl FnMut(Record)) -> JournalPrefix {
    let mut chain = Chain::empty();
    let broken = match follow(folder, wires, &mut chain, &mut tell) {
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
fn follow(
    folder: &Path,
    wires: bool,
    chain: &mut Chain,
    tell: &mut impl FnMut(Record),
) -> io::Result<Option<String>> {
    let file = File::open(plain_file(folder, FILE)?)?;
    let mut lines = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    // A last line without its end was torn when its writer died.
    while lines.read_until(b'\n', &mut line)? > 0 && line.pop() == Some(b'\n') {
        let number = chain.lines + 1;
        let unread = |why| Ok(Some(format!("line {number} is no event of a journal: {why}")));
        let link: ChainLink<'_> = match serde_json::from_slice(&line) {
            Ok(link) => link,
            Err(why) => return unread(why),
        };
        let record = (wires || !WIRES.contains(&link.event)).then(|| serde_json::from_slice(&line));
        let record = match record.transpose() {
            Ok(record) => record,
            Err(why) => return unread(why),
        };
        if number == 1 && link.event != "run-started" {
            return Ok(Some("it does not begin with `run-started`".to_owned()));
        }
        if !chain.add(&link, &line) {
            return Ok(Some(format!("line {number} is not the one that was written")));
        }
        record.map(&mut *tell);
        line.clear();
    }
    Ok(None)
}
