//! The chain of a journal: each line carries its number and the digest of the line before.

use crate::digest::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
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
pub(super) struct ChainLink<'l> {
    seq: u64,
    prev: &'l str,
    /// Name of its event.
    pub(super) event: &'l str,
}

impl Chain {
    /// The chain of a journal without any line.
    pub(super) fn empty() -> Self {
        Self {
            lines: 0,
            head: hex(&Sha256::digest([])),
            ended: false,
            torn: 0,
        }
    }

    /// Takes the next line, if it is the next link.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        ChainLink::parse(line).is_some_and(|link| self.add(&link, line))
    }

    /// The same where it was read already.
    pub(super) fn add(&mut self, link: &ChainLink<'_>, line: &[u8]) -> bool {
        let fits = link.seq == self.lines && link.prev == self.head;
        if fits {
            self.ended = link.event == "run-ended";
            self.lines += 1;
            self.head = hex(&Sha256::digest(line));
        }
        fits
    }
}

impl<'l> ChainLink<'l> {
    fn parse(line: &'l [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// Follows the chain; gives the first line at which it breaks.
///
/// The last line has none after it that would vouch for it: for that, and for lines cut off at the end, the manifest is
/// there.
pub fn follow(bytes: &[u8]) -> Result<Chain, Touched> {
    let mut lines = all_lines(bytes);
    let torn = lines.pop_if(|last| last.last() != Some(&b'\n'));
    let lines: Vec<&[u8]> = lines.iter().map(|line| &line[..line.len() - 1]).collect();
    let mut chain = Chain {
        torn: torn.map_or(0, <[u8]>::len),
        ..Chain::empty()
    };
    for (at, line) in lines.iter().enumerate() {
        if !chain.take(line) {
            return Err(touched(&lines, at, &chain.head));
        }
    }
    Ok(chain)
}

/// What was done to a journal whose chain breaks at this line; `head` is the digest of the line before.
fn touched(lines: &[&[u8]], at: usize, head: &str) -> Touched {
    let (before, number) = (at as u64, at as u64 + 1);
    let Some(link) = ChainLink::parse(lines[at]) else {
        return Touched::Changed(number);
    };
    let next = lines.get(at + 1).and_then(|line| ChainLink::parse(line));
    match link.seq.cmp(&before) {
        // The number fits and the digest does not: this line was changed, or the one before it. If the next one still
        // vouches for this one, it was the other.
        Ordering::Equal => {
            let vouched = next.is_none_or(|next| next.prev == hex(&Sha256::digest(lines[at])));
            Touched::Changed(if vouched && at > 0 { before } else { number })
        }
        // Who adds or removes lines does not keep the digests; one figure of one line was changed.
        _ if at > 0 && link.prev == head => Touched::Changed(number),
        // A number that is too high: lines are missing before it, or it was changed.
        Ordering::Greater => match next {
            Some(next) if next.seq <= link.seq => Touched::Changed(number),
            _ => Touched::Removed(number),
        },
        Ordering::Less => {
            // A line that was put in breaks the chain behind it.
            let replaces = at > 0 && link.seq + 1 == before && lines[at - 1] != lines[at];
            let put_in = replaces && link.prev == head_before(lines, at - 1);
            Touched::Added(if put_in { before } else { number })
        }
    }
}

/// The digest that the line at this place has to name.
fn head_before(lines: &[&[u8]], at: usize) -> String {
    let before = at.checked_sub(1).map_or(&[][..], |before| lines[before]);
    hex(&Sha256::digest(before))
}

/// The same for a journal on the disk.
pub fn follow_file(path: &Path) -> io::Result<Result<Chain, Touched>> {
    follow_lines(|| Ok(BufReader::new(File::open(path)?)))
}

/// The same line by line, out of whatever `open` gives. Only a journal that breaks is read as a whole, to say where.
pub fn follow_lines<R: BufRead>(open: impl Fn() -> io::Result<R>) -> io::Result<Result<Chain, Touched>> {
    let mut chain = Chain::empty();
    let mut lines = open()?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.pop() != Some(b'\n') {
            chain.torn = line.len() + 1;
            break;
        }
        if !chain.take(&line) {
            let mut whole = Vec::new();
            open()?.read_to_end(&mut whole)?;
            return Ok(follow(&whole));
        }
        line.clear();
    }
    Ok(Ok(chain))
}

/// The first line in which a journal differs from the one that it was; `None` if it does not.
pub fn compare(was: &[u8], is: &[u8]) -> Option<Touched> {
    let (was, is) = (all_lines(was), all_lines(is));
    let same = was.iter().zip(&is).take_while(|(was, is)| was == is).count();
    let number = same as u64 + 1;
    let (Some(old), Some(new)) = (was.get(same), is.get(same)) else {
        return match was.len().cmp(&is.len()) {
            Ordering::Greater => Some(Touched::Removed(number)),
            Ordering::Less => Some(Touched::Added(number)),
            Ordering::Equal => None,
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
