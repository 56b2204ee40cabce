//! The server's requests: reads, observations, writes and executes, answered one by one (TS10 §5.4, §5.5).

use super::{Client, Lwm2mEvent};
use crate::coap::option::{
    ACCEPT, BLOCK1, BLOCK2, CONTENT_FORMAT, OBSERVE, SIZE1, URI_HOST, URI_PATH, URI_PORT, URI_QUERY,
};
use crate::coap::{BlockValue, CoapOption, MessageCode, MessageType, RawMessage};
use crate::lwm2m::objects::{Objects, Representation};
use crate::lwm2m::path::Path;
use bc66_spec::lwm2m::format;

/// Longest payload that may come in blocks. Assumed: what is written to these objects is short.
const INCOMING_MAX: usize = 1024;
/// Critical options that a request may have.
const KNOWN: [u16; 7] = [URI_HOST, URI_PORT, URI_PATH, URI_QUERY, ACCEPT, BLOCK1, BLOCK2];

/// A payload that comes in blocks.
#[derive(Debug)]
pub(super) struct Incoming {
    code: MessageCode,
    path: Path,
    bytes: Vec<u8>,
}

struct CoapAnswer {
    code: MessageCode,
    options: Vec<CoapOption>,
    payload: Vec<u8>,
}

impl From<MessageCode> for CoapAnswer {
    fn from(code: MessageCode) -> Self {
        Self {
            code,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }
}

impl Client {
    pub(super) fn on_request(&mut self, request: &RawMessage, objects: &mut Objects) -> Option<RawMessage> {
        let refused = request.has_unknown_critical(&KNOWN);
        let (kind, id) = match request.kind {
            MessageType::Confirmable => (MessageType::Acknowledgement, request.id),
            MessageType::NonConfirmable if !refused => (MessageType::NonConfirmable, self.id()),
            _ => return None,
        };
        let answer = if refused {
            MessageCode::BAD_OPTION.into()
        } else {
            self.answer(request, objects).unwrap_or_else(CoapAnswer::from)
        };
        let mut message = RawMessage::new(kind, answer.code, id, &request.token);
        message.options = answer.options;
        message.payload = answer.payload;
        Some(message)
    }

    fn answer(&mut self, request: &RawMessage, objects: &mut Objects) -> Result<CoapAnswer, MessageCode> {
        let segments = request.texts(URI_PATH).ok_or(MessageCode::NOT_FOUND)?;
        let path = Path::from_segments(&segments).ok_or(MessageCode::NOT_FOUND)?;
        match request.code {
            MessageCode::GET => self.get(request, path, objects),
            MessageCode::PUT | MessageCode::POST => self.put(request, path, objects),
            _ => Err(MessageCode::METHOD_NOT_ALLOWED),
        }
    }

    fn get(
        &mut self,
        request: &RawMessage,
        path: Path,
        objects: &Objects,
    ) -> Result<CoapAnswer, MessageCode> {
        let accept = short(request, ACCEPT)?;
        if accept == Some(format::LINK) {
            let links = Representation {
                format: format::LINK,
                payload: Objects::discover(path)?.into_bytes(),
            };
            return content(request, links, None);
        }
        let value = objects.read(path, accept)?;
        let observe = request.uint(OBSERVE);
        let number = self
            .observations
            .as_mut()
            .filter(|_| observe.is_some())
            .and_then(|all| {
                all.cancel(&request.token);
                let starts = observe == Some(0);
                starts.then(|| all.add(path, &request.token, accept, &value.payload))?
            });
        content(request, value, number)
    }

    /// Writes, or executes: a POST to a resource (TS10 §5.4.5).
    fn put(
        &mut self,
        request: &RawMessage,
        path: Path,
        objects: &mut Objects,
    ) -> Result<CoapAnswer, MessageCode> {
        let format = short(request, CONTENT_FORMAT)?;
        let attributes = request.code == MessageCode::PUT && request.value(URI_QUERY).is_some();
        if attributes && request.payload.is_empty() {
            Objects::discover(path)?;
            return Ok(MessageCode::CHANGED.into()); // attributes are taken and not followed
        }
        let executes = request.code == MessageCode::POST && matches!(path, Path::Resource(..));
        let block = block(request, BLOCK1)?;
        let payload = match block {
            Some(block) if !executes => match self.gather(request, path, block)? {
                Some(whole) => whole,
                None => return Ok(confirmed(MessageCode::CONTINUE, Some(block))),
            },
            _ => request.payload.clone(),
        };
        let action = if executes {
            objects.execute(path)?
        } else {
            objects.write(path, format, &payload)?
        };
        self.events.extend(action.map(Lwm2mEvent::Act));
        Ok(confirmed(MessageCode::CHANGED, block))
    }

    /// Adds a block to what came before; the whole, once it is there (RFC 7959 §2.5).
    fn gather(
        &mut self,
        request: &RawMessage,
        path: Path,
        block: BlockValue,
    ) -> Result<Option<Vec<u8>>, MessageCode> {
        let before = match self.incoming.take() {
            Some(incoming) if block.number > 0 && incoming.path == path && incoming.code == request.code => {
                incoming.bytes
            }
            _ => Vec::new(),
        };
        let announced = request.uint(SIZE1).unwrap_or(0) as usize;
        if before.len() != block.offset() || (block.more && request.payload.len() != block.size()) {
            return Err(MessageCode::INCOMPLETE);
        }
        if announced.max(before.len() + request.payload.len()) > INCOMING_MAX {
            return Err(MessageCode::TOO_LARGE);
        }
        let bytes = [before, request.payload.clone()].concat();
        if !block.more {
            return Ok(Some(bytes));
        }
        let code = request.code;
        self.incoming = Some(Incoming { code, path, bytes });
        Ok(None)
    }
}

/// An option that is a number of two bytes.
fn short(request: &RawMessage, number: u16) -> Result<Option<u16>, MessageCode> {
    let decode = |_| request.uint(number)?.try_into().ok();
    let value = request.value(number);
    value
        .map(|value| decode(value).ok_or(MessageCode::BAD_OPTION))
        .transpose()
}

fn block(request: &RawMessage, number: u16) -> Result<Option<BlockValue>, MessageCode> {
    let decode = |value| BlockValue::decode(value).ok_or(MessageCode::BAD_REQUEST);
    request.value(number).map(decode).transpose()
}

/// An answer without content, which confirms a block if the request had one.
fn confirmed(code: MessageCode, block: Option<BlockValue>) -> CoapAnswer {
    let mut answer = CoapAnswer::from(code);
    let option = block.map(|block| CoapOption::new(BLOCK1, block.encode()));
    answer.options.extend(option);
    answer
}

/// A 2.05, cut into blocks if it is too long or if the request has a block option.
fn content(
    request: &RawMessage,
    value: Representation,
    observe: Option<u32>,
) -> Result<CoapAnswer, MessageCode> {
    let mut answer = CoapAnswer::from(MessageCode::CONTENT);
    let observe = observe.map(|number| CoapOption::uint(OBSERVE, number));
    answer.options.extend(observe);
    answer
        .options
        .push(CoapOption::uint(CONTENT_FORMAT, value.format.into()));
    let requested = block(request, BLOCK2)?;
    let mut block = requested.unwrap_or(BlockValue::at(0, BlockValue::EXPONENT_MAX));
    let part = block.cut(&value.payload).ok_or(MessageCode::BAD_REQUEST)?;
    if requested.is_some() || block.more {
        answer.options.push(CoapOption::new(BLOCK2, block.encode()));
    }
    answer.payload = part.to_vec();
    Ok(answer)
}
