//! Time stamps as terminal programs write them before a line.
//!
//! Seen in the programs' sources and in captures that people have published:
//!
//! | program | stamp |
//! |---|---|
//! | minicom (`src/vt100.c`) | `[2026-11-22 14:30:05] `, extended `[2026-11-22 14:30:05.123] `, once a second `[2026-11-22 14:30:05` and a line end |
//! | Tera Term (`filesys_log.cpp`) | `[2026-11-22 14:30:05.123] `; up to 4.x `[Sun Nov 22 14:30:05.123 2026] `; elapsed `[0 00:00:05.123] ` |
//! | `ts` of moreutils | `Nov 22 14:30:05 `, `14:30:05.123456 `, `1795357805.123456 `, and whatever its format asks for |
//! | grabserial | `[1.234567 0.000123] `, `[2026-11-22 14:30:05.123456 0.000123] ` |
//! | tio | `[14:30:05.123] `, `[2026-11-22T14:30:05.123] `, `[1795357805.123] ` |
//! | Arduino's monitor | `14:30:05.123 -> ` |
//! | QCOM | `[2026-11-22_14:30:05:123]` |
//! | CuteCom | `[14:30:05:123] ` |

pub const SECOND: u64 = 1_000_000_000;
pub const DAY: u64 = 86_400 * SECOND;

/// What a stamp counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    Date,
    /// Midnight; the day is not said.
    Midnight,
    /// Whatever the program counts from: its start, or 1970.
    Start,
}

/// How a stamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampForm {
    /// `2026-11-22 14:30:05`, and what stands between date and time.
    Iso(u8),
    /// `Sun Nov 22 14:30:05.123 2026`.
    Ctime,
    Month,
    Time,
    TimeColon,
    Days,
    Seconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// How it is written.
    pub form: StampForm,
    /// It stands in brackets.
    pub bracketed: bool,
    /// What it counts from.
    pub base: Base,
    pub ns: u64,
    /// How many digits its seconds have behind the point.
    pub digits: u8,
}

/// The stamp that a line begins with, and how many bytes it takes, with its brackets and one blank.
pub fn leading(line: &[u8]) -> Option<(Stamp, usize)> {
    let mut at = Cursor { line, at: 0 };
    at.blanks();
    let bracketed = at.eat(b'[');
    if bracketed {
        at.blanks();
        at.eat(b'+');
    }
    let stamp = ctime(&mut at)
        .or_else(|| iso(&mut at))
        .or_else(|| days(&mut at))
        .or_else(|| time(&mut at))
        .or_else(|| seconds(&mut at))?;
    let stamp = Stamp { bracketed, ..stamp };
    at.zone();
    if bracketed {
        at.delta();
        // minicom's stamp once a second has no bracket at its end, and nothing behind it.
        let once_a_second = at.rest().is_empty() && matches!(stamp.form, StampForm::Iso(_));
        if !(at.eat(b']') || once_a_second) {
            return None;
        }
    } else if !matches!(
        at.peek(),
        None | Some(b' ' | b'\t' | b':' | b'|' | b'>' | b';' | b',')
    ) {
        return None;
    }
    at.eat(b' ');
    Some((stamp, at.at))
}

/// Days since 1970 in the Gregorian calendar; Howard Hinnant's `days_from_civil`, for years from 1970 on.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date(year: u64, month: u64, day: u64) -> Option<u64> {
    // Up to a year whose nanoseconds still fit.
    let fits = (1970..2500).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then(|| days_since_1970(year, month, day) * DAY)
}

fn iso(at: &mut Cursor<'_>) -> Option<Stamp> {
    at.trying(|at| {
        let year = at.exactly(4)?;
        let dash = at.one_of(b"-/.")?;
        let month = at.exactly(2)?;
        at.eat(dash).then_some(())?;
        let day = at.exactly(2)?;
        let between = at.one_of(b" T_-")?;
        at.blanks();
        let (ns, digits, _) = at.clock(24)?;
        let ns = date(year, month, day)? + ns;
        Some(stamp(StampForm::Iso(between), Base::Date, ns, digits))
    })
}

/// `Sun Nov 22 14:30:05.123 2026`, and `Nov 22 14:30:05` with neither day nor year, which tells no day that can be counted
/// with: a February may have 29.
fn ctime(at: &mut Cursor<'_>) -> Option<Stamp> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    at.trying(|at| {
        let mut word = at.letters3()?;
        let named = |word: [u8; 3]| MONTHS.chunks(3).position(|month| month == word);
        if named(word).is_none() {
            at.eat(b',');
            at.blanks();
            word = at.letters3()?;
        }
        let month = named(word)? as u64 + 1;
        at.blanks();
        let day = at.up_to(2)?;
        at.blanks();
        let (ns, digits, _) = at.clock(24)?;
        let year = at.trying(|at| {
            at.eat(b' ').then_some(())?;
            at.exactly(4)
        });
        Some(match year {
            Some(year) => stamp(StampForm::Ctime, Base::Date, date(year, month, day)? + ns, digits),
            None => stamp(StampForm::Month, Base::Midnight, ns, digits),
        })
    })
}

fn days(at: &mut Cursor<'_>) -> Option<Stamp> {
    at.trying(|at| {
        let days = at.up_to(4)?;
        at.eat(b' ').then_some(())?;
        let (ns, digits, _) = at.clock(24)?;
        Some(stamp(StampForm::Days, Base::Start, days * DAY + ns, digits))
    })
}

fn time(at: &mut Cursor<'_>) -> Option<Stamp> {
    at.trying(|at| {
        let (ns, digits, colon) = at.clock(24)?;
        let form = if colon {
            StampForm::TimeColon
        } else {
            StampForm::Time
        };
        Some(stamp(form, Base::Midnight, ns, digits))
    })
}

fn seconds(at: &mut Cursor<'_>) -> Option<Stamp> {
    at.trying(|at| {
        let seconds = at.up_to(10)?;
        let (ns, digits) = at.fraction(b".")?;
        Some(stamp(
            StampForm::Seconds,
            Base::Start,
            seconds * SECOND + ns,
            digits,
        ))
    })
}

fn stamp(form: StampForm, base: Base, ns: u64, digits: u8) -> Stamp {
    Stamp {
        form,
        bracketed: false,
        base,
        ns,
        digits,
    }
}

/// A place in a line.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| bytes.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// At most sixteen: a stamp is at the start of a line.
    fn blanks(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
        self.at += self.rest().iter().take(16).take_while(blank).count();
    }

    /// Goes back to where it was if `read` finds nothing.
    fn trying<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = *self;
        let found = read(self);
        if found.is_none() {
            *self = before;
        }
        found
    }

    /// A number of one to `most` digits.
    fn up_to(&mut self, most: usize) -> Option<u64> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.take(most + 1).count();
        (1..=most).contains(&digits).then(|| self.exactly(digits))?
    }

    fn exactly(&mut self, digits: usize) -> Option<u64> {
        let text = self.rest().get(..digits)?;
        let mut number = 0;
        for byte in text {
            number = number * 10 + u64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        self.at += digits;
        Some(number)
    }

    fn letters3(&mut self) -> Option<[u8; 3]> {
        let word: [u8; 3] = self.rest().get(..3)?.try_into().ok()?;
        word.iter().all(u8::is_ascii_alphabetic).then_some(())?;
        self.at += 3;
        Some(word)
    }

    /// `14:30:05`, with a fraction or none; gives nanoseconds, digits, and whether a colon was before the fraction.
    fn clock(&mut self, hours: u64) -> Option<(u64, u8, bool)> {
        let hour = self.up_to(2).filter(|hour| *hour < hours)?;
        self.eat(b':').then_some(())?;
        let minute = self.exactly(2).filter(|minute| *minute < 60)?;
        self.eat(b':').then_some(())?;
        let second = self.exactly(2).filter(|second| *second <= 60)?;
        let colon = self.peek() == Some(b':');
        let (fraction, digits) = self.trying(|at| at.fraction(b".,:")).unwrap_or_default();
        let ns = (hour * 3600 + minute * 60 + second) * SECOND + fraction;
        Some((ns, digits, colon && digits > 0))
    }

    /// A point and one to nine digits, in nanoseconds.
    fn fraction(&mut self, points: &[u8]) -> Option<(u64, u8)> {
        self.one_of(points)?;
        let from = self.at;
        let number = self.up_to(9)?;
        let digits = (self.at - from) as u8;
        Some((number * 10_u64.pow(9 - u32::from(digits)), digits))
    }

    /// `Z`, `+01:00`, `+0100`: times of one log are in one zone.
    fn zone(&mut self) {
        if !self.eat(b'Z') {
            self.trying(|at| {
                at.one_of(b"+-")?;
                at.exactly(2)?;
                at.eat(b':');
                at.exactly(2)
            });
        }
    }

    /// The time since the line before, which grabserial puts behind its own.
    fn delta(&mut self) {
        self.trying(|at| {
            at.eat(b' ').then_some(())?;
            at.up_to(10)?;
            at.fraction(b".")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// 2026-11-22 00:00 UTC is day 20779.
    const NOV_22: u64 = 20_779 * DAY;
    const AT: u64 = (14 * 3600 + 30 * 60 + 5) * SECOND;

    #[rstest]
    #[case("[2026-11-22 14:30:05] OK", StampForm::Iso(b' '), NOV_22 + AT, 0, "OK")]
    #[case("[2026-11-22 14:30:05.123] OK", StampForm::Iso(b' '), NOV_22 + AT + 123_000_000, 3, "OK")]
    #[case("[2026-11-22 14:30:05", StampForm::Iso(b' '), NOV_22 + AT, 0, "")]
    #[case("[2026-11-22_14:30:05:123]OK", StampForm::Iso(b'_'), NOV_22 + AT + 123_000_000, 3, "OK")]
    #[case("[2026-11-22T14:30:05.123456Z] OK", StampForm::Iso(b'T'), NOV_22 + AT + 123_456_000, 6, "OK")]
    #[case("2026-11-22T14:30:05.123456+01:00 OK", StampForm::Iso(b'T'), NOV_22 + AT + 123_456_000, 6, "OK")]
    #[case("2026/11/22 14:30:05,123456789 OK", StampForm::Iso(b' '), NOV_22 + AT + 123_456_789, 9, "OK")]
    #[case("[2026-11-22 14:30:05.123456 0.000123] OK", StampForm::Iso(b' '), NOV_22 + AT + 123_456_000, 6, "OK")]
    #[case("[Sun Nov 22 14:30:05.123 2026] OK", StampForm::Ctime, NOV_22 + AT + 123_000_000, 3, "OK")]
    #[case("Nov 22 14:30:05 OK", StampForm::Month, AT, 0, "OK")]
    #[case("Nov  2 14:30:05 OK", StampForm::Month, AT, 0, "OK")]
    #[case("[14:30:05.123] OK", StampForm::Time, AT + 123_000_000, 3, "OK")]
    #[case("[14:30:05:123] OK", StampForm::TimeColon, AT + 123_000_000, 3, "OK")]
    #[case("14:30:05.123 -> OK", StampForm::Time, AT + 123_000_000, 3, "-> OK")]
    #[case("[0 00:00:05.123] OK", StampForm::Days, 5_123_000_000, 3, "OK")]
    #[case("[    1.234567] OK", StampForm::Seconds, 1_234_567_000, 6, "OK")]
    #[case("[1.234567 0.000123] OK", StampForm::Seconds, 1_234_567_000, 6, "OK")]
    #[case("[+00:00:05.123] OK", StampForm::Time, 5_123_000_000, 3, "OK")]
    #[case(
        "1795357805.123456 OK",
        StampForm::Seconds,
        1_795_357_805_123_456_000,
        6,
        "OK"
    )]
    fn forms(
        #[case] line: &str,
        #[case] form: StampForm,
        #[case] ns: u64,
        #[case] digits: u8,
        #[case] rest: &str,
    ) {
        let (stamp, len) = leading(line.as_bytes()).expect("a stamp");
        assert_eq!((stamp.form, stamp.ns, stamp.digits), (form, ns, digits));
        assert_eq!(stamp.bracketed, line.starts_with('['));
        assert_eq!(&line[len..], rest);
    }

    /// What modules say, and what is nearly a stamp.
    #[rstest]
    #[case("00: 0006 000C")]
    #[case("01: 0000 0000")]
    #[case("F1: 0000 0000")]
    #[case("+CCLK: 26/11/22,14:30:05+04")]
    #[case("[2026-13-22 14:30:05] OK")]
    #[case("[2026-11-22 24:30:05] OK")]
    #[case("[2026-11-22 14:30:05 OK")]
    #[case("14:30:05.1234567890 OK")]
    #[case("12 OK")]
    #[case("1.5V")]
    #[case("[OK]")]
    #[case("Sunday")]
    #[case("")]
    #[case("[")]
    fn none(#[case] line: &str) {
        assert_eq!(leading(line.as_bytes()), None);
    }

    #[rstest]
    #[case(1970, 1, 1, 0)]
    #[case(2000, 2, 29, 11_016)]
    #[case(2000, 3, 1, 11_017)]
    #[case(2026, 11, 22, 20_779)]
    fn calendar(#[case] year: u64, #[case] month: u64, #[case] day: u64, #[case] days: u64) {
        assert_eq!(days_since_1970(year, month, day), days);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(line: alloc::vec::Vec<u8>) {
            if let Some((_, len)) = leading(&line) {
                proptest::prop_assert!(len <= line.len());
            }
        }

        #[test]
        fn nearly_anything_can_come(line in "\\[?[0-9 :.T_/+-]{0,40}\\]?.{0,4}") {
            if let Some((_, len)) = leading(line.as_bytes()) {
                proptest::prop_assert!(len <= line.len());
            }
        }
    }
}
