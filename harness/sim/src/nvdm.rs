//! What the application keeps over a power cut: IMEI, saved profile, position of a download, LwM2M.

use crate::flash::{Flash, Result};
use crate::layout::FlashLayout;
use crate::random::{Random, with_check_digit};
use crate::record_log::RecordLog;

const IMEI: u8 = 1;
const PROFILE: u8 = 2;
const DOWNLOAD: u8 = 3;
const FIRMWARE_OBJECT: u8 = 4;
const LWM2M_CONFIG: u8 = 5;
const UPDATED: u8 = 6;
const RESULT_KEPT: u8 = 7;
const START_OWED: u8 = 8;
const REGISTRATION: u8 = 9;

/// The application's non-volatile store.
#[derive(Debug, Clone, Copy)]
pub struct Nvdm {
    log: RecordLog,
}

/// How far a download over HTTP came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadPosition {
    /// Where from, as ordered.
    pub url: String,
    /// Bytes of the whole package.
    pub total: usize,
    /// Bytes that are in the flash for certain.
    pub position: usize,
}

impl Nvdm {
    /// The store of this flash map.
    pub fn new(layout: &FlashLayout) -> Self {
        Self {
            log: RecordLog::new(layout.nvdm),
        }
    }

    /// What the factory writes.
    pub fn initialize(&self, flash: &mut dyn Flash, seed: u64) -> Result<()> {
        self.log.write(flash, IMEI, imei(seed).as_bytes())
    }

    /// The IMEI; zeros if it was lost, as after a format of a real module.
    pub fn imei(&self, flash: &dyn Flash) -> Result<String> {
        let stored = self.log.read(flash, IMEI)?;
        Ok(stored
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_else(|| "0".repeat(15)))
    }

    /// Writes zeros over the IMEI: see [`crate::defect::Defect::ImeiLost`].
    pub fn lose_imei(&self, flash: &mut dyn Flash) -> Result<()> {
        self.log.write(flash, IMEI, b"000000000000000")
    }

    /// Has an update succeeded since the factory? A sound module keeps no book of that.
    pub fn updated(&self, flash: &dyn Flash) -> Result<bool> {
        Ok(self.log.read(flash, UPDATED)?.is_some())
    }

    pub fn save_updated(&self, flash: &mut dyn Flash) -> Result<()> {
        self.log.write(flash, UPDATED, &[1])
    }

    /// Was the result of an update kept for another boot? See [`crate::dialect::Dialect::EndOnSecondBoot`].
    pub fn result_kept(&self, flash: &dyn Flash) -> Result<bool> {
        Ok(self.log.read(flash, RESULT_KEPT)?.is_some_and(|kept| kept == [1]))
    }

    /// It was, or that is over.
    pub fn save_result_kept(&self, flash: &mut dyn Flash, kept: bool) -> Result<()> {
        self.log.write(flash, RESULT_KEPT, &[u8::from(kept)])
    }

    /// Is a `START` to be printed behind the reboot? See [`crate::dialect::Dialect::TornHttpEnd`].
    pub fn start_owed(&self, flash: &dyn Flash) -> Result<bool> {
        Ok(self.log.read(flash, START_OWED)?.is_some_and(|owed| owed == [1]))
    }

    /// It is, or that is over.
    pub fn save_start_owed(&self, flash: &mut dyn Flash, owed: bool) -> Result<()> {
        self.log.write(flash, START_OWED, &[u8::from(owed)])
    }

    /// The registration that a client in queue mode goes on with: see [`crate::dialect::Dialect::QueueMode`].
    pub fn registration(&self, flash: &dyn Flash) -> Result<Option<String>> {
        let stored = self
            .log
            .read(flash, REGISTRATION)?
            .filter(|bytes| !bytes.is_empty());
        Ok(stored.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Keeps it; an empty text is none.
    pub fn save_registration(&self, flash: &mut dyn Flash, text: &str) -> Result<()> {
        self.log.write(flash, REGISTRATION, text.as_bytes())
    }

    /// The profile saved by `AT&W`.
    pub fn profile(&self, flash: &dyn Flash) -> Result<Option<Vec<u8>>> {
        self.log.read(flash, PROFILE)
    }

    pub fn save_profile(&self, flash: &mut dyn Flash, profile: &[u8]) -> Result<()> {
        self.log.write(flash, PROFILE, profile)
    }

    /// The firmware update object's state and result.
    pub fn firmware_object(&self, flash: &dyn Flash) -> Result<Option<Vec<u8>>> {
        self.log.read(flash, FIRMWARE_OBJECT)
    }

    pub fn save_firmware_object(&self, flash: &mut dyn Flash, object: &[u8]) -> Result<()> {
        self.log.write(flash, FIRMWARE_OBJECT, object)
    }

    /// The parameters of `AT+QLWCONFIG`.
    pub fn lwm2m_config(&self, flash: &dyn Flash) -> Result<Option<String>> {
        let stored = self.log.read(flash, LWM2M_CONFIG)?;
        Ok(stored.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    pub fn save_lwm2m_config(&self, flash: &mut dyn Flash, parameters: &str) -> Result<()> {
        self.log.write(flash, LWM2M_CONFIG, parameters.as_bytes())
    }

    /// The position of an unfinished download.
    pub fn download(&self, flash: &dyn Flash) -> Result<Option<DownloadPosition>> {
        Ok(self
            .log
            .read(flash, DOWNLOAD)?
            .as_deref()
            .and_then(DownloadPosition::decode))
    }

    /// Keeps the position of an unfinished download, or forgets it.
    pub fn save_download(&self, flash: &mut dyn Flash, position: Option<&DownloadPosition>) -> Result<()> {
        self.log.write(
            flash,
            DOWNLOAD,
            &position.map(DownloadPosition::encode).unwrap_or_default(),
        )
    }
}

impl DownloadPosition {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = (self.total as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&(self.position as u32).to_le_bytes());
        bytes.extend_from_slice(self.url.as_bytes());
        bytes
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

/// An IMEI with a type allocation code like the BC66's, a serial number out of the seed and its check digit (3GPP TS 23.003 §B).
fn imei(seed: u64) -> String {
    let serial = Random::for_purpose(seed, "imei").bits() % 1_000_000;
    with_check_digit(format!("86772503{serial:06}"))
}
