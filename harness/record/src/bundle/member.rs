//! A file of the bundle: its name, and the one header that it can have in the archive.
//!
//! Owner, mode and time are fixed, so the same files give the same bytes. A reader compares each header with the only
//! one that the file can have, and needs to trust none of it.

use tar::{EntryType, Header};

/// Bytes of a header, and what contents are filled up to.
pub const BLOCK: usize = 512;

/// Longest last part of a name that a plain header holds.
const PLAIN: usize = 100;
/// Longest name of a file on the systems that this runs on.
pub const LONGEST: usize = 255;

/// Whether a name may stand in a bundle: relative, without any way up, of letters, digits and `.`, `_`, `-`. Only what belongs to
/// a part of a run on several rigs, `rigs/RIG/BATCH/FILE`, is deeper than one folder.
pub fn is_safe(name: &str) -> bool {
    let part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.len() <= LONGEST
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let depth = if name.starts_with("rigs/") { 4 } else { 2 };
    name.split('/').count() <= depth && name.split('/').all(part)
}

/// What stands before the contents of a file; `None` for a name that may not be there. A name that is too long for a
/// plain header has an extended one (POSIX `pax`) before it.
pub fn header(name: &str, size: u64) -> Option<Vec<u8>> {
    if !is_safe(name) {
        return None;
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.len() <= PLAIN {
        return Some(block(name, size, EntryType::Regular)?.to_vec());
    }
    let record = pax_path(name);
    let mut bytes = block("pax", record.len() as u64, EntryType::XHeader)?.to_vec();
    bytes.extend_from_slice(record.as_bytes());
    bytes.resize(bytes.len() + padding(record.len() as u64), 0);
    bytes.extend(block(&last[..PLAIN], size, EntryType::Regular)?);
    Some(bytes)
}

/// The record of an extended header that holds a name; its first figure is its own length.
fn pax_path(name: &str) -> String {
    let rest = format!(" path={name}\n");
    let digits = if rest.len() + 2 < 100 { 2 } else { 3 };
    format!("{}{rest}", rest.len() + digits)
}

/// The name in the record of an extended header.
pub fn name_of_pax(record: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(record).ok()?;
    text.split_once(" path=")?.1.strip_suffix('\n')
}

fn block(name: &str, size: u64, kind: EntryType) -> Option<[u8; BLOCK]> {
    let mut header = Header::new_ustar();
    header.set_path(name).ok()?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(kind);
    header.set_cksum();
    Some(*header.as_bytes())
}

/// Zeros that follow contents of this size.
pub fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("events.jsonl", true)]
    #[case("transcripts/a.b-c_d.log", true)]
    #[case("/etc/passwd", false)]
    #[case("../out", false)]
    #[case("a/../b", false)]
    #[case("a/./b", false)]
    #[case("a//b", false)]
    #[case("a/b/c", false)]
    #[case("rigs/bench-01/smoke-1/events.jsonl", true)]
    #[case("rigs/bench-01/smoke-1/a/events.jsonl", false)]
    #[case("rigs/../smoke-1/events.jsonl", false)]
    #[case("", false)]
    #[case("a\\b", false)]
    #[case("transcripts/.hidden", true)]
    #[case("a\0b", false)]
    fn names(#[case] name: &str, #[case] safe: bool) {
        assert_eq!(is_safe(name), safe);
        assert_eq!(header(name, 7).is_some(), safe);
    }
}
