//! Prefixes that terminal programs put before a line: detects the format by the first lines of a log, and strips them.

use super::stamp::{Stamp, StampForm, leading};
use crate::macros::named_enum;

named_enum! {
    /// How a log is written. The stamps of each stand in [`super::stamp`].
    pub enum LogFormat {
        /// Nothing but what the module said: `cat`, PuTTY, a terminal's binary log.
        Plain = "plain",
        /// minicom, with its line time stamps.
        Minicom = "minicom",
        TeraTerm = "teraterm",
        /// picocom with `ts`, grabserial, tio, Arduino's monitor: a time, in brackets or not.
        Picocom = "picocom",
        /// GNU screen and others that keep the terminal's control sequences. screen's own time stamps come every two minutes,
        /// and so say nothing of the lines between them.
        Screen = "screen",
        /// labgrid's console log file (as it came) or its StepLogger:
        /// `CONSOLE SerialLogger.ma: SerialDriver(target=…) < text␍␤` (`labgrid/logging.py`).
        Labgrid = "labgrid",
        /// Quectel's QCOM and programs like it: `[2026-11-22_14:30:05:123]text`, `[14:30:05.123] RX: text`.
        Qcom = "qcom",
    }
}

impl LogFormat {
    /// The stamp of a line, if the format has one there, and what the module or a person said.
    pub fn strip(self, line: &[u8]) -> (Option<Stamp>, &[u8]) {
        let found = match self {
            Self::Plain | Self::Screen => None,
            _ => leading(line).filter(|(stamp, _)| self.writes(stamp)),
        };
        let (stamp, text) = match found {
            Some((stamp, len)) => (Some(stamp), &line[len..]),
            None => (None, line),
        };
        let text = match self {
            Self::Labgrid => console(text).unwrap_or(text),
            Self::Qcom => without_end_of_sent(text),
            _ => text,
        };
        let marked = stamp.is_some() || self == Self::Labgrid;
        (stamp, if marked { without_marks(text) } else { text })
    }

    fn writes(self, stamp: &Stamp) -> bool {
        match self {
            Self::Plain | Self::Screen => false,
            Self::Minicom => stamp.bracketed && stamp.form == StampForm::Iso(b' '),
            Self::TeraTerm => {
                stamp.bracketed
                    && matches!(
                        stamp.form,
                        StampForm::Iso(b' ') | StampForm::Ctime | StampForm::Days
                    )
            }
            Self::Picocom | Self::Labgrid => true,
            Self::Qcom => {
                stamp.bracketed
                    && matches!(
                        stamp.form,
                        StampForm::Iso(_) | StampForm::Time | StampForm::TimeColon
                    )
            }
        }
    }
}

/// What stands behind the name of the console in a line of labgrid's StepLogger: `<` is read, `>` is written.
fn console(text: &[u8]) -> Option<&[u8]> {
    let find = |in_: &[u8], what: &[u8]| in_.windows(what.len()).position(|window| window == what);
    let text = &text[find(text, b"SerialLogger")?..];
    // The console's own name ends with a parenthesis and may hold `<` itself.
    [&b") < "[..], b") > ", b" < ", b" > "]
        .into_iter()
        .find_map(|mark| find(text, mark).map(|at| &text[at + mark.len()..]))
}

/// SSCOM closes what was sent with a `□`, in GBK or UTF-8.
fn without_end_of_sent(text: &[u8]) -> &[u8] {
    let trimmed = text.trim_ascii_end();
    let end = |sign: &[u8]| trimmed.strip_suffix(sign);
    end(b"\xA1\xF5").or_else(|| end("□".as_bytes())).unwrap_or(text)
}

/// Takes off what says who spoke: words with a sign or a blank behind them, arrows, and the signs of programs that are
/// not in ASCII (SSCOM's `收←◆`, in whatever encoding). Who it was is told by what was said.
fn without_marks(mut text: &[u8]) -> &[u8] {
    const WORDS: [&[u8]; 10] = [
        b"RX",
        b"TX",
        b"RECV",
        b"SEND",
        b"RECEIVED",
        b"SENT",
        b"READ",
        b"WRITE",
        b"IN",
        b"OUT",
    ];
    for _ in 0..3 {
        text = text.trim_ascii_start();
        let word = text.strip_prefix(b"[").unwrap_or(text);
        let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let is_word = WORDS
            .iter()
            .any(|known| word[..letters].eq_ignore_ascii_case(known));
        let sign = |byte: &u8| matches!(byte, b':' | b']' | b'<' | b'>' | b'-' | b'=' | b'|');
        let signs = |text: &[u8]| text.iter().take_while(|byte| sign(byte)).count();
        let strange = text.iter().take_while(|byte| **byte >= 0x80).count();
        let behind = word[letters..].trim_ascii_start();
        let alone = letters == 2 && behind.len() < word.len() - letters;
        text = match text {
            _ if is_word && (signs(behind) > 0 || alone) => &behind[signs(behind)..],
            _ if strange >= 2 => &text[strange..],
            [b'<' | b'>' | b'|' | b'-' | b'=', ..] => &text[signs(text)..],
            _ => return text,
        };
    }
    text.trim_ascii_start()
}

/// Finds out how a log is written, by its first lines.
#[derive(Debug, Clone, Default)]
pub struct FormatDetector {
    lines: u32,
    /// By the place in [`LogFormat::ALL`].
    votes: [u32; 7],
    /// Those of them whose stamp had no brackets.
    bare: u32,
    escapes: bool,
}

impl FormatDetector {
    /// Lines that are enough.
    pub const ENOUGH: u32 = 400;

    /// Looks at a line as it stands in the log.
    pub fn look(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.lines += 1;
        self.escapes |= line.windows(2).any(|pair| pair == b"\x1b[") || is_of_screen(line);
        if line.starts_with(b"Labgrid Console Logfile") {
            self.votes[LogFormat::Labgrid as usize] += Self::ENOUGH;
        } else if let Some((format, bare)) = vote(line) {
            self.votes[format as usize] += 1;
            self.bare += u32::from(bare);
        }
    }

    /// The format. Stamps in brackets are never what a module says, so a few are enough; bare ones have to stand before at
    /// least half of the lines.
    pub fn format(&self) -> LogFormat {
        let best = LogFormat::ALL
            .into_iter()
            .max_by_key(|format| self.votes[*format as usize]);
        let best = best.unwrap_or(LogFormat::Plain);
        let votes = self.votes[best as usize];
        let enough = match best {
            LogFormat::Picocom if self.bare * 2 > votes => votes * 2 >= self.lines,
            _ => votes * 20 >= self.lines,
        };
        match votes > 0 && enough {
            true => best,
            false if self.escapes => LogFormat::Screen,
            false => LogFormat::Plain,
        }
    }
}

/// The format that a line speaks for, and whether its stamp is bare.
fn vote(line: &[u8]) -> Option<(LogFormat, bool)> {
    if line.windows(12).any(|window| window == b"SerialLogger") {
        return Some((LogFormat::Labgrid, false));
    }
    let (stamp, len) = leading(line)?;
    let behind = &line[len..];
    let format = match (stamp.bracketed, stamp.form) {
        (false, _) => LogFormat::Picocom,
        (true, StampForm::Iso(b' ')) if stamp.digits == 0 => LogFormat::Minicom,
        (true, StampForm::Iso(b' ') | StampForm::Ctime | StampForm::Days) => LogFormat::TeraTerm,
        (true, StampForm::Iso(b'_') | StampForm::TimeColon) => LogFormat::Qcom,
        (true, StampForm::Time) if without_marks(behind).len() < behind.trim_ascii_start().len() => {
            LogFormat::Qcom
        }
        (true, StampForm::Iso(_) | StampForm::Time | StampForm::Seconds | StampForm::Month) => {
            LogFormat::Picocom
        }
    };
    Some((format, !stamp.bracketed))
}

/// `-- 0:ttyUSB0 -- time-stamp -- Nov/22/26 14:32:05 --`.
fn is_of_screen(line: &[u8]) -> bool {
    line.starts_with(b"-- ") && line.windows(16).any(|window| window == b"-- time-stamp --")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use rstest::rstest;

    #[rstest]
    #[case(LogFormat::Plain, "[14:30:05.123] OK", false, "[14:30:05.123] OK")]
    #[case(LogFormat::Minicom, "[2026-11-22 14:30:05] OK", true, "OK")]
    #[case(LogFormat::Minicom, "[2026-11-22 14:30:05", true, "")]
    #[case(LogFormat::Minicom, "[14:30:05.123] OK", false, "[14:30:05.123] OK")]
    #[case(LogFormat::TeraTerm, "[Sun Nov 22 14:30:05.123 2026] OK", true, "OK")]
    #[case(LogFormat::Picocom, "[    1.234567] +QIND: \"FOTA\"", true, "+QIND: \"FOTA\"")]
    #[case(LogFormat::Picocom, "14:30:05.123 -> RDY", true, "RDY")]
    #[case(LogFormat::Picocom, "OK", false, "OK")]
    #[case(LogFormat::Screen, "RDY", false, "RDY")]
    #[case(
        LogFormat::Labgrid,
        "CONSOLE SerialLogger.ma: SerialDriver(target=Target(name='main'), name='uart', state=<BindingState.active: 2>, txdelay=0.0) < RDY\u{240d}\u{2424}",
        false,
        "RDY\u{240d}\u{2424}"
    )]
    #[case(
        LogFormat::Labgrid,
        "[  12.345] CONSOLE SerialLogger.ma: SerialDriver(target='main') > AT+QFOTADL=1",
        true,
        "AT+QFOTADL=1"
    )]
    #[case(LogFormat::Labgrid, "RDY", false, "RDY")]
    #[case(
        LogFormat::Qcom,
        "[2026-11-22_14:30:05:123]AT+QFOTADL=1",
        true,
        "AT+QFOTADL=1"
    )]
    #[case(LogFormat::Qcom, "[14:30:05.123] RX: RDY", true, "RDY")]
    #[case(LogFormat::Qcom, "[14:30:05.123] [RX] RDY", true, "RDY")]
    #[case(LogFormat::Qcom, "[14:30:05.123] Recv <- RDY", true, "RDY")]
    #[case(LogFormat::Qcom, "[14:30:05.123] RX RDY", true, "RDY")]
    #[case(LogFormat::Qcom, "[14:30:05.123] SEND OK", true, "SEND OK")]
    #[case(LogFormat::Qcom, "[14:30:05.123] <- RDY", true, "RDY")]
    #[case(LogFormat::Qcom, "[14:30:05.123]收←◆RDY", true, "RDY")]
    #[case(LogFormat::Qcom, "[14:30:05.123]发→◇ATI□ ", true, "ATI")]
    #[case(LogFormat::Qcom, "□", false, "")]
    #[case(LogFormat::Qcom, "[14:30:05:123] RDY", true, "RDY")]
    fn stripped(#[case] format: LogFormat, #[case] line: &str, #[case] stamped: bool, #[case] text: &str) {
        let (stamp, found) = format.strip(line.as_bytes());
        assert_eq!(
            (stamp.is_some(), &*String::from_utf8_lossy(found)),
            (stamped, text)
        );
    }

    #[rstest]
    #[case(&["RDY", "+CFUN: 1"], LogFormat::Plain)]
    #[case(&["RDY", "\x1b[32m+CFUN: 1"], LogFormat::Screen)]
    #[case(&["[2026-11-22 14:30:05] RDY", "+CFUN: 1"], LogFormat::Minicom)]
    #[case(&["[2026-11-22 14:30:05.001] RDY"], LogFormat::TeraTerm)]
    #[case(&["[14:30:05.001] RDY"], LogFormat::Picocom)]
    #[case(&["[14:30:05.001] RX: RDY"], LogFormat::Qcom)]
    #[case(&["[14:30:05:001] RDY"], LogFormat::Qcom)]
    #[case(&["Nov 22 14:30:05 RDY", "Nov 22 14:30:06 +CFUN: 1"], LogFormat::Picocom)]
    // One bare time among other lines is something that was said.
    #[case(&["14:30:05 is the time", "RDY", "+CFUN: 1"], LogFormat::Plain)]
    #[case(&["Labgrid Console Logfile for main uart", "RDY"], LogFormat::Labgrid)]
    #[case(&[], LogFormat::Plain)]
    fn detected(#[case] lines: &[&str], #[case] expected: LogFormat) {
        let mut detector = FormatDetector::default();
        lines.iter().for_each(|line| detector.look(line.as_bytes()));
        assert_eq!(detector.format(), expected);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(line: alloc::vec::Vec<u8>) {
            for format in LogFormat::ALL {
                let (_, text) = format.strip(&line);
                proptest::prop_assert!(text.len() <= line.len());
            }
        }
    }
}
