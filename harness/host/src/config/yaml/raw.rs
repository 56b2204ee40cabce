//! A scalar as it stands in the file, to be parsed once the matrix has been filled in.

use super::literal::Literal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::marker::PhantomData;

/// The text of a scalar that has to become a `T`. Numbers and words alike stay as they were written, so that a version
/// `1.10` is not `1.1`, and so that `{name}` may stand where a number is expected.
pub struct Raw<T> {
    text: String,
    becomes: PhantomData<fn() -> T>,
}

impl<T> Raw<T> {
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<T> From<String> for Raw<T> {
    fn from(text: String) -> Self {
        Self {
            text,
            becomes: PhantomData,
        }
    }
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        Self::from(self.text.clone())
    }
}

impl<T> std::fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

impl<'de, T> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde_yaml hands out the text of any scalar when a string is asked for.
        String::deserialize(deserializer).map(Self::from)
    }
}

impl<T: Literal> JsonSchema for Raw<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}
