//! `AT+QFOTADL`: the order to update (AN §2.2.1, §3.2.2).

/// Longest URL in bytes (AN §2.2.1).
pub const URL_MAX: usize = 255;
/// How a URL must start (AN §2.2.1); the note's own example in §6.1 writes it in lower case.
pub const SCHEME: &str = "HTTP://";
/// The scheme that is "not supported currently" (AN §2.2.1 note 2).
pub const SCHEME_UNSUPPORTED: &str = "HTTPS://";
/// `<http_port>` where it is left out.
pub const PORT_DEFAULT: u16 = 80;
/// The parameter that updates from what was uploaded over the UART: `AT+QFOTADL=1` (AN §3.2.2).
pub const FROM_UART: &str = "1";
