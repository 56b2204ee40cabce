//! A small deterministic generator (SplitMix64), so that one `--seed` repeats every choice of the simulator.
//!
//! Also the source of the synthetic firmware's bytes: its output must therefore never change.

#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that always gives the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator for one purpose, independent of those for other purposes under the same seed.
    pub(crate) fn for_purpose(seed: u64, purpose: &str) -> Self {
        Self::new(seed ^ hash(purpose.as_bytes()))
    }

    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// FNV-1a: turns a name into a seed.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// The digits with their check digit (Luhn, ISO/IEC 7812-1 annex B).
pub(crate) fn with_check_digit(digits: String) -> String {
    let luhn = |(at, digit): (usize, u8)| {
        let doubled = (digits.len() - at) % 2 == 1;
        let value = u32::from(digit - b'0') * if doubled { 2 } else { 1 };
        value / 10 + value % 10
    };
    let sum: u32 = digits.bytes().enumerate().map(luhn).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A well-known test IMEI, and the usual example of the Luhn digit.
    #[test]
    fn check_digits() {
        for whole in ["490154203237518", "79927398713"] {
            let (digits, _) = whole.split_at(whole.len() - 1);
            assert_eq!(with_check_digit(digits.to_owned()), whole);
        }
    }
}
