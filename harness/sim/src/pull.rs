//! A download over CoAP into the delta area, beside the application (AN §4, §5.4, §5.5).
//!
//! Confirmable GETs, a block each (RFC 7959 §2.4), a random token each. The delta area is erased at the start, and nothing
//! is kept over a cut: a new order begins with block 0 (FW: "fota coap dl erase flash", and no position as over HTTP). The
//! package must keep its ETag; the server may make blocks smaller, never larger. There is no retry of its own.

use crate::clock::ModuleClock;
use crate::coap::option::{BLOCK2, ETAG, SIZE2, URI_HOST, URI_PATH, URI_PORT, URI_QUERY};
use crate::coap::{BlockOption, CoapCode, Exchange, MessageType, CoapMessage, News, Step, Uri};
use crate::durations::{COAP_BLOCK, DOWNLINK, DOWNLINK_PIECE};
use crate::flash::{FileFlash, Flash, FlashError};
use crate::layout::FlashLayout;
use crate::random::Random;
use crate::udp;
use bc66_spec::lwm2m::UpdateResult;
use std::io;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The name has no address.
    #[error("`{0}`: {1}")]
    Name(Uri, io::Error),
    /// The server does not answer, however often it is asked.
    #[error("the server is silent")]
    Silent,
    /// The server answers with a reset.
    #[error("the server resets")]
    Reset,
    /// The server has no package there.
    #[error("answer {0}")]
    Refused(CoapCode),
    /// The package was changed between two blocks.
    #[error("the ETag has changed")]
    Changed,
    /// The package does not go into the delta area.
    #[error("a package of {0} bytes or more does not go into the delta area")]
    TooLarge(usize),
    /// The blocks do not make up a package.
    #[error("{0}")]
    Blocks(&'static str),
    /// The download was given up.
    #[error("given up")]
    Cancelled,
    #[error(transparent)]
    Flash(#[from] FlashError),
}

impl PullError {
    /// What `/5/0/5` says of it (TS10 E.6). That a refusal is an invalid URI, and a changed package one without integrity, is
    /// assumed.
    pub fn result(&self) -> UpdateResult {
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

#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Exponent of the block size to ask for.
    pub exponent: u8,
    pub clock: ModuleClock,
    /// Where the delta area is.
    pub layout: FlashLayout,
}

/// A download under way; dropping it gives it up.
#[derive(Debug)]
pub struct Pull {
    cancelled: Arc<AtomicBool>,
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Pull {
    /// Starts downloading in a thread of its own. Once given up, it writes nothing and tells nothing any more.
    pub fn start(
        uri: Uri,
        manner: Manner,
        random: Random,
        flash: Arc<Mutex<FileFlash>>,
        tell: impl FnOnce(Result<usize, PullError>) + Send + 'static,
    ) -> io::Result<Self> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancelled);
        thread::Builder::new().name("pull".into()).spawn(move || {
            let over = prepare(&flash, &manner, &flag).and_then(|()| {
                let socket =
                    udp::connect(&uri.host, uri.port).map_err(|error| PullError::Name(uri.clone(), error))?;
                let mut transfer = CoapTransfer {
                    uri,
                    manner,
                    random,
                    flash,
                    cancelled: flag.clone(),
                    socket,
                    next_id: 0,
                };
                transfer.next_id = transfer.random.bits() as u16;
                transfer.run()
            });
            if !flag.load(Ordering::Relaxed) {
                tell(over);
            }
        })?;
        Ok(Self { cancelled })
    }
}

/// Erases the delta area.
fn prepare(flash: &Mutex<FileFlash>, manner: &Manner, cancelled: &AtomicBool) -> Result<(), PullError> {
    let area = manner.layout.delta;
    for sector in 0..area.sectors {
        let mut flash = locked(flash);
        if cancelled.load(Ordering::Relaxed) {
            return Err(PullError::Cancelled);
        }
        flash.erase(area.sector(sector))?;
    }
    Ok(())
}

fn locked(flash: &Mutex<FileFlash>) -> MutexGuard<'_, FileFlash> {
    flash.lock().unwrap_or_else(PoisonError::into_inner)
}

struct CoapTransfer {
    uri: Uri,
    manner: Manner,
    random: Random,
    flash: Arc<Mutex<FileFlash>>,
    cancelled: Arc<AtomicBool>,
    socket: UdpSocket,
    next_id: u16,
}

impl CoapTransfer {
    fn run(&mut self) -> Result<usize, PullError> {
        let mut at = 0;
        let mut exponent = self.manner.exponent;
        let mut etag: Option<Option<Vec<u8>>> = None;
        loop {
            let mut asked = BlockOption {
                number: 0,
                more: false,
                exponent,
            };
            asked.number = (at / asked.size()) as u32;
            let answer = self.ask(request(&self.uri, asked))?;
            let seen = answer.value(ETAG).map(<[u8]>::to_vec);
            if *etag.get_or_insert_with(|| seen.clone()) != seen {
                return Err(PullError::Changed);
            }
            let block = check(&answer, asked, at)?;
            let end = at + answer.payload.len();
            let announced = answer.uint(SIZE2).unwrap_or(0) as usize;
            if end.max(announced) > self.manner.layout.delta.len() {
                return Err(PullError::TooLarge(end.max(announced)));
            }
            let transport = DOWNLINK.mul_f64(answer.payload.len() as f64 / DOWNLINK_PIECE as f64);
            self.manner.clock.sleep(COAP_BLOCK + transport);
            self.store(at, &answer.payload)?;
            if !block.more {
                return Ok(end);
            }
            at = end;
            exponent = block.exponent;
        }
    }

    fn store(&self, at: usize, bytes: &[u8]) -> Result<(), PullError> {
        let mut flash = locked(&self.flash);
        if self.is_cancelled() {
            return Err(PullError::Cancelled);
        }
        Ok(flash.program_all(self.manner.layout.delta.start + at, bytes)?)
    }

    /// Sends a request until its answer comes; messages of anything else are dropped (FW).
    fn ask(&mut self, mut request: CoapMessage) -> Result<CoapMessage, PullError> {
        request.id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        request.token = (self.random.bits() as u32).to_be_bytes().to_vec();
        let mut exchange = Exchange::begin(&request, self.manner.clock, &mut self.random, Instant::now());
        self.send(exchange.bytes());
        loop {
            if self.is_cancelled() {
                return Err(PullError::Cancelled);
            }
            let now = Instant::now();
            if exchange.due() <= now {
                match exchange.step(now) {
                    Step::Resend => self.send(exchange.bytes()),
                    Step::GiveUp => return Err(PullError::Silent),
                }
            }
            let Some(datagram) = udp::receive(&self.socket, exchange.due().saturating_duration_since(now))
            else {
                continue;
            };
            let Ok(message) = CoapMessage::decode(&datagram) else {
                continue;
            };
            let news = exchange.on_message(&message, Instant::now());
            if message.kind == MessageType::Confirmable {
                let known = news == News::Answered;
                let kind = if known { MessageType::Acknowledgement } else { MessageType::Reset };
                self.send(&CoapMessage::empty(kind, message.id).encode());
            }
            match news {
                News::Answered => return Ok(message),
                News::Refused => return Err(PullError::Reset),
                News::Acknowledged | News::NotMine => {}
            }
        }
    }

    /// What cannot be sent is lost like anything else.
    fn send(&self, bytes: &[u8]) {
        let _ = self.socket.send(bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Host and port are named although the datagram's address says them (FW).
fn request(uri: &Uri, block: BlockOption) -> CoapMessage {
    let mut request = CoapMessage::new(MessageType::Confirmable, CoapCode::GET, 0, &[]);
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
fn check(answer: &CoapMessage, asked: BlockOption, at: usize) -> Result<BlockOption, PullError> {
    if answer.code != CoapCode::CONTENT {
        return Err(PullError::Refused(answer.code));
    }
    if answer.unknown_critical(&[BLOCK2]).is_some() {
        return Err(PullError::Blocks("an option that must be understood and is not"));
    }
    let Some(value) = answer.value(BLOCK2) else {
        let whole = at == 0 && !answer.payload.is_empty();
        return if whole {
            Ok(asked)
        } else {
            Err(PullError::Blocks("an answer without a block"))
        };
    };
    let block = BlockOption::decode(value).ok_or(PullError::Blocks("a malformed block option"))?;
    let full = answer.payload.len() == block.size();
    if block.exponent > asked.exponent {
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
        let block = BlockOption {
            number: 3,
            more: false,
            exponent: 5,
        };
        assert_eq!(
            request(&uri, block).encode().escape_ascii().to_string(),
            "@\\x01\\x00\\x009127.0.0.1B\\x16DAf\\x07p.deltaCx=1\\x815"
        );
    }

    #[rstest]
    #[case::asked(Some(0x1D), 512, 512, None)]
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
        let mut answer = CoapMessage::new(MessageType::Acknowledgement, CoapCode::CONTENT, 1, &[]);
        if let Some(value) = value {
            answer.push(BLOCK2, [value]);
        }
        answer.payload = vec![0; len];
        let asked = BlockOption {
            number: (at / 512) as u32,
            more: false,
            exponent: 5,
        };
        let refused = check(&answer, asked, at).err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), why);
    }
}
