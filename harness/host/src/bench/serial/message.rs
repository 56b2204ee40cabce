//! Messages from the bench (reader thread, servers, signals) to the runner.

use crate::bench::line::LineError;
use dfota_core::cut::Cut;
use dfota_core::percent::Percent;
use dfota_core::urc::Urc;
use dfota_servers::coap::CoapEvent;
use std::time::Instant;

/// What the runner hears, in the order in which it happened.
#[derive(Debug)]
pub enum BenchMessage {
    /// A line from the module.
    Line {
        /// Its bytes, without the line end.
        text: Vec<u8>,
        /// The URC, where it is one.
        urc: Option<Urc>,
        /// When its last byte had been read.
        at: Instant,
    },
    /// The prompt of data mode.
    Prompt {
        /// When it had been read.
        at: Instant,
    },
    /// The armed cut was made.
    Cut(CutInstants),
    /// Everything that could be read when [`SerialReader::drain`](super::reader::SerialReader::drain) was called has been handed
    /// over.
    Drained {
        /// Bytes read since the reader started.
        bytes: u64,
        /// Those of a line that has not ended.
        partial: Vec<u8>,
    },
    /// The port has gone, and why.
    Lost(String),
    /// The port is there again.
    Back,
    /// One of the servers answered a request for a package of this case.
    Request(dfota_core::event::Request),
    /// The CoAP file server saw that the module has so much of the package.
    Served(Percent),
    /// Something happened at the LwM2M server.
    Lwm2m(CoapEvent),
    /// The run is to end.
    Interrupt,
}

/// A cut that was made, with the times of its parts.
#[derive(Debug)]
pub struct CutInstants {
    pub cut: Cut,
    /// When the last byte of its moment had been read.
    pub trigger: Instant,
    /// When the cut was due: that, and its delay.
    pub due: Instant,
    /// When the line was commanded.
    pub commanded: Instant,
    /// When the command had returned.
    pub returned: Instant,
    /// What the driver said.
    pub result: Result<(), LineError>,
}
