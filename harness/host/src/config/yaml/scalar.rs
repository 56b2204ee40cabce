//! A scalar as it stands in the file, to be parsed once the matrix has been filled in.

use super::literal::Literal;
use super::tree::KeyPlace;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use std::borrow::Cow;
use std::marker::PhantomData;

/// The text of a scalar that has to become a `T`. Numbers and words alike stay as they were written, so that a version
/// `1.10` is not `1.1`, and so that `{name}` may stand where a number is expected.
#[derive(Debug, Deserialize)]
#[serde(bound = "")]
pub struct Raw<T> {
    /// Where it stands.
    pub at: KeyPlace,
    /// `None` where it is missing or something else: the deserializer has noted that.
    pub text: Option<String>,
    #[serde(skip)]
    becomes: PhantomData<fn() -> T>,
}

impl<T: Literal> JsonSchema for Raw<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Raw".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}
