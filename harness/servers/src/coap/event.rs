//! What happens at the CoAP server, for the journal, the runner and people.

use dfota_core::event::Request;
use dfota_core::event::watched::ObjectFact;
use dfota_core::lwm2m::{GoneWhy, Operation, UpdateEnding};
use dfota_core::verdict::Finding;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq)]
pub enum CoapEvent {
    /// A download that ended or broke off, or another request that was answered. Not one for each block.
    Request(Request),
    /// A client shows by what it asks for that it has so many bytes of a package. The last block is counted when it is
    /// sent: nothing acknowledges it. Comes before the answer goes out.
    Acknowledged { path: String, bytes: u64, len: u64 },
    /// A client has registered.
    Registered {
        endpoint: String,
        peer: SocketAddr,
        /// It was registered already: it has rebooted, as far as anybody can tell.
        again: bool,
        /// How long it stays registered without an update.
        lifetime: Duration,
        /// Its binding and queue mode.
        binding: String,
    },
    /// A client has updated its registration.
    Updated {
        endpoint: String,
        peer: SocketAddr,
        /// Its address has changed.
        moved: bool,
    },
    /// A client is registered no more.
    Gone { endpoint: String, why: GoneWhy },
    /// An operation was sent to a client that is driven.
    Asked { endpoint: String, operation: Operation },
    /// What came of it, in a few words.
    Answered {
        endpoint: String,
        operation: Operation,
        answer: String,
    },
    /// The value of a resource of `/5/0`, read or notified.
    Value {
        endpoint: String,
        resource: u16,
        value: i64,
        notified: bool,
    },
    /// What it said or did is not legal.
    Found {
        endpoint: String,
        /// The rule, and the sentence.
        finding: Finding,
    },
    /// Its firmware update is over.
    Ended { endpoint: String, ending: UpdateEnding },
}

impl CoapEvent {
    /// What a verdict may rest on, where it is of that kind.
    pub fn fact(&self) -> Option<ObjectFact> {
        match self {
            Self::Value { resource, value, .. } => Some(ObjectFact::Told {
                resource: *resource,
                value: *value,
            }),
            Self::Found { finding, .. } => Some(ObjectFact::Found {
                finding: finding.clone(),
            }),
            Self::Ended { ending, .. } => Some(match ending {
                UpdateEnding::Rests(state, result) => ObjectFact::Rests {
                    state: state.raw(),
                    result: result.raw(),
                },
                UpdateEnding::Refused(..) => ObjectFact::Refused {
                    words: ending.to_string(),
                },
                UpdateEnding::Unanswered(_) => ObjectFact::Unanswered {
                    words: ending.to_string(),
                },
            }),
            _ => None,
        }
    }
}

/// Without a control character, whoever sent what it tells of: it goes to terminals.
impl fmt::Display for CoapEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&mut Harmless(f))
    }
}

/// Writes what a terminal might obey as an escape.
struct Harmless<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Harmless<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(is_harmful) {
            let harmful = part.chars().next_back().filter(|last| is_harmful(*last));
            let plain = part.len() - harmful.map_or(0, char::len_utf8);
            self.0.write_str(&part[..plain])?;
            if let Some(harmful) = harmful {
                write!(self.0, "{}", harmful.escape_unicode())?;
            }
        }
        Ok(())
    }
}

/// Control characters, and those that change the order in which others are shown.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl CoapEvent {
    fn write(&self, f: &mut impl Write) -> fmt::Result {
        match self {
            Self::Request(request) => request_line(f, request),
            Self::Acknowledged { path, bytes, len } => {
                write!(f, "{path}: {bytes} of {len} bytes acknowledged")
            }
            Self::Registered {
                endpoint,
                peer,
                again,
                lifetime,
                binding,
            } => {
                let how = if *again { "registered again" } else { "registered" };
                let lifetime = lifetime.as_secs();
                write!(
                    f,
                    "{endpoint} {how} from {peer}, lifetime {lifetime} s, binding {binding}"
                )
            }
            Self::Updated {
                endpoint,
                peer,
                moved,
            } => {
                let how = if *moved { ", its address has changed" } else { "" };
                write!(f, "{endpoint} updated its registration from {peer}{how}")
            }
            Self::Gone { endpoint, why } => write!(f, "{endpoint} {why}"),
            Self::Asked { endpoint, operation } => write!(f, "{endpoint}: {operation}"),
            Self::Answered {
                endpoint,
                operation,
                answer,
            } => write!(f, "{endpoint}: {operation}: {answer}"),
            Self::Value {
                endpoint,
                resource,
                value,
                notified,
            } => {
                let how = if *notified { "notifies" } else { "says" };
                write!(f, "{endpoint} {how} /5/0/{resource} = {value}")
            }
            Self::Found { endpoint, finding } => {
                write!(f, "{endpoint}: {}: {}", finding.rule, finding.sentence)
            }
            Self::Ended { endpoint, ending } => write!(f, "{endpoint}: the update is over: {ending}"),
        }
    }
}

fn request_line(f: &mut impl Write, request: &Request) -> fmt::Result {
    let Request {
        server,
        peer,
        method,
        path,
        first,
        sent,
        wanted,
        ..
    } = request;
    write!(f, "{server} {peer} {method} {path}")?;
    if let Some(range) = &request.range {
        write!(f, " {range}")?;
    }
    match request.status {
        Some(status) => write!(f, " → {status}, {sent} of {wanted} bytes from {first} on")?,
        None => write!(f, " → no answer, {sent} of {wanted} bytes from {first} on")?,
    }
    match &request.fault {
        Some(fault) => write!(f, " ({fault})"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_send_reaches_no_terminal_raw() {
        let hostile = "a\u{1b}]0;owned\u{7}\r\n\u{9b}2J\u{7f}\u{202e}é".to_owned();
        let (peer, endpoint) = (([127, 0, 0, 1], 5683).into(), hostile.clone());
        let events = [
            CoapEvent::Registered {
                endpoint,
                peer,
                again: false,
                lifetime: Duration::ZERO,
                binding: hostile.clone(),
            },
            CoapEvent::Gone {
                endpoint: hostile.clone(),
                why: GoneWhy::Expired,
            },
            CoapEvent::Answered {
                endpoint: hostile.clone(),
                operation: Operation::Execute,
                answer: hostile.clone(),
            },
            CoapEvent::Request(Request {
                path: hostile.clone(),
                method: hostile,
                ..Request::default()
            }),
        ];
        for event in events {
            let text = event.to_string();
            assert!(!text.contains(is_harmful), "{text:?}");
            assert!(
                text.contains(r"a\u{1b}]0;owned\u{7}\u{d}\u{a}\u{9b}2J\u{7f}\u{202e}é"),
                "{text}"
            );
        }
    }
}
