//! Small values that survive a power cut: a log of records in two sectors, used in turn.
//!
//! A record is there entirely or not at all, because it carries a checksum; the last valid one of a key counts. When a
//! sector is full, the values that count are copied to the other one, whose header, written last, makes it the current
//! one. At no moment is the only copy of a value in a sector that is being erased.

use crate::flash::{ERASED, Flash, Result, SECTOR, WRITE_UNIT};
use crate::layout::Region;
use std::collections::BTreeMap;

const MAGIC: [u8; 4] = *b"LOG1";
const TAG: u8 = 0xA5;
/// Tag, key, length and checksum before each value.
const HEAD: usize = 8;
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// The log in one region of two sectors. It holds no state: what counts is in the flash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordLog {
    region: Region,
}

impl RecordLog {
    pub(crate) const fn new(region: Region) -> Self {
        assert!(
            region.sectors == 2,
            "a record log needs two sectors to use in turn"
        );
        Self { region }
    }

    /// The last value written under `key`.
    pub(crate) fn read(&self, flash: &dyn Flash, key: u8) -> Result<Option<Vec<u8>>> {
        Ok(self
            .current(flash)?
            .and_then(|mut current| current.values.remove(&key)))
    }

    /// Makes `value` the value of `key`, durably and at once.
    pub(crate) fn write(&self, flash: &mut dyn Flash, key: u8, value: &[u8]) -> Result<()> {
        let record = record(key, value);
        match self.current(flash)? {
            Some(current) if current.free + record.len() <= SECTOR => {
                flash.program_all(self.region.sector(current.index) + current.free, &record)
            }
            Some(mut current) => {
                current.values.insert(key, value.to_vec());
                self.start_sector(flash, 1 - current.index, current.generation + 1, &current.values)
            }
            None => self.start_sector(flash, 0, 1, &BTreeMap::from([(key, value.to_vec())])),
        }
    }

    fn start_sector(
        &self,
        flash: &mut dyn Flash,
        index: usize,
        generation: u32,
        values: &BTreeMap<u8, Vec<u8>>,
    ) -> Result<()> {
        let start = self.region.sector(index);
        flash.erase(start)?;
        let records: Vec<u8> = values
            .iter()
            .flat_map(|(key, value)| record(*key, value))
            .collect();
        assert!(
            WRITE_UNIT + records.len() <= SECTOR,
            "the values of a record log must fit one sector"
        );
        flash.program_all(start + WRITE_UNIT, &records)?;
        flash.program_all(start, &header(generation))
    }

    fn current(&self, flash: &dyn Flash) -> Result<Option<Current>> {
        let mut found: Option<Current> = None;
        for index in 0..self.region.sectors {
            let sector = flash.read_vec(self.region.sector(index), SECTOR)?;
            if let Some(generation) = generation(&sector)
                && found.as_ref().is_none_or(|found| found.generation < generation)
            {
                let (values, free) = scan(&sector);
                found = Some(Current {
                    index,
                    generation,
                    free,
                    values,
                });
            }
        }
        Ok(found)
    }
}

struct Current {
    index: usize,
    generation: u32,
    free: usize,
    values: BTreeMap<u8, Vec<u8>>,
}

fn header(generation: u32) -> [u8; WRITE_UNIT] {
    let mut header = [0; WRITE_UNIT];
    header[..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&generation.to_le_bytes());
    let crc = CRC.checksum(&header[..8]);
    header[8..12].copy_from_slice(&crc.to_le_bytes());
    header
}

fn generation(sector: &[u8]) -> Option<u32> {
    let generation = u32::from_le_bytes(sector[4..8].try_into().ok()?);
    (sector[..WRITE_UNIT] == header(generation)).then_some(generation)
}

fn record(key: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).expect("values of a record log are short");
    let mut record = vec![TAG, key];
    record.extend_from_slice(&len.to_le_bytes());
    record.extend_from_slice(&checksum(key, value).to_le_bytes());
    record.extend_from_slice(value);
    record.resize(record.len().next_multiple_of(WRITE_UNIT), 0);
    record
}

fn checksum(key: u8, value: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&[key]);
    digest.update(value);
    digest.finalize()
}

/// The record that begins at `bytes[0]`, and its length with padding.
fn parse(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let value = rest.get(..usize::from(u16::from_le_bytes([head[2], head[3]])))?;
    let sound = head[0] == TAG && head[4..8] == checksum(head[1], value).to_le_bytes();
    sound.then(|| (head[1], value, (HEAD + value.len()).next_multiple_of(WRITE_UNIT)))
}

/// The last values of a sector, and the first unit after all of it. A torn record is skipped unit by unit,
/// because its length cannot be trusted.
fn scan(sector: &[u8]) -> (BTreeMap<u8, Vec<u8>>, usize) {
    let mut values = BTreeMap::new();
    let mut at = WRITE_UNIT;
    let mut used = sector
        .iter()
        .rposition(|byte| *byte != ERASED)
        .map_or(0, |last| last + 1);
    while at < sector.len() {
        at += match parse(&sector[at..]) {
            Some((key, value, len)) => {
                values.insert(key, value.to_vec());
                used = used.max(at + len);
                len
            }
            None => WRITE_UNIT,
        };
    }
    (values, used.next_multiple_of(WRITE_UNIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::RamFlash;

    const REGION: Region = Region { start: 0, sectors: 2 };

    /// Every write of a long row is cut at every operation: afterwards the old value or the new one is read, nothing else.
    #[test]
    fn a_cut_write_is_old_or_new() {
        let log = RecordLog::new(REGION);
        let mut flash = RamFlash::new(REGION.size(), 1);
        log.write(&mut flash, 9, b"bystander").expect("powered");
        log.write(&mut flash, 1, &0u32.to_le_bytes()).expect("powered");
        for n in 1..600u32 {
            let mut clean = flash.clone();
            clean.power_up(None);
            log.write(&mut clean, 1, &n.to_le_bytes()).expect("powered");
            for cut in 0..clean.operations() {
                let mut torn = flash.clone();
                torn.power_up(Some(cut));
                assert!(log.write(&mut torn, 1, &n.to_le_bytes()).is_err());
                torn.power_up(None);
                let read = log.read(&torn, 1).expect("powered").expect("a value");
                assert!(
                    read == (n - 1).to_le_bytes() || read == n.to_le_bytes(),
                    "cut {cut} of write {n}: {read:?}"
                );
                log.write(&mut torn, 1, &7u32.to_le_bytes()).expect("powered");
                assert_eq!(
                    log.read(&torn, 1).expect("powered").as_deref(),
                    Some(&7u32.to_le_bytes()[..])
                );
                assert_eq!(
                    log.read(&torn, 9).expect("powered").as_deref(),
                    Some(&b"bystander"[..])
                );
            }
            flash = clean;
        }
    }
}
