//! The moment of an update at which a cut is armed.

use crate::macros::serde_as_text;
use crate::percent::Percent;
use crate::transport::Via;
use crate::urc::{Fota, Urc};
use alloc::{format, string::String};
use core::{fmt, str::FromStr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment that a suite can name in `cut.at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// `http-start`: HTTPSTART was seen (AN §5.1).
    HttpStart,
    /// `coap-start`: COAPSTART was seen (AN §5.4).
    CoapStart,
    /// `downloading N%`: the first DOWNLOADING at or above N (AN §5.2).
    Downloading(Percent),
    /// `upload block N`: half of the bytes of that block are written.
    UploadBlock(u32),
    /// `start`: START was seen (AN §5.6).
    Start,
    /// `updating N%`: the first UPDATING at or above N of that boot (AN §5.7).
    Updating(Percent),
    /// `end`: END was seen (AN §5.8).
    End,
}

impl Moment {
    /// The forms that a suite can write.
    pub const FORMS: [&'static str; 7] = [
        "http-start",
        "coap-start",
        "downloading N%",
        "upload block N",
        "start",
        "updating N%",
        "end",
    ];

    /// Whether an update over this transport comes to it.
    pub fn comes_via(self, via: Via) -> bool {
        match self {
            Self::HttpStart => via == Via::Http,
            Self::CoapStart => via == Via::Coap,
            Self::Downloading(_) => via != Via::Uart,
            Self::UploadBlock(_) => via == Via::Uart,
            Self::Start | Self::Updating(_) | Self::End => true,
        }
    }

    /// The moment that this URC is, as exactly as the module says it.
    pub fn from_urc(urc: &Urc) -> Option<Self> {
        let Urc::Fota(fota) = urc else { return None };
        match fota {
            Fota::HttpStart => Some(Self::HttpStart),
            Fota::CoapStart => Some(Self::CoapStart),
            Fota::Downloading(percent) => Some(Self::Downloading(*percent)),
            Fota::Start => Some(Self::Start),
            Fota::Updating { percent, .. } => Some(Self::Updating(*percent)),
            Fota::End(_) => Some(Self::End),
            Fota::HttpEnd(_) | Fota::CoapEnd(_) | Fota::Unknown => None,
        }
    }

    /// Whether this URC is the moment. Runs on the path from a byte to the power line: it allocates nothing.
    pub fn matches(self, urc: &Urc) -> bool {
        match (self, urc) {
            (Self::HttpStart, Urc::Fota(Fota::HttpStart))
            | (Self::CoapStart, Urc::Fota(Fota::CoapStart))
            | (Self::Start, Urc::Fota(Fota::Start))
            | (Self::End, Urc::Fota(Fota::End(_))) => true,
            (Self::Downloading(at), Urc::Fota(Fota::Downloading(seen)))
            | (Self::Updating(at), Urc::Fota(Fota::Updating { percent: seen, .. })) => *seen >= at,
            _ => false,
        }
    }

    /// Whether so much of a download, as the file server counts it, is the moment.
    pub fn reached_by_download(self, served: Percent) -> bool {
        matches!(self, Self::Downloading(at) if served >= at)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpStart => f.write_str("http-start"),
            Self::CoapStart => f.write_str("coap-start"),
            Self::Downloading(percent) => write!(f, "downloading {percent}"),
            Self::UploadBlock(block) => write!(f, "upload block {block}"),
            Self::Start => f.write_str("start"),
            Self::Updating(percent) => write!(f, "updating {percent}"),
            Self::End => f.write_str("end"),
        }
    }
}

/// Why a text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoment {
    #[error("invalid moment `{0}`: expected {forms}", forms = Moment::FORMS.map(|form| format!("`{form}`")).join(", "))]
    Form(String),
    #[error("`{text}`: {why}")]
    Percent { text: String, why: &'static str },
    #[error("invalid block number `{0}`: expected a whole number, counted from 0")]
    Block(String),
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: alloc::vec::Vec<&str> = text.split_whitespace().collect();
        let percent = |word: &str| {
            word.parse::<Percent>().map_err(|why| InvalidMoment::Percent {
                text: word.into(),
                why,
            })
        };
        match words[..] {
            ["http-start"] => Ok(Self::HttpStart),
            ["coap-start"] => Ok(Self::CoapStart),
            ["start"] => Ok(Self::Start),
            ["end"] => Ok(Self::End),
            ["downloading", at] => percent(at).map(Self::Downloading),
            ["updating", at] => percent(at).map(Self::Updating),
            ["upload", "block", n] => n
                .parse()
                .map(Self::UploadBlock)
                .map_err(|_| InvalidMoment::Block(n.into())),
            _ => Err(InvalidMoment::Form(text.into())),
        }
    }
}

serde_as_text!(Moment);
