//! Where an update stands, and what is legal after a cut there.

use crate::percent::Percent;
use alloc::string::ToString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the update stands, as far as the module has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, derive_more::Display)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing was ordered.
    #[display("idle")]
    Idle,
    /// A block is being uploaded over the UART.
    #[display("upload block {block}")]
    Uploading {
        /// Its number.
        block: u32,
    },
    /// The module downloads.
    #[display(
        "DOWNLOADING {}",
        percent.map_or("(no percent yet)".into(), |percent| percent.to_string())
    )]
    Downloading {
        /// The last percentage it reported.
        percent: Option<Percent>,
    },
    /// The download failed: nothing is under way any more.
    #[display("failed download ({code})")]
    DownloadFailed {
        /// `<download_err>`.
        code: u32,
    },
    /// The package is there and the update is ordered, or START was seen; no UPDATING yet.
    #[display("START (no UPDATING yet)")]
    Ordered,
    /// UPDATING was seen.
    #[display("UPDATING {percent}")]
    Updating {
        /// The last percentage.
        percent: Percent,
    },
    /// END was seen.
    #[display("END,{code}")]
    Ended {
        /// `<update_err>`.
        code: u32,
    },
}

impl Phase {
    /// When something came, for the end of a sentence.
    pub fn as_time(self) -> alloc::string::String {
        match self {
            Self::Idle => "when no update was under way".into(),
            Self::Ended { code } => alloc::format!("after END,{code}"),
            Self::DownloadFailed { code } => alloc::format!("after the download had failed with {code}"),
            other => alloc::format!("at {other}"),
        }
    }

    /// What is legal when the supply is lost in this phase.
    pub fn after_cut(self) -> AfterCut {
        match self {
            Self::Idle | Self::Uploading { .. } | Self::DownloadFailed { .. } => AfterCut::SourceStays,
            // At 100 % the package is complete in flash: HTTPEND may be as near as the next byte.
            Self::Downloading {
                percent: Some(Percent::FULL),
            }
            | Self::Ordered => AfterCut::MayResume,
            Self::Downloading { .. } => AfterCut::SourceStays,
            Self::Updating { .. } => AfterCut::MustResume,
            Self::Ended { .. } => AfterCut::TargetStays,
        }
    }
}

/// What is legal after a cut, by the phase that it interrupted (the table in `suites/README.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AfterCut {
    /// The source version runs on; an update needs a new order.
    SourceStays,
    /// The source version runs on, or the update resumes.
    MayResume,
    /// The update resumes.
    MustResume,
    /// The update had ended: its version runs on.
    TargetStays,
}
