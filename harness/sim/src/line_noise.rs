//! The bytes that a receiver reads if they were sent at another rate.
//!
//! The line is sampled as a receiver does: from each falling edge on, in the middle of each bit. A frame without its stop bit
//! reads as a zero, as terminals read it by default.

/// Bits of a frame: start, eight of data, stop.
const FRAME: u64 = 10;

/// The bytes that are read at `read_at` bits per second where `bytes` were sent at `sent_at`, one after the other.
pub(crate) fn misread(bytes: &[u8], sent_at: u32, read_at: u32) -> Vec<u8> {
    let line = SampledLine {
        bytes,
        // In halves of a tick, of which a second has as many as the product of both rates.
        bit: 2 * u64::from(read_at),
    };
    let bit = 2 * u64::from(sent_at);
    let mut read = Vec::new();
    let mut at = 0;
    while let Some(start) = line.falling_edge(at) {
        let sample = |bit_of_frame: u64| line.is_high(start + bit * bit_of_frame + bit / 2);
        let data = (0..8).fold(0, |byte, n| byte | u8::from(sample(n + 1)) << n);
        let whole = sample(FRAME - 1);
        read.push(if whole { data } else { 0 });
        at = start + bit * (FRAME - 1) + bit / 2;
    }
    read
}

/// The level of the line over time: high before the first byte and after the last.
struct SampledLine<'a> {
    bytes: &'a [u8],
    bit: u64,
}

impl SampledLine<'_> {
    fn is_high(&self, time: u64) -> bool {
        self.bit_is_high(time / self.bit)
    }

    fn bit_is_high(&self, n: u64) -> bool {
        let byte = usize::try_from(n / FRAME).ok().and_then(|at| self.bytes.get(at));
        match (byte, n % FRAME) {
            (None, _) => true,
            (Some(_), 0) => false,
            (Some(byte), data @ 1..9) => byte >> (data - 1) & 1 == 1,
            (Some(_), _) => true,
        }
    }

    /// When the line falls the next time, `from` on.
    fn falling_edge(&self, from: u64) -> Option<u64> {
        let bits = self.bytes.len() as u64 * FRAME;
        let falls = |n: &u64| !self.bit_is_high(*n) && (*n == 0 || self.bit_is_high(n - 1));
        (from.div_ceil(self.bit)..bits).find(falls).map(|n| n * self.bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rate_reads_what_was_sent() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(misread(&all, 115_200, 115_200), all);
        assert_eq!(misread(&all, 9600, 9600), all);
    }

    /// By hand: each bit of `U` (0x55, bits that alternate) lasts for twelve of the receiver's, so that each low one reads as
    /// a frame without an end.
    #[test]
    fn slow_bytes_read_fast() {
        assert_eq!(misread(b"U", 9600, 115_200), [0; 5]);
    }

    #[test]
    fn text_becomes_noise() {
        for (sent, read) in [(9600, 115_200), (115_200, 9600), (9600, 4800)] {
            let noise = misread(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n", sent, read);
            assert!(!noise.is_empty(), "{sent} read at {read}");
            let text = String::from_utf8_lossy(&noise);
            assert!(!text.contains("RDY") && !text.contains("CFUN"), "{text:?}");
        }
    }
}
