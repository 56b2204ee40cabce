//! What a client says of itself when it registers (LwM2M TS 1.0.2 §5.3.1, §5.3.2).

use super::link::{ObjectLink, parse};
use crate::coap::message::Message;
use crate::coap::option;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::lwm2m::{LIFETIME_DEFAULT_S, format as formats};
use core::time::Duration;

/// Longest name of an endpoint, binding or telephone number that is taken, in bytes.
const WORD_MAX: usize = 128;

/// Parameters of a registration or of its update; what is not there is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `ep`: the endpoint's name.
    pub endpoint: Option<String>,
    /// `lt`: how long the registration lasts without an update.
    pub lifetime: Option<Duration>,
    /// `lwm2m`: the version of the enabler.
    pub version: Option<String>,
    /// `b`: binding and queue mode: `U`, `UQ` and others.
    pub binding: Option<String>,
    /// `sms`: its telephone number.
    pub sms: Option<String>,
    /// Its objects, where it lists them.
    pub objects: Option<Vec<ObjectLink>>,
}

impl Parameters {
    /// Reads a request of the registration interface and its whole payload; an error is a sentence for a 4.00.
    pub fn read(request: &Message, payload: &[u8]) -> Result<Self, String> {
        let mut parameters = Self::default();
        for query in request.options(option::URI_QUERY) {
            let query = core::str::from_utf8(query).map_err(|_| "a query is no text")?;
            let (name, value) = query.split_once('=').unwrap_or((query, ""));
            parameters.set(name, value)?;
        }
        if !payload.is_empty() {
            let objects = parse(payload);
            if objects.is_empty() {
                return Err("the payload lists no object, expected such as `</1/0>,</5/0>`".to_owned());
            }
            parameters.objects = Some(objects);
        }
        Ok(parameters)
    }

    /// Whether the payload's format is understood: link format, also where none is named.
    pub fn is_format_known(request: &Message) -> bool {
        let format = request
            .option(option::CONTENT_FORMAT)
            .map(|_| request.uint(option::CONTENT_FORMAT));
        format.is_none_or(|format| format == Some(u32::from(formats::LINK)))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if value.len() > WORD_MAX {
            return Err(format!("`{name}` is longer than {WORD_MAX} bytes"));
        }
        let said = match name {
            "ep" => self.endpoint.is_some(),
            "lt" => self.lifetime.is_some(),
            "lwm2m" => self.version.is_some(),
            "b" => self.binding.is_some(),
            "sms" => self.sms.is_some(),
            _ => return Ok(()), // a client may say more
        };
        if said {
            return Err(format!("`{name}` stands there twice"));
        }
        let seconds = || value.parse::<u32>().ok().filter(|seconds| *seconds > 0);
        match name {
            "ep" if value.is_empty() => return Err("`ep` is empty".to_owned()),
            "ep" => self.endpoint = Some(value.to_owned()),
            "lt" => {
                let seconds = seconds().ok_or("`lt` is no number of seconds from 1 on")?;
                self.lifetime = Some(Duration::from_secs(seconds.into()));
            }
            "lwm2m" => self.version = Some(value.to_owned()),
            "b" => self.binding = Some(value.to_owned()),
            "sms" => self.sms = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }
}

/// A client that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration<P> {
    pub endpoint: String,
    /// Where it was heard last.
    pub peer: P,
    /// How long it stays registered without a word.
    pub lifetime: Duration,
    /// The enabler's version that it speaks.
    pub version: String,
    /// Its binding and queue mode.
    pub binding: String,
    pub sms: Option<String>,
    pub objects: Vec<ObjectLink>,
    /// When it was heard last.
    pub heard: Duration,
    /// When it ends without an update.
    pub until: Duration,
}

impl<P> Registration<P> {
    pub fn new(endpoint: String, peer: P, parameters: Parameters, now: Duration) -> Self {
        let lifetime = parameters
            .lifetime
            .unwrap_or(Duration::from_secs(LIFETIME_DEFAULT_S.into()));
        Self {
            endpoint,
            peer,
            lifetime,
            version: parameters
                .version
                .unwrap_or_else(|| bc66_spec::lwm2m::VERSION.to_owned()),
            binding: parameters.binding.unwrap_or_else(|| "U".to_owned()),
            sms: parameters.sms,
            objects: parameters.objects.unwrap_or_default(),
            heard: now,
            until: now.saturating_add(lifetime),
        }
    }

    /// Takes an update in.
    pub fn update(&mut self, peer: P, parameters: Parameters, now: Duration) {
        self.peer = peer;
        self.heard = now;
        self.lifetime = parameters.lifetime.unwrap_or(self.lifetime);
        self.until = now.saturating_add(self.lifetime);
        if let Some(binding) = parameters.binding {
            self.binding = binding;
        }
        self.sms = parameters.sms.or(self.sms.take());
        if let Some(objects) = parameters.objects {
            self.objects = objects;
        }
    }

    /// Whether requests reach it now: one in queue mode listens only for a while after it spoke (TS 1.0.2 §8.3).
    pub fn listens(&self, now: Duration) -> bool {
        !self.binding.contains('Q') || now < self.heard + crate::coap::timing::MAX_TRANSMIT_WAIT
    }
}
