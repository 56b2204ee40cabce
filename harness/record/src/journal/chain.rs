//! The chain of a journal: each line carries its number and the digest of the line before.

use crate::digest::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// A journal whose chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Number of whole lines.
    pub lines: u64,
    /// SHA-256 of the last one, in hex.
    pub head: String,
    /// Whether the run ended.
    pub ended: bool,
    /// Bytes of a last line that was torn by the death of the harness.
    pub torn: usize,
}

/// What was done to a journal, with the number of the first line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// A line has other contents.
    Changed(u64),
    /// A line is missing.
    Removed(u64),
    /// A line was not there before.
    Added(u64),
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(line) => write!(f, "line {line} was changed"),
            Self::Removed(line) => write!(f, "line {line} was removed"),
            Self::Added(line) => write!(f, "line {line} was added"),
        }
    }
}

/// What a line says about its place.
#[derive(Deserialize)]
struct Link<'l> {
    seq: u64,
    prev: &'l str,
    event: &'l str,
}

/// Follows the chain; gives the first line at which it breaks.
///
/// The last line has none after it that would vouch for it: for that, and for lines cut off at the end, the manifest is
/// there.
pub fn follow(bytes: &[u8]) -> Result<Chain, Touched> {
    let lines = whole_lines(bytes);
    let mut chain = Chain {
        lines: 0,
        head: hex(&Sha256::digest([])),
        ended: false,
        torn: bytes.len() - lines.iter().map(|line| line.len() + 1).sum::<usize>(),
    };
    // The digest before the last one: a line that was put in breaks the chain behind it.
    let mut before = String::new();
    for (at, line) in lines.iter().enumerate() {
        let doubled = at > 0 && lines[at - 1] == *line;
        let at = at as u64;
        let number = at + 1;
        let Ok(link) = serde_json::from_slice::<Link<'_>>(line) else {
            return Err(Touched::Changed(number));
        };
        let fits = link.prev == chain.head;
        match link.seq.cmp(&at) {
            std::cmp::Ordering::Equal if fits => {}
            std::cmp::Ordering::Equal => return Err(culprit(bytes, at)),
            // Who adds or removes lines does not keep the digests; one figure of one line was changed.
            _ if at > 0 && fits => return Err(Touched::Changed(number)),
            std::cmp::Ordering::Greater => return Err(removed_or_changed(bytes, at, link.seq)),
            std::cmp::Ordering::Less if link.seq + 1 == at && link.prev == before && !doubled => {
                return Err(Touched::Added(at));
            }
            std::cmp::Ordering::Less => return Err(Touched::Added(number)),
        }
        before = std::mem::replace(&mut chain.head, hex(&Sha256::digest(line)));
        chain.lines = number;
        chain.ended = link.event == "run-ended";
    }
    Ok(chain)
}

/// The same for a journal on the disk.
pub fn follow_file(path: &Path) -> io::Result<Result<Chain, Touched>> {
    follow_lines(|| Ok(BufReader::new(File::open(path)?)))
}

/// The same line by line, out of whatever `open` gives. Only a journal that breaks is read as a whole, to say where.
pub fn follow_lines<R: BufRead>(open: impl Fn() -> io::Result<R>) -> io::Result<Result<Chain, Touched>> {
    let mut chain = Chain {
        lines: 0,
        head: hex(&Sha256::digest([])),
        ended: false,
        torn: 0,
    };
    let mut lines = open()?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.pop() != Some(b'\n') {
            chain.torn = line.len() + 1;
            break;
        }
        match serde_json::from_slice::<Link<'_>>(&line) {
            Ok(link) if link.seq == chain.lines && link.prev == chain.head => {
                chain.ended = link.event == "run-ended";
            }
            _ => {
                let mut whole = Vec::new();
                open()?.read_to_end(&mut whole)?;
                return Ok(follow(&whole));
            }
        }
        chain.lines += 1;
        chain.head = hex(&Sha256::digest(&line));
        line.clear();
    }
    Ok(Ok(chain))
}

/// The number fits and the digest does not: this line was changed, or the one before it. If the next one still vouches for
/// this one, it was the other.
fn culprit(bytes: &[u8], at: u64) -> Touched {
    let lines = whole_lines(bytes);
    let here = at as usize;
    let next = lines
        .get(here + 1)
        .and_then(|line| serde_json::from_slice::<Link<'_>>(line).ok());
    let vouched = match next {
        Some(next) => next.prev == hex(&Sha256::digest(lines[here])),
        None => true,
    };
    if vouched && at > 0 {
        Touched::Changed(at)
    } else {
        Touched::Changed(at + 1)
    }
}

/// A line has a number that is too high: lines are missing before it, or its number was changed.
fn removed_or_changed(bytes: &[u8], at: u64, seq: u64) -> Touched {
    let lines = whole_lines(bytes);
    let next = lines
        .get(at as usize + 1)
        .and_then(|line| serde_json::from_slice::<Link<'_>>(line).ok());
    match next {
        Some(next) if next.seq <= seq => Touched::Changed(at + 1),
        _ => Touched::Removed(at + 1),
    }
}

fn whole_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| &line[..line.len() - 1]).collect()
}

/// The first line in which a journal differs from the one that it was; `None` if it does not.
pub fn compare(was: &[u8], is: &[u8]) -> Option<Touched> {
    let (was, is) = (all_lines(was), all_lines(is));
    let same = was.iter().zip(&is).take_while(|(was, is)| was == is).count();
    let number = same as u64 + 1;
    let (Some(old), Some(new)) = (was.get(same), is.get(same)) else {
        return match was.len().cmp(&is.len()) {
            std::cmp::Ordering::Greater => Some(Touched::Removed(number)),
            std::cmp::Ordering::Less => Some(Touched::Added(number)),
            std::cmp::Ordering::Equal => None,
        };
    };
    let (had, has) = (was[same..].contains(new), is[same..].contains(old));
    match (had, has) {
        (true, false) => Some(Touched::Removed(number)),
        (false, true) => Some(Touched::Added(number)),
        // Lines that changed places: this one is not the one that was here.
        _ => Some(Touched::Changed(number)),
    }
}

/// All lines, the torn one included.
fn all_lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}
