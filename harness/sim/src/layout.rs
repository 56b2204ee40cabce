//! Where things stand in the flash. Only the image's size is a parameter: tests use a small one.

use crate::flash::SECTOR;

/// A run of whole sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub start: usize,
    pub sectors: usize,
}

impl Region {
    /// In bytes.
    pub const fn size(self) -> usize {
        self.sectors * SECTOR
    }

    /// First byte of the sector with the number `index`.
    pub const fn sector(self, index: usize) -> usize {
        self.start + index * SECTOR
    }

    const fn followed_by(self, sectors: usize) -> Self {
        Self {
            start: self.end(),
            sectors,
        }
    }

    const fn end(self) -> usize {
        self.start + self.size()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashLayout {
    /// The application's image, patched in place.
    pub image: Region,
    pub delta: Region,
    /// The old content of the one chunk that is being patched.
    pub backup: Region,
    /// The update's marker and its result.
    pub info: Region,
    /// What the application keeps: IMEI, profile, position of a download.
    pub nvdm: Region,
    /// Room for a whole image. The sound bootloader leaves it alone.
    pub spare: Region,
}

/// Sectors of the image: one is about one percent of the way from 20 to 100.
const IMAGE_SECTORS: usize = 80;
/// Sectors of the delta area: 160 KiB.
const DELTA_SECTORS: usize = 40;

impl FlashLayout {
    /// The simulated module's map.
    pub const BC66: Self = Self::with_image_sectors(IMAGE_SECTORS);

    /// A map around an image of this size.
    pub const fn with_image_sectors(sectors: usize) -> Self {
        let image = Region { start: 0, sectors };
        let delta = image.followed_by(DELTA_SECTORS);
        let backup = delta.followed_by(1);
        let info = backup.followed_by(2);
        let nvdm = info.followed_by(2);
        let spare = nvdm.followed_by(sectors);
        Self {
            image,
            delta,
            backup,
            info,
            nvdm,
            spare,
        }
    }

    pub const fn size(&self) -> usize {
        self.spare.end()
    }
}
