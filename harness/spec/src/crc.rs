//! The checksum of each uploaded block (AN §3.3): parameters only, each side computes with a library.
//!
//! The note's reference code is CRC-16/XMODEM. Some entries of its printed table are damaged in the text at hand, so the
//! table is used nowhere.

/// The checksum of the nine bytes `123456789`.
pub const CHECK: u16 = 0x31C3;

/// The two bytes on the wire: "low byte first and high byte last" (AN §3.2.1 note 1).
pub const fn to_wire(crc: u16) -> [u8; 2] {
    crc.to_le_bytes()
}
