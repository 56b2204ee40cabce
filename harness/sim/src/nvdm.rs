//! What the application keeps over a power cut.

use crate::flash::{Flash, Result};
use crate::layout::FlashLayout;
use crate::random::{Random, with_check_digit};
use crate::record_log::RecordLog;

const LOG: RecordLog = RecordLog::new(FlashLayout::BC66.nvdm);
/// As after a format of a real module.
const NO_IMEI: &str = "000000000000000";

/// The key of each value in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NvdmKey {
    Imei = 1,
    /// The profile that `AT&W` saves.
    Profile,
    /// How far a download over HTTP came.
    Download,
    /// State and result of the firmware update object.
    FirmwareObject,
    /// The parameters of `AT+QLWCONFIG`.
    ServerConfig,
    /// Flag: an update has succeeded since the factory. A sound module does not note that.
    Updated,
    /// Flag: the result of an update waits for another boot ([`crate::dialect::Dialect::EndOnSecondBoot`]).
    ResultPostponed,
    /// Flag: `START` is to be printed after the reboot ([`crate::dialect::Dialect::TornHttpEnd`]).
    StartPending,
    /// The registration that a client in queue mode resumes ([`crate::dialect::Dialect::QueueMode`]).
    Registration,
}

/// The value; an empty one is none.
pub(crate) fn read(flash: &dyn Flash, key: NvdmKey) -> Result<Option<Vec<u8>>> {
    let value = LOG.read(flash, key as u8)?;
    Ok(value.filter(|value| !value.is_empty()))
}

pub(crate) fn write(flash: &mut dyn Flash, key: NvdmKey, value: impl AsRef<[u8]>) -> Result<()> {
    LOG.write(flash, key as u8, value.as_ref())
}

pub(crate) fn text(flash: &dyn Flash, key: NvdmKey) -> Result<Option<String>> {
    Ok(read(flash, key)?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

pub(crate) fn flag(flash: &dyn Flash, key: NvdmKey) -> Result<bool> {
    Ok(read(flash, key)?.is_some_and(|value| value == [1]))
}

pub(crate) fn set_flag(flash: &mut dyn Flash, key: NvdmKey, set: bool) -> Result<()> {
    write(flash, key, [u8::from(set)])
}

/// What the factory writes: an IMEI with a type allocation code like the BC66's, a serial number that derives from the seed,
/// and its check digit (3GPP TS 23.003 §B).
pub(crate) fn initialize(flash: &mut dyn Flash, seed: u64) -> Result<()> {
    let serial = Random::for_purpose(seed, "imei").bits() % 1_000_000;
    write(
        flash,
        NvdmKey::Imei,
        with_check_digit(format!("86772503{serial:06}")),
    )
}

pub(crate) fn imei(flash: &dyn Flash) -> Result<String> {
    Ok(text(flash, NvdmKey::Imei)?.unwrap_or_else(|| NO_IMEI.to_owned()))
}

/// See [`crate::defect::Defect::ImeiLost`].
pub(crate) fn lose_imei(flash: &mut dyn Flash) -> Result<()> {
    write(flash, NvdmKey::Imei, NO_IMEI)
}

/// How far a download over HTTP came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DownloadPosition {
    /// Where from, as ordered.
    pub(crate) url: String,
    pub(crate) total: usize,
    /// Bytes that are in the flash for certain.
    pub(crate) position: usize,
}

impl DownloadPosition {
    pub(crate) fn load(flash: &dyn Flash) -> Result<Option<Self>> {
        Ok(read(flash, NvdmKey::Download)?.as_deref().and_then(Self::decode))
    }

    pub(crate) fn save(&self, flash: &mut dyn Flash) -> Result<()> {
        let mut bytes = (self.total as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&(self.position as u32).to_le_bytes());
        bytes.extend_from_slice(self.url.as_bytes());
        write(flash, NvdmKey::Download, bytes)
    }

    pub(crate) fn forget(flash: &mut dyn Flash) -> Result<()> {
        write(flash, NvdmKey::Download, [])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (total, rest) = bytes.split_first_chunk()?;
        let (position, url) = rest.split_first_chunk()?;
        Some(Self {
            url: String::from_utf8(url.to_vec()).ok()?,
            total: u32::from_le_bytes(*total) as usize,
            position: u32::from_le_bytes(*position) as usize,
        })
    }
}
