//! One request of ours from its first block to the last of its response (RFC 7959 §2.4, §2.5).

use super::block::{BlockOption, BlockSize};
use super::code::CoapCode;
use super::message::CoapMessage;
use super::option;
use alloc::vec::Vec;

/// The longest response that is put together.
const RESPONSE_MAX: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Transfer {
    /// The request without its payload.
    request: CoapMessage,
    /// Its payload, and how much of it the peer has.
    payload: Vec<u8>,
    given: usize,
    size: BlockSize,
    /// The response's payload so far.
    body: Vec<u8>,
    etag: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) enum TransferStep {
    Ask(CoapMessage),
    Done(CoapMessage),
    /// The blocks do not fit together.
    Broken(&'static str),
}

impl Transfer {
    pub(super) fn new(request: CoapMessage) -> Self {
        let payload = request.payload().to_vec();
        Self {
            request: request.with_payload(Vec::new()),
            payload,
            given: 0,
            size: BlockSize::MEDIUM,
            body: Vec::new(),
            etag: None,
        }
    }

    /// The request with the part of its payload that is due, or all of it where that fits.
    pub(super) fn give(&self) -> CoapMessage {
        let size = self.size.bytes();
        if self.payload.len() <= size && self.given == 0 && self.size >= BlockSize::MEDIUM {
            return self.request.clone().with_payload(self.payload.clone());
        }
        let end = self.payload.len().min(self.given + size);
        let block = BlockOption {
            number: (self.given / size) as u32,
            more: end < self.payload.len(),
            size: self.size,
        };
        let part = self.request.clone().with_block(option::BLOCK1, block);
        part.with_payload(self.payload[self.given..end].to_vec())
    }

    pub(super) fn on(&mut self, response: CoapMessage) -> TransferStep {
        let block1 = match response.block(option::BLOCK1) {
            Ok(block) => block,
            Err(_) => return TransferStep::Broken("Block1 of the response is none"),
        };
        if let (CoapCode::CONTINUE | CoapCode::TOO_LARGE, Some(block)) = (response.code(), block1) {
            return self.go_on(response, block);
        }
        match response.block(option::BLOCK2) {
            Ok(Some(block)) if response.code().is_success() => self.collect(response, block),
            Ok(_) => TransferStep::Done(response),
            Err(_) => TransferStep::Broken("Block2 of the response is none"),
        }
    }

    /// The peer wants the next block, or smaller ones.
    fn go_on(&mut self, response: CoapMessage, block: BlockOption) -> TransferStep {
        let smaller = block.size < self.size;
        if response.code() == CoapCode::TOO_LARGE {
            if !smaller || self.given > 0 {
                return TransferStep::Done(response);
            }
            self.size = block.size;
            return TransferStep::Ask(self.give());
        }
        // What went out counts in its own size; the next block in the peer's (RFC 7959 §2.3).
        self.given += self.size.bytes();
        if self.given >= self.payload.len() {
            return TransferStep::Broken("2.31 Continue to the last block");
        }
        self.size = self.size.min(block.size);
        TransferStep::Ask(self.give())
    }

    fn collect(&mut self, response: CoapMessage, block: BlockOption) -> TransferStep {
        if block.offset() != self.body.len() as u64 {
            return TransferStep::Broken("a block of the response was left out");
        }
        let etag = response.option(option::ETAG).map(<[u8]>::to_vec);
        if block.number > 0 && etag != self.etag {
            return TransferStep::Broken("the response changed between two blocks");
        }
        if block.more && response.payload().len() != block.size.bytes() {
            return TransferStep::Broken("a block before the last is not full");
        }
        self.etag = etag;
        self.body.extend_from_slice(response.payload());
        if !block.more {
            return TransferStep::Done(response.with_payload(core::mem::take(&mut self.body)));
        }
        if self.body.len() > RESPONSE_MAX {
            return TransferStep::Broken("the response is longer than 64 KiB");
        }
        let next = BlockOption::new(block.number + 1, block.size);
        // An observation is asked for once, with the first block (RFC 7959 §2.6).
        let request = self
            .request
            .clone()
            .without(option::OBSERVE)
            .without(option::BLOCK1);
        TransferStep::Ask(request.with_block(option::BLOCK2, next))
    }
}
