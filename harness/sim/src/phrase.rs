//! What the module prints of its own accord, in the spelling of firmware A10 or of another [`Dialect`].
//!
//! The only place that knows a URC's blanks and signs.

use crate::dialect::{Dialect, Dialects};
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::lwm2m::reply::{QLWREG, QLWURC, REGISTERED_A06, SUCCESS};
use bc66_spec::urc::{FOTA, FotaUrc, QIND, TOTAL_NUM};

/// The URCs in one spelling.
#[derive(Debug, Clone, Copy, Default)]
pub struct Phrases {
    dialects: Dialects,
}

impl Phrases {
    /// The spelling of these dialects.
    pub fn new(dialects: Dialects) -> Self {
        Self { dialects }
    }

    /// `HTTPSTART`, `COAPSTART` and `START`: URCs without a field.
    pub fn fota(self, urc: FotaUrc) -> String {
        self.spelled(&bare(urc))
    }

    /// Progress of a download: firmware writes no blank, unlike the note's example (FW).
    pub fn downloading(self, percent: u8) -> String {
        let sign = self.sign();
        self.spelled(&format!("{},{percent}{sign}", bare(FotaUrc::Downloading)))
    }

    /// Result of a download.
    pub fn http_end(self, code: DownloadCode) -> String {
        self.spelled(&format!("{},{}", bare(FotaUrc::HttpEnd), code.raw()))
    }

    /// Result of a download over CoAP.
    pub fn coap_end(self, code: DownloadCode) -> String {
        self.spelled(&format!("{},{}", bare(FotaUrc::CoapEnd), code.raw()))
    }

    /// Result of an exchange with the LwM2M server, behind the name of what was asked. 0 is success (AN §6.3.1); that 1 is any
    /// failure is assumed.
    pub fn lwm2m(self, name: &str, confirmed: bool) -> String {
        let result = if confirmed { SUCCESS } else { SUCCESS + 1 };
        let old = name == QLWREG && confirmed && self.dialects.has(Dialect::OldRegistration);
        self.spelled(&if old {
            format!("{QLWURC} {REGISTERED_A06}")
        } else {
            format!("{name} {result}")
        })
    }

    /// Progress of an update, as the bootloader writes it; the application's own form has no numbers (FW).
    pub fn updating(self, percent: u8, program: u8) -> String {
        let sign = self.sign();
        let short = format!("{},{percent}{sign}", bare(FotaUrc::Updating));
        self.spelled(&if self.dialects.has(Dialect::ShortUpdating) {
            short
        } else {
            format!("{short},{TOTAL_NUM},{program}")
        })
    }

    /// Result of an update.
    pub fn end(self, code: UpdateCode) -> String {
        self.spelled(&format!("{},{}", bare(FotaUrc::End), code.raw()))
    }

    /// A line of the boot, or of the network.
    pub fn plain(self, line: &str) -> String {
        self.spelled(line)
    }

    fn sign(self) -> &'static str {
        if self.dialects.has(Dialect::NoPercentSign) {
            ""
        } else {
            "%"
        }
    }

    fn spelled(self, text: &str) -> String {
        if self.dialects.has(Dialect::NoSpaces) {
            text.replace(": ", ":").replace(", ", ",")
        } else if self.dialects.has(Dialect::MoreSpaces) {
            // Both stand in the wild: the note's `"UPDATING", 21%, 1,1`, and `+CFUN : 1` (AL).
            text.replace(',', ", ").replace("+CFUN:", "+CFUN :")
        } else {
            text.to_owned()
        }
    }
}

fn bare(urc: FotaUrc) -> String {
    format!("{QIND} \"{FOTA}\",\"{}\"", urc.token())
}

/// A line as the module frames it.
pub fn framed(line: &str) -> String {
    format!("\r\n{line}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(None, "+QIND: \"FOTA\",\"UPDATING\",21%,1,1", "+CFUN: 1", "+QLWREG: 0")]
    #[case(
        Some(Dialect::NoSpaces),
        "+QIND:\"FOTA\",\"UPDATING\",21%,1,1",
        "+CFUN:1",
        "+QLWREG:0"
    )]
    #[case(
        Some(Dialect::MoreSpaces),
        "+QIND: \"FOTA\", \"UPDATING\", 21%, 1, 1",
        "+CFUN : 1",
        "+QLWREG: 0"
    )]
    #[case(
        Some(Dialect::NoPercentSign),
        "+QIND: \"FOTA\",\"UPDATING\",21,1,1",
        "+CFUN: 1",
        "+QLWREG: 0"
    )]
    #[case(
        Some(Dialect::ShortUpdating),
        "+QIND: \"FOTA\",\"UPDATING\",21%",
        "+CFUN: 1",
        "+QLWREG: 0"
    )]
    #[case(
        Some(Dialect::OldRegistration),
        "+QIND: \"FOTA\",\"UPDATING\",21%,1,1",
        "+CFUN: 1",
        "+QLWURC: reg,0"
    )]
    fn spellings(
        #[case] dialect: Option<Dialect>,
        #[case] updating: &str,
        #[case] cfun: &str,
        #[case] registration: &str,
    ) {
        let phrases = Phrases::new(dialect.into_iter().collect());
        assert_eq!(phrases.updating(21, 1), updating);
        assert_eq!(phrases.plain("+CFUN: 1"), cfun);
        assert_eq!(phrases.lwm2m(QLWREG, true), registration);
    }
}
