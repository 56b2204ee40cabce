//! Faults as data of a case: what the harness does wrong on purpose, to test how the module handles it.

use crate::percent::Percent;
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All faults of a case; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Faults {
    /// Of the HTTP package server.
    pub http: HttpFaults,
    /// Of the CoAP package server.
    #[serde(default)]
    pub coap: CoapFaults,
    /// Of the upload over the UART.
    pub uart: Option<UartFault>,
    /// Of the order itself.
    pub order: Option<OrderFault>,
}

/// Faults of the HTTP package server; several can hold at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpFaults {
    /// Answer with this status and no package.
    pub status: Option<u16>,
    /// Refuse the connection.
    pub refuse: bool,
    /// Close the connection once this share of the package was sent.
    pub drop: Option<Percent>,
    /// Pause once at this share of the package.
    pub stall: Option<Stall>,
    /// At most this many bytes a second of the module's time.
    pub throttle: Option<u32>,
    /// Send this share of the package and claim that this was all.
    pub truncate: Option<Percent>,
    /// Invert the byte at this share of the package.
    pub corrupt: Option<Percent>,
    /// Claim 16 bytes more than are sent.
    pub wrong_length: bool,
    /// Answer 200 and everything, whatever range was asked for.
    pub ignore_range: bool,
}

/// Faults of the CoAP package server; several can hold at once. Those of datagrams act on requests for the package and on
/// their answers, each way for itself; the LwM2M dialogue is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoapFaults {
    /// Lose every n-th datagram of each direction; from 2 on.
    pub drop_every: Option<u32>,
    /// Lose this share of the datagrams of each direction, by the seed.
    pub drop_share: Option<Percent>,
    /// Send every n-th answer twice.
    pub duplicate_every: Option<u32>,
    /// Send this share of the answers twice, by the seed.
    pub duplicate_share: Option<Percent>,
    /// Hold every answer back for so long, in the module's time.
    pub delay: Option<Duration>,
    /// Stop answering at this share of the package.
    pub stop_at: Option<Percent>,
    /// Answer 4.04.
    pub not_found: bool,
    /// From this share of the package on, the ETag is another one.
    pub change_etag_at: Option<Percent>,
    /// Blocks have at most this many bytes, whatever is asked for: 16, 32, 64, 128, 256, 512 or 1024.
    pub max_block: Option<u16>,
    /// Order the update over LwM2M while the download still runs: it must be refused.
    pub execute_early: bool,
}

/// A pause of the HTTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stall {
    /// Where in the package.
    pub at: Percent,
    /// For how long, in the module's time.
    pub lasts: Duration,
}

/// One fault of the upload. It hits its block once; the sound retry follows unless the case expects the version to
/// stay unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, derive_more::Display)]
#[serde(rename_all = "kebab-case")]
pub enum UartFault {
    /// A bit of the block's data flips after its CRC was computed.
    #[display("a wrong bit in block {_0}")]
    CorruptBlock(u32),
    /// Half of the block is sent, and nothing more until the module gives up.
    #[display("half of block {_0} alone")]
    ShortBlock(u32),
    /// Sixteen bytes more than `<length>` are sent.
    #[display("16 bytes too many in block {_0}")]
    LongBlock(u32),
    /// The block's number is one too high.
    #[display("the number of block {_0} is one too high")]
    OutOfOrder(u32),
    /// Nothing is sent after the prompt; then ESC.
    #[display("nothing sent of block {_0}, then ESC")]
    Silence(u32),
    /// A byte of the package flips before its CRCs are computed: the upload is sound, the package is not.
    #[display("a wrong byte at {_0} of the package")]
    Damage(Percent),
    /// Nothing is uploaded before the order.
    #[display("no upload before the order")]
    Nothing,
}

/// One fault of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderFault {
    /// The URL is filled up to this many bytes.
    UrlBytes(u16),
    /// The URL begins with `https://`.
    Https,
    /// The order comes right behind `AT+CFUN=0` and `AT+CFUN=1`, before the module has an address again.
    BeforeIp,
    /// A second order is given at this share of the download.
    Again(Percent),
    /// `AT+CFUN=0` is sent at this share of the download.
    Detach(Percent),
}

impl UartFault {
    /// The block that it hits, where it hits one.
    pub const fn block(self) -> Option<u32> {
        match self {
            Self::CorruptBlock(block)
            | Self::ShortBlock(block)
            | Self::LongBlock(block)
            | Self::OutOfOrder(block)
            | Self::Silence(block) => Some(block),
            Self::Damage(_) | Self::Nothing => None,
        }
    }
}
