//! Settings of the AT interface that `AT&W` saves and a reboot reads back.

use crate::dialect::{Dialect, Dialects};
use crate::flash::{Flash, Result};
use crate::nvdm::{self, NvdmKey};
use bc66_spec::timing::{BAUD_DEFAULT, BAUD_RATES};

/// `AT+IPR=0`: see [`Dialect::Autobaud`].
pub(crate) const AUTOMATIC: u32 = 0;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// `ATE`: does the module send back what it gets?
    pub(crate) echo: bool,
    /// `AT+CMEE`: 0 plain, 1 numeric, 2 verbose.
    pub(crate) error_form: u8,
    /// `AT+IPR`; 0 detects the rate.
    pub(crate) baud: u32,
}

impl Profile {
    /// As delivered: echo on (LG, JX switch it off), plain errors (3GPP TS 27.007 §9.1).
    const fn delivered(baud: u32) -> Self {
        Self {
            echo: true,
            error_form: 0,
            baud,
        }
    }

    /// What the factory of other firmware delivers: see [`crate::defect::Defect::SettingsLost`].
    pub(super) const OTHER_FACTORY: Self = Self::delivered(9600);

    /// The saved profile, or the factory's.
    pub(crate) fn load(flash: &dyn Flash, dialects: Dialects) -> Result<Self> {
        let saved = nvdm::read(flash, NvdmKey::Profile)?;
        let automatic = dialects.has(Dialect::Autobaud);
        let delivered = Self::delivered(if automatic { AUTOMATIC } else { BAUD_DEFAULT });
        Ok(saved.as_deref().and_then(Self::decode).unwrap_or(delivered))
    }

    /// Is the rate to be detected?
    pub(crate) fn is_automatic(&self) -> bool {
        self.baud == AUTOMATIC
    }

    /// The rate on the line. The simulator always detects the default.
    pub(crate) fn rate(&self) -> u32 {
        if self.is_automatic() {
            BAUD_DEFAULT
        } else {
            self.baud
        }
    }

    pub(crate) fn save(&self, flash: &mut dyn Flash) -> Result<()> {
        let [a, b, c, d] = self.baud.to_le_bytes();
        let bytes = [u8::from(self.echo), self.error_form, a, b, c, d];
        nvdm::write(flash, NvdmKey::Profile, bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let [echo, error_form, baud @ ..] = bytes else {
            return None;
        };
        let baud = u32::from_le_bytes(baud.try_into().ok()?);
        (baud == AUTOMATIC || BAUD_RATES.contains(&baud)).then_some(Self {
            echo: *echo != 0,
            error_form: *error_form,
            baud,
        })
    }
}
