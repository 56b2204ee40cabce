//! A download over CoAP into the delta area, beside the application (AN §4, §5.4, §5.5).
//!
//! Confirmable GETs, a block each (RFC 7959 §2.4), a random token each. The delta area is erased at the start, and nothing
//! is kept over a cut: a new order begins with block 0 (FW: "fota coap dl erase flash", and no position as over HTTP). The
//! package must keep its ETag; the server may make blocks smaller, never larger. There is no retry of its own.

use crate::background::{Background, Cancellation};
use crate::clock::ModuleClock;
use crate::coap::option::{BLOCK2, ETAG, SIZE2, URI_HOST, URI_PATH, URI_PORT, URI_QUERY};
use crate::coap::{BlockValue, Exchange, MessageCode, MessageType, News, RawMessage, Uri};
use crate::durations::{COAP_BLOCK, DOWNLINK, DOWNLINK_PIECE};
use crate::flash::{FileFlash, Flash, FlashError, SharedFlash};
use crate::layout::{FlashLayout, Region};
use crate::random::Random;
use crate::udp;
use bc66_spec::lwm2m::UpdateResult;
use std::io;
use std::net::UdpSocket;
use std::sync::MutexGuard;
use std::time::Instant;

const DELTA: Region = FlashLayout::BC66.delta;

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error("`{0}`: {1}")]
    Name(Uri, io::Error),
    #[error("the server does not answer, however often it is asked")]
    Silent,
    #[error("the server answers with a reset")]
    Reset,
    #[error("answer {0}, expected 2.05")]
    Refused(MessageCode),
    #[error("the ETag has changed between two blocks")]
    Changed,
    #[error("a package of {0} bytes or more: expected at most {max}", max = DELTA.size())]
    TooLarge(usize),
    #[error("{0}")]
    Blocks(&'static str),
    #[error("the download was given up")]
    Cancelled,
    #[error(transparent)]
    Flash(#[from] FlashError),
}

impl PullError {
    /// The value of `/5/0/5` (TS10 E.6). Assumed: a refusal is an invalid URI, a changed package has no integrity.
    pub(crate) fn result(&self) -> UpdateResult {
        match self {
            Self::Name(..) => UpdateResult::InvalidUri,
            Self::Refused(code) if code.class() == 4 => UpdateResult::InvalidUri,
            Self::TooLarge(_) => UpdateResult::NoFlash,
            Self::Changed | Self::Blocks(_) => UpdateResult::Integrity,
            Self::Silent | Self::Reset | Self::Refused(_) | Self::Cancelled | Self::Flash(_) => {
                UpdateResult::ConnectionLost
            }
        }
    }
}

/// A download over CoAP, as it was ordered.
pub(crate) struct CoapTransfer {
    pub(crate) uri: Uri,
    /// Exponent of the block size to ask for.
    pub(crate) exponent: u8,
    pub(crate) clock: ModuleClock,
    pub(crate) random: Random,
    pub(crate) flash: SharedFlash,
}

impl CoapTransfer {
    /// Starts downloading.
    pub(crate) fn start(
        self,
        tell: impl FnOnce(Result<usize, PullError>) + Send + 'static,
    ) -> io::Result<Background> {
        Background::start("pull", move |cancellation| {
            let package = self.run(cancellation);
            if !cancellation.is_set() {
                tell(package);
            }
        })
    }

    fn run(mut self, cancellation: &Cancellation) -> Result<usize, PullError> {
        for sector in 0..DELTA.sectors {
            locked(&self.flash, cancellation)?.erase(DELTA.sector(sector))?;
        }
        let socket = udp::connect(&self.uri.host, self.uri.port)
            .map_err(|error| PullError::Name(self.uri.clone(), error))?;
        let mut conversation = Conversation {
            next_id: self.random.bits() as u16,
            random: self.random,
            clock: self.clock,
            cancellation,
            socket,
        };
        let mut at = 0;
        let mut exponent = self.exponent;
        let mut etag: Option<Option<Vec<u8>>> = None;
        loop {
            let requested = BlockValue::at(at, exponent);
            let answer = conversation.ask(request(&self.uri, requested))?;
            let seen = answer.value(ETAG).map(<[u8]>::to_vec);
            if *etag.get_or_insert_with(|| seen.clone()) != seen {
                return Err(PullError::Changed);
            }
            let block = check(&answer, requested, at)?;
            let end = at + answer.payload.len();
            let size = end.max(answer.uint(SIZE2).unwrap_or(0) as usize);
            if size > DELTA.size() {
                return Err(PullError::TooLarge(size));
            }
            let transport = DOWNLINK.mul_f64(answer.payload.len() as f64 / DOWNLINK_PIECE as f64);
            self.clock.sleep(COAP_BLOCK + transport);
            locked(&self.flash, cancellation)?.program_all(DELTA.start + at, &answer.payload)?;
            if !block.more {
                return Ok(end);
            }
            at = end;
            exponent = block.exponent;
        }
    }
}

/// The flash to write to, unless the download was given up meanwhile.
fn locked<'a>(
    flash: &'a SharedFlash,
    cancellation: &Cancellation,
) -> Result<MutexGuard<'a, FileFlash>, PullError> {
    let flash = flash.lock();
    if cancellation.is_set() {
        Err(PullError::Cancelled)
    } else {
        Ok(flash)
    }
}

/// Requests and answers, one after the other.
struct Conversation<'a> {
    clock: ModuleClock,
    random: Random,
    cancellation: &'a Cancellation,
    socket: UdpSocket,
    next_id: u16,
}

impl Conversation<'_> {
    /// Sends a request until its answer comes; messages of anything else are dropped (FW).
    fn ask(&mut self, mut request: RawMessage) -> Result<RawMessage, PullError> {
        request.id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        request.token = (self.random.bits() as u32).to_be_bytes().to_vec();
        let mut exchange = Exchange::begin(&request, self.clock, &mut self.random, Instant::now());
        self.send(exchange.bytes());
        loop {
            if self.cancellation.is_set() {
                return Err(PullError::Cancelled);
            }
            let now = Instant::now();
            if exchange.due() <= now {
                if !exchange.resends(now) {
                    return Err(PullError::Silent);
                }
                self.send(exchange.bytes());
            }
            let Some(datagram) = udp::receive(&self.socket, exchange.due().saturating_duration_since(now))
            else {
                continue;
            };
            let Ok(message) = RawMessage::decode(&datagram) else {
                continue;
            };
            let news = exchange.on_message(&message, Instant::now());
            if message.kind == MessageType::Confirmable {
                let known = news == News::Answered;
                let kind = if known {
                    MessageType::Acknowledgement
                } else {
                    MessageType::Reset
                };
                self.send(&RawMessage::empty(kind, message.id).encode());
            }
            match news {
                News::Answered => return Ok(message),
                News::Refused => return Err(PullError::Reset),
                News::Acknowledged | News::NotMine => {}
            }
        }
    }

    /// A datagram that cannot be sent counts as lost.
    fn send(&self, bytes: &[u8]) {
        let _ = self.socket.send(bytes);
    }
}

/// Host and port are options although the address of the datagram has them (FW).
fn request(uri: &Uri, block: BlockValue) -> RawMessage {
    let mut request = RawMessage::new(MessageType::Confirmable, MessageCode::GET, 0, &[]);
    request.push(URI_HOST, &uri.host);
    request.push_uint(URI_PORT, uri.port.into());
    for segment in &uri.path {
        request.push(URI_PATH, segment);
    }
    for parameter in &uri.query {
        request.push(URI_QUERY, parameter);
    }
    request.push(BLOCK2, block.encode());
    request
}

/// The block that an answer is, if it is the one that was asked for.
fn check(answer: &RawMessage, requested: BlockValue, at: usize) -> Result<BlockValue, PullError> {
    if answer.code != MessageCode::CONTENT {
        return Err(PullError::Refused(answer.code));
    }
    if answer.has_unknown_critical(&[BLOCK2]) {
        return Err(PullError::Blocks("an option that must be understood and is not"));
    }
    let Some(value) = answer.value(BLOCK2) else {
        let whole = Some(requested).filter(|_| at == 0 && !answer.payload.is_empty());
        return whole.ok_or(PullError::Blocks("an answer without a block"));
    };
    let block = BlockValue::decode(value).ok_or(PullError::Blocks("a malformed block option"))?;
    let full = answer.payload.len() == block.size();
    if block.exponent > requested.exponent {
        Err(PullError::Blocks("a larger block than was asked for"))
    } else if block.offset() != at {
        Err(PullError::Blocks("another block than was asked for"))
    } else if answer.payload.is_empty() || answer.payload.len() > block.size() || (block.more && !full) {
        Err(PullError::Blocks("a block of another size than it says"))
    } else {
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn golden_request() {
        let uri = Uri::parse("coap://127.0.0.1:5700/f/p.delta?x=1").expect("a URI");
        assert_eq!(
            request(&uri, BlockValue::at(3 * 512, 5))
                .encode()
                .escape_ascii()
                .to_string(),
            "@\\x01\\x00\\x009127.0.0.1B\\x16DAf\\x07p.deltaCx=1\\x815"
        );
    }

    #[rstest]
    #[case::requested(Some(0x1D), 512, 512, None)]
    #[case::last(Some(0x15), 512, 3, None)]
    #[case::smaller(Some(0x8A), 512, 64, None)]
    #[case::larger(Some(0x1E), 1024, 1024, Some("a larger block than was asked for"))]
    #[case::another(Some(0x2D), 512, 512, Some("another block than was asked for"))]
    #[case::short(Some(0x1D), 512, 511, Some("a block of another size than it says"))]
    #[case::long(Some(0x15), 512, 513, Some("a block of another size than it says"))]
    #[case::nothing(Some(0x15), 512, 0, Some("a block of another size than it says"))]
    #[case::reserved(Some(0x17), 512, 512, Some("a malformed block option"))]
    #[case::none(None, 512, 512, Some("an answer without a block"))]
    #[case::whole(None, 0, 70, None)]
    fn blocks(#[case] value: Option<u8>, #[case] at: usize, #[case] len: usize, #[case] why: Option<&str>) {
        let mut answer = RawMessage::new(MessageType::Acknowledgement, MessageCode::CONTENT, 1, &[]);
        if let Some(value) = value {
            answer.push(BLOCK2, [value]);
        }
        answer.payload = vec![0; len];
        let refused = check(&answer, BlockValue::at(at, 5), at)
            .err()
            .map(|error| error.to_string());
        assert_eq!(refused.as_deref(), why);
    }
}
