//! A day of the calendar, `2026-11-03`: no report guesses whether 03/11 is in March or in November.

use dfota_core::escape::quoted;
use std::fmt;
use std::str::FromStr;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const FORM: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

/// A text that is not a day.
#[derive(Debug, thiserror::Error)]
#[error("expected a day as in `2026-11-03`, found {}", quoted(.0))]
pub struct DayError(String);

impl Day {
    /// Year, month and day.
    pub fn parts(self) -> [u16; 3] {
        let (year, month, day) = self.0.to_calendar_date();
        // Four digits were read, so the year is from 0 to 9999.
        [
            u16::try_from(year).unwrap_or(0),
            u16::from(u8::from(month)),
            u16::from(day),
        ]
    }

    /// The day of a UTC time as the journal writes it, RFC 3339.
    pub fn from_utc(utc: &str) -> Option<Self> {
        utc.get(..10)?.parse().ok()
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // `time` takes `+2026-11-03` and shorter years in some forms; ten characters are a day, nothing else is.
        let day = Date::parse(text, FORM).ok().filter(|_| text.len() == 10);
        day.map(Self).ok_or_else(|| DayError(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-03", true)]
    #[case("2028-02-29", true)]
    #[case("2026-02-29", false)]
    #[case("2026-13-01", false)]
    #[case("03.11.2026", false)]
    #[case("2026-11-3", false)]
    #[case("+026-11-03", false)]
    #[case("yesterday", false)]
    #[case("", false)]
    fn days(#[case] text: &str, #[case] is_one: bool) {
        let day = text.parse::<Day>();
        assert_eq!(
            day.as_ref().map(Day::to_string).ok().as_deref(),
            is_one.then_some(text)
        );
    }

    #[test]
    fn of_a_time() {
        let day = Day::from_utc("2026-11-22T21:03:04.123456789Z").map(|day| day.to_string());
        assert_eq!(day.as_deref(), Some("2026-11-22"));
        assert_eq!(Day::from_utc("soon"), None);
    }
}
