//! The checksum of each uploaded block (AN §3.3): parameters only, each side computes with a library.
//!
//! The note's reference code is CRC-16/XMODEM. Some entries of its printed table are damaged in the text at hand, so the
//! table is used nowhere.

/// Generator polynomial.
pub const POLY: u16 = 0x1021;
/// Start value.
pub const INIT: u16 = 0;
/// Input and output are not reflected and the result is not inverted.
pub const REFLECTED: bool = false;
/// The checksum of the nine bytes `123456789`.
pub const CHECK: u16 = 0x31C3;

/// The two bytes on the wire: "low byte first and high byte last" (AN §3.2.1 note 1).
pub const fn to_wire(crc: u16) -> [u8; 2] {
    crc.to_le_bytes()
}

/// The checksum out of the two bytes on the wire.
pub const fn from_wire(bytes: [u8; 2]) -> u16 {
    u16::from_le_bytes(bytes)
}
