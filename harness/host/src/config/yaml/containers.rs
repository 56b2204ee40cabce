//! Mappings and lists of a format that say more than their fields do.

use super::literal::Literal;
use super::scalar::Raw;
use super::tree::KeyPlace;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Deref;

macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $bounds:expr) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        pub struct $name<T> {
            /// Where it stands.
            pub at: KeyPlace,
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
