//! What a scalar can be read as.

use super::nearest::suggestion;
use super::tree::KeyPlace;
use dfota_core::escape::quoted;
use dfota_record::day::{Day, DayError};
use schemars::{Schema, json_schema};
use std::marker::PhantomData;
use std::time::Duration;

/// A form that a scalar can have.
pub trait Literal {
    /// What it becomes.
    type Value;

    /// Reads the text of a scalar.
    fn read(text: &str) -> Result<Self::Value, InvalidValue>;

    /// The scalars that are taken, for editors.
    fn schema() -> Schema;
}

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// What was expected and what was seen.
    pub message: String,
    /// What stands at the mark.
    pub label: Option<String>,
    /// What would be right.
    pub help: Option<String>,
    /// Another value that it does not go with.
    pub because: Option<KeyPlace>,
}

impl InvalidValue {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: None,
            help: None,
            because: None,
        }
    }

    /// The text is not `what` was expected.
    pub fn expected(what: &str, text: &str) -> Self {
        Self::new(format!("expected {what}, found {}", quoted(text)))
    }

    /// The text is none of the names.
    pub fn none_of(text: &str, what: &str, names: &[&str]) -> Self {
        Self::expected(what, text)
            .label(format!("not {what}"))
            .help(suggestion(text, names, "valid are"))
    }

    /// With what stands at the mark.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another value that it does not go with.
    pub fn because(mut self, other: KeyPlace) -> Self {
        self.because = Some(other);
        self
    }
}

impl<T: Into<String>> From<T> for InvalidValue {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}

/// A word of a list: [`Literal`] for an enum that has `ALL` and `name`.
macro_rules! word_literals {
    ($($type:ty: $what:literal;)+) => {$(
        impl Literal for $type {
            type Value = Self;

            fn read(text: &str) -> Result<Self, InvalidValue> {
                one_of(text, $what, &Self::ALL.map(Self::name)).map(|index| Self::ALL[index])
            }

            fn schema() -> Schema {
                choice_schema(&Self::ALL.map(Self::name))
            }
        }
    )+};
}
pub(crate) use word_literals;

/// A text with a form of its own: [`Literal`] for a type that can be parsed, by what it is and by its pattern.
macro_rules! parsed_literals {
    ($($type:ty: $what:literal, $schema:expr;)+) => {$(
        impl Literal for $type {
            type Value = Self;

            fn read(text: &str) -> Result<Self, InvalidValue> {
                let refuse = |why: <Self as std::str::FromStr>::Err| {
                    InvalidValue::expected($what, text).help(why.to_string())
                };
                text.parse().map_err(refuse)
            }

            fn schema() -> Schema {
                $schema
            }
        }
    )+};
}
pub(crate) use parsed_literals;

/// A form without a type of its own, by what it becomes, its schema, and the function that reads it.
macro_rules! literals {
    ($($(#[$doc:meta])* $name:ident -> $value:ty, $schema:expr, $read:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Literal for $name {
            type Value = $value;

            fn read(text: &str) -> Result<$value, InvalidValue> {
                $read(text)
            }

            fn schema() -> Schema {
                $schema
            }
        }
    )+};
}
pub(crate) use literals;

/// One of `names`; the caller gets the index.
pub fn one_of(text: &str, what: &str, names: &[&str]) -> Result<usize, InvalidValue> {
    names
        .iter()
        .position(|name| *name == text)
        .ok_or_else(|| InvalidValue::none_of(text, what, names))
}

/// A scalar that holds `{name}`.
const TEMPLATE: &str = r"\{[A-Za-z0-9_-]+\}";

/// The schema of something that `{name}` can stand for as well.
pub fn or_template(schema: &Schema) -> Schema {
    json_schema!({ "anyOf": [schema, { "type": "string", "pattern": TEMPLATE }] })
}

/// The schema of one of these words.
pub fn choice_schema(names: &[&str]) -> Schema {
    or_template(&json_schema!({ "type": "string", "enum": names }))
}

/// The schema of a text with a form; `form` is a pattern without anchors.
pub fn pattern_schema(form: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": format!(r"^({form})$|{TEMPLATE}") })
}

/// The schema of any scalar.
pub fn any_schema() -> Schema {
    json_schema!({ "type": ["string", "number", "boolean"] })
}

/// A whole number from `FROM` to `TO`.
#[derive(Debug)]
pub struct Whole<T, const FROM: u64, const TO: u64>(PhantomData<T>);

impl<T: TryFrom<u64>, const FROM: u64, const TO: u64> Literal for Whole<T, FROM, TO> {
    type Value = T;

    fn read(text: &str) -> Result<T, InvalidValue> {
        let number = text.parse().ok().filter(|number| (FROM..=TO).contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| InvalidValue::expected(&format!("a whole number from {FROM} to {TO}"), text))
    }

    fn schema() -> Schema {
        let mut number = json_schema!({ "type": "integer", "minimum": FROM });
        if TO < u64::MAX {
            number.insert("maximum".to_owned(), TO.into());
        }
        or_template(&number)
    }
}

impl Literal for String {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        if text.trim().is_empty() {
            return Err(InvalidValue::new("expected a text, found none"));
        }
        match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(InvalidValue::new(format!(
                "expected one line of text, found the control character `{}` in it",
                c.escape_default()
            ))),
            None => Ok(text.to_owned()),
        }
    }

    fn schema() -> Schema {
        any_schema()
    }
}

impl Literal for bool {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        one_of(text, "`true` or `false`", &["false", "true"]).map(|index| index == 1)
    }

    fn schema() -> Schema {
        or_template(&json_schema!({ "type": "boolean" }))
    }
}

/// How a duration is written, for messages.
const DURATION: &str = "a duration is a number and a unit (`ms`, `s`, `m`, `h`), as in `500ms`, `90s`, `7m`";

/// Longest duration that is taken: nothing here lasts for longer than a week.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl Literal for Duration {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || InvalidValue::expected("a duration", text).help(DURATION);
        let zero = text == "0";
        if !zero && !text.bytes().any(|b| b.is_ascii_alphabetic()) {
            return Err(wrong().label("which unit?"));
        }
        let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
        if duration > LONGEST {
            return Err(InvalidValue::new(format!(
                "{} is longer than a week",
                quoted(text)
            )));
        }
        if duration.subsec_nanos() % 1_000_000 != 0 {
            return Err(InvalidValue::new(format!(
                "{} is finer than a millisecond",
                quoted(text)
            )));
        }
        Ok(duration)
    }

    fn schema() -> Schema {
        pattern_schema(r"0|([0-9]+ ?[a-z]+ ?)+")
    }
}

literals! {
    /// A duration that is not zero.
    NonZeroDuration -> Duration, Duration::schema(), non_zero_duration;
    /// `true`, for a key that would say nothing with `false`.
    True -> (), bool::schema(), only_true;
}

fn non_zero_duration(text: &str) -> Result<Duration, InvalidValue> {
    match Duration::read(text)? {
        Duration::ZERO => Err(InvalidValue::expected("a duration above zero", text)),
        duration => Ok(duration),
    }
}

fn only_true(text: &str) -> Result<(), InvalidValue> {
    if bool::read(text)? {
        Ok(())
    } else {
        Err(InvalidValue::expected("`true`", text).help("leave the key out"))
    }
}

impl Literal for Day {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
            .map_err(|why: DayError| InvalidValue::new(why.to_string()))
    }

    fn schema() -> Schema {
        pattern_schema("[0-9]{4}-[0-9]{2}-[0-9]{2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("500ms", Some(500))]
    #[case("1m 30s", Some(90_000))]
    #[case("7m", Some(420_000))]
    #[case("0", Some(0))]
    #[case("0ms", Some(0))]
    #[case("5", None)]
    #[case("5 parsecs", None)]
    #[case("-5s", None)]
    #[case("10us", None)]
    #[case("99999h", None)]
    #[case("", None)]
    fn durations(#[case] text: &str, #[case] ms: Option<u64>) {
        assert_eq!(Duration::read(text).ok(), ms.map(Duration::from_millis));
    }
}
