//! The marker and the result of an update, which bootloader and application exchange through the flash.
//!
//! One durable record at a time, so that an update is ordered, begun or over, and never two of them.

use crate::flash::{Flash, Result};
use crate::layout::FlashLayout;
use crate::record_log::RecordLog;
use bc66_spec::code::UpdateCode;

const KEY: u8 = 1;

/// The state of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateInfo {
    Idle,
    /// The marker is set: the bootloader must look at the package.
    Ordered {
        /// Bytes of the package in the delta area.
        package: usize,
    },
    /// Package and source are sound and the bootloader patches: the update can only go on.
    Patching {
        /// Bytes of the package in the delta area.
        package: usize,
    },
    /// The update is over, and the application has not reported it yet.
    Over(UpdateCode),
}

impl UpdateInfo {
    /// Reads it; anything unreadable is [`UpdateInfo::Idle`].
    pub fn load(flash: &dyn Flash, layout: &FlashLayout) -> Result<Self> {
        let record = RecordLog::new(layout.info).read(flash, KEY)?;
        Ok(record.as_deref().and_then(Self::decode).unwrap_or(Self::Idle))
    }

    pub fn store(self, flash: &mut dyn Flash, layout: &FlashLayout) -> Result<()> {
        let (state, number) = match self {
            Self::Idle => (0, 0),
            Self::Ordered { package } => (1, package as u32),
            Self::Patching { package } => (2, package as u32),
            Self::Over(code) => (3, code.raw()),
        };
        let [a, b, c, d] = number.to_le_bytes();
        RecordLog::new(layout.info).write(flash, KEY, &[state, a, b, c, d])
    }

    fn decode(record: &[u8]) -> Option<Self> {
        let (state, number) = record.split_first()?;
        let number = u32::from_le_bytes(number.try_into().ok()?);
        Some(match state {
            0 => Self::Idle,
            1 => Self::Ordered {
                package: number as usize,
            },
            2 => Self::Patching {
                package: number as usize,
            },
            3 => Self::Over(UpdateCode::from_raw(number)),
            _ => return None,
        })
    }
}
