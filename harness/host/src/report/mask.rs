//! `--mask`: IMEI, ICCID and IP addresses out of every report, and out of the copy of the journal that the bundle holds.
//!
//! The journal itself keeps them: it is the record. What is masked is each line of it on its way into a report, inside its JSON
//! strings, whatever field they are in; so no report, also none that comes later, can forget to.
//!
//! | what | becomes | because |
//! |---|---|---|
//! | 15 digits: IMEI, IMSI | `86772503*******` | the first eight name the type of the device, not the device |
//! | 18 to 20 digits that begin with 89: ICCID | `89******************` | all of them are telecommunication (ITU-T E.118) |
//! | an IPv4 address | `*.*.*.*` | the port stays |
//! | an IPv6 address | `*:*` | |
//!
//! Digits inside of a digest are left alone.

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::ops::Range;

/// Digits of an IMEI that name a type of device (GSMA TS.06, TAC).
const TYPE_DIGITS: usize = 8;
/// So many hexadecimal digits in a row are a digest or a token.
const DIGEST: usize = 32;

/// A line of JSON, with its strings masked; numbers are times and sizes, and stay.
pub fn json(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('"') {
        let inside = &rest[open + 1..];
        let close = end_of_string(inside);
        masked.push_str(&rest[..=open]);
        masked.push_str(&text(&inside[..close]));
        rest = &inside[close..];
        // The closing quote.
        let quote = rest.len().min(1);
        masked.push_str(&rest[..quote]);
        rest = &rest[quote..];
    }
    masked.push_str(rest);
    masked
}

/// Where a JSON string ends, from behind its opening quote.
fn end_of_string(inside: &str) -> usize {
    let mut escaped = false;
    let end = inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(inside.len())
}

/// A text, masked.
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte.is_ascii_digit() || byte == b':') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let sight = ipv6(text, at)
            .or_else(|| ipv4(bytes, at))
            .or_else(|| digits(text, at));
        match sight {
            Some((range, mask)) => {
                at = range.end;
                found.push((range, mask));
            }
            None => at += 1,
        }
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for (range, mask) in found {
        masked.push_str(&text[from..range.start]);
        masked.push_str(&mask);
        from = range.end;
    }
    masked.push_str(&text[from..]);
    Cow::Owned(masked)
}

/// The bytes from `at` on that fit; nothing where `at` is in the middle of them.
fn run_of(bytes: &[u8], at: usize, fits: impl Fn(&u8) -> bool) -> Option<Range<usize>> {
    let begins = fits(&bytes[at]) && (at == 0 || !fits(&bytes[at - 1]));
    let length = bytes[at..].iter().take_while(|byte| fits(byte)).count();
    begins.then_some(at..at + length)
}

fn digits(text: &str, at: usize) -> Option<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let range = run_of(bytes, at, u8::is_ascii_digit)?;
    let seen = &text[range.clone()];
    let mask = match seen.len() {
        15 => format!("{}{}", &seen[..TYPE_DIGITS], "*".repeat(15 - TYPE_DIGITS)),
        18..=20 if seen.starts_with("89") => format!("89{}", "*".repeat(seen.len() - 2)),
        _ => return None,
    };
    let before = bytes[..range.start].iter().rev();
    let after = bytes[range.end..].iter();
    let hex = |byte: &&u8| byte.is_ascii_hexdigit();
    let around = before.take_while(hex).count() + range.len() + after.take_while(hex).count();
    (around < DIGEST).then_some((range, mask))
}

fn ipv4(bytes: &[u8], at: usize) -> Option<(Range<usize>, String)> {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let dot_before = at > 1 && bytes[at - 1] == b'.' && digit(at - 2);
    if !digit(at) || (at > 0 && digit(at - 1)) || dot_before {
        return None;
    }
    let mut end = at;
    for part in 0..4 {
        if part > 0 {
            (bytes.get(end) == Some(&b'.')).then_some(())?;
            end += 1;
        }
        let from = end;
        while digit(end) {
            end += 1;
        }
        let octet = std::str::from_utf8(&bytes[from..end]).ok()?;
        (octet.len() <= 3 && octet.parse::<u8>().is_ok()).then_some(())?;
    }
    // Five numbers are something else.
    let more = bytes.get(end) == Some(&b'.') && digit(end + 1);
    (!more).then(|| (at..end, "*.*.*.*".to_owned()))
}

fn ipv6(text: &str, at: usize) -> Option<(Range<usize>, String)> {
    let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let bytes = text.as_bytes();
    let range = run_of(bytes, at, part)?;
    // `suite::case` is no address, nor is what begins or ends in the middle of a word.
    let word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
    if word(bytes.get(range.end)) || (range.start > 0 && word(bytes.get(range.start - 1))) {
        return None;
    }
    let end = range.start + text[range.clone()].trim_end_matches('.').len();
    let seen = &text[range.start..end];
    if seen.bytes().filter(|byte| *byte == b':').count() < 2 || seen.parse::<Ipv6Addr>().is_err() {
        return None;
    }
    Some((range.start..end, "*:*".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::imei("+CGSN: 867725036031171", "+CGSN: 86772503*******")]
    #[case::imei_glued("IMEI867725036031171x", "IMEI86772503*******x")]
    #[case::imei_after_an_escape("\\x0d867725036031171\\x0a", "\\x0d86772503*******\\x0a")]
    #[case::endpoint("urn:imei:867725036031171", "urn:imei:86772503*******")]
    #[case::iccid("+QCCID: 89860317482035195729", "+QCCID: 89******************")]
    #[case::iccid_with_filler("8986031748203519572F", "89*****************F")]
    #[case::address("+IP: 10.58.88.128", "+IP: *.*.*.*")]
    #[case::with_a_port("from 127.0.0.1:40146, end 10.0.0.1.", "from *.*.*.*:40146, end *.*.*.*.")]
    #[case::url("http://10.1.2.3:8080/a", "http://*.*.*.*:8080/a")]
    #[case::v6("peer [fe80::1]:5683 or 2001:db8::2", "peer [*:*]:5683 or *:*")]
    #[case::v4_in_v6("::ffff:10.0.0.1", "*:*")]
    #[case::two("867725036031171,867725036031172", "86772503*******,86772503*******")]
    fn masked(#[case] seen: &str, #[case] shown: &str) {
        assert_eq!(text(seen), shown);
    }

    #[rstest]
    #[case("bc66-smoke::forced-resume[via=uart,at=50%]")]
    #[case("2026-11-22T14:30:05.123456Z, 20261122T143005Z")]
    #[case("7a1e0867725036031171c3b1aa0099887766554433221100ffeeddccbbaa9988")]
    #[case("Revision: BC66NBR01A01")]
    #[case("14 digits 12345678901234, 16 1234567890123456")]
    #[case("1.2.3.4.5 and 300.1.1.1")]
    #[case("dfota-hil 0.1.0, µs ✓ ünï: ::")]
    #[case("")]
    fn left_alone(#[case] seen: &str) {
        // `::` alone is the unspecified address.
        assert_eq!(text(seen).replace("*:*", "::"), seen);
    }

    #[test]
    fn numbers_of_json_stay_and_strings_with_quotes_are_whole() {
        let line = r#"{"mono_ns":867725036031171,"text":"a \"867725036031171\" \\","peer":"10.0.0.1:5683"}"#;
        let shown = r#"{"mono_ns":867725036031171,"text":"a \"86772503*******\" \\","peer":"*.*.*.*:5683"}"#;
        assert_eq!(json(line), shown);
        assert_eq!(json("torn \"10.0.0.1"), "torn \"*.*.*.*");
    }

    proptest::proptest! {
        #[test]
        fn masked_twice_is_masked_once(seen in "[0-9a-f:. é\"]{0,60}") {
            let once = text(&seen).into_owned();
            proptest::prop_assert_eq!(text(&once), once.as_str());
        }
    }
}
