//! Result codes of download and update (AN §7).

use core::fmt;

/// `<download_err>` of `HTTPEND` and `COAPEND` (AN §7, table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DownloadCode {
    /// 0: downloaded successfully.
    Success,
    /// 12: download failed.
    DownloadFailed,
    /// 13: network deactivated.
    NetworkDeactivated,
    /// 20: network activating.
    NetworkActivating,
    /// Any other number, kept as it came.
    Undocumented(u32),
}

impl DownloadCode {
    /// The code for a number on the wire; every number has one.
    pub const fn from_raw(raw: u32) -> Self {
        match raw {
            0 => Self::Success,
            12 => Self::DownloadFailed,
            13 => Self::NetworkDeactivated,
            20 => Self::NetworkActivating,
            other => Self::Undocumented(other),
        }
    }

    /// The number on the wire.
    pub const fn raw(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::DownloadFailed => 12,
            Self::NetworkDeactivated => 13,
            Self::NetworkActivating => 20,
            Self::Undocumented(raw) => raw,
        }
    }
}

impl fmt::Display for DownloadCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("0 (downloaded successfully)"),
            Self::DownloadFailed => f.write_str("12 (download failed)"),
            Self::NetworkDeactivated => f.write_str("13 (network deactivated)"),
            Self::NetworkActivating => f.write_str("20 (network activating)"),
            Self::Undocumented(raw) => undocumented(f, *raw),
        }
    }
}

/// `<update_err>` of `END` (AN §7, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpdateCode {
    /// 0: updated successfully.
    Success,
    /// 1: unknown error.
    Unknown,
    /// 2: DFOTA is busy.
    Busy,
    /// 254: the delta firmware package does not match the firmware that runs.
    Mismatch,
    /// 255: the delta firmware package is invalid.
    Invalid,
    /// Any other number, kept as it came.
    Undocumented(u32),
}

impl UpdateCode {
    /// The code for a number on the wire; every number has one.
    pub const fn from_raw(raw: u32) -> Self {
        match raw {
            0 => Self::Success,
            1 => Self::Unknown,
            2 => Self::Busy,
            254 => Self::Mismatch,
            255 => Self::Invalid,
            other => Self::Undocumented(other),
        }
    }

    /// The number on the wire.
    pub const fn raw(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::Unknown => 1,
            Self::Busy => 2,
            Self::Mismatch => 254,
            Self::Invalid => 255,
            Self::Undocumented(raw) => raw,
        }
    }
}

impl fmt::Display for UpdateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("0 (updated successfully)"),
            Self::Unknown => f.write_str("1 (unknown error)"),
            Self::Busy => f.write_str("2 (DFOTA is busy)"),
            Self::Mismatch => f.write_str("254 (delta firmware package mismatch)"),
            Self::Invalid => f.write_str("255 (delta firmware package invalid)"),
            Self::Undocumented(raw) => undocumented(f, *raw),
        }
    }
}

fn undocumented(f: &mut fmt::Formatter<'_>, raw: u32) -> fmt::Result {
    match mtk_name(raw) {
        Some(name) => write!(f, "{raw} (undocumented; MediaTek: {name})"),
        None => write!(f, "{raw} (undocumented)"),
    }
}

/// What the chip vendor's FOTA interface calls a number that the application note does not document (MTK).
pub const fn mtk_name(raw: u32) -> Option<&'static str> {
    Some(match raw {
        0 => "ok",
        1 => "common error",
        2 => "busy",
        3 => "header load",
        4 => "header format",
        5 => "body load",
        6 => "write partition",
        7 => "checksum load",
        8 => "checksum verify",
        9 => "marker load",
        10 => "marker erase",
        11 => "security check",
        12 => "download failed",
        13 => "network deactivated",
        14 => "operation invalid",
        15 => "parameter invalid",
        16 => "wrong package",
        17 => "software version invalid",
        18 => "BROM",
        19 => "DA",
        20 => "network activating",
        _ => return None,
    })
}
