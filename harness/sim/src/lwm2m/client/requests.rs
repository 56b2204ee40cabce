//! What the server asks of the client: reads, observations, writes and executes, answered one by one (TS10 §5.4, §5.5).
//!
//! It answers; when to send what is the client's.

use super::{Client, ClientEvent, ObservedResource};
use crate::coap::option::{
    ACCEPT, BLOCK1, BLOCK2, CONTENT_FORMAT, OBSERVE, SIZE1, URI_HOST, URI_PATH, URI_PORT, URI_QUERY,
};
use crate::coap::{BlockOption, CoapCode, MessageType, CoapMessage};
use crate::lwm2m::objects::Objects;
use crate::lwm2m::path::Path;
use bc66_spec::lwm2m::format;

/// Observations that the module keeps. Assumed.
pub(super) const OBSERVATIONS_MAX: usize = 8;
/// Longest payload that may come in blocks. Assumed: what is written to these objects is short.
const INCOMING_MAX: usize = 1024;
/// Critical options that a request may have.
const KNOWN: [u16; 7] = [URI_HOST, URI_PORT, URI_PATH, URI_QUERY, ACCEPT, BLOCK1, BLOCK2];

/// A payload that comes in blocks.
#[derive(Debug)]
pub(super) struct Incoming {
    code: CoapCode,
    path: Path,
    bytes: Vec<u8>,
}

/// What a request is answered with.
struct CoapAnswer {
    code: CoapCode,
    options: Vec<(u16, Vec<u8>)>,
    payload: Vec<u8>,
}

impl From<CoapCode> for CoapAnswer {
    fn from(code: CoapCode) -> Self {
        Self {
            code,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }
}

impl Client {
    pub(super) fn on_request(&mut self, request: &CoapMessage, objects: &mut Objects) -> Option<CoapMessage> {
        let piggybacked = match request.kind {
            MessageType::Confirmable => true,
            MessageType::NonConfirmable => false,
            MessageType::Acknowledgement | MessageType::Reset => return None,
        };
        if request.unknown_critical(&KNOWN).is_some() && !piggybacked {
            return None;
        }
        let answer = if request.unknown_critical(&KNOWN).is_some() {
            CoapCode::BAD_OPTION.into()
        } else {
            self.answer(request, objects).unwrap_or_else(CoapAnswer::from)
        };
        let (kind, id) = if piggybacked {
            (MessageType::Acknowledgement, request.id)
        } else {
            (MessageType::NonConfirmable, self.id())
        };
        let mut message = CoapMessage::new(kind, answer.code, id, &request.token);
        message.options = answer.options;
        message.payload = answer.payload;
        Some(message)
    }

    fn answer(&mut self, request: &CoapMessage, objects: &mut Objects) -> Result<CoapAnswer, CoapCode> {
        let segments = request.texts(URI_PATH).ok_or(CoapCode::NOT_FOUND)?;
        let path = Path::of(&segments).ok_or(CoapCode::NOT_FOUND)?;
        match request.code {
            CoapCode::GET => self.get(request, path, objects),
            CoapCode::PUT | CoapCode::POST => self.put(request, path, objects),
            _ => Err(CoapCode::METHOD_NOT_ALLOWED),
        }
    }

    fn get(&mut self, request: &CoapMessage, path: Path, objects: &Objects) -> Result<CoapAnswer, CoapCode> {
        let accept = short(request, ACCEPT)?;
        if accept == Some(format::LINK) {
            let links = Objects::discover(path)?.into_bytes();
            return content(request, format::LINK, links, None);
        }
        let (format, payload) = objects.read(path, accept)?;
        let observe = request.uint(OBSERVE).filter(|_| !self.deaf);
        if observe.is_some() {
            self.observations.retain(|other| other.token != request.token);
        }
        let room = self.observations.len() < OBSERVATIONS_MAX;
        if observe != Some(0) || !room {
            return content(request, format, payload, None);
        }
        self.observations
            .retain(|other| other.path != path || other.accept != accept);
        self.observations.push(ObservedResource {
            path,
            token: request.token.clone(),
            accept,
            told: payload.clone(),
        });
        self.sequence = (self.sequence + 1) & 0xFF_FFFF;
        content(request, format, payload, Some(self.sequence))
    }

    /// Writes, or executes: a POST to a resource (TS10 §5.4.5).
    fn put(&mut self, request: &CoapMessage, path: Path, objects: &mut Objects) -> Result<CoapAnswer, CoapCode> {
        let format = short(request, CONTENT_FORMAT)?;
        let attributes = request.code == CoapCode::PUT && request.value(URI_QUERY).is_some();
        if attributes && request.payload.is_empty() {
            Objects::discover(path)?;
            return Ok(CoapCode::CHANGED.into()); // attributes are taken and not followed
        }
        let executes = request.code == CoapCode::POST && matches!(path, Path::Resource(..));
        let block = match request.value(BLOCK1) {
            Some(value) => Some(BlockOption::decode(value).ok_or(CoapCode::BAD_REQUEST)?),
            None => None,
        };
        let payload = match block {
            Some(block) if !executes => match self.gather(request, path, block)? {
                Some(whole) => whole,
                None => {
                    let mut answer = CoapAnswer::from(CoapCode::CONTINUE);
                    answer.options.push((BLOCK1, block.encode()));
                    return Ok(answer);
                }
            },
            _ => request.payload.clone(),
        };
        let action = if executes {
            objects.execute(path)?
        } else {
            objects.write(path, format, &payload)?
        };
        self.events.extend(action.map(ClientEvent::Act));
        let mut answer = CoapAnswer::from(CoapCode::CHANGED);
        answer.options.extend(block.map(|block| (BLOCK1, block.encode())));
        Ok(answer)
    }

    /// Adds a block to what came before; the whole, once it is there (RFC 7959 §2.5).
    fn gather(&mut self, request: &CoapMessage, path: Path, block: BlockOption) -> Result<Option<Vec<u8>>, CoapCode> {
        let before = match self.incoming.take() {
            Some(incoming) if block.number > 0 && incoming.path == path && incoming.code == request.code => {
                incoming.bytes
            }
            _ => Vec::new(),
        };
        let announced = request.uint(SIZE1).unwrap_or(0) as usize;
        if before.len() != block.offset() || (block.more && request.payload.len() != block.size()) {
            return Err(CoapCode::INCOMPLETE);
        }
        if announced.max(before.len() + request.payload.len()) > INCOMING_MAX {
            return Err(CoapCode::TOO_LARGE);
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
fn short(request: &CoapMessage, number: u16) -> Result<Option<u16>, CoapCode> {
    match request.value(number) {
        None => Ok(None),
        Some(_) => {
            let value = request.uint(number).and_then(|value| u16::try_from(value).ok());
            value.map(Some).ok_or(CoapCode::BAD_OPTION)
        }
    }
}

/// A 2.05, cut into blocks if it is too long or if the request says so.
fn content(request: &CoapMessage, format: u16, payload: Vec<u8>, observe: Option<u32>) -> Result<CoapAnswer, CoapCode> {
    let mut answer = CoapAnswer::from(CoapCode::CONTENT);
    let number = crate::coap::message::uint_bytes;
    answer
        .options
        .extend(observe.map(|sequence| (OBSERVE, number(sequence))));
    answer.options.push((CONTENT_FORMAT, number(format.into())));
    let asked = match request.value(BLOCK2) {
        Some(value) => Some(BlockOption::decode(value).ok_or(CoapCode::BAD_REQUEST)?),
        None => None,
    };
    let block = asked.unwrap_or(BlockOption {
        number: 0,
        more: false,
        exponent: BlockOption::EXPONENT_MAX,
    });
    let (block, part) = block.cut(&payload).ok_or(CoapCode::BAD_REQUEST)?;
    if asked.is_some() || block.more {
        answer.options.push((BLOCK2, block.encode()));
    }
    answer.payload = part.to_vec();
    Ok(answer)
}
