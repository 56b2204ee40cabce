//! What a line of a log says, whatever stands before it.
//!
//! URCs are found where they begin, also behind a prefix that no format knows. But a line in words that *mentions* a
//! URC, such as `waiting for RDY`, is not the module's.

mod at_command;

use crate::transport::Via;
use crate::urc::{Fota, Urc};
use bc66_spec::urc::{FOTA, FotaUrc, QIND};
use bc66_spec::{boot, command, module};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineMeaning<'a> {
    /// A moment of the update.
    Fota(Fota),
    /// UPDATING with more than 100 percent.
    Above(u32),
    /// A word behind `"FOTA"` that the application note does not know.
    Word(&'a [u8]),
    /// A URC of the update of which a part is missing.
    Torn,
    /// A line of the boot ROM's block that has a name of its own, by its place in the block.
    BootRom(usize),
    Ready,
    /// `AT+QFOTADL`: the order.
    Order(Via),
    /// `AT+QFUPLEX`: a block of an upload.
    Block(u32),
    /// `+QFUPLEX: 4096`: a block was written.
    Written,
    /// `AT+QRST`: the module is told to reboot.
    Reboot,
    /// `ATE0`: from now on, commands are not echoed.
    EchoOff,
    /// `ATE1`: they are, until the next boot.
    EchoOn,
    Command,
    Version(&'a str),
    Model(&'a str),
    /// A line in words that mentions a URC.
    Spoken,
    /// A terminal program says that it begins.
    Session,
}

/// What terminal programs write when they begin: PuTTY, labgrid, picocom, minicom, `script`.
const SESSIONS: [&[u8]; 5] = [
    b"=~=~=~=~=~=~=~=~=~=~=~= PuTTY log",
    b"Labgrid Console Logfile for ",
    b"picocom v",
    b"Welcome to minicom ",
    b"Script started on ",
];

pub fn hear(line: &[u8]) -> Option<LineMeaning<'_>> {
    let line = line.trim_ascii();
    if SESSIONS.iter().any(|session| line.starts_with(session)) {
        return Some(LineMeaning::Session);
    }
    for (at, byte) in line.iter().enumerate() {
        let rest = &line[at..];
        let found = match byte {
            b'+' if rest.starts_with(QIND.as_bytes()) => {
                let found = fota(rest);
                return match found {
                    Some(_) if !may_begin(&line[..at]) => Some(LineMeaning::Spoken),
                    found => found,
                };
            }
            b'+' => written(rest),
            b'A' | b'a' if word_begins(line, at) => at_command::read(rest, may_begin(&line[..at])),
            b'R' if rest.starts_with(module::REVISION.trim_end_matches(':').as_bytes()) => version(rest),
            b'R' if rest == boot::RDY.as_bytes() => Some(if may_begin(&line[..at]) {
                LineMeaning::Ready
            } else {
                LineMeaning::Spoken
            }),
            b'Q' if rest.starts_with(b"Quectel_BC") => text(rest, b"_-").map(LineMeaning::Model),
            b'F' | b'V' | b'U' | b'T' | b'L' if may_begin(&line[..at]) => boot_rom(rest),
            b'"' if torn(rest) => Some(LineMeaning::Torn),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether what stands before a line may be a prefix or noise: it ends with a sign, or it is a few bytes without a blank.
/// The boot ROM, which always speaks at 115200, is such noise at other rates (`RbbRDY`).
fn may_begin(before: &[u8]) -> bool {
    let Some(last) = before.trim_ascii_end().last() else {
        return true;
    };
    !last.is_ascii_alphanumeric() || (before.len() <= 8 && !before.contains(&b' '))
}

fn word_begins(line: &[u8], at: usize) -> bool {
    at == 0 || !line[at - 1].is_ascii_alphanumeric()
}

/// What follows `+QIND:`, with it; `None` when it is not about the update.
fn fota(line: &[u8]) -> Option<LineMeaning<'_>> {
    match Urc::parse(line) {
        Some(Urc::Fota(Fota::Unknown)) => {}
        Some(Urc::Fota(fota)) => return Some(LineMeaning::Fota(fota)),
        _ => {
            // `+QIND: "FO`: what is there is the start of what was to come.
            let rest = line[QIND.len()..].trim_ascii();
            let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
            return FOTA.as_bytes().starts_with(rest).then_some(LineMeaning::Torn);
        }
    }
    let mut fields = line[QIND.len()..].split(|byte| *byte == b',').skip(1);
    let field = fields.next().map(<[u8]>::trim_ascii);
    let quoted = field.and_then(|field| field.strip_prefix(b"\"")?.strip_suffix(b"\""));
    let Some(word) = quoted.map(<[u8]>::trim_ascii) else {
        return Some(LineMeaning::Torn);
    };
    if FotaUrc::from_token(word).is_none() {
        return Some(LineMeaning::Word(word));
    }
    let number = fields.next().map(<[u8]>::trim_ascii).unwrap_or_default();
    let number = number.strip_suffix(b"%").unwrap_or(number);
    Some(digits(number.trim_ascii()).map_or(LineMeaning::Torn, LineMeaning::Above))
}

/// `"FOTA"` or a part of it whose `+QIND:` is lost.
fn torn(rest: &[u8]) -> bool {
    rest.strip_prefix(b"\"FOTA\"")
        .is_some_and(|behind| behind.trim_ascii_start().starts_with(b","))
}

fn written(rest: &[u8]) -> Option<LineMeaning<'_>> {
    let number = rest
        .strip_prefix(command::QFUPLEX.as_bytes())?
        .strip_prefix(b":")?;
    digits(number.trim_ascii()).map(|_| LineMeaning::Written)
}

/// `Revision: BC66NBR01A01`; one firmware writes a blank before the colon.
fn version(rest: &[u8]) -> Option<LineMeaning<'_>> {
    let name = module::REVISION.len() - 1;
    let value = rest[name..].trim_ascii_start().strip_prefix(b":")?;
    text(value.trim_ascii(), b"._-").map(LineMeaning::Version)
}

/// Letters, digits and these, to the end of the line.
fn text<'a>(value: &'a [u8], signs: &[u8]) -> Option<&'a str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || signs.contains(byte);
    let len = value.iter().take_while(|byte| plain(byte)).count();
    (1..=64).contains(&len).then_some(())?;
    core::str::from_utf8(&value[..len]).ok()
}

/// A line of the mask ROM's block: a name of the note's, and values of its shape.
fn boot_rom(line: &[u8]) -> Option<LineMeaning<'_>> {
    match Urc::parse(line)? {
        Urc::BootRom => Some(LineMeaning::BootRom(0)),
        Urc::BootRomMore => {
            let known = boot::BROM.iter().position(|known| {
                let name = known.as_bytes().get(..3);
                name == line.get(..3)
            });
            known.map(LineMeaning::BootRom)
        }
        _ => None,
    }
}

/// A whole unsigned number and nothing else.
fn digits(field: &[u8]) -> Option<u32> {
    let all = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    all.then(|| core::str::from_utf8(field).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percent::Percent;
    use bc66_spec::code::UpdateCode;
    use rstest::rstest;

    const END_0: LineMeaning<'_> = LineMeaning::Fota(Fota::End(UpdateCode::Success));

    #[rstest]
    #[case(r#"+QIND: "FOTA","END",0"#, END_0)]
    #[case(r#"I (1234) modem: +QIND: "FOTA","END",0"#, END_0)]
    #[case(r#"49.340|BCx|RX: +QIND: "FOTA", "END", 0"#, END_0)]
    #[case(r#"x+QIND: "FOTA","END",0"#, END_0)]
    #[case(r#"b'+QIND: "FOTA","END",0'"#, LineMeaning::Torn)]
    #[case(r#"waiting for +QIND: "FOTA","END",0"#, LineMeaning::Spoken)]
    #[case(r#"+QIND: "FOTA","UPDATING",140%,1,1"#, LineMeaning::Above(140))]
    #[case(r#"+QIND: "FOTA","RESTORE",5"#, LineMeaning::Word(b"RESTORE"))]
    #[case(r#"+QIND: "FOTA","HTTPE"#, LineMeaning::Torn)]
    #[case(r#"+QIND: "FOTA","END","#, LineMeaning::Torn)]
    #[case(r#"+QIND: "FO"#, LineMeaning::Torn)]
    #[case(r#"+QIND: "FOTA""#, LineMeaning::Torn)]
    #[case("+QIND:", LineMeaning::Torn)]
    #[case(r#"ND: "FOTA","UPDATING",21%,1,1"#, LineMeaning::Torn)]
    #[case("F1: 0000 0000", LineMeaning::BootRom(0))]
    #[case("V0: 0000 0000 [0001]", LineMeaning::BootRom(1))]
    #[case("T0: 0000 001B", LineMeaning::BootRom(5))]
    #[case("Leaving the BROM", LineMeaning::BootRom(6))]
    #[case("I (12) uart: Leaving the BROM", LineMeaning::BootRom(6))]
    #[case("RDY", LineMeaning::Ready)]
    #[case("RbbRDY", LineMeaning::Ready)]
    #[case("uart: RDY", LineMeaning::Ready)]
    #[case("waiting for RDY", LineMeaning::Spoken)]
    #[case("AT+QFOTADL=1", LineMeaning::Order(Via::Uart))]
    #[case(r#"at+qfotadl="http://h/a.bin""#, LineMeaning::Order(Via::Http))]
    #[case("> AT+QFOTADL=HTTP://h/a.bin", LineMeaning::Order(Via::Http))]
    #[case("AT+QFOTADL=\"lab.example.com/a.bin\"", LineMeaning::Order(Via::Http))]
    #[case("AT+QFOTADL=?", LineMeaning::Command)]
    #[case("AT+QFOTADL=1 in 5 seconds", LineMeaning::Command)]
    #[case("AT+CMEE=2;+QFOTADL=1", LineMeaning::Order(Via::Uart))]
    #[case("AT+QFO", LineMeaning::Torn)]
    #[case("at+q", LineMeaning::Torn)]
    #[case("A/", LineMeaning::Torn)]
    #[case("AT+QFUPLEX=4096,2,1082", LineMeaning::Block(2))]
    #[case("AT+QFUPLEX=ESC", LineMeaning::Command)]
    #[case("+QFUPLEX: 4096", LineMeaning::Written)]
    #[case("AT+QRST=1", LineMeaning::Reboot)]
    #[case("ATE0", LineMeaning::EchoOff)]
    #[case("ATE0V1", LineMeaning::EchoOff)]
    #[case("ATE", LineMeaning::EchoOff)]
    #[case("ATE0;+CMEE=1", LineMeaning::EchoOff)]
    #[case("ATE1", LineMeaning::EchoOn)]
    #[case("ATI", LineMeaning::Command)]
    #[case("AT", LineMeaning::Command)]
    #[case("Revision: BC66NBR01A01", LineMeaning::Version("BC66NBR01A01"))]
    #[case("Revision :BC66NBR01A01", LineMeaning::Version("BC66NBR01A01"))]
    #[case("picocom v3.1", LineMeaning::Session)]
    #[case("Quectel_BC66", LineMeaning::Model("Quectel_BC66"))]
    #[case("Quectel_BC660K-GL", LineMeaning::Model("Quectel_BC660K-GL"))]
    fn said(#[case] line: &str, #[case] expected: LineMeaning<'_>) {
        assert_eq!(hear(line.as_bytes()), Some(expected));
    }

    #[rstest]
    #[case("OK")]
    #[case("+QIND: \"SMS DONE\"")]
    #[case("+QFUPLEX: -2,TIMEOUT")]
    #[case("+CGPADDR: 1,10.0.0.1")]
    #[case("Attach done")]
    #[case("Revision: ")]
    #[case("F1: what")]
    // These two lines of the boot ROM are too much like times.
    #[case("01: 0000 0000")]
    #[case("look at")]
    #[case("")]
    fn nothing(#[case] line: &str) {
        assert_eq!(hear(line.as_bytes()), None);
    }

    #[test]
    fn a_percentage_is_one() {
        let heard = hear(br#"+QIND: "FOTA","UPDATING",21%,1,1"#);
        let expected = Fota::Updating {
            percent: Percent::new(21).expect("a percentage"),
            total: Some(1),
            current: Some(1),
        };
        assert_eq!(heard, Some(LineMeaning::Fota(expected)));
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(line: alloc::vec::Vec<u8>) {
            let _ = hear(&line);
        }

        #[test]
        fn nearly_anything_can_come(line in "(\\+QIND: ?|AT|\"FOTA\"|,|\"|END|UPDATING|%|[0-9]|RDY|F1:| |x){0,12}") {
            let _ = hear(line.as_bytes());
        }
    }
}
