//! Requests that peers send in blocks, put together (RFC 7959 §2.5). Bounded: few at a time, none long, the oldest goes
//! first.

use super::block::{BlockError, BlockOption};
use super::code::CoapCode;
use super::message::CoapMessage;
use super::option;
use super::timing::EXCHANGE_LIFETIME;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// As many at a time.
const UPLOADS_MAX: usize = 64;

#[derive(Debug)]
pub struct Uploads<P> {
    longest: usize,
    /// The one that was heard of longest ago first.
    parts: Vec<PartialUpload<P>>,
}

#[derive(Debug)]
struct PartialUpload<P> {
    peer: P,
    path: String,
    code: CoapCode,
    payload: Vec<u8>,
    heard: Duration,
}

/// What a request with a payload is.
#[derive(Debug, PartialEq)]
pub enum ReceivedPayload {
    /// All of it; the response carries the block option, where there is one.
    Whole(Vec<u8>, Option<BlockOption>),
    /// A part of it, or a mistake: this is the response.
    Answer(CoapMessage),
}

impl<P: Copy + Eq> Uploads<P> {
    /// For payloads of at most `longest` bytes.
    pub const fn new(longest: usize) -> Self {
        Self {
            longest,
            parts: Vec::new(),
        }
    }

    pub fn take(&mut self, peer: P, request: &CoapMessage, now: Duration) -> ReceivedPayload {
        let block = match request.block(option::BLOCK1) {
            Ok(None) if request.payload().len() > self.longest => {
                return ReceivedPayload::Answer(self.too_large(None));
            }
            Ok(None) => return ReceivedPayload::Whole(request.payload().to_vec(), None),
            Ok(Some(block)) => block,
            Err(BlockError::ReservedSize) => {
                return ReceivedPayload::Answer(CoapMessage::diagnostic(
                    CoapCode::BAD_REQUEST,
                    "block size 7 is reserved",
                ));
            }
            Err(BlockError::TooLong) => {
                return ReceivedPayload::Answer(CoapMessage::diagnostic(
                    CoapCode::BAD_OPTION,
                    "a block option has 3 bytes at most",
                ));
            }
        };
        self.parts.retain(|part| now < part.heard + EXCHANGE_LIFETIME);
        self.add(peer, request, block, now)
    }

    fn add(&mut self, peer: P, request: &CoapMessage, block: BlockOption, now: Duration) -> ReceivedPayload {
        let path = request.path();
        let mine =
            |part: &PartialUpload<P>| part.peer == peer && part.path == path && part.code == request.code();
        let found = self.parts.iter().position(mine).map(|at| self.parts.remove(at));
        let mut payload = match found {
            _ if block.number == 0 => Vec::new(),
            Some(part) => part.payload,
            None => Vec::new(),
        };
        let full = request.payload().len() == block.size.bytes();
        if block.offset() != payload.len() as u64 || (block.more && !full) {
            let why = "a block is missing: begin again with block 0";
            return ReceivedPayload::Answer(CoapMessage::diagnostic(CoapCode::INCOMPLETE, why));
        }
        if payload.len() + request.payload().len() > self.longest {
            return ReceivedPayload::Answer(self.too_large(Some(block)));
        }
        payload.extend_from_slice(request.payload());
        if !block.more {
            return ReceivedPayload::Whole(payload, Some(block));
        }
        if self.parts.len() == UPLOADS_MAX {
            self.parts.remove(0);
        }
        self.parts.push(PartialUpload {
            peer,
            path,
            code: request.code(),
            payload,
            heard: now,
        });
        ReceivedPayload::Answer(CoapMessage::draft(CoapCode::CONTINUE).with_block(option::BLOCK1, block))
    }

    fn too_large(&self, block: Option<BlockOption>) -> CoapMessage {
        let answer = CoapMessage::draft(CoapCode::TOO_LARGE).with_uint(option::SIZE1, self.longest as u32);
        match block {
            Some(block) => answer.with_block(option::BLOCK1, block),
            None => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::BlockSize;
    use super::*;
    use alloc::vec;

    fn part(number: u32, more: bool, bytes: usize) -> CoapMessage {
        let block = BlockOption {
            number,
            more,
            size: BlockSize::MIN,
        };
        CoapMessage::request(CoapCode::POST, "rd")
            .with_block(option::BLOCK1, block)
            .with_payload(vec![number as u8; bytes])
    }

    fn code(upload: ReceivedPayload) -> Option<CoapCode> {
        match upload {
            ReceivedPayload::Whole(..) => None,
            ReceivedPayload::Answer(answer) => Some(answer.code()),
        }
    }

    #[test]
    fn blocks_become_a_whole_in_order_only() {
        let mut uploads = Uploads::new(64);
        let now = Duration::ZERO;
        let mut take = |peer: u8, number, more, bytes| uploads.take(peer, &part(number, more, bytes), now);
        assert_eq!(code(take(1, 0, true, 16)), Some(CoapCode::CONTINUE));
        assert_eq!(
            code(take(2, 1, true, 16)),
            Some(CoapCode::INCOMPLETE),
            "another peer"
        );
        let ReceivedPayload::Whole(whole, Some(last)) = take(1, 1, false, 3) else {
            panic!("the whole");
        };
        assert_eq!((whole.len(), last.number), (19, 1));
        assert_eq!(
            code(take(1, 1, false, 3)),
            Some(CoapCode::INCOMPLETE),
            "it is over"
        );
        assert_eq!(code(take(1, 0, true, 16)), Some(CoapCode::CONTINUE));
        assert_eq!(
            code(take(1, 2, true, 16)),
            Some(CoapCode::INCOMPLETE),
            "one left out"
        );
        assert_eq!(code(take(1, 0, true, 15)), Some(CoapCode::INCOMPLETE), "not full");
    }

    #[test]
    fn memory_is_bounded() {
        let mut uploads = Uploads::new(64);
        let now = Duration::ZERO;
        for number in 0..4 {
            assert_eq!(
                code(uploads.take(1_u32, &part(number, true, 16), now)),
                Some(CoapCode::CONTINUE)
            );
        }
        assert_eq!(
            code(uploads.take(1, &part(4, true, 16), now)),
            Some(CoapCode::TOO_LARGE)
        );
        for peer in 0..1000 {
            uploads.take(peer, &part(0, true, 16), now);
            assert!(uploads.parts.len() <= UPLOADS_MAX);
        }
        let later = EXCHANGE_LIFETIME;
        uploads.take(7, &part(0, true, 16), later);
        assert_eq!(uploads.parts.len(), 1);
    }
}
