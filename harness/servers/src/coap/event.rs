//! Events of the CoAP server, for the journal, the runner and people.

use dfota_core::event::Request;
use dfota_core::event::watched::ObjectFact;
use dfota_core::lwm2m::{GoneWhy, Operation, UpdateEnding};
use dfota_core::verdict::Finding;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq)]
pub enum CoapEvent {
    /// A download that ended or broke off, or another request that was answered. Not one for each block.
    Request(Request),
    /// A client has so many bytes of a package, as its request for the next ones shows. The last block counts when it is
    /// sent, for nothing acknowledges it. This comes before the answer goes out.
    Acknowledged {
        path: String,
        bytes: u64,
        len: u64,
    },
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
    Updated {
        endpoint: String,
        peer: SocketAddr,
        /// Its address has changed.
        moved: bool,
    },
    Gone {
        endpoint: String,
        why: GoneWhy,
    },
    /// An operation was sent to a client that is driven.
    Asked {
        endpoint: String,
        operation: Operation,
    },
    /// Its result, in a few words.
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
    /// A value or an answer of it is not legal.
    Found {
        endpoint: String,
        finding: Finding,
    },
    /// Its firmware update is over.
    Ended {
        endpoint: String,
        ending: UpdateEnding,
    },
}

impl CoapEvent {
    /// The fact in it that a verdict may rest on.
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

impl fmt::Display for CoapEvent {
    /// Without control characters: it goes to terminals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.text().chars() {
            if is_harmful(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
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
    fn text(&self) -> String {
        match self {
            Self::Request(request) => request_text(request),
            Self::Acknowledged { path, bytes, len } => {
                format!("{path}: {bytes} of {len} bytes acknowledged")
            }
            Self::Registered {
                endpoint,
                peer,
                again,
                lifetime,
                binding,
            } => {
                let again = if *again { " again" } else { "" };
                let lifetime = lifetime.as_secs();
                format!("{endpoint} registered{again} from {peer}, lifetime {lifetime} s, binding {binding}")
            }
            Self::Updated {
                endpoint,
                peer,
                moved,
            } => {
                let moved = if *moved { ", its address has changed" } else { "" };
                format!("{endpoint} updated its registration from {peer}{moved}")
            }
            Self::Gone { endpoint, why } => format!("{endpoint} {why}"),
            Self::Asked { endpoint, operation } => format!("{endpoint}: {operation}"),
            Self::Answered {
                endpoint,
                operation,
                answer,
            } => format!("{endpoint}: {operation}: {answer}"),
            Self::Value {
                endpoint,
                resource,
                value,
                notified,
            } => {
                let verb = if *notified { "notifies" } else { "says" };
                format!("{endpoint} {verb} /5/0/{resource} = {value}")
            }
            Self::Found { endpoint, finding } => {
                format!("{endpoint}: {}: {}", finding.rule, finding.sentence)
            }
            Self::Ended { endpoint, ending } => format!("{endpoint}: the update is over: {ending}"),
        }
    }
}

fn request_text(request: &Request) -> String {
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
    let range = request.range.iter().map(|range| format!(" {range}"));
    let range: String = range.collect();
    let status = request.status;
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let fault: String = request.fault.iter().map(|fault| format!(" ({fault})")).collect();
    format!(
        "{server} {peer} {method} {path}{range} → {status}, {sent} of {wanted} bytes from {first} on{fault}"
    )
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
