//! What the module prints while it boots (AN §6.1).

/// The mask ROM's block, at every reset, also at the two inside an update (AN §6.1, "First reboot", "Second reboot").
/// Its values differ from chip to chip: match its shape, not its numbers.
pub const BROM: [&str; 7] = [
    "F1: 0000 0000",
    "V0: 0000 0000 [0001]",
    "00: 0006 000C",
    "01: 0000 0000",
    "U0: 0000 0001 [0000]",
    "T0: 0000 00B4",
    "Leaving the BROM",
];
/// The mask ROM ends its lines the wrong way round (captures of the chip family).
pub const BROM_LINE_END: &str = "\n\r";
/// The first line of the application (AN §6.1).
pub const RDY: &str = "RDY";
/// Full functionality, after `RDY` (AN §6.1).
pub const CFUN_FULL: &str = "+CFUN: 1";
/// The SIM is ready (AN §6.1); an update's `END` comes between `+CFUN: 1` and this.
pub const CPIN_READY: &str = "+CPIN: READY";
/// What reports the address after the attach begins with (AN §6.1).
pub const IP: &str = "+IP:";
