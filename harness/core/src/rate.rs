//! A share of all, as claims state it: `1%`, `0.1%`, `95%`.

use crate::macros::serde_as_text;
use alloc::{format, string::String};
use core::{fmt, str::FromStr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share between 0 and 1, both left out, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(u32);

impl Rate {
    const WHOLE: u32 = 1_000_000;

    /// So many parts of a million, if that is more than nothing and less than all.
    pub const fn per_million(parts: u32) -> Option<Self> {
        if parts > 0 && parts < Self::WHOLE {
            Some(Self(parts))
        } else {
            None
        }
    }

    /// As a number between 0 and 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole}%");
        }
        write!(f, "{whole}.{}%", format!("{rest:04}").trim_end_matches('0'))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str =
            "a rate is a number and `%`, between 0% and 100%, with four decimals at most, as in `0.1%`";
        let number = text.trim().strip_suffix('%').ok_or(FORM)?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || decimals.len() > 4 || !digits(whole) || !digits(decimals) {
            return Err(FORM);
        }
        let parts = format!("{whole}{decimals:0<4}").parse().map_err(|_| FORM)?;
        Self::per_million(parts).ok_or(FORM)
    }
}

serde_as_text!(Rate);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    #[rstest]
    #[case("1%", 10_000)]
    #[case("0.1%", 1_000)]
    #[case("95%", 950_000)]
    #[case("99.95%", 999_500)]
    #[case("0.0001%", 1)]
    fn a_rate_is_its_text(#[case] text: &str, #[case] parts: u32) {
        let rate: Rate = text.parse().unwrap();
        assert_eq!((rate, rate.to_string().as_str()), (Rate(parts), text));
    }

    #[rstest]
    #[case("")]
    #[case("1")]
    #[case("0%")]
    #[case("0.00001%")]
    #[case("100%")]
    #[case("1000%")]
    #[case("-1%")]
    #[case(".5%")]
    #[case("1.%5")]
    #[case("nan%")]
    fn what_is_no_rate(#[case] text: &str) {
        assert!(text.parse::<Rate>().is_err());
    }
}
