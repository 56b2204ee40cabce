//! Times and widths that documents and drivers state.

use core::time::Duration;

/// "Maximum Response Time" of `AT+QFOTADL` and `AT+QFUPLEX` (AN §2.2.1, §3.2.1, §3.2.2).
pub const MAX_RESPONSE: Duration = Duration::from_millis(300);
/// PWRKEY low for at least this long turns the module on (GK).
pub const PWRKEY_LOW_MIN: Duration = Duration::from_millis(500);
/// RESET low for at least this long resets the module (GK).
pub const RESET_LOW_MIN: Duration = Duration::from_millis(50);
/// A first attach to the network may take this long; later ones take seconds (AL).
pub const FIRST_ATTACH_MAX: Duration = Duration::from_secs(7 * 60);
/// Main UART, bits per second, as delivered (FW, AL).
pub const BAUD_DEFAULT: u32 = 115_200;
/// Rates that `AT+IPR` takes (FW: `+IPR: (4800,9600,115200)`).
pub const BAUD_RATES: [u32; 3] = [4_800, 9_600, 115_200];
/// Bits that one byte takes on the wire: 8N1.
pub const BITS_PER_BYTE: u32 = 10;
