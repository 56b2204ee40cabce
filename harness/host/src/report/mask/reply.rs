//! Replies that tell who the module is. What stands behind their names is masked in whatever form it is.

use super::{Sight, escape};

/// Their names. Behind the first comes the number of a PDN, which stays.
const NAMES: [&str; 7] = ["+CGPADDR", "+IP", "+QCCID", "+CCID", "+ICCID", "+CIMI", "+CGSN"];

/// Adds every digit in the value of such a reply that nothing else was seen in. All of it stays in the order of the text.
pub(super) fn add_rest(text: &str, sights: &mut Vec<Sight>) {
    let known = sights.len();
    for value in values(text) {
        for at in value {
            let seen = |sight: &Sight| sight.range.contains(&at);
            if text.as_bytes()[at].is_ascii_hexdigit() && !sights[..known].iter().any(seen) {
                sights.push(Sight {
                    range: at..at + 1,
                    mask: Some("*".to_owned()),
                });
            }
        }
    }
    sights.sort_by_key(|sight| sight.range.start);
}

/// The bytes of all values, without those of escapes.
fn values(text: &str) -> impl Iterator<Item = Vec<usize>> {
    NAMES.iter().flat_map(move |name| {
        let named = text.match_indices(name);
        named.filter_map(move |(at, _)| value(text, at + name.len(), *name == NAMES[0]))
    })
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
