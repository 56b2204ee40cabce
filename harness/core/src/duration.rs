//! How a duration is written in an id: the largest unit that keeps it whole.

use core::{fmt, time::Duration};

/// Shows a duration as `0ms`, `137ms`, `5s`, `7m`; finer than a millisecond is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short(pub Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            ms if ms > 0 && ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms > 0 && ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

/// Reads what [`Short`] writes.
pub fn parse_short(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "a duration is a whole number and `ms`, `s` or `m`, as in `137ms`";
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
    let number: u64 = text[..split].parse().map_err(|_| FORM)?;
    let per_unit = match &text[split..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(FORM),
    };
    number
        .checked_mul(per_unit)
        .map(Duration::from_millis)
        .ok_or("that duration is too long")
}
