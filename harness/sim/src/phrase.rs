//! What the module prints of its own accord, in the spelling of firmware A10.
//!
//! The only place that knows a URC's blanks and signs: another dialect is another set of these functions.

use bc66_wire::code::{DownloadCode, UpdateCode};
use bc66_wire::lwm2m::reply::SUCCESS;
use bc66_wire::urc::{CURRENT_BIN, FOTA, FotaUrc, QIND, TOTAL_NUM};

/// `HTTPSTART`, `COAPSTART` and `START`: URCs without a field.
pub fn fota(urc: FotaUrc) -> String {
    format!("{QIND} \"{FOTA}\",\"{}\"", urc.token())
}

/// Progress of a download: firmware writes no blank, unlike the note's example (FW).
pub fn downloading(percent: u8) -> String {
    format!("{},{percent}%", fota(FotaUrc::Downloading))
}

/// Result of a download.
pub fn http_end(code: DownloadCode) -> String {
    format!("{},{}", fota(FotaUrc::HttpEnd), code.raw())
}

/// Result of a download over CoAP.
pub fn coap_end(code: DownloadCode) -> String {
    format!("{},{}", fota(FotaUrc::CoapEnd), code.raw())
}

/// Result of an exchange with the LwM2M server, behind the name of what was asked. 0 is success (AN §6.3.1); that 1 is any
/// failure is assumed.
pub fn lwm2m(name: &str, confirmed: bool) -> String {
    format!("{name} {}", if confirmed { SUCCESS } else { SUCCESS + 1 })
}

/// Progress of an update, as the bootloader writes it (FW).
pub fn updating(percent: u8) -> String {
    format!("{},{percent}%,{TOTAL_NUM},{CURRENT_BIN}", fota(FotaUrc::Updating))
}

/// Result of an update.
pub fn end(code: UpdateCode) -> String {
    format!("{},{}", fota(FotaUrc::End), code.raw())
}

/// A line as the module frames it.
pub fn framed(line: &str) -> String {
    format!("\r\n{line}\r\n")
}
