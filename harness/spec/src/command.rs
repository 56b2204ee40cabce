//! Names of the commands that an update needs (AN §2.1.3, §2.2, §3.2, §4.3, §6), without `AT`.

/// Identification: vendor, model, revision.
pub const ATI: &str = "I";
/// Revision alone.
pub const CGMR: &str = "+CGMR";
/// Signal quality (AN §2.1.3).
pub const CESQ: &str = "+CESQ";
/// Network registration (AN §2.1.3).
pub const CEREG: &str = "+CEREG";
/// Address of a PDN (AN §2.1.3).
pub const CGPADDR: &str = "+CGPADDR";
/// State of the SIM (AN §6.1).
pub const CPIN: &str = "+CPIN";
/// Operator (AN §6.1).
pub const COPS: &str = "+COPS";
/// Functionality: 0 detaches, 1 attaches.
pub const CFUN: &str = "+CFUN";
/// IMEI with `=1`.
pub const CGSN: &str = "+CGSN";
/// Form of error results.
pub const CMEE: &str = "+CMEE";
/// Sleep mode of the module.
pub const QSCLK: &str = "+QSCLK";
/// Power saving mode of the network.
pub const CPSMS: &str = "+CPSMS";
/// URCs of sleep states.
pub const QNBIOTEVENT: &str = "+QNBIOTEVENT";
/// Bit rate of the main UART.
pub const IPR: &str = "+IPR";
/// Power down.
pub const QPOWD: &str = "+QPOWD";
/// Reboot at once.
pub const QRST: &str = "+QRST";
/// Upload of a package over the UART (AN §3.2.1).
pub const QFUPLEX: &str = "+QFUPLEX";
/// The order to update (AN §2.2.1, §3.2.2).
pub const QFOTADL: &str = "+QFOTADL";
