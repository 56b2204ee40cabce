//! Whether a cut has bricked the module. A sound module is never bricked.
//!
//! The flash decides: nothing else survives the cut.

use crate::defect::{Defect, Defects};
use crate::flash::{Flash, Result, SECTOR};
use crate::layout::FlashLayout;
use crate::package::{digest, inspect};
use crate::record_log::RecordLog;
use crate::update_info::UpdateInfo;

/// The record beside the marker that [`Defect::BricksNearPercent`] needs.
const FRAGILE_KEY: u8 = 2;

pub(crate) fn is_bricked(flash: &dyn Flash, layout: &FlashLayout, defects: Defects) -> Result<bool> {
    if defects.has(Defect::BricksNearPercent) && is_fragile(flash, layout)? {
        return Ok(true);
    }
    let UpdateInfo::Patching { package } = UpdateInfo::load(flash, layout)? else {
        return Ok(false);
    };
    Ok(defects.has(Defect::DeadAfterCut)
        || defects.has(Defect::BricksAbove90) && patched(flash, layout, package)? > 90)
}

/// Notes whether a cut would brick the module now.
pub(crate) fn set_fragile(flash: &mut dyn Flash, layout: &FlashLayout, fragile: bool) -> Result<()> {
    RecordLog::new(layout.info).write(flash, FRAGILE_KEY, &[u8::from(fragile)])
}

fn is_fragile(flash: &dyn Flash, layout: &FlashLayout) -> Result<bool> {
    let record = RecordLog::new(layout.info).read(flash, FRAGILE_KEY)?;
    Ok(record.is_some_and(|record| record == [1]))
}

/// Percent of the image's sectors that are the target's.
fn patched(flash: &dyn Flash, layout: &FlashLayout, package: usize) -> Result<usize> {
    let bytes = flash.read_vec(layout.delta.start, package.min(layout.delta.size()))?;
    let Some(package) = inspect(&bytes) else {
        return Ok(0);
    };
    let mut done = 0;
    for (index, chunk) in package.chunks.iter().enumerate().take(layout.image.sectors) {
        let sector = flash.read_vec(layout.image.sector(index), SECTOR)?;
        done += usize::from(digest(&sector) == chunk.target);
    }
    Ok(done * 100 / package.chunks.len().max(1))
}
