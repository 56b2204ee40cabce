//! The integer value of one resource out of a response, in whatever format the client chose: text, opaque and TLV of LwM2M
//! 1.0, its JSON, and the SenML JSON of 1.1, which is tolerated.

use super::tlv::{self, TlvError};
use crate::coap::{CoapMessage, option};
use alloc::format;
use alloc::string::{String, ToString};
use bc66_spec::lwm2m::format as formats;
use core::fmt;
use serde_json::Value as Json;

/// Why a response holds no integer for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueError {
    /// The number of a content format that is not understood.
    ContentFormat(u32),
    Tlv(TlvError),
    Json(String),
    Missing {
        format: &'static str,
        resource: u16,
    },
    NotInteger(String),
    /// So many bytes of a TLV value.
    Width(usize),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentFormat(number) => write!(
                f,
                "content format {number} is not understood: expected text (0), opaque (42), SenML JSON (110), TLV (11542) or JSON (11543)"
            ),
            Self::Tlv(why) => write!(f, "no TLV: {why}"),
            Self::Json(why) => write!(f, "no JSON: {why}"),
            Self::Missing { format, resource } => write!(f, "the {format} has no resource {resource}"),
            Self::NotInteger(value) => write!(f, "expected an integer, found `{value}`"),
            Self::Width(bytes) => write!(f, "{bytes} bytes are no integer: expected 1, 2, 4 or 8"),
        }
    }
}

/// The integer that `message` gives for the resource with the id `resource`.
pub fn integer(message: &CoapMessage, resource: u16) -> Result<i64, ValueError> {
    let payload = message.payload();
    let missing = |format| ValueError::Missing { format, resource };
    // Text where no format is stated: a single value has no other default.
    let number = message
        .uint(option::CONTENT_FORMAT)
        .unwrap_or(formats::TEXT.into());
    match u16::try_from(number) {
        Ok(formats::TEXT | formats::OPAQUE) => {
            let text = core::str::from_utf8(payload).ok();
            let value = text.and_then(|text| text.trim().parse().ok());
            value.ok_or_else(|| ValueError::NotInteger(payload.escape_ascii().to_string()))
        }
        Ok(formats::TLV | formats::TLV_OLD) => {
            let value = tlv::resource(payload, resource).map_err(ValueError::Tlv)?;
            let value = value.ok_or_else(|| missing("TLV"))?;
            tlv::integer(value).ok_or(ValueError::Width(value.len()))
        }
        Ok(formats::JSON | formats::JSON_OLD | formats::SENML_JSON) => {
            let json = serde_json::from_slice(payload).map_err(|why| ValueError::Json(why.to_string()))?;
            let record = json_record(&json, resource).ok_or_else(|| missing("JSON"))?;
            let number = record.get("v").and_then(Json::as_f64);
            let whole = number.filter(|number| *number == (*number as i64) as f64);
            whole
                .map(|number| number as i64)
                .ok_or_else(|| ValueError::NotInteger(record.to_string()))
        }
        _ => Err(ValueError::ContentFormat(number)),
    }
}

/// The record whose name ends with the resource's id. LwM2M JSON holds them in `e` (TS 1.0.2 §6.4.4), SenML is the array.
fn json_record(json: &Json, resource: u16) -> Option<&Json> {
    let records = json.get("e").unwrap_or(json).as_array()?;
    let mut base = json.get("bn").and_then(Json::as_str).unwrap_or_default();
    records.iter().find(|record| {
        base = record.get("bn").and_then(Json::as_str).unwrap_or(base);
        let name = record.get("n").and_then(Json::as_str).unwrap_or_default();
        let path = format!("{base}{name}");
        let id = path.trim_end_matches('/').rsplit('/').next();
        id.and_then(|id| id.parse().ok()) == Some(resource)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coap::CoapCode;
    use alloc::vec::Vec;
    use rstest::rstest;

    fn response(format: Option<u16>, payload: &[u8]) -> CoapMessage {
        let draft = CoapMessage::draft(CoapCode::CONTENT).with_payload(payload.to_vec());
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
    #[case(Some(0), b"two", Err("expected an integer, found `two`"))]
    #[case(Some(0), b"", Err("expected an integer, found ``"))]
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
        Err(r#"expected an integer, found `{"n":"/5/0/3","v":1.5}`"#)
    )]
    #[case(Some(110), br#"[{"bn":"/5/0/5","v":2}]"#, Err("the JSON has no resource 3"))]
    fn integers(#[case] format: Option<u16>, #[case] payload: &[u8], #[case] expected: Result<i64, &str>) {
        let found = integer(&response(format, payload), 3).map_err(|why| why.to_string());
        assert_eq!(found, expected.map_err(String::from));
    }

    #[test]
    fn a_format_that_is_not_understood_is_named() {
        let why = integer(&response(Some(60), b"1"), 3).expect_err("CBOR");
        assert!(why.to_string().starts_with("content format 60"), "{why}");
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(format in 0_usize..6, payload: Vec<u8>) {
            let format = [0, 42, 11542, 11543, 110, 7][format];
            let _ = integer(&response(Some(format), &payload), 3);
        }
    }
}
