//! Unsolicited result codes, in every spelling that the note's text and the firmware's strings show.
//!
//! Parsing never fails: a line without a URC gives `None`, a URC of the update with contents nobody documented gives
//! [`Fota::Unknown`], and the line itself stays in the evidence. It allocates nothing, because it stands between the byte
//! and the power line.

use crate::percent::Percent;
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::lwm2m::reply;
use bc66_spec::urc::{FOTA, FotaUrc, QIND};
use bc66_spec::{boot, command};

/// What a line says, unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, derive_more::Display)]
pub enum Urc {
    /// A moment of the update (AN §5).
    #[display("{_0}")]
    Fota(Fota),
    /// First line of the mask ROM's block: the module has just left reset (AN §6.1).
    #[display("the boot ROM's block")]
    BootRom,
    /// Any other line of that block.
    #[display("the boot ROM's block")]
    BootRomMore,
    /// The application runs (AN §6.1).
    #[display("RDY")]
    Rdy,
    /// Functionality; 1 is full (AN §6.1).
    #[display("+CFUN: {_0}")]
    Cfun(u8),
    /// The SIM is ready (AN §6.1).
    #[display("+CPIN: READY")]
    SimReady,
    /// An address was given (AN §6.1).
    #[display("+IP")]
    Ip,
    /// The registration at the LwM2M server ended; 0 is registered (AN §6.3.1).
    #[display("+QLWREG: {_0}")]
    LwReg(u32),
    /// The server answered an update of the registration; 0 is confirmed (AN §6.3.1).
    #[display("+QLWUPDATE: {_0}")]
    LwUpdate(u32),
}

/// A moment of the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, derive_more::Display)]
pub enum Fota {
    #[display("HTTPSTART")]
    HttpStart,
    #[display("DOWNLOADING {_0}")]
    Downloading(Percent),
    #[display("HTTPEND,{}", _0.raw())]
    HttpEnd(DownloadCode),
    #[display("COAPSTART")]
    CoapStart,
    #[display("COAPEND,{}", _0.raw())]
    CoapEnd(DownloadCode),
    #[display("START")]
    Start,
    /// AN §5.7; the application's short form has no numbers behind the percentage (FW).
    #[display("UPDATING {percent}")]
    Updating {
        percent: Percent,
        total: Option<u8>,
        /// The program being updated.
        current: Option<u8>,
    },
    #[display("END,{}", _0.raw())]
    End(UpdateCode),
    /// `+QIND: "FOTA"` with a word or a number that the note does not know.
    #[display("an unknown line of the update")]
    Unknown,
}

impl Urc {
    /// Reads one line without its line end.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if let Some(at) = find(line, QIND.as_bytes()) {
            return fota(&line[at + QIND.len()..]).map(Self::Fota);
        }
        let line = line.trim_ascii();
        // The boot ROM always speaks at 115200: at another rate its lines arrive as noise glued to RDY (GK).
        if line.ends_with(boot::RDY.as_bytes()) {
            return Some(Self::Rdy);
        }
        if let Some(at) = find(line, command::CFUN.as_bytes()) {
            return digits(after_colon(&line[at + command::CFUN.len()..])?)
                .and_then(|n| u8::try_from(n).ok())
                .map(Self::Cfun);
        }
        if let Some(at) = find(line, command::CPIN.as_bytes()) {
            return (after_colon(&line[at + command::CPIN.len()..])? == b"READY").then_some(Self::SimReady);
        }
        if let Some(at) = find(line, boot::IP.as_bytes()) {
            return is_given(&line[at + boot::IP.len()..]).then_some(Self::Ip);
        }
        lwm2m(line).or_else(|| boot_rom(line))
    }
}

/// Whether an address stands here. Zeros are none; what is in no form that is known may be one.
fn is_given(field: &[u8]) -> bool {
    let text = core::str::from_utf8(field).ok();
    let known = text.and_then(crate::address::parse);
    !field.trim_ascii().is_empty() && known.is_none_or(|address| !address.is_unspecified())
}

/// `+QLWREG: 0`, `+QLWREG:0`, the older `+QLWURC: reg,0` (FW, AL); `+QLWUPDATE: 0,15675`. With the message id alone,
/// `+QLWUPDATE` belongs to the command's own reply.
fn lwm2m(line: &[u8]) -> Option<Urc> {
    let after = |name: &str| find(line, name.as_bytes()).map(|at| line[at + name.len()..].trim_ascii());
    if let Some(rest) = after(reply::QLWREG) {
        return digits(rest).map(Urc::LwReg);
    }
    let mut fields = Fields(Some(after(reply::QLWURC).or_else(|| after(reply::QLWUPDATE))?));
    let first = fields.next()?;
    let second = digits(fields.next()?)?;
    match digits(first) {
        Some(status) => Some(Urc::LwUpdate(status)),
        None => (first == b"reg").then_some(Urc::LwReg(second)),
    }
}

/// The shape of the mask ROM's lines: two characters, a colon and hexadecimal groups. Values differ by chip.
fn boot_rom(line: &[u8]) -> Option<Urc> {
    if line == boot::BROM[6].as_bytes() {
        return Some(Urc::BootRomMore);
    }
    let shape = |rest: &[u8]| {
        rest.iter()
            .all(|b| b.is_ascii_hexdigit() || matches!(b, b' ' | b'[' | b']'))
    };
    let (name, rest) = line.split_at_checked(3)?;
    let known = boot::BROM[..6]
        .iter()
        .position(|l| l.as_bytes().starts_with(name))?;
    shape(rest).then_some(if known == 0 {
        Urc::BootRom
    } else {
        Urc::BootRomMore
    })
}

/// What follows `+QIND:`; `None` when it is not about the update.
fn fota(rest: &[u8]) -> Option<Fota> {
    let mut fields = Fields(Some(rest));
    (fields.next()? == FOTA.as_bytes()).then_some(())?;
    Some(moment(&mut fields).unwrap_or(Fota::Unknown))
}

fn moment(fields: &mut Fields<'_>) -> Option<Fota> {
    let urc = FotaUrc::from_token(fields.next()?)?;
    Some(match urc {
        FotaUrc::HttpStart => Fota::HttpStart,
        FotaUrc::CoapStart => Fota::CoapStart,
        FotaUrc::Start => Fota::Start,
        FotaUrc::Downloading => Fota::Downloading(percent(fields.next()?)?),
        FotaUrc::Updating => Fota::Updating {
            percent: percent(fields.next()?)?,
            total: fields.next().and_then(small),
            current: fields.next().and_then(small),
        },
        FotaUrc::HttpEnd => Fota::HttpEnd(DownloadCode::from_raw(digits(fields.next()?)?)),
        FotaUrc::CoapEnd => Fota::CoapEnd(DownloadCode::from_raw(digits(fields.next()?)?)),
        FotaUrc::End => Fota::End(UpdateCode::from_raw(digits(fields.next()?)?)),
    })
}

/// Fields between commas, without the blanks and quotes around them. A comma may stand outside the quotes alone.
struct Fields<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0?;
        let (field, rest) = match rest.iter().position(|&b| b == b',') {
            Some(comma) => (&rest[..comma], Some(&rest[comma + 1..])),
            None => (rest, None),
        };
        self.0 = rest;
        let field = field.trim_ascii();
        let field = field.strip_prefix(b"\"").unwrap_or(field);
        Some(field.strip_suffix(b"\"").unwrap_or(field).trim_ascii())
    }
}

fn percent(field: &[u8]) -> Option<Percent> {
    let number = field.strip_suffix(b"%").unwrap_or(field);
    Percent::new(u8::try_from(digits(number.trim_ascii())?).ok()?)
}

fn small(field: &[u8]) -> Option<u8> {
    u8::try_from(digits(field)?).ok()
}

/// A whole unsigned number and nothing else.
fn digits(field: &[u8]) -> Option<u32> {
    core::str::from_utf8(field)
        .ok()
        .filter(|text| !text.starts_with('+'))?
        .parse()
        .ok()
}

/// What follows the colon of `+CFUN: 1`; one firmware writes a blank before it (AL).
fn after_colon(rest: &[u8]) -> Option<&[u8]> {
    Some(rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn p(value: u8) -> Percent {
        match Percent::new(value) {
            Some(percent) => percent,
            None => panic!(),
        }
    }

    const fn updating(value: u8) -> Fota {
        Fota::Updating {
            percent: p(value),
            total: Some(1),
            current: Some(1),
        }
    }

    #[rstest]
    // The note's own lines.
    #[case(r#"+QIND: "FOTA","HTTPSTART""#, Fota::HttpStart)]
    #[case(r#"+QIND: "FOTA","DOWNLOADING", 1%"#, Fota::Downloading(p(1)))]
    #[case(r#"+QIND: "FOTA", "DOWNLOADING", 2%"#, Fota::Downloading(p(2)))]
    #[case(r#"+QIND: "FOTA", "DOWNLOADING", 100%"#, Fota::Downloading(p(100)))]
    #[case(r#"+QIND: "FOTA","HTTPEND",0"#, Fota::HttpEnd(DownloadCode::Success))]
    #[case(r#"+QIND: "FOTA","COAPSTART""#, Fota::CoapStart)]
    #[case(r#"+QIND: "FOTA","COAPEND",12"#, Fota::CoapEnd(DownloadCode::DownloadFailed))]
    #[case(r#"+QIND: "FOTA", "START""#, Fota::Start)]
    #[case(r#"+QIND: "FOTA","START ""#, Fota::Start)]
    #[case(r#"+QIND: "FOTA","UPDATING",20%,1,1"#, updating(20))]
    #[case(r#"+QIND: "FOTA", "UPDATING", 21%, 1,1"#, updating(21))]
    #[case(r#"+QIND: "FOTA","UPDATING",100%,1,1"#, updating(100))]
    #[case(r#"+QIND: "FOTA", "UPDATING", 100%, 1, 1"#, updating(100))]
    #[case(r#"+QIND: "FOTA", "END", 0"#, Fota::End(UpdateCode::Success))]
    #[case(r#"+QIND: "FOTA","END",254"#, Fota::End(UpdateCode::Mismatch))]
    // The firmware's.
    #[case(r#"+QIND: "FOTA","DOWNLOADING",1%"#, Fota::Downloading(p(1)))]
    #[case(r#"+QIND: "FOTA","UPDATING",21%"#, Fota::Updating { percent: p(21), total: None, current: None })]
    // Without the sign, blanks around every comma, noise before it.
    #[case(r#"+QIND: "FOTA","UPDATING",21,1,1"#, updating(21))]
    #[case(r#"+QIND:"FOTA","DOWNLOADING",7"#, Fota::Downloading(p(7)))]
    #[case(r#"  +QIND:  "FOTA"  ,  "UPDATING"  ,  21 %  ,  1  ,  1  "#, updating(21))]
    #[case("\u{0}\u{fffd}x+QIND: \"FOTA\",\"END\",0", Fota::End(UpdateCode::Success))]
    #[case(
        r#"+QIND: "FOTA","END",4294967295"#,
        Fota::End(UpdateCode::Undocumented(u32::MAX))
    )]
    // Known word, unknown contents.
    #[case(r#"+QIND: "FOTA","RESTORE",5"#, Fota::Unknown)]
    #[case(r#"+QIND: "FOTA","UPDATING",101%,1,1"#, Fota::Unknown)]
    #[case(r#"+QIND: "FOTA","END","#, Fota::Unknown)]
    #[case(r#"+QIND: "FOTA","END",-1"#, Fota::Unknown)]
    #[case(r#"+QIND: "FOTA""#, Fota::Unknown)]
    fn spellings(#[case] line: &str, #[case] expected: Fota) {
        let expected = Some(Urc::Fota(expected));
        assert_eq!(Urc::parse(line.as_bytes()), expected);
    }

    #[rstest]
    #[case("F1: 0000 0000", Some(Urc::BootRom))]
    #[case("V0: 0000 0000 [0001]", Some(Urc::BootRomMore))]
    #[case("T0: 0000 001B", Some(Urc::BootRomMore))]
    #[case("Leaving the BROM", Some(Urc::BootRomMore))]
    #[case("RDY", Some(Urc::Rdy))]
    #[case("RbbRDY", Some(Urc::Rdy))]
    #[case("+CFUN: 1", Some(Urc::Cfun(1)))]
    #[case("+CFUN : 1", Some(Urc::Cfun(1)))]
    #[case("+CPIN: READY", Some(Urc::SimReady))]
    #[case("+CPIN: SIM PIN", None)]
    #[case("+IP: 100.75.72.128", Some(Urc::Ip))]
    #[case("+IP: fe80:0:0:0", Some(Urc::Ip))]
    #[case("+IP: 254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66", Some(Urc::Ip))]
    #[case("+IP: 0.0.0.0", None)]
    #[case("+IP: ::", None)]
    #[case("+IP:", None)]
    #[case("+QLWREG: 0", Some(Urc::LwReg(0)))]
    #[case("+QLWREG:1", Some(Urc::LwReg(1)))]
    #[case("+QLWURC: reg,0", Some(Urc::LwReg(0)))]
    #[case("+QLWURC: \"reg\",0", Some(Urc::LwReg(0)))]
    #[case("+QLWURC: \"observe\",19,0,5", None)]
    #[case("+QLWUPDATE: 0,15675", Some(Urc::LwUpdate(0)))]
    #[case("+QLWUPDATE: 15675", None)]
    #[case("F1: what", None)]
    #[case("+QIND: \"SMS DONE\"", None)]
    #[case("OK", None)]
    #[case("", None)]
    fn others(#[case] line: &str, #[case] expected: Option<Urc>) {
        assert_eq!(Urc::parse(line.as_bytes()), expected);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_come(line: alloc::vec::Vec<u8>) {
            let _ = Urc::parse(&line);
        }

        #[test]
        fn blanks_change_nothing(value in 0_u8..=100, blanks in proptest::collection::vec(0_usize..3, 8)) {
            let b = |n: usize| " ".repeat(blanks[n]);
            let line = alloc::format!("+QIND:{}\"FOTA\"{},{}\"UPDATING\"{},{}{value}%{},{}1{},1", b(0), b(1), b(2), b(3), b(4), b(5), b(6), b(7));
            proptest::prop_assert_eq!(Urc::parse(line.as_bytes()), Some(Urc::Fota(updating(value))));
        }
    }
}
