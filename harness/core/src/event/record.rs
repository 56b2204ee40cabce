//! One line of the journal.

use super::Event;
use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use core::fmt;
use schemars::JsonSchema;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Record {
    /// Counts from 0 without a gap.
    pub seq: u64,
    /// Monotonic time since the run began, in nanoseconds, taken where the event happened.
    pub mono_ns: u64,
    /// The module's time since the run began, in nanoseconds: `mono_ns` times the speed of a simulated rig.
    pub module_ns: u64,
    /// UTC, RFC 3339.
    pub utc: String,
    /// SHA-256 of the line before, in hex; of nothing for the first.
    pub prev: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// By hand: what serde derives for `flatten` keeps every field of the event twice before it reads it, and a run of some hundred
/// cases has more than a hundred thousand lines. Here the event is read straight from the line, as it was written: its name first.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

/// What a line has before its event.
#[derive(Default)]
struct Head {
    seq: Option<u64>,
    mono_ns: Option<u64>,
    module_ns: Option<u64>,
    utc: Option<String>,
    prev: Option<String>,
}

impl Head {
    /// Takes the value of a field, if it is one of the head.
    fn take<'de, A: MapAccess<'de>>(&mut self, field: &str, map: &mut A) -> Result<bool, A::Error> {
        match field {
            "seq" => once(&mut self.seq, "seq", map)?,
            "mono_ns" => once(&mut self.mono_ns, "mono_ns", map)?,
            "module_ns" => once(&mut self.module_ns, "module_ns", map)?,
            "utc" => once(&mut self.utc, "utc", map)?,
            "prev" => once(&mut self.prev, "prev", map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn record<E: Error>(self, event: Event) -> Result<Record, E> {
        Ok(Record {
            seq: self.seq.ok_or_else(|| E::missing_field("seq"))?,
            mono_ns: self.mono_ns.ok_or_else(|| E::missing_field("mono_ns"))?,
            module_ns: self.module_ns.ok_or_else(|| E::missing_field("module_ns"))?,
            utc: self.utc.ok_or_else(|| E::missing_field("utc"))?,
            prev: self.prev.ok_or_else(|| E::missing_field("prev"))?,
            event,
        })
    }
}

fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    field: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(field));
    }
    *place = Some(map.next_value()?);
    Ok(())
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of the journal")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut head = Head::default();
        // Fields of the event before its name: nobody writes them so, and a line means the same in any order.
        let mut early = Map::new();
        while let Some(Text(field)) = map.next_key()? {
            if head.take(&field, &mut map)? {
                continue;
            }
            if field != "event" {
                early.insert(field.into_owned(), map.next_value()?);
                continue;
            }
            let Text(name) = map.next_value()?;
            if early.is_empty() {
                let rest = EventFields {
                    name: Some(name),
                    head: &mut head,
                    map,
                };
                let event = Event::deserialize(MapAccessDeserializer::new(rest))?;
                return head.record(event);
            }
            early.insert("event".to_owned(), Value::String(name.into_owned()));
        }
        let event = Event::deserialize(Value::Object(early)).map_err(A::Error::custom)?;
        head.record(event)
    }
}

/// The event of a line as a map: its name, and the fields behind it. Those of the head among them go there.
struct EventFields<'h, 'de, A> {
    name: Option<Cow<'de, str>>,
    head: &'h mut Head,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for EventFields<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if self.name.is_some() {
            return seed.deserialize(BorrowedStrDeserializer::new("event")).map(Some);
        }
        while let Some(Text(field)) = self.map.next_key()? {
            if self.head.take(&field, &mut self.map)? {
                continue;
            }
            return match field {
                Cow::Borrowed(field) => seed.deserialize(BorrowedStrDeserializer::new(field)),
                Cow::Owned(field) => seed.deserialize(StrDeserializer::new(&field)),
            }
            .map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.name.take() {
            Some(Cow::Borrowed(name)) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Some(Cow::Owned(name)) => seed.deserialize(StrDeserializer::new(&name)),
            None => self.map.next_value_seed(seed),
        }
    }
}

/// A string that is copied only where it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    const WRITTEN: &str = r#"{"seq":7,"mono_ns":1,"module_ns":60,"utc":"2026-01-01T00:00:00Z","prev":"ab","event":"rx","text":"+QIND: \"FOTA\"","partial":true}"#;

    #[rstest]
    #[case::name_first(
        r#"{"event":"rx","text":"+QIND: \"FOTA\"","seq":7,"utc":"2026-01-01T00:00:00Z","mono_ns":1,"partial":true,"prev":"ab","module_ns":60}"#
    )]
    #[case::sorted(
        r#"{"event":"rx","module_ns":60,"mono_ns":1,"partial":true,"prev":"ab","seq":7,"text":"+QIND: \"FOTA\"","utc":"2026-01-01T00:00:00Z"}"#
    )]
    #[case::fields_before_the_name(
        r#"{"text":"+QIND: \"FOTA\"","seq":7,"partial":true,"mono_ns":1,"module_ns":60,"event":"rx","utc":"2026-01-01T00:00:00Z","prev":"ab"}"#
    )]
    #[case::escapes(
        r#"{"s\u0065q":7,"mono_ns":1,"module_ns":60,"utc":"2026-01-01T00:00:00Z","prev":"ab","\u0065vent":"r\u0078","t\u0065xt":"+QIND: \"FOTA\"","partial":true}"#
    )]
    #[case::unknown_fields(
        r#"{"seq":7,"later":{"a":[1]},"mono_ns":1,"module_ns":60,"utc":"2026-01-01T00:00:00Z","prev":"ab","event":"rx","text":"+QIND: \"FOTA\"","partial":true,"new":[{}]}"#
    )]
    fn a_line_means_the_same_in_any_order(#[case] line: &str) {
        let written: Record = serde_json::from_str(WRITTEN).unwrap();
        assert_eq!(serde_json::to_string(&written).unwrap(), WRITTEN);
        assert_eq!(serde_json::from_str::<Record>(line).unwrap(), written);
    }

    #[rstest]
    #[case(WRITTEN, r#""seq":7,"#, "", "missing field `seq`")]
    #[case(WRITTEN, r#","event":"rx""#, "", "missing field `event`")]
    #[case(
        WRITTEN,
        r#""prev":"ab","#,
        r#""prev":"ab","prev":"cd","#,
        "duplicate field `prev`"
    )]
    #[case(
        WRITTEN,
        r#""partial":true"#,
        r#""partial":true,"seq":8"#,
        "duplicate field `seq`"
    )]
    #[case(WRITTEN, r#""event":"rx""#, r#""event":"rz""#, "unknown variant `rz`")]
    #[case(WRITTEN, r#""text":"+QIND: \"FOTA\"","#, "", "missing field `text`")]
    #[case(
        WRITTEN,
        r#""seq":7"#,
        r#""seq":"7""#,
        "invalid type: string \"7\", expected u64"
    )]
    fn a_line_that_is_none_says_why(
        #[case] line: &str,
        #[case] was: &str,
        #[case] is: &str,
        #[case] expected: &str,
    ) {
        assert!(line.contains(was));
        let error = serde_json::from_str::<Record>(&line.replacen(was, is, 1)).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
