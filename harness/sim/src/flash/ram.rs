//! Flash in memory that loses its power at a chosen operation, for tests that cut everywhere.

use super::{ERASED, Flash, FlashError, Result};
use crate::random::Random;
use std::time::Duration;

/// A chip in memory. Once its power is lost, every operation fails until [`RamFlash::power_up`].
#[derive(Debug, Clone)]
pub struct RamFlash {
    bytes: Vec<u8>,
    done: u64,
    cut_at: Option<u64>,
    lost: bool,
    random: Random,
}

impl RamFlash {
    pub fn new(size: usize, seed: u64) -> Self {
        Self {
            bytes: vec![ERASED; size],
            done: 0,
            cut_at: None,
            lost: false,
            random: Random::new(seed),
        }
    }

    /// Restores the power, counts operations from 0 again and cuts the operation with the number `cut_at`, if any.
    pub fn power_up(&mut self, cut_at: Option<u64>) {
        self.done = 0;
        self.cut_at = cut_at;
        self.lost = false;
    }

    /// From now on, torn operations follow `seed`.
    pub fn reseed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    pub fn operations(&self) -> u64 {
        self.done
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Flash for RamFlash {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn read(&self, at: usize, into: &mut [u8]) -> Result<()> {
        if self.lost {
            return Err(FlashError::PowerLost);
        }
        into.copy_from_slice(&self.bytes[at..at + into.len()]);
        Ok(())
    }

    fn change(
        &mut self,
        at: usize,
        new: &[u8],
        _: Duration,
        tear: &dyn Fn(&mut Random) -> Vec<u8>,
    ) -> Result<()> {
        self.lost = self.cut_at == Some(self.done);
        self.done += 1;
        let cells = &mut self.bytes[at..at + new.len()];
        if self.lost {
            cells.copy_from_slice(&tear(&mut self.random));
            return Err(FlashError::PowerLost);
        }
        cells.copy_from_slice(new);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::SECTOR;
    use rstest::rstest;

    #[test]
    fn a_cut_tears_and_then_nothing_works() {
        let mut flash = RamFlash::new(2 * SECTOR, 7);
        flash.program_all(100, &[0x5A; 600]).expect("powered");
        assert_eq!(flash.operations(), 3, "96..256, 256..512, 512..704");
        flash.program_all(1024, &[0x5A; SECTOR - 1024]).expect("powered");
        flash.power_up(Some(0));
        assert!(matches!(flash.erase(0), Err(FlashError::PowerLost)));
        assert!(matches!(flash.erase(0), Err(FlashError::PowerLost)));
        assert!(flash.read_vec(0, 1).is_err());
        assert_ne!(
            flash.bytes()[..SECTOR],
            [ERASED; SECTOR][..],
            "seed 7 tears in the middle"
        );
        flash.power_up(None);
        flash.erase(0).expect("powered again");
        assert_eq!(flash.bytes()[..SECTOR], [ERASED; SECTOR][..]);
    }

    #[rstest]
    #[should_panic(expected = "bits would have to become ones")]
    #[case::only_clears(0, &[0xF0; 16])]
    #[should_panic(expected = "not inside one page")]
    #[case::stays_in_its_page(240, &[0; 32])]
    #[should_panic(expected = "whole write units")]
    #[case::covers_whole_units(8, &[0; 16])]
    fn a_program(#[case] at: usize, #[case] bytes: &[u8]) {
        let mut flash = RamFlash::new(SECTOR, 0);
        flash.program(0, &[0x0F; 16]).expect("powered");
        let _ = flash.program(at, bytes);
    }
}
