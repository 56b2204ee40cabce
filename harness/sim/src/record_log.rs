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
        let record = LogRecord { key, value }.encode();
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
        let encoded = values
            .iter()
            .map(|(&key, value)| LogRecord { key, value }.encode());
        let records: Vec<u8> = encoded.flatten().collect();
        let fits = WRITE_UNIT + records.len() <= SECTOR;
        assert!(fits, "the values of a record log must fit one sector");
        flash.program_all(start + WRITE_UNIT, &records)?;
        flash.program_all(start, &header(generation))
    }

    /// The sector of the highest generation.
    fn current(&self, flash: &dyn Flash) -> Result<Option<Current>> {
        let mut found: Option<Current> = None;
        for index in 0..self.region.sectors {
            let sector = flash.read_vec(self.region.sector(index), SECTOR)?;
            if let Some(generation) = generation(&sector)
                && found.as_ref().is_none_or(|found| found.generation < generation)
            {
                found = Some(Current::scan(index, generation, &sector));
            }
        }
        Ok(found)
    }
}

/// What counts in the log.
struct Current {
    /// Of its sector.
    index: usize,
    generation: u32,
    /// The first unit after all that was written in the sector.
    free: usize,
    values: BTreeMap<u8, Vec<u8>>,
}

impl Current {
    /// A torn record is skipped unit by unit, because its length cannot be trusted.
    fn scan(index: usize, generation: u32, sector: &[u8]) -> Self {
        let mut values = BTreeMap::new();
        let mut used = sector
            .iter()
            .rposition(|byte| *byte != ERASED)
            .map_or(0, |last| last + 1);
        let mut at = WRITE_UNIT;
        while at < sector.len() {
            let Some(record) = LogRecord::parse(&sector[at..]) else {
                at += WRITE_UNIT;
                continue;
            };
            values.insert(record.key, record.value.to_vec());
            at += (HEAD + record.value.len()).next_multiple_of(WRITE_UNIT);
            used = used.max(at);
        }
        Self {
            index,
            generation,
            free: used.next_multiple_of(WRITE_UNIT),
            values,
        }
    }
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

struct LogRecord<'a> {
    key: u8,
    value: &'a [u8],
}

impl<'a> LogRecord<'a> {
    /// The record that begins at `bytes[0]`.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let value = rest.get(..usize::from(u16::from_le_bytes([head[2], head[3]])))?;
        let record = Self { key: head[1], value };
        let is_sound = head[0] == TAG && head[4..8] == record.checksum().to_le_bytes();
        is_sound.then_some(record)
    }

    fn encode(&self) -> Vec<u8> {
        let len = u16::try_from(self.value.len()).expect("values of a record log are short");
        let mut bytes = vec![TAG, self.key];
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&self.checksum().to_le_bytes());
        bytes.extend_from_slice(self.value);
        bytes.resize(bytes.len().next_multiple_of(WRITE_UNIT), 0);
        bytes
    }

    fn checksum(&self) -> u32 {
        let mut digest = CRC.digest();
        digest.update(&[self.key]);
        digest.update(self.value);
        digest.finalize()
    }
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
                let is_whole = [n - 1, n].iter().any(|n| read == n.to_le_bytes());
                assert!(is_whole, "cut {cut} of write {n}: {read:?}");
                log.write(&mut torn, 1, b"seven").expect("powered");
                let read = [1, 9].map(|key| log.read(&torn, key).expect("powered"));
                let values: [&[u8]; 2] = [b"seven", b"bystander"];
                assert_eq!(read, values.map(|value| Some(value.to_vec())));
            }
            flash = clean;
        }
    }
}
