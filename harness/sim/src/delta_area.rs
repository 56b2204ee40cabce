//! Writes a package into the delta area as it comes in, in pieces of any size.

use crate::flash::{ERASED, Flash, Result, SECTOR};
use crate::layout::Region;

/// Writes `bytes` at `offset` of the area. A sector is erased when its first byte is written; writing a piece once more
/// keeps what is before it in its sector and loses what is after it.
pub fn write(flash: &mut dyn Flash, area: Region, offset: usize, bytes: &[u8]) -> Result<()> {
    let mut from = 0;
    while from < bytes.len() {
        let at = offset + from;
        let inside = at % SECTOR;
        let to = bytes.len().min(from + SECTOR - inside);
        write_in_sector(flash, area.start + at - inside, inside, &bytes[from..to])?;
        from = to;
    }
    Ok(())
}

fn write_in_sector(flash: &mut dyn Flash, sector: usize, inside: usize, bytes: &[u8]) -> Result<()> {
    let old = flash.read_vec(sector, inside + bytes.len())?;
    let blank = old[inside..].iter().all(|byte| *byte == ERASED);
    if inside == 0 || !blank {
        flash.erase(sector)?;
        if inside > 0 {
            flash.program_all(sector, &old[..inside])?;
        }
    }
    flash.program_all(sector + inside, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::RamFlash;

    #[test]
    fn pieces_of_any_size_and_a_repeated_one() {
        let area = Region {
            start: SECTOR,
            sectors: 2,
        };
        let mut flash = RamFlash::new(3 * SECTOR, 0);
        let bytes: Vec<u8> = (0..6000u32).map(|n| n as u8).collect();
        for (index, piece) in bytes.chunks(700).enumerate() {
            write(&mut flash, area, index * 700, &[0; 700][..piece.len()]).expect("powered");
            write(&mut flash, area, index * 700, piece).expect("powered");
        }
        assert_eq!(flash.read_vec(SECTOR, 6000).expect("powered"), bytes);
    }
}
