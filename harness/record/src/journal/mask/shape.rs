//! Numbers and addresses that are recognised by their form alone, anywhere in a text.

use super::Sight;
use std::net::Ipv6Addr;
use std::ops::Range;

/// Digits of an IMEI that name a type of device (GSMA TS.06, TAC).
const TYPE_DIGITS: usize = 8;
/// What the IMEIs of today begin with: the body that gave them out (GSMA TS.06). No country of an IMSI does, but for some
/// islands at 35.
const BODIES: [&str; 6] = ["01", "35", "86", "91", "98", "99"];
/// Digits of an IMSI that name a country (ITU-T E.212).
const COUNTRY_DIGITS: usize = 3;
/// At least so many of an identity are hidden.
const HIDDEN: usize = 6;
/// So many hexadecimal digits in a row are a digest or a token.
const DIGEST: usize = 32;

/// A text that is nothing but a number of 14 to 16 digits: the answer to `AT+CIMI` or `AT+CGSN`.
pub(super) fn whole(text: &str) -> Option<Sight> {
    let number = text.trim();
    let fits = (14..=16).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let from = text.len() - text.trim_start().len();
    fits.then(|| Sight {
        range: from..from + number.len(),
        mask: Some(identity(number)),
    })
}

/// Everything in a piece of a text.
pub(super) fn all(text: &str, piece: Range<usize>) -> Vec<Sight> {
    let text = &text[..piece.end];
    let mut sights = Vec::new();
    let mut at = piece.start;
    while at < piece.end {
        let seen = Seen {
            text,
            from: piece.start,
        };
        let sight = seen
            .masked(at)
            .or_else(|| seen.colons(at))
            .or_else(|| seen.octets(at))
            .or_else(|| seen.digits(at));
        at = sight.as_ref().map_or(at + 1, |sight| sight.range.end);
        sights.extend(sight);
    }
    sights
}

/// IMEI or IMSI, or what has their length.
fn identity(number: &str) -> String {
    let shown = if BODIES.iter().any(|body| number.starts_with(body)) {
        TYPE_DIGITS
    } else {
        COUNTRY_DIGITS
    };
    format!("{}{}", &number[..shown], "*".repeat(number.len() - shown))
}

struct Seen<'a> {
    /// Up to the end of the piece.
    text: &'a str,
    /// Where the piece begins.
    from: usize,
}

impl Seen<'_> {
    fn before(&self, at: usize) -> Option<u8> {
        (at > self.from).then(|| self.text.as_bytes()[at - 1])
    }

    /// The bytes from `at` on that fit; nothing where `at` is in the middle of them.
    fn run_of(&self, at: usize, fits: impl Fn(&u8) -> bool) -> Option<Range<usize>> {
        let bytes = &self.text.as_bytes()[at..];
        let begins = fits(&bytes[0]) && !self.before(at).is_some_and(|byte| fits(&byte));
        begins.then(|| at..at + bytes.iter().take_while(|byte| fits(byte)).count())
    }

    /// A number that was masked before.
    fn masked(&self, at: usize) -> Option<Sight> {
        let digits = self.run_of(at, u8::is_ascii_digit)?.len();
        let stars = self.text.as_bytes()[at + digits..].iter();
        let stars = stars.take_while(|byte| **byte == b'*').count();
        let known = [2, COUNTRY_DIGITS, TYPE_DIGITS].contains(&digits) && stars >= HIDDEN;
        known.then(|| Sight {
            range: at..at + digits + stars,
            mask: None,
        })
    }

    fn digits(&self, at: usize) -> Option<Sight> {
        let card = |range: &Range<usize>| (18..=20).contains(&range.len());
        let range = self.run_of(at, u8::is_ascii_digit);
        // Some operators count on in hexadecimal digits, and a last F fills up.
        let hexadecimal = self.run_of(at, u8::is_ascii_hexdigit);
        let range = hexadecimal.filter(card).or(range)?;
        let seen = &self.text[range.clone()];
        let mask = match seen.len() {
            15 => identity(seen),
            18..=20 if seen.starts_with("89") => format!("89{}", "*".repeat(seen.len() - 2)),
            _ => return None,
        };
        let bytes = self.text.as_bytes();
        let before = bytes[self.from..range.start].iter().rev();
        let after = bytes[range.end..].iter();
        let hex = |byte: &&u8| byte.is_ascii_hexdigit();
        let around = before.take_while(hex).count() + range.len() + after.take_while(hex).count();
        (around < DIGEST).then_some(Sight {
            range,
            mask: Some(mask),
        })
    }

    /// Octets with dots between them: four are IPv4, sixteen IPv6; twice as many have a mask behind them, and what is
    /// longer than a version was torn.
    fn octets(&self, at: usize) -> Option<Sight> {
        let range = self.run_of(at, |byte| byte.is_ascii_digit() || *byte == b'.')?;
        let seen = self.text[range.clone()].trim_end_matches('.');
        let inside = seen.trim_start_matches('.');
        let octet = |part: &str| part.len() <= 3 && part.parse::<u8>().is_ok();
        // What was masked before ends with stars.
        let masked = self.text.as_bytes().get(range.end) == Some(&b'*');
        let all = !masked && inside.split('.').all(octet);
        let count = inside.split('.').count();
        let mask = match count {
            4 => "*.*.*.*",
            8.. => "*:*",
            _ => return None,
        };
        let zeros = inside.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let end = range.start + seen.len();
        all.then(|| Sight {
            range: end - inside.len()..end,
            mask: (!zeros).then(|| mask.to_owned()),
        })
    }

    /// IPv6 as it is mostly written.
    fn colons(&self, at: usize) -> Option<Sight> {
        let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let mut range = self.run_of(at, part)?;
        // `suite::case` is not an address, and neither is anything that begins or ends in the middle of a word.
        let word =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let after = self.text.as_bytes().get(range.end).copied();
        if word(after) || after == Some(b'*') {
            return None;
        }
        let seen = &self.text[range.clone()];
        if seen.starts_with(':') && !seen.starts_with("::") {
            // `name:fe80::1`
            range.start += 1;
        } else if word(self.before(at)) {
            return None;
        }
        // The end of a sentence, or a colon before what happened there.
        let ends = |byte: char| byte == '.' || byte == ':';
        let most = &self.text[range.clone()];
        let least = most.trim_end_matches(ends).len();
        let address = (least..=most.len()).rev().find_map(|length| {
            most[..length]
                .parse::<Ipv6Addr>()
                .ok()
                .map(|address| (length, address))
        });
        let (length, address) = address?;
        Some(Sight {
            range: range.start..range.start + length,
            mask: (!address.is_unspecified()).then(|| "*:*".to_owned()),
        })
    }
}
