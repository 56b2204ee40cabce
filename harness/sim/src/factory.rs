//! The flash as it leaves the factory: the firmware of the command line and nothing else.

use crate::clock::ModuleClock;
use crate::flash::{ERASED, FileFlash, Result};
use crate::image;
use crate::layout::FlashLayout;
use crate::nvdm;
use crate::version::FirmwareVersion;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Makes the flash of one module.
#[derive(Debug, Clone)]
pub(crate) struct Factory {
    pub(crate) version: FirmwareVersion,
    /// The module's own numbers derive from it.
    pub(crate) seed: u64,
    /// The file that is its flash.
    pub(crate) flash: PathBuf,
}

impl Factory {
    /// Overwrites the flash. No module may run on it.
    pub(crate) fn flash(&self) -> Result<()> {
        let layout = FlashLayout::BC66;
        let mut bytes = vec![ERASED; layout.size()];
        bytes[layout.image.start..][..layout.image.size()]
            .copy_from_slice(&image::build(&self.version, layout.image.size()));
        fs::write(&self.flash, &bytes)?;
        let at_once = ModuleClock::new(f64::MAX)
            .ok_or(io::ErrorKind::InvalidInput)
            .map_err(io::Error::from)?;
        let mut flash = FileFlash::open(&self.flash, at_once, self.seed)?;
        nvdm::initialize(&mut flash, self.seed)
    }
}
