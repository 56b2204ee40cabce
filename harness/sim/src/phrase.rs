//! The module's URCs, in the spelling of firmware A10 or of another [`Dialect`].
//!
//! The only place that knows a URC's blanks and signs.

use crate::dialect::{Dialect, Dialects};
use bc66_spec::lwm2m::reply::{QLWREG, QLWURC, REGISTERED_A06, SUCCESS};
use bc66_spec::urc::{FOTA, FotaUrc, QIND, TOTAL_NUM};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Phrases {
    dialects: Dialects,
}

impl Phrases {
    pub(crate) fn new(dialects: Dialects) -> Self {
        Self { dialects }
    }

    /// `HTTPSTART`, `COAPSTART` and `START`: URCs without a field.
    pub(crate) fn fota(self, urc: FotaUrc) -> String {
        self.spelled(&bare(urc))
    }

    /// Progress of a download: firmware writes no blank, unlike the note's example (FW).
    pub(crate) fn downloading(self, percent: u8) -> String {
        let sign = self.sign();
        self.spelled(&format!("{},{percent}{sign}", bare(FotaUrc::Downloading)))
    }

    /// `HTTPEND`, `COAPEND` and `END`: the result of a download or an update.
    pub(crate) fn end(self, urc: FotaUrc, code: u32) -> String {
        self.spelled(&format!("{},{code}", bare(urc)))
    }

    /// Result of an exchange with the LwM2M server, after its name. 0 is success (AN §6.3.1); assumed: 1 is any failure.
    pub(crate) fn lwm2m(self, name: &str, confirmed: bool) -> String {
        let result = if confirmed { SUCCESS } else { SUCCESS + 1 };
        let old = name == QLWREG && confirmed && self.dialects.has(Dialect::OldRegistration);
        self.spelled(&if old {
            format!("{QLWURC} {REGISTERED_A06}")
        } else {
            format!("{name} {result}")
        })
    }

    /// Progress of an update, as the bootloader writes it; the application's own form has no numbers (FW).
    pub(crate) fn updating(self, percent: u8, program: u8) -> String {
        let sign = self.sign();
        let short = format!("{},{percent}{sign}", bare(FotaUrc::Updating));
        self.spelled(&if self.dialects.has(Dialect::ShortUpdating) {
            short
        } else {
            format!("{short},{TOTAL_NUM},{program}")
        })
    }

    /// A line of the boot, or of the network.
    pub(crate) fn plain(self, line: &str) -> String {
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
pub(crate) fn framed(line: &str) -> String {
    format!("\r\n{line}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const UPDATING: &str = "+QIND: \"FOTA\",\"UPDATING\",21%,1,1";

    #[rstest]
    #[case("", [UPDATING, "+CFUN: 1", "+QLWREG: 0"])]
    #[case("no-spaces", ["+QIND:\"FOTA\",\"UPDATING\",21%,1,1", "+CFUN:1", "+QLWREG:0"])]
    #[case("more-spaces", ["+QIND: \"FOTA\", \"UPDATING\", 21%, 1, 1", "+CFUN : 1", "+QLWREG: 0"])]
    #[case("no-percent-sign", ["+QIND: \"FOTA\",\"UPDATING\",21,1,1", "+CFUN: 1", "+QLWREG: 0"])]
    #[case("short-updating", ["+QIND: \"FOTA\",\"UPDATING\",21%", "+CFUN: 1", "+QLWREG: 0"])]
    #[case("old-registration", [UPDATING, "+CFUN: 1", "+QLWURC: reg,0"])]
    fn spellings(#[case] dialect: &str, #[case] expected: [&str; 3]) {
        let phrases = Phrases::new(Dialects::from_list(dialect).expect("a dialect"));
        let plain = phrases.plain("+CFUN: 1");
        let lines = [phrases.updating(21, 1), plain, phrases.lwm2m(QLWREG, true)];
        assert_eq!(lines, expected);
    }
}
