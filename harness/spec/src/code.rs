//! Result codes of download and update (AN §7).

use crate::codes::codes;
use core::fmt;

codes! {
    /// `<download_err>` of `HTTPEND` and `COAPEND` (AN §7, table 3).
    DownloadCode: u32 {
        Success = 0, "downloaded successfully";
        DownloadFailed = 12, "download failed";
        NetworkDeactivated = 13, "network deactivated";
        NetworkActivating = 20, "network activating";
    }
}

codes! {
    /// `<update_err>` of `END` (AN §7, table 4).
    UpdateCode: u32 {
        Success = 0, "updated successfully";
        Unknown = 1, "unknown error";
        Busy = 2, "DFOTA is busy";
        Mismatch = 254, "delta firmware package mismatch";
        Invalid = 255, "delta firmware package invalid";
    }
}

impl fmt::Display for DownloadCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mtk = matches!(self, Self::Undocumented(_)).then(|| mtk_name(self.raw()));
        show(f, self.raw(), self.name(), mtk.flatten())
    }
}

impl fmt::Display for UpdateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mtk = matches!(self, Self::Undocumented(_)).then(|| mtk_name(self.raw()));
        show(f, self.raw(), self.name(), mtk.flatten())
    }
}

fn show(f: &mut fmt::Formatter<'_>, raw: u32, name: &str, mtk: Option<&str>) -> fmt::Result {
    match mtk {
        Some(mtk) => write!(f, "{raw} ({name}; MediaTek: {mtk})"),
        None => write!(f, "{raw} ({name})"),
    }
}

/// What the chip vendor's FOTA interface calls the numbers from 0 on (MTK).
const MTK: [&str; 21] = [
    "ok",
    "common error",
    "busy",
    "header load",
    "header format",
    "body load",
    "write partition",
    "checksum load",
    "checksum verify",
    "marker load",
    "marker erase",
    "security check",
    "download failed",
    "network deactivated",
    "operation invalid",
    "parameter invalid",
    "wrong package",
    "software version invalid",
    "BROM",
    "DA",
    "network activating",
];

fn mtk_name(raw: u32) -> Option<&'static str> {
    MTK.get(usize::try_from(raw).ok()?).copied()
}
