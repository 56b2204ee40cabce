//! The value of one resource out of a response, in whatever format the client chose: text, opaque and TLV of LwM2M 1.0, its
//! JSON, and the SenML JSON of 1.1, which is tolerated.

use super::tlv::{self, Content, Entry};
use crate::coap::message::Message;
use crate::coap::option;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::lwm2m::format as formats;
use serde_json::Value as Json;

/// The integer that `message` gives for the resource with the id `resource`.
pub fn integer(message: &Message, resource: u16) -> Result<i64, String> {
    let payload = message.payload();
    match format_of(message)? {
        Format::Text => text(payload)?
            .trim()
            .parse()
            .map_err(|_| format!("`{}` is no integer", payload.escape_ascii())),
        Format::Tlv => {
            let value = tlv_value(payload, resource)?;
            let of = |bytes: &[u8]| format!("{} bytes are no integer: expected 1, 2, 4 or 8", bytes.len());
            tlv::as_integer(&value).ok_or_else(|| of(&value))
        }
        Format::Json => {
            let value = json_value(payload, resource)?;
            let number = value.get("v").and_then(Json::as_f64);
            let number = number.filter(|number| *number == (*number as i64) as f64);
            number
                .map(|number| number as i64)
                .ok_or_else(|| format!("`{value}` holds no integer"))
        }
    }
}

/// The string that `message` gives for the resource with the id `resource`.
pub fn string(message: &Message, resource: u16) -> Result<String, String> {
    let payload = message.payload();
    match format_of(message)? {
        Format::Text => text(payload).map(String::from),
        Format::Tlv => text(&tlv_value(payload, resource)?).map(String::from),
        Format::Json => {
            let value = json_value(payload, resource)?;
            let string = value.get("sv").or_else(|| value.get("vs"));
            let string = string.and_then(Json::as_str).map(String::from);
            string.ok_or_else(|| format!("`{value}` holds no string"))
        }
    }
}

enum Format {
    Text,
    Tlv,
    Json,
}

/// One that is not stated is text: a single value has no other default.
fn format_of(message: &Message) -> Result<Format, String> {
    let number = message
        .uint(option::CONTENT_FORMAT)
        .unwrap_or(u32::from(formats::TEXT));
    match u16::try_from(number) {
        Ok(formats::TEXT | formats::OPAQUE) => Ok(Format::Text),
        Ok(formats::TLV | formats::TLV_OLD) => Ok(Format::Tlv),
        Ok(formats::JSON | formats::JSON_OLD | formats::SENML_JSON) => Ok(Format::Json),
        _ => Err(format!(
            "content format {number} is not understood: expected text (0), opaque (42), SenML JSON (110), TLV (11542) or JSON (11543)"
        )),
    }
}

fn text(payload: &[u8]) -> Result<&str, String> {
    core::str::from_utf8(payload).map_err(|_| format!("`{}` is no text", payload.escape_ascii()))
}

/// The resource's value, also out of an object instance around it.
fn tlv_value(payload: &[u8], resource: u16) -> Result<Vec<u8>, String> {
    let entries = tlv::decode(payload).map_err(|tlv::NoTlv(why)| format!("no TLV: {why}"))?;
    find(&entries, resource).ok_or_else(|| format!("the TLV has no resource {resource}"))
}

fn find(entries: &[Entry], resource: u16) -> Option<Vec<u8>> {
    entries.iter().find_map(|entry| match &entry.content {
        Content::Value(value) => {
            (entry.kind == tlv::Kind::Resource && entry.id == resource).then(|| value.clone())
        }
        Content::Entries(inner) if entry.kind == tlv::Kind::ObjectInstance => find(inner, resource),
        Content::Entries(_) => None,
    })
}

/// The record whose name ends with the resource's id. LwM2M JSON holds them in `e` (TS 1.0.2 §6.4.4), SenML is the array.
fn json_value(payload: &[u8], resource: u16) -> Result<Json, String> {
    let json: Json = serde_json::from_slice(payload).map_err(|why| format!("no JSON: {why}"))?;
    let records = json.get("e").unwrap_or(&json).as_array();
    let mut base = json.get("bn").and_then(Json::as_str).unwrap_or_default();
    for record in records.into_iter().flatten() {
        base = record.get("bn").and_then(Json::as_str).unwrap_or(base);
        let name = record.get("n").and_then(Json::as_str).unwrap_or_default();
        let path = format!("{base}{name}");
        let id = path.trim_end_matches('/').rsplit('/').next();
        if id.and_then(|id| id.parse().ok()) == Some(resource) {
            return Ok(record.clone());
        }
    }
    Err(format!("the JSON has no resource {resource}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coap::code::Code;
    use rstest::rstest;

    fn response(format: Option<u16>, payload: &[u8]) -> Message {
        let draft = Message::draft(Code::CONTENT).with_payload(payload.to_vec());
        format.into_iter().fold(draft, |draft, format| {
            draft.with_uint(option::CONTENT_FORMAT, format.into())
        })
    }

    #[rstest]
    #[case(None, b"2", Ok(2))]
    #[case(Some(0), b"2", Ok(2))]
    #[case(Some(0), b" 2\n", Ok(2))]
    #[case(Some(0), b"-7", Ok(-7))]
    #[case(Some(42), b"1", Ok(1))]
    #[case(Some(11542), b"\xC1\x03\x02", Ok(2))]
    #[case(Some(1542), b"\xC1\x03\x02", Ok(2))]
    #[case(Some(11542), b"\x06\x00\xC1\x05\x00\xC1\x03\x01", Ok(1))]
    #[case(Some(11543), br#"{"bn":"/5/0/3","e":[{"n":"","v":1}]}"#, Ok(1))]
    #[case(
        Some(11543),
        br#"{"bn":"/5/0/","e":[{"n":"5","v":0},{"n":"3","v":3}]}"#,
        Ok(3)
    )]
    #[case(Some(11543), br#"{"e":[{"n":"/5/0/3","v":2.0}]}"#, Ok(2))]
    #[case(Some(110), br#"[{"bn":"/5/0/3","v":2}]"#, Ok(2))]
    #[case(Some(110), br#"[{"bn":"/5/0/","n":"5","v":0},{"n":"3","v":1}]"#, Ok(1))]
    #[case(Some(0), b"two", Err("`two` is no integer"))]
    #[case(Some(0), b"", Err("`` is no integer"))]
    #[case(Some(11542), b"\xC1\x05\x02", Err("the TLV has no resource 3"))]
    #[case(
        Some(11542),
        b"\xC3\x03\x02\x02\x02",
        Err("3 bytes are no integer: expected 1, 2, 4 or 8")
    )]
    #[case(Some(11542), b"\xC1", Err("no TLV: a header is cut off"))]
    #[case(
        Some(11543),
        br#"{"e":[{"n":"/5/0/3","v":1.5}]}"#,
        Err(r#"`{"n":"/5/0/3","v":1.5}` holds no integer"#)
    )]
    #[case(Some(110), br#"[{"bn":"/5/0/5","v":2}]"#, Err("the JSON has no resource 3"))]
    fn integers(#[case] format: Option<u16>, #[case] payload: &[u8], #[case] expected: Result<i64, &str>) {
        let found = integer(&response(format, payload), 3);
        assert_eq!(
            found.as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|why| *why)
        );
    }

    #[test]
    fn strings() {
        for (format, payload) in [
            (0, &b"A01"[..]),
            (11542, b"\xC3\x03A01"),
            (11543, br#"{"bn":"/3/0/3","e":[{"sv":"A01"}]}"#),
            (110, br#"[{"bn":"/3/0/3","vs":"A01"}]"#),
        ] {
            assert_eq!(
                string(&response(Some(format), payload), 3).as_deref(),
                Ok("A01"),
                "{format}"
            );
        }
        assert!(
            integer(&response(Some(60), b"1"), 3)
                .unwrap_err()
                .starts_with("content format 60")
        );
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(format in 0_usize..6, payload: Vec<u8>) {
            let format = [0, 42, 11542, 11543, 110, 7][format];
            let _ = (integer(&response(Some(format), &payload), 3), string(&response(Some(format), &payload), 3));
        }
    }
}
