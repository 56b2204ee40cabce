//! Requests of clients: packages, the registration interface, and everything else.

use super::Engine;
use crate::coap::event::CoapEvent;
use crate::coap::package::CoapPackage;
use crate::coap::{file, listing};
use crate::listen::shown;
use crate::sync::lock;
use dfota_core::coap::{CoapCode, CoapMessage, ReceivedPayload, Ticket, option};
use dfota_core::event::Request;
use dfota_core::lwm2m::{GoneWhy, RegistrationChange, registration_interface};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Engine {
    pub(super) fn serve(
        &mut self,
        ticket: Ticket<SocketAddr>,
        message: &CoapMessage,
        package: Option<&Arc<CoapPackage>>,
        now: Duration,
    ) {
        let peer = ticket.peer;
        let path = message.path();
        let answer = if let Some(package) = package {
            self.serve_package(peer, message, package, now)
        } else if registration_interface::is_at(&path) {
            self.serve_registration(peer, message, now)
        } else {
            let answer = if path == listing::PATH {
                listing::answer(message)
            } else {
                CoapMessage::draft(CoapCode::NOT_FOUND)
            };
            self.events.send_of_unknown(now, || {
                let mut report = blank_report(peer, message, &path);
                report.status = Some(answer.code().number());
                CoapEvent::Request(report)
            });
            answer
        };
        self.endpoint.respond(ticket, answer, now);
    }

    fn serve_package(
        &mut self,
        peer: SocketAddr,
        message: &CoapMessage,
        package: &Arc<CoapPackage>,
        now: Duration,
    ) -> CoapMessage {
        let answer = file::answer(package, message, &package.faults());
        let Some(served) = &answer.served else {
            let mut report = blank_report(peer, message, &package.path);
            report.ours = true;
            report.status = Some(answer.message.code().number());
            report.fault = (!answer.faults.is_empty()).then(|| answer.faults.join(", "));
            self.events.send(CoapEvent::Request(report));
            return answer.message;
        };
        let block = served.block;
        tracing::trace!(%peer, path = package.path, %block, "a block is served");
        let events = lock(&package.protocol.downloads).serve(package, peer, served, &answer.faults, now);
        events.into_iter().for_each(|event| self.events.send(event));
        if !block.more {
            let drives = self.drives.iter().filter(|drive| drive.loads(&package.path));
            let endpoints: Vec<String> = drives.map(|drive| drive.endpoint.clone()).collect();
            for endpoint in endpoints {
                self.with_drive(&endpoint, now, |drive, context| drive.served(context));
            }
        }
        answer.message
    }

    fn serve_registration(&mut self, peer: SocketAddr, message: &CoapMessage, now: Duration) -> CoapMessage {
        let (payload, block) = match self.uploads.take(peer, message, now) {
            ReceivedPayload::Answer(answer) => return answer,
            ReceivedPayload::Whole(payload, block) => (payload, block),
        };
        let mut answer = registration_interface::handle(&mut self.registry, peer, message, &payload, now);
        if let Some(block) = block {
            answer.message = answer.message.with_block(option::BLOCK1, block);
        }
        if answer.changes.is_empty() {
            self.events.send_of_unknown(now, || {
                let mut report = blank_report(peer, message, &message.path());
                report.server = "lwm2m".to_owned();
                report.status = Some(answer.message.code().number());
                CoapEvent::Request(report)
            });
        }
        for change in answer.changes {
            self.changed(change, now);
        }
        answer.message
    }

    pub(super) fn changed(&mut self, change: RegistrationChange<SocketAddr>, now: Duration) {
        // First, so that the receiver of the event sees the change in the number.
        self.registered.store(self.registry.count(), Ordering::Relaxed);
        let endpoint = change.endpoint().to_owned();
        let peer = self
            .registry
            .find(&endpoint)
            .map(|registration| registration.peer);
        let event = match change {
            RegistrationChange::Registered { endpoint, before } => {
                self.with_drive(&endpoint, now, |drive, context| drive.registered(context));
                let registration = self.registry.find(&endpoint);
                registration.map(|registration| CoapEvent::Registered {
                    endpoint,
                    peer: registration.peer,
                    again: before.is_some(),
                    lifetime: registration.lifetime,
                    binding: registration.binding.clone(),
                })
            }
            RegistrationChange::Updated { endpoint, moved_from } => {
                if let (Some(from), Some(to)) = (moved_from, peer) {
                    self.endpoint.moved(from, to);
                }
                let moved = moved_from.is_some();
                self.with_drive(&endpoint, now, |drive, context| drive.updated(moved, context));
                peer.map(|peer| CoapEvent::Updated {
                    endpoint,
                    peer,
                    moved,
                })
            }
            RegistrationChange::Gone { endpoint, why } => {
                if why == GoneWhy::Deregistered {
                    self.with_drive(&endpoint, now, |drive, _| drive.last = None);
                }
                Some(CoapEvent::Gone { endpoint, why })
            }
        };
        let Some(event) = event else { return };
        if self.registry.is_pinned(&endpoint) {
            self.events.send_own(event, now);
        } else {
            self.events.send_of_unknown(now, || event);
        }
    }
}

/// A report with nothing in it but the request.
pub(super) fn blank_report(peer: SocketAddr, message: &CoapMessage, path: &str) -> Request {
    Request {
        server: "coap".to_owned(),
        peer: peer.to_string(),
        method: message.code().to_string(),
        path: shown(path.as_bytes()),
        ..Request::default()
    }
}
