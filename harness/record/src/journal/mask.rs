//! `--mask`: IMEI, IMSI, ICCID and IP addresses out of every report, and out of the copy of the journal that the bundle holds.
//!
//! The journal itself keeps them: it is the record. Each line is masked on its way into a report, inside its JSON
//! strings, in every field. So no report can forget to mask, not even a new one.
//!
//! | what | becomes | because |
//! |---|---|---|
//! | 15 digits that begin like an IMEI | `86772503*******` | the first eight name the type of the device, not the device |
//! | other 15 digits: IMSI; 14 to 16 that are all of a text | `262************` | the first three name the country |
//! | 18 to 20 digits that begin with 89: ICCID, with hexadecimal digits too | `89******************` | all of them are telecommunication (ITU-T E.118) |
//! | an IPv4 address | `*.*.*.*` | the port stays |
//! | an IPv6 address, with colons or as dotted octets | `*:*` | |
//! | whatever else is a digit in the value of a reply that tells one of them | `*` | a line that was torn or damaged is in no form |
//!
//! An address of zeros identifies no module, and it is evidence that the module had no address: it stays. Digits inside of a digest are left alone.

mod reply;
mod shape;

use std::borrow::Cow;
use std::ops::Range;

/// A line of JSON, with its strings masked; numbers are times and sizes, and stay.
pub fn json(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('"') {
        let inside = &rest[open + 1..];
        let close = end_of_string(inside);
        masked.push_str(&rest[..=open]);
        let number = NUMBERS.iter().any(|field| masked.ends_with(field));
        if number && shape::whole(&inside[..close]).is_none() {
            masked.push_str(&hidden(&inside[..close]))
        } else {
            masked.push_str(&text(&inside[..close]))
        }
        rest = &inside[close..];
        // The closing quote.
        let quote = rest.len().min(1);
        masked.push_str(&rest[..quote]);
        rest = &rest[quote..];
    }
    masked.push_str(rest);
    masked
}

/// Fields of the journal with a number of the SIM, whatever the SIM calls one.
const NUMBERS: [&str; 2] = ["\"iccid\":{\"is\":\"", "\"imsi\":{\"is\":\""];

/// Nothing of it is shown but the 89 of an ICCID.
fn hidden(number: &str) -> String {
    let shown = if number.starts_with("89") { 2 } else { 0 };
    let hide = |(at, letter): (usize, char)| {
        if letter.is_ascii_alphanumeric() && at >= shown && !number.contains('*') {
            '*'
        } else {
            letter
        }
    };
    number.char_indices().map(hide).collect()
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

/// A text, masked. It may be the inside of a JSON string.
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte.is_ascii_digit() || byte == b':') {
        return Cow::Borrowed(text);
    }
    let mut sights = match shape::whole(text) {
        Some(whole) => vec![whole],
        None => pieces(text).flat_map(|piece| shape::all(text, piece)).collect(),
    };
    reply::add_rest(text, &mut sights);
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for Sight { range, mask } in sights {
        let Some(mask) = mask else { continue };
        masked.push_str(&text[from..range.start]);
        masked.push_str(&mask);
        from = range.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[from..]);
    Cow::Owned(masked)
}

/// Something that tells who the module is.
#[derive(Debug)]
struct Sight {
    range: Range<usize>,
    /// What is shown in its place; nothing where it may stay.
    mask: Option<String>,
}

/// The parts of a text between its escapes: the digits of `\x00`, or the `f` of `\f`, belong to no number beside it.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while escape(text.as_bytes(), at) > 0 {
            at += escape(text.as_bytes(), at);
        }
        let from = at;
        (from < text.len()).then(|| {
            at = text[from..].find('\\').map_or(text.len(), |length| from + length);
            from..at
        })
    })
}

/// How long the escape is that begins here: of a byte from the wire, of JSON, or of one in the other.
fn escape(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let hex = |from: usize, count: usize| {
        let digits = rest.get(from..from + count);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match rest {
        [b'\\', b'\\', b'x', ..] if hex(3, 2) => 5,
        [b'\\', b'x', ..] if hex(2, 2) => 4,
        [b'\\', b'u', ..] if hex(2, 4) => 6,
        // A letter of more than one byte does not begin an escape, and must not be split.
        [b'\\', next, ..] if next.is_ascii() => 2,
        [b'\\', ..] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::imei("+CGSN: 867725036031171", "+CGSN: 86772503*******")]
    #[case::imei_glued("IMEI867725036031171x", "IMEI86772503*******x")]
    #[case::imei_after_an_escape("\\x0d867725036031171\\x0a", "\\x0d86772503*******\\x0a")]
    #[case::imei_after_digits_of_an_escape("\\x00867725036031171", "\\x0086772503*******")]
    #[case::endpoint("urn:imei:867725036031171", "urn:imei:86772503*******")]
    #[case::two("867725036031171,867725036031172", "86772503*******,86772503*******")]
    #[case::imei_with_software_version("+CGSN: 8677250360311701", "+CGSN: ****************")]
    #[case::imei_with_software_version_alone("8677250360311701", "86772503********")]
    #[case::imei_torn("+CGSN: 86772503603", "+CGSN: ***********")]
    #[case::imsi("262013564857956", "262************")]
    #[case::imsi_of_14("26201356485795", "262***********")]
    #[case::imsi_named("+CIMI: 26201356485795", "+CIMI: **************")]
    #[case::imsi_in_a_sentence("it was 262013564857956 before", "it was 262************ before")]
    #[case::iccid("+QCCID: 89860317482035195729", "+QCCID: 89******************")]
    #[case::iccid_with_filler("8986031748203519572F", "89******************")]
    #[case::iccid_in_hexadecimal("+QCCID: 898604B8191650217433", "+QCCID: 89******************")]
    #[case::iccid_in_lower_case("+QCCID:898604b8191650217433", "+QCCID:89******************")]
    #[case::imsi_that_has_changed(
        "lost: `AT+CIMI` tells 26201356485795, it was 26201356485796; expected the same",
        "lost: `AT+CIMI` tells **************, it was **************; expected the same"
    )]
    #[case::imsi_that_is_gone(
        "`AT+CIMI` tells no number any more, abc",
        "`AT+CIMI` tells no number any more, abc"
    )]
    #[case::iccid_torn("+QCCID: 898603174820", "+QCCID: ************")]
    #[case::iccid_damaged("+QCCID: 8986031748\\xff035195729", "+QCCID: **********\\xff*********")]
    #[case::iccid_other_way_round("+QCCID: 98683071840253917592", "+QCCID: ********************")]
    fn who_it_is(#[case] seen: &str, #[case] shown: &str) {
        assert_eq!(text(seen), shown);
    }

    #[rstest]
    #[case::address("+IP: 10.58.88.128", "+IP: *.*.*.*")]
    #[case::with_a_port("from 127.0.0.1:40146, end 10.0.0.1.", "from *.*.*.*:40146, end *.*.*.*.")]
    #[case::url("http://10.1.2.3:8080/a", "http://*.*.*.*:8080/a")]
    #[case::v6("peer [fe80::1]:5683 or 2001:db8::2", "peer [*:*]:5683 or *:*")]
    #[case::v6_before_a_colon("2001:db8::2: timed out", "*:*: timed out")]
    #[case::v6_at_an_end("it was 2001:db8::2.", "it was *:*.")]
    #[case::v6_behind_a_name("peer:2001:db8::2", "peer:*:*")]
    #[case::v6_behind_a_line_end("\\nfe80::2\\n", "\\n*:*\\n")]
    #[case::v6_that_ends_in_zeros("fe80:: and 2001:db8::", "*:* and *:*")]
    #[case::v4_in_v6("::ffff:10.0.0.1", "*:*")]
    #[case::v6_in_octets("254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66", "*:*")]
    #[case::v6_in_octets_with_a_mask(
        "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66.255.255.255.255.255.255.255.255.0.0.0.0.0.0.0.0",
        "*:*"
    )]
    #[case::v6_in_octets_torn("by 254.128.0.0.0.0.0.0.0.0.66", "by *:*")]
    #[case::v4_with_a_mask("10.64.77.88.255.255.255.0", "*:*")]
    #[case::two_addresses(
        "+CGPADDR: 1,10.64.77.88,254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66",
        "+CGPADDR: 1,*.*.*.*,*:*"
    )]
    #[case::two_quoted(
        "+CGPADDR: 1,\"10.64.77.88\",\"2001:db8::42\"",
        "+CGPADDR: 1,\"*.*.*.*\",\"*:*\""
    )]
    #[case::second_alone("+CGPADDR:1,0.0.0.0,fe80::42", "+CGPADDR:1,0.0.0.0,*:*")]
    #[case::lower_half("+IP: fe80:0:0:42", "+IP: ****:*:*:**")]
    #[case::without_a_blank("+IP:2001:db8::42", "+IP:*:*")]
    #[case::torn("+CGPADDR: 1,10.64.7", "+CGPADDR: 1,**.**.*")]
    #[case::damaged("+CGPADDR: 1,10.64.\\xfe7.88,fe80::1", "+CGPADDR: 1,**.**.\\xfe*.**,*:*")]
    #[case::behind_digits_of_an_escape("\\x0010.64.77.88", "\\x00*.*.*.*")]
    #[case::in_a_sentence(
        "it said `+CGPADDR: 1,10.64.7` within 10m, 3 times",
        "it said `+CGPADDR: 1,**.**.*` within 10m, 3 times"
    )]
    fn where_it_is(#[case] seen: &str, #[case] shown: &str) {
        assert_eq!(text(seen), shown);
    }

    #[rstest]
    #[case("bc66-smoke::forced-resume[via=uart,at=50%]")]
    #[case("bad::case")]
    #[case("2026-11-22T14:30:05.123456Z, 20261122T143005Z")]
    #[case("7a1e0867725036031171c3b1aa0099887766554433221100ffeeddccbbaa9988")]
    #[case("Revision: BC66NBR01A01")]
    #[case("14 digits 12345678901234, 16 1234567890123456")]
    #[case("1.2.3.4.5 and 300.1.1.1")]
    #[case("dfota-hil 0.1.0, µs ✓ ünï: ::")]
    #[case("+CGPADDR: 1,0.0.0.0,0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0")]
    #[case("+CGPADDR: 1,\"0.0.0.0\",\"::\"")]
    #[case("+CGPADDR: 1")]
    #[case("listens on 0.0.0.0:8080")]
    #[case("`AT+CGSN=1` tells no IMEI of 15 digits")]
    #[case("\\")]
    #[case("0\\é\\")]
    #[case("")]
    fn left_alone(#[case] seen: &str) {
        assert_eq!(text(seen), seen);
    }

    #[test]
    fn numbers_of_json_stay_and_strings_with_quotes_are_whole() {
        let line = r#"{"mono_ns":867725036031171,"text":"a \"867725036031171\" \\","peer":"10.0.0.1:5683"}"#;
        let shown = r#"{"mono_ns":867725036031171,"text":"a \"86772503*******\" \\","peer":"*.*.*.*:5683"}"#;
        assert_eq!(json(line), shown);
        assert_eq!(json("torn \"10.0.0.1"), "torn \"*.*.*.*");
        let function = r#"{"iccid":{"is":"8986X0317482"},"imsi":{"is":"2620135648579"}}"#;
        let shown = r#"{"iccid":{"is":"89**********"},"imsi":{"is":"*************"}}"#;
        assert_eq!((json(function).as_str(), json(shown).as_str()), (shown, shown));
        let usual = r#"{"iccid":{"is":"89860317482035195729"},"imsi":{"is":"262013564857956"}}"#;
        let shown = r#"{"iccid":{"is":"89******************"},"imsi":{"is":"262************"}}"#;
        assert_eq!((json(usual).as_str(), json(shown).as_str()), (shown, shown));
    }

    proptest::proptest! {
        #[test]
        fn masked_twice_is_masked_once(seen in r#"([0-9a-fx:. é"\\]|\+IP:|\+CGPADDR: 1,|\+CGSN: |\+QCCID: |AT\+CIMI` tells |, it was |[0-9]{14,16}|89[0-9A-F]{16,18}){0,60}"#) {
            let once = text(&seen).into_owned();
            proptest::prop_assert_eq!(text(&once), once.as_str());
        }

        #[test]
        fn no_octet_of_an_address_is_shown(first: [u8; 4], second: [u8; 16], noise in "(\\\\x00|\\\\x0d)?") {
            let dotted = |octets: &[u8]| octets.iter().map(u8::to_string).collect::<Vec<_>>().join(".");
            let (first, second) = (dotted(&first), dotted(&second));
            let line = format!(r#"{{"text":"{noise}+CGPADDR: 1,{first},{second}"}}"#);
            let shown = json(&line);
            proptest::prop_assume!(!second.bytes().all(|byte| byte == b'0' || byte == b'.') && first != "0.0.0.0");
            proptest::prop_assert_eq!(shown, format!(r#"{{"text":"{noise}+CGPADDR: 1,*.*.*.*,*:*"}}"#));
        }
    }
}
