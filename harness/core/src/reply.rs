//! What a line means while a command waits for its result.

use crate::address;
use crate::urc::Urc;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::cme;
use core::fmt;
use core::net::IpAddr;

/// The line that ends a command (3GPP TS 27.007 §9; AN §1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Final {
    Ok,
    Error,
    /// `+CME ERROR: n`, or the firmware's misspelt `+CMEE ERROR:n`.
    Cme(u16),
    /// `+CME ERROR: text`, after `AT+CMEE=2`.
    CmeText(String),
}

impl Final {
    /// Reads one line without its line end.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        match line {
            b"OK" => return Some(Self::Ok),
            b"ERROR" => return Some(Self::Error),
            _ => {}
        }
        let rest = [cme::CME_ERROR, cme::CMEE_ERROR]
            .into_iter()
            .find_map(|name| line.strip_prefix(name.as_bytes()))?;
        let text = String::from_utf8_lossy(rest.trim_ascii()).into_owned();
        Some(text.parse().map_or(Self::CmeText(text), Self::Cme))
    }

    /// Whether the command was carried out.
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }
}

impl fmt::Display for Final {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Error => f.write_str("ERROR"),
            Self::Cme(code) => match cme::name(*code) {
                Some(name) => write!(f, "+CME ERROR: {code} ({name})"),
                None => write!(f, "+CME ERROR: {code}"),
            },
            Self::CmeText(text) => write!(f, "+CME ERROR: {text}"),
        }
    }
}

/// What one line is to the command that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineRole {
    /// The module's echo of the command.
    Echo,
    /// The end of the command.
    Final(Final),
    /// A line of its reply.
    Info,
    /// A URC that came in between.
    Urc(Urc),
    /// None of these: evidence.
    Other,
}

/// A command that was sent and has no result yet.
#[derive(Debug, Clone)]
pub struct PendingCommand {
    text: String,
    names: Vec<String>,
}

impl PendingCommand {
    /// For the command line `text`, `AT` included and the carriage return not. Commands may be joined with `;`.
    pub fn new(text: &str) -> Self {
        let body = text.get(2..).unwrap_or_default();
        let names = split_outside_quotes(body)
            .map(|part| part.trim())
            .map(|part| &part[..part.find(['=', '?']).unwrap_or(part.len())])
            .filter(|name| !name.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        Self {
            text: text.to_owned(),
            names,
        }
    }

    /// What `line` is to this command. A reply to what was asked wins over a URC of the same name, as `+CFUN: 1` is to
    /// `AT+CFUN?`.
    pub fn classify(&self, line: &[u8]) -> LineRole {
        let line = line.trim_ascii();
        if !self.text.is_empty() && line.ends_with(self.text.as_bytes()) {
            return LineRole::Echo;
        }
        if let Some(end) = Final::parse(line) {
            return LineRole::Final(end);
        }
        if self
            .names
            .iter()
            .any(|name| name.starts_with('+') && line.starts_with(name.as_bytes()))
        {
            return LineRole::Info;
        }
        // The one reply that names not its command but what it tells.
        if self.names.iter().any(|name| name == bc66_spec::command::CGMR)
            && core::str::from_utf8(line).is_ok_and(|line| revision(line).is_some())
        {
            return LineRole::Info;
        }
        // A number of the SIM stands alone (3GPP TS 27.007 §5.6).
        let number = !line.is_empty() && line.iter().all(u8::is_ascii_hexdigit);
        if number
            && self
                .names
                .iter()
                .any(|name| ["+CIMI", "+QCCID"].contains(&name.as_str()))
        {
            return LineRole::Info;
        }
        match Urc::parse(line) {
            Some(urc) => LineRole::Urc(urc),
            None if line.starts_with(b"+") || self.names.iter().all(|name| name.starts_with('+')) => {
                LineRole::Other
            }
            None => LineRole::Info,
        }
    }
}

fn split_outside_quotes(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
}

/// What follows `NAME:` in a line of a reply, blanks or not around the colon.
pub fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    Some(
        line.trim()
            .strip_prefix(name)?
            .trim_start()
            .strip_prefix(':')?
            .trim(),
    )
}

/// The addresses in a line of the reply to `AT+CGPADDR`, behind the number of the PDN. Zeros are none of them.
pub fn pdn_addresses(line: &str) -> impl Iterator<Item = IpAddr> {
    let value = value(line, bc66_spec::command::CGPADDR).unwrap_or_default();
    value
        .split(',')
        .skip(1)
        .filter_map(address::parse)
        .filter(|address| !address.is_unspecified())
}

/// The state in a reply to `AT+CEREG?` (`+CEREG: 0,1`). The URC of the same name (`+CEREG: 5`, or with a quoted area code
/// behind the state) is none.
pub fn cereg_state(line: &str) -> Option<u8> {
    let mut fields = value(line, "+CEREG")?.split(',').map(str::trim);
    let (_mode, state) = (fields.next()?.parse::<u8>().ok()?, fields.next()?);
    state.parse().ok()
}

/// The version in a line of `ATI` or `AT+CGMR`: what follows `Revision:`.
pub fn revision(line: &str) -> Option<&str> {
    let name = bc66_spec::module::REVISION.trim_end_matches(':');
    value(line, name).filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    #[rstest]
    #[case("OK", Some(Final::Ok))]
    #[case(" ERROR ", Some(Final::Error))]
    #[case("+CME ERROR: 50", Some(Final::Cme(50)))]
    #[case("+CME ERROR:50", Some(Final::Cme(50)))]
    #[case("+CMEE ERROR:4", Some(Final::Cme(4)))]
    #[case("+CMEE ERROR: 4", Some(Final::Cme(4)))]
    #[case("+CME ERROR: SIM busy", Some(Final::CmeText("SIM busy".into())))]
    #[case("OKAY", None)]
    #[case("+QFUPLEX: 512", None)]
    fn finals(#[case] line: &str, #[case] expected: Option<Final>) {
        assert_eq!(Final::parse(line.as_bytes()), expected);
    }

    #[rstest]
    #[case("AT", "AT", LineRole::Echo)]
    #[case("ATI", "ATI", LineRole::Echo)]
    #[case("ATI", "Quectel_Ltd", LineRole::Info)]
    #[case("ATI", "Revision: BC66NBR01A06", LineRole::Info)]
    #[case("ATI", "+CEREG: 5", LineRole::Other)]
    #[case("ATI", "RDY", LineRole::Urc(Urc::Rdy))]
    #[case("AT+CGMR", "Revision: BC66NBR01A06", LineRole::Info)]
    #[case("AT+CGMR", "xx", LineRole::Other)]
    #[case("AT+CIMI", "262010000000001", LineRole::Info)]
    #[case("AT+CIMI", "xx", LineRole::Other)]
    #[case("AT+CESQ", "262010000000001", LineRole::Other)]
    #[case("AT+CESQ", "Revision: BC66NBR01A06", LineRole::Other)]
    #[case("AT+CFUN?", "+CFUN: 1", LineRole::Info)]
    #[case("AT+CEREG?", "+CFUN: 1", LineRole::Urc(Urc::Cfun(1)))]
    #[case("AT+CESQ;+CEREG?;+CPIN?", "+CPIN: READY", LineRole::Info)]
    #[case("AT+CESQ;+CEREG?;+CPIN?", "+CEREG:0,1", LineRole::Info)]
    #[case(
        "AT+QFOTADL=\"http://h/a;+CPIN?\"",
        "+CPIN: READY",
        LineRole::Urc(Urc::SimReady)
    )]
    #[case("AT+QFOTADL=\"http://h/a\"", "\0AT+QFOTADL=\"http://h/a\"", LineRole::Echo)]
    #[case("AT+CESQ", "xx", LineRole::Other)]
    fn lines(#[case] command: &str, #[case] line: &str, #[case] expected: LineRole) {
        assert_eq!(PendingCommand::new(command).classify(line.as_bytes()), expected);
    }

    #[rstest]
    #[case("+CEREG: 0,1", Some(1))]
    #[case("+CEREG:0,5", Some(5))]
    #[case("+CEREG: 1,2,\"0002\",\"01A2D102\",9", Some(2))]
    #[case("+CEREG: 5", None)]
    #[case("+CEREG: 1,\"0002\",\"01A2D102\",9", None)]
    fn registration(#[case] line: &str, #[case] expected: Option<u8>) {
        assert_eq!(cereg_state(line), expected);
    }

    #[rstest]
    #[case("Revision: BC66NBR01A06", Some("BC66NBR01A06"))]
    #[case("Revision : BC66NBR01A06", Some("BC66NBR01A06"))]
    #[case("Revision:BC66NBR01A06", Some("BC66NBR01A06"))]
    #[case("Revision:", None)]
    #[case("Quectel_BC66", None)]
    fn revisions(#[case] line: &str, #[case] expected: Option<&str>) {
        assert_eq!(revision(line), expected);
    }

    #[rstest]
    #[case("+CGPADDR: 1,10.64.77.88", &["10.64.77.88"])]
    #[case("+CGPADDR:1,10.64.77.88", &["10.64.77.88"])]
    #[case("+CGPADDR: 1,\"10.64.77.88\",\"2001:db8::42\"", &["10.64.77.88", "2001:db8::42"])]
    #[case("+CGPADDR: 1,10.64.77.88,254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66", &["10.64.77.88", "fe80::42"])]
    #[case("+CGPADDR: 1,0.0.0.0,254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66", &["fe80::42"])]
    #[case("+CGPADDR: 1,\"\",\"2001:db8::42\"", &["2001:db8::42"])]
    #[case("+CGPADDR: 1,0.0.0.0", &[])]
    #[case("+CGPADDR: 1,\"0.0.0.0\"", &[])]
    #[case("+CGPADDR: 1,0.0.0.0,0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", &[])]
    #[case("+CGPADDR: 1,0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", &[])]
    #[case("+CGPADDR: 1,::", &[])]
    #[case("+CGPADDR: 1,\"::\"", &[])]
    #[case("+CGPADDR: 1,\"\"", &[])]
    #[case("+CGPADDR: 1,", &[])]
    #[case("+CGPADDR: 1", &[])]
    #[case("+CGPADDR:", &[])]
    // The number of the PDN is no address, whatever it looks like.
    #[case("+CGPADDR: 10.64.77.88", &[])]
    #[case("+CEREG: 1,10.64.77.88", &[])]
    fn addresses_of_a_pdn(#[case] line: &str, #[case] expected: &[&str]) {
        let told: Vec<_> = pdn_addresses(line).map(|address| address.to_string()).collect();
        assert_eq!(told, expected);
    }
}
