//! The copy of a journal that may be given away: without IMEI, IMSI, ICCID and IP addresses, under a chain of its own.
//!
//! It has the same lines as the journal, so a line number is valid in both. Its first line names the digest of the
//! last line of the journal, which the chain makes a digest of all of them: with the original, anybody can show that the
//! copy is of it. The original is never changed.

use crate::digest::hex;
use crate::journal::mask;

use crate::journal::chain::Chain;
use crate::run_folder::{WriteError, replace_by};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Name of the copy in a run folder and in a bundle.
pub const FILE: &str = "events.masked.jsonl";

/// Name of the copy of the parent's journal of a run on several rigs.
pub const PARENT_FILE: &str = "run.masked.jsonl";

/// Name of the parent's journal that is given away.
pub const fn parent_name(masked: bool) -> &'static str {
    if masked { PARENT_FILE } else { super::PARENT_FILE }
}

/// Name of the journal that is given away.
pub const fn name(masked: bool) -> &'static str {
    if masked { FILE } else { super::FILE }
}

/// How the event of the first line begins.
const START: &str = "\"event\":\"run-started\",";

/// Writes the copy of a journal, whose chain was followed and holds.
pub fn make(file: &Path, copy: &Path, original: &Chain) -> Result<(), WriteError> {
    replace_by(copy, |to| {
        let journal = File::open(file)?;
        lines(BufReader::new(journal), original, |line| to.write_all(line))
    })
}

/// The lines of the copy of a journal whose chain was followed and holds. A torn last line is left out.
pub fn lines(
    mut journal: impl BufRead,
    original: &Chain,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let nothing = hex(&Sha256::digest([]));
    let (mut was, mut is) = (nothing.clone(), nothing);
    let mut line = Vec::new();
    for number in 0..original.lines {
        line.clear();
        journal.read_until(b'\n', &mut line)?;
        let text = std::str::from_utf8(&line).map_err(io::Error::other)?;
        let text = text.trim_end_matches('\n');
        let mut masked = mask::json(text).replacen(&link(&was), &link(&is), 1);
        if number == 0 {
            let named = format!("{START}\"masked_from\":\"{}\",", original.head);
            masked = masked.replacen(START, &named, 1);
        }
        (was, is) = (hex(&Sha256::digest(text)), hex(&Sha256::digest(&masked)));
        masked.push('\n');
        take(masked.as_bytes())?;
    }
    Ok(())
}

fn link(digest: &str) -> String {
    format!("\"prev\":\"{digest}\"")
}
