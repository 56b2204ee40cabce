//! `AT+QFUPLEX`: upload of a delta package over the UART, block by block (AN §3.2.1).

use core::ops::RangeInclusive;

/// Legal `<blocksize>` values in bytes.
pub const BLOCK_SIZES: [u16; 7] = [128, 256, 512, 1024, 2048, 4096, 8192];
/// Bytes that follow the data of each block: its CRC, low byte first (AN §3.2.1 note 1).
pub const CRC_BYTES: usize = 2;
/// `<blocknum>` of the first block.
pub const FIRST_BLOCK: u32 = 0;
/// Legal `<timeout>` values in seconds.
pub const TIMEOUT_S: RangeInclusive<u8> = 1..=60;
/// `<timeout>` where it is left out, in seconds.
pub const TIMEOUT_DEFAULT_S: u8 = 6;
/// What the module sends when it takes data. Firmware knows it with and without a blank behind it (FW).
pub const PROMPT: u8 = b'>';
/// The parameter that leaves data mode: `AT+QFUPLEX=ESC`.
pub const ESC: &str = "ESC";
/// The reply to ESC, behind `+QFUPLEX: `.
pub const REPLY_ESC: &str = "-1,ESC";
/// The reply when `<timeout>` ran out before `<length>` bytes had come, behind `+QFUPLEX: `; `ERROR` follows.
pub const REPLY_TIMEOUT: &str = "-2,TIMEOUT";
/// The lines of the test command's reply, before `OK`.
pub const TEST_REPLY: [&str; 2] = [
    "AT+QFUPLEX=<blocksize>,<blocknum>[,<length>[,<timeout>]]",
    "AT+QFUPLEX=ESC",
];

/// `<length>` where it is left out: the block and its CRC, in bytes.
pub const fn default_length(block_size: u16) -> u32 {
    block_size as u32 + CRC_BYTES as u32
}
