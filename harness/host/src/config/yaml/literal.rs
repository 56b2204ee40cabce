//! What a scalar can be read as.

use super::nearest::suggestion;
use super::node_path::NodePath;
use dfota_core::escape::quoted;
use dfota_record::day::Day;
use schemars::{Schema, json_schema};
use std::time::Duration;

/// A type that a scalar can become.
pub trait Literal: Sized {
    /// Its name in the schema.
    const NAME: &'static str;

    /// Reads the text of a scalar.
    fn read(text: &str) -> Result<Self, Mistake>;

    /// The scalars that are taken, for editors.
    fn schema() -> Schema;
}

/// Why a scalar is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What was expected and what was seen.
    pub message: String,
    /// What stands at the mark.
    pub label: Option<String>,
    /// What would be right.
    pub help: Option<String>,
    /// Another node that it does not go with.
    pub because: Option<NodePath>,
}

impl Mistake {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: None,
            help: None,
            because: None,
        }
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

    /// With another node that it does not go with.
    pub fn because(mut self, other: NodePath) -> Self {
        self.because = Some(other);
        self
    }

    /// A word that is none of the names.
    pub fn none_of(text: &str, what: &str, names: &[&str]) -> Self {
        Self::new(format!("expected {what}, found {}", quoted(text)))
            .label(format!("not {what}"))
            .help(suggestion(text, names, "valid are"))
    }
}

impl<T: Into<String>> From<T> for Mistake {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}

/// One of `names`; the reader gives the index.
pub fn one_of(text: &str, what: &str, names: &[&str]) -> Result<usize, Mistake> {
    names
        .iter()
        .position(|name| *name == text)
        .ok_or_else(|| Mistake::none_of(text, what, names))
}

/// A whole number out of a range.
pub fn whole<T>(text: &str, range: std::ops::RangeInclusive<T>) -> Result<T, Mistake>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    text.parse::<T>()
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| {
            Mistake::new(format!(
                "expected a whole number from {} to {}, found {}",
                range.start(),
                range.end(),
                quoted(text)
            ))
        })
}

/// A scalar that holds `{name}`.
const TEMPLATE: &str = r"\{[A-Za-z0-9_-]+\}";

/// The schema of one of these words.
pub fn choice_schema(names: &[&str]) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "string", "enum": names },
        { "type": "string", "pattern": TEMPLATE },
    ] })
}

/// The schema of a text with a form; `form` is a pattern without anchors.
pub fn pattern_schema(form: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": format!(r"^({form})$|{TEMPLATE}") })
}

/// The schema of a whole number.
pub fn whole_schema(from: u64, to: u64) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "integer", "minimum": from, "maximum": to },
        { "type": "string", "pattern": TEMPLATE },
    ] })
}

/// The schema of any scalar.
pub fn any_schema() -> Schema {
    json_schema!({ "type": ["string", "number", "boolean"] })
}

impl Literal for String {
    const NAME: &'static str = "Text";

    fn read(text: &str) -> Result<Self, Mistake> {
        if text.trim().is_empty() {
            return Err(Mistake::new("expected a text, found none"));
        }
        match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(Mistake::new(format!(
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
    const NAME: &'static str = "Bool";

    fn read(text: &str) -> Result<Self, Mistake> {
        one_of(text, "`true` or `false`", &["false", "true"]).map(|index| index == 1)
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [ { "type": "boolean" }, { "type": "string", "pattern": TEMPLATE } ] })
    }
}

/// How a duration is written, for messages.
const DURATION: &str = "a duration is a number and a unit (`ms`, `s`, `m`, `h`), as in `500ms`, `90s`, `7m`";

/// Longest duration that is taken: nothing here lasts for longer than a week.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl Literal for Duration {
    const NAME: &'static str = "Duration";

    fn read(text: &str) -> Result<Self, Mistake> {
        let wrong = || Mistake::new(format!("expected a duration, found {}", quoted(text))).help(DURATION);
        let zero = text == "0";
        if !zero && !text.bytes().any(|b| b.is_ascii_alphabetic()) {
            return Err(wrong().label("which unit?"));
        }
        let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
        if duration > LONGEST {
            return Err(Mistake::new(format!("{} is longer than a week", quoted(text))));
        }
        if duration.subsec_nanos() % 1_000_000 != 0 {
            return Err(Mistake::new(format!(
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

impl Literal for Day {
    const NAME: &'static str = "Day";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse().map_err(|why: String| Mistake::new(why))
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
