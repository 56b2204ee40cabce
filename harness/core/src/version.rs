//! Identities that the module reports.

use crate::macros::serde_as_text;
use alloc::{borrow::ToOwned, string::String};
use core::{fmt, str::FromStr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A firmware version as `ATI` shows it behind `Revision:`, for example `BC66NBR01A01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

impl Version {
    /// Longest version that is taken.
    pub const MAX: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > Self::MAX {
            return Err("a version has 1 to 64 characters");
        }
        if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        {
            return Err("a version holds letters, digits, `.`, `_` and `-` alone");
        }
        Ok(Self(text.to_owned()))
    }
}

serde_as_text!(Version);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An IMEI: 15 digits. Read from a masked journal, some of them are `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Imei(String);

impl Imei {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Imei {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 15 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("an IMEI has 15 digits")
        }
    }
}

impl TryFrom<String> for Imei {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let masked = text.len() == 15 && text.bytes().all(|b| b.is_ascii_digit() || b == b'*');
        if masked { Ok(Self(text)) } else { text.parse() }
    }
}

impl From<Imei> for String {
    fn from(imei: Imei) -> Self {
        imei.0
    }
}

impl fmt::Display for Imei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
