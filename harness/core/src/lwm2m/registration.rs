//! A client's registration: its parameters, and what is remembered of it (LwM2M TS 1.0.2 §5.3.1, §5.3.2).

use super::link::lists_an_object;
use crate::coap::{CoapCode, CoapMessage, option};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use bc66_spec::lwm2m::{LIFETIME_DEFAULT_S, format as formats};
use core::time::Duration;

/// Longest name of an endpoint, binding or telephone number that is taken, in bytes.
const WORD_MAX: usize = 128;

/// Parameters of a registration or of its update; what is not there is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    /// `ep`: the endpoint's name.
    pub(super) endpoint: Option<String>,
    /// `lt`: how long the registration lasts without an update.
    pub(super) lifetime: Option<Duration>,
    /// `lwm2m`: the version of the enabler.
    pub(super) version: Option<String>,
    /// `b`: binding and queue mode: `U`, `UQ` and others.
    pub(super) binding: Option<String>,
    /// `sms` was given.
    pub(super) has_sms: bool,
    /// The payload lists its objects.
    pub(super) has_objects: bool,
}

impl Parameters {
    /// Reads a request of the registration interface and its whole payload; an error is the response.
    pub(super) fn read(request: &CoapMessage, payload: &[u8]) -> Result<Self, CoapMessage> {
        if !payload.is_empty() && !is_format_known(request) {
            let why = "expected application/link-format (40)";
            return Err(CoapMessage::diagnostic(CoapCode::UNSUPPORTED_FORMAT, why));
        }
        let mut parameters = Self::default();
        for query in request.options(option::URI_QUERY) {
            let query = core::str::from_utf8(query).map_err(|_| bad("expected UTF-8 text in the query"))?;
            let (name, value) = query.split_once('=').unwrap_or((query, ""));
            parameters.set(name, value)?;
        }
        parameters.has_objects = lists_an_object(payload);
        if !payload.is_empty() && !parameters.has_objects {
            return Err(bad(
                "the payload lists no object: expected such as `</1/0>,</5/0>`",
            ));
        }
        Ok(parameters)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), CoapMessage> {
        if value.len() > WORD_MAX {
            return Err(bad(&format!("`{name}` is longer than {WORD_MAX} bytes")));
        }
        let text = value.to_owned();
        let is_repeated = match name {
            "ep" if value.is_empty() => return Err(bad("`ep` is empty")),
            "ep" => self.endpoint.replace(text).is_some(),
            "lt" => {
                let seconds = value.parse::<u32>().ok().filter(|seconds| *seconds > 0);
                let seconds = seconds.ok_or_else(|| bad("expected a number of seconds from 1 on in `lt`"))?;
                let lifetime = Duration::from_secs(seconds.into());
                self.lifetime.replace(lifetime).is_some()
            }
            "lwm2m" => self.version.replace(text).is_some(),
            "b" => self.binding.replace(text).is_some(),
            "sms" => core::mem::replace(&mut self.has_sms, true),
            _ => false, // a client may send other parameters
        };
        if is_repeated {
            return Err(bad(&format!("`{name}` is given twice")));
        }
        Ok(())
    }
}

fn bad(why: &str) -> CoapMessage {
    CoapMessage::diagnostic(CoapCode::BAD_REQUEST, why)
}

/// Link format, or none named.
fn is_format_known(request: &CoapMessage) -> bool {
    request.option(option::CONTENT_FORMAT).is_none()
        || request.uint(option::CONTENT_FORMAT) == Some(formats::LINK.into())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lwm2mRegistration<P> {
    pub endpoint: String,
    /// Its address when it was heard last.
    pub peer: P,
    /// How long it stays registered without an update.
    pub lifetime: Duration,
    /// Its binding and queue mode.
    pub binding: String,
    /// When it was heard last.
    pub heard: Duration,
    /// When it ends without an update.
    pub until: Duration,
}

impl<P> Lwm2mRegistration<P> {
    pub(super) fn new(endpoint: String, peer: P, parameters: Parameters, now: Duration) -> Self {
        let lifetime = parameters
            .lifetime
            .unwrap_or(Duration::from_secs(LIFETIME_DEFAULT_S.into()));
        Self {
            endpoint,
            peer,
            lifetime,
            binding: parameters.binding.unwrap_or_else(|| "U".to_owned()),
            heard: now,
            until: now.saturating_add(lifetime),
        }
    }

    pub(super) fn update(&mut self, peer: P, parameters: Parameters, now: Duration) {
        self.peer = peer;
        self.heard = now;
        self.lifetime = parameters.lifetime.unwrap_or(self.lifetime);
        self.until = now.saturating_add(self.lifetime);
        if let Some(binding) = parameters.binding {
            self.binding = binding;
        }
    }

    /// Whether requests reach it now: one in queue mode listens only for a while after it spoke (TS 1.0.2 §8.3).
    pub fn listens(&self, now: Duration) -> bool {
        !self.binding.contains('Q') || now < self.heard + crate::coap::timing::MAX_TRANSMIT_WAIT
    }
}
