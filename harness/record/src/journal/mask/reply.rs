//! Replies that identify the module. The value after their names is masked, whatever its form.

use super::{Sight, escape};
use std::collections::BTreeSet;

/// Their names. Behind the first comes the number of a PDN, which stays.
const NAMES: [&str; 7] = ["+CGPADDR", "+IP", "+QCCID", "+CCID", "+ICCID", "+CIMI", "+CGSN"];

/// How a sentence says that one of them is another one than before.
const TELLS: &str = "` tells ";
const WAS: &str = ", it was ";

/// Adds every digit in the value of such a reply that nothing else was seen in. All of it stays in the order of the text.
pub(super) fn add_rest(text: &str, sights: &mut Vec<Sight>) {
    let rest: BTreeSet<usize> = values(text).flatten().collect();
    let seen = |at: &usize| sights.iter().any(|sight| sight.range.contains(at));
    let rest = rest
        .into_iter()
        .filter(|at| text.as_bytes()[*at].is_ascii_hexdigit() && !seen(at));
    let rest: Vec<Sight> = rest
        .map(|at| Sight {
            range: at..at + 1,
            mask: Some("*".to_owned()),
        })
        .collect();
    sights.extend(rest);
    sights.sort_by_key(|sight| sight.range.start);
}

/// The bytes of all values, without those of escapes.
fn values(text: &str) -> impl Iterator<Item = Vec<usize>> {
    NAMES.iter().flat_map(move |name| {
        let named = text.match_indices(name);
        named.filter_map(move |(at, _)| {
            let end = at + name.len();
            value(text, end, *name == NAMES[0]).or_else(|| compared(text, end))
        })
    })
}

/// The bytes of both numbers of "`AT+CIMI` tells 1, it was 2", from behind the name.
fn compared(text: &str, at: usize) -> Option<Vec<usize>> {
    let told = text[at..].strip_prefix(TELLS)?;
    let from = text.len() - told.len();
    let (after, before) = told.split_once(WAS)?;
    let before_from = from + after.len() + WAS.len();
    let ends = |byte: char| !byte.is_ascii_alphanumeric() && byte != '*';
    if after.contains(ends) {
        return None;
    }
    let length = before.find(ends).unwrap_or(before.len());
    Some(
        (from..from + after.len())
            .chain(before_from..before_from + length)
            .collect(),
    )
}

/// The bytes of the value behind a name that ends at `at`, a colon between them; nothing where it is another name.
fn value(text: &str, at: usize, of_pdn: bool) -> Option<Vec<usize>> {
    let after = text[at..].trim_start_matches(' ').strip_prefix(':')?;
    let mut value = Vec::new();
    let mut fields = usize::from(!of_pdn);
    let mut at = text.len() - after.len();
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b',' => fields += 1,
            byte if byte.is_ascii_hexdigit() || b" .:\"*".contains(&byte) => {
                if fields > 0 {
                    value.push(at);
                }
            }
            b'\\' if !ends_line(bytes, at) => at += escape(bytes, at) - 1,
            _ => break,
        }
        at += 1;
    }
    Some(value)
}

/// Whether the escape that begins here, of JSON or of a byte from the wire, ends a line.
fn ends_line(bytes: &[u8], at: usize) -> bool {
    let escaped = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
    let what = &bytes[at + escaped..];
    [&b"n"[..], b"r", b"x0d", b"x0a"]
        .iter()
        .any(|end| what.starts_with(end))
}
