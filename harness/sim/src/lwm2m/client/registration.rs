//! The registration: its requests, and what their answers mean (TS10 §5.3).

use super::{Client, Lwm2mEvent, Outstanding, QueuedRequest};
use crate::coap::option::{CONTENT_FORMAT, LOCATION_PATH, URI_QUERY};
use crate::coap::{MessageCode, RawMessage};
use crate::lwm2m::objects::Objects;
use bc66_spec::lwm2m::{REGISTRATION_PATH, VERSION, format, status};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    None,
    Registering,
    /// It stands at this path on the server.
    Registered(Vec<String>),
}

impl Status {
    /// The number of `+QLWSTATUS`.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::None => status::NOT_REGISTERED,
            Self::Registering => status::REGISTERING,
            Self::Registered(_) => status::REGISTERED,
        }
    }
}

/// What `AT+QLWUPDATE` changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdatedParameter {
    Lifetime(u32),
    /// The binding; there is only the one of [`Objects::binding`].
    Binding(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestPurpose {
    Register,
    Resume {
        location: Vec<String>,
    },
    Update {
        /// By a command.
        ordered: bool,
    },
    Deregister,
    Notify {
        token: Vec<u8>,
    },
}

impl Client {
    /// Registers; replaces an earlier registration.
    pub(crate) fn register(&mut self, endpoint: &str, objects: &Objects) {
        self.forget();
        self.status = Status::Registering;
        let mut request = self.request(MessageCode::POST, &[REGISTRATION_PATH.to_owned()]);
        request.push_uint(CONTENT_FORMAT, format::LINK.into());
        for (name, value) in [
            ("ep", endpoint),
            ("lt", &objects.lifetime.to_string()),
            ("lwm2m", VERSION),
            ("b", objects.binding),
        ] {
            request.push(URI_QUERY, format!("{name}={value}"));
        }
        request.payload = Objects::links().into_bytes();
        self.queue(request, RequestPurpose::Register);
    }

    /// Resumes the registration of an earlier boot with an update of it.
    pub(crate) fn resume(&mut self, location: Vec<String>) {
        self.status = Status::Registering;
        let request = self.request(MessageCode::POST, &location);
        self.queue(request, RequestPurpose::Resume { location });
    }

    /// Updates the registration, by a command or not; the message id. `None` if nothing is sent: there is no registration,
    /// or an update that no command ordered waits already.
    pub(crate) fn update(&mut self, change: UpdatedParameter, ordered: bool) -> Option<u16> {
        let location = self.location()?;
        let purpose = RequestPurpose::Update { ordered };
        let waits = |waiting: &QueuedRequest| matches!(waiting, QueuedRequest::Request(_, other) if *other == purpose);
        if !ordered && self.waiting.iter().any(waits) {
            return None; // a server that triggers one after the other gets one
        }
        let mut request = self.request(MessageCode::POST, &location);
        let parameter = match change {
            UpdatedParameter::Lifetime(seconds) => format!("lt={seconds}"),
            UpdatedParameter::Binding(binding) => format!("b={binding}"),
        };
        request.push(URI_QUERY, parameter);
        let id = request.id;
        self.queue(request, purpose);
        Some(id)
    }

    /// Ends the registration; `None` if there is none.
    pub(crate) fn deregister(&mut self) -> Option<()> {
        let location = self.location()?;
        let request = self.request(MessageCode::DELETE, &location);
        self.queue(request, RequestPurpose::Deregister);
        Some(())
    }

    fn location(&self) -> Option<Vec<String>> {
        match &self.status {
            Status::Registered(location) => Some(location.clone()),
            Status::None | Status::Registering => None,
        }
    }

    /// The request under way is over: with an answer, or without.
    pub(super) fn end_request(&mut self, answer: Option<&RawMessage>) {
        let Some(Outstanding { id, purpose, .. }) = self.current.take() else {
            return;
        };
        let answered = |code| answer.is_some_and(|answer| answer.code == code);
        match purpose {
            RequestPurpose::Register => {
                let location = answer
                    .filter(|answer| answer.code == MessageCode::CREATED)
                    .and_then(|answer| answer.texts(LOCATION_PATH))
                    .filter(|location| !location.is_empty());
                let confirmed = location.is_some();
                self.status = location.map_or(Status::None, |location| {
                    Status::Registered(location.into_iter().map(str::to_owned).collect())
                });
                self.events.push(Lwm2mEvent::Register { confirmed });
            }
            RequestPurpose::Resume { location } => {
                let confirmed = answered(MessageCode::CHANGED);
                self.status = if confirmed {
                    Status::Registered(location)
                } else {
                    Status::None
                };
                self.events.push(Lwm2mEvent::Resume { confirmed });
            }
            RequestPurpose::Update { ordered } => {
                if answered(MessageCode::NOT_FOUND) {
                    self.end_registration(); // the lifetime is over
                }
                if ordered {
                    let confirmed = answered(MessageCode::CHANGED);
                    self.events.push(Lwm2mEvent::Update { confirmed, id });
                }
            }
            RequestPurpose::Deregister => {
                self.end_registration();
                let confirmed = answered(MessageCode::DELETED);
                self.events.push(Lwm2mEvent::Deregister { confirmed });
            }
            RequestPurpose::Notify { token } => {
                self.observations.iter_mut().for_each(|all| all.cancel(&token));
            }
        }
    }
}
