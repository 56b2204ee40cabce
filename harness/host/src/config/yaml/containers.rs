//! Mappings and lists of a format that say more than their fields do.

use super::literal::Literal;
use super::scalar::Raw;
use super::tree::Place;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $bounds:expr) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        pub struct $name<T> {
            /// Where it stands.
            pub at: Place,
            keys: T,
        }

        impl<T> Deref for $name<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.keys
            }
        }

        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                T::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                T::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                with_bounds(T::json_schema(generator), &$bounds)
            }
        }
    };
}

part! {
    /// A mapping or list with its place.
    Part, []
}
part! {
    /// A mapping or list in which something has to stand.
    NotEmpty, ["min"]
}
part! {
    /// A mapping with one key out of several.
    ExactlyOne, ["min", "max"]
}

/// The number of keys or items has these bounds: 1.
fn with_bounds(mut schema: Schema, bounds: &[&str]) -> Schema {
    let is_list = schema.get("type").is_some_and(|kind| kind == "array");
    let what = if is_list { "Items" } else { "Properties" };
    for bound in bounds {
        schema.insert(format!("{bound}{what}"), 1.into());
    }
    schema
}

/// One scalar, or a list of them, for keys that multiply.
#[derive(Debug, Deserialize)]
#[serde(bound = "")]
pub struct OneOrMore<T>(pub Vec<Raw<T>>);

impl<T: Literal> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMore".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = T::schema();
        json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
    }
}

/// A mapping whose keys are the author's, in the order of the file: for example the packages of a suite.
#[derive(Debug)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Ordered{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}
